"""A labelled fact of a page about a pod or an incident."""

from __future__ import annotations

from typing import NamedTuple


class Fact(NamedTuple):
    """A label of one or two words and its text."""

    label: str
    text: str
