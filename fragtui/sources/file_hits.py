"""Needles of a file from an offset on, as far as somebody wants to know, with the lines that stand before them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from fragtui.sources.needle_search import best_search

BLOCK = 96 << 10
"""Small enough to stay in the processor's cache between reading, searching and counting, and for malloc to keep."""


class FileHits:
    """Iterate over it for (offset, newlines since `begin`) of the first hit of every line, the hit from `begin` on.

    Behind `end` it goes on until `enough`, which is told the newlines that were passed, but not behind `until`.
    """

    def __init__(
        self,
        descriptor: int,
        needles: Sequence[bytes],
        begin: int,
        end: int,
        until: int,
        enough: Callable[[int], bool],
        block: int = BLOCK,
    ) -> None:
        self._descriptor = descriptor
        self._needles = needles
        self._begin = begin
        self._end = end
        self._until = until
        self._enough = enough
        self._block = block
        self.newlines = 0
        """Newlines from `begin` to `end`, once that was passed."""
        self.had_enough = False

    def __iter__(self) -> Iterator[tuple[int, int]]:
        search, overlap = best_search(), max(map(len, self._needles)) - 1
        buffer = bytearray(self._block + overlap)
        view = memoryview(buffer)
        newlines, last_line, at, end = 0, -1, self._begin, self._end
        while at < self._until:
            if at >= end and self._enough(newlines):
                self.had_enough = True
                return
            size = os.preadv(self._descriptor, [view], at)
            if size <= 0:
                break  # Cut while we read.
            own = min(size, self._block, (end if at < end else self._until) - at)
            counted = 0
            for hit in search(buffer, min(size, own + overlap), self._needles):
                if hit >= own:
                    break
                newlines += _newlines(buffer[counted:hit])
                counted = hit
                if newlines != last_line:
                    last_line = newlines
                    yield at + hit, newlines
            newlines += _newlines(buffer[counted:own])
            at += own
            if at <= end:
                self.newlines = newlines


def _newlines(text: bytearray) -> int:
    """Count them by leaving them out: that jumps from one to the next, where `count` looks at every byte."""
    return len(text) - len(text.replace(b"\n", b""))
