"""How much of a log was read, reported as the proof that it can be."""

from __future__ import annotations

import time
from collections.abc import Callable

from fragtui.sources.kernel_log.incident_stream import IncidentStream

_COUNT_SECONDS = 5.0
"""Seconds after which a new count is reported, even if nothing else is new."""


class ReadCount:
    """Reports how much of a source was read: at first, and at most every `_COUNT_SECONDS` seconds."""

    def __init__(self, stream: IncidentStream, words: Callable[[int], str], mark: bytes | None = None) -> None:
        """`words` is the proof for a number of records; with `mark` only lines that hold it count."""
        self._stream = stream
        self._words = words
        self._mark = mark
        self._marked = 0
        self._said: int | None = None
        self._at = 0.0

    def see(self, line: bytes) -> None:
        """Count the line if it counts."""
        self._marked += self._mark is None or self._mark in line

    @property
    def due_in(self) -> float | None:
        """Seconds until a new count is to be reported; None if there is none."""
        return None if self._number == self._said else max(0.1, self._at + _COUNT_SECONDS - time.monotonic())

    def report(self) -> bool:
        """Give the stream the count if it is new and due; return whether it was."""
        number = self._number
        # The first records prove that the source delivers: no wait for them.
        if number == self._said or (self._said and time.monotonic() - self._at < _COUNT_SECONDS):
            return False
        self._said, self._at = number, time.monotonic()
        self._stream.looked(self._words(number))
        return True

    @property
    def _number(self) -> int:
        return self._marked or (self._stream.records if self._mark is None else 0)
