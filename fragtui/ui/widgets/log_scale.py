"""The logarithmic scale of bars and timeline: 0, 1, 10 and 1,000 blocks are what matters, not 900 or 1,000."""

from __future__ import annotations

import math
from collections.abc import Iterable

DECADES = ("1", "10", "100", "1k", "10k", "100k", "1M", "10M")
"""The scale's labels, one a power of ten."""


def decades(counts: Iterable[int]) -> int:
    """Return the powers of ten that the scale spans: at least four, so that it seldom changes."""
    return max(4, math.ceil(math.log10(max((1, *counts)) + 1)))


def log_share(count: int, span: int) -> float:
    """Return a count's share of a scale of `span` decades, 0..1: one block shows, each power of ten adds the same."""
    if count <= 0:
        return 0.0
    return (1 + math.log10(count) * 4) / (1 + span * 4)


def log_cells(count: int, span: int, room: int) -> int:
    """Return the cells of a count's bar in `room` cells: at least one, none for 0."""
    return max(1, round(log_share(count, span) * room)) if count > 0 else 0
