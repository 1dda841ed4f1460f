"""How the reader of a text runs a remedy."""

from __future__ import annotations

from enum import Enum


class Means(Enum):
    """How the reader runs a remedy."""

    KEYS = "keys"
    COMMANDS = "commands"
    NONE = "none"
    """Not from here: a replay, saved files, read-only."""
