"""A labelled fact: what every page about a pod or an incident is made of."""

from __future__ import annotations

from typing import NamedTuple


class Fact(NamedTuple):
    """A label of one or two words, and what is known, in words."""

    label: str
    text: str
