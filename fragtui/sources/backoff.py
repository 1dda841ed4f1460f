"""Longer waits after each failure, so that a source that is down is not hammered."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait before the next try: doubled from `first` up to `longest`, with jitter of a half."""

    def __init__(self, first: float = 1.0, longest: float = 60.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def wait(self) -> float:
        """Return the seconds to wait now, and double the next wait."""
        seconds = self._next
        self._next = min(self._next * 2, self._longest)
        return seconds * random.uniform(0.5, 1.0)

    def slowest(self) -> float:
        """Return the longest wait, for faults that will not go away soon."""
        self._next = self._longest
        return self._longest * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start again from the first wait, after a success."""
        self._next = self._first
