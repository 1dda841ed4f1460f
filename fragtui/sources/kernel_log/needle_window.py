"""A window over a stream of records or lines: only those near a needle are worth parsing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class NeedleWindow:
    """Lets through the records around a hit: a few before it, and after it as many as the reader needs."""

    def __init__(self, needles: Sequence[bytes], before: int) -> None:
        self._needles = tuple(needles)
        self._before: deque[bytes] = deque(maxlen=before)

    def offer(self, record: bytes, busy: bool) -> tuple[bytes, ...]:
        """Return the records to parse now, in order: none, this one, or this one with those before it.

        `busy` says that the reader is in the middle of a report.
        """
        if busy or any(needle in record for needle in self._needles):
            window = (*self._before, record)
            self._before.clear()
            return window
        self._before.append(record)
        return ()
