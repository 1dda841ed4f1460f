"""What runs a node's fragtui over the user's own ssh or kubectl, as text."""

from __future__ import annotations

from typing import NamedTuple


class LiveCommand(NamedTuple):
    """A command, or why it can't be run."""

    text: str
    usable: bool = True
