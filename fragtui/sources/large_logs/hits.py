"""Needles of a file from an offset on, as far as somebody wants to know, with the lines that stand before them."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Sequence

from fragtui.sources.files.line_bounds import behind_hole, is_hole
from fragtui.sources.kernel_log.needle_search import best_search

HIT_BLOCK = 96 << 10
"""Small enough to stay in the processor's cache between reading, searching and counting, and for malloc to keep."""


class FileHits:
    """Iterate over it for (offset, newlines since `begin`) of the first hit of every line, the hit from `begin` on.

    So many bytes are searched `at_once` before their hits are given: by turns, searching and parsing would drive each
    other's data from the processor's cache. Behind `end` it goes on until `enough`, which is told the newlines that
    were passed, but not behind `until`.
    """

    def __init__(
        self,
        descriptor: int,
        needles: Sequence[bytes],
        begin: int,
        end: int,
        until: int,
        enough: Callable[[int], bool],
        at_once: int = HIT_BLOCK,
        block: int = HIT_BLOCK,
    ) -> None:
        self._descriptor = descriptor
        self._needles = needles
        self._begin = begin
        self._end = end
        self._until = until
        self._enough = enough
        self._at_once = at_once
        self._block = block
        self.newlines = 0
        """Newlines from `begin` to `end`, once that was passed."""
        self.had_enough = False

    def __iter__(self) -> Iterator[tuple[int, int]]:
        search, overlap = best_search(), max(map(len, self._needles)) - 1
        buffer = bytearray(self._block + overlap + 1)
        view = memoryview(buffer)[:-1]
        newlines, last_line, at, end = 0, -1, self._begin, self._end
        while at < self._until:
            if at >= end and self._enough(newlines):
                self.had_enough = True
                return
            stop = min(at + self._at_once, end) if at < end else min(at + self._block, self._until)
            offsets, befores = array("Q"), array("Q")
            while at < stop:
                size = os.preadv(self._descriptor, [view], at)
                if size <= 0:
                    self._until = at  # Cut while we read.
                    break
                own = min(size, self._block, stop - at)
                if not buffer[0] and is_hole(buffer[:own]):
                    at = max(at + own, min(behind_hole(self._descriptor, at + own), stop))
                    continue
                counted, reach = 0, min(size, own + overlap)
                buffer[reach] = 0  # The fastest search needs it.
                for hit in search(buffer, reach, self._needles):
                    if hit >= own:
                        break
                    newlines += _newlines(buffer[counted:hit])
                    counted = hit
                    if newlines != last_line:
                        last_line = newlines
                        offsets.append(at + hit)
                        befores.append(newlines)
                if counted:
                    newlines += _newlines(buffer[counted:own])
                else:  # Without a copy of all of it.
                    newlines += _newlines(buffer) - _newlines(buffer[own:])
                at += own
            if at <= end:
                self.newlines = newlines
            yield from zip(offsets, befores, strict=True)


def _newlines(text: bytearray) -> int:
    """Count them by leaving them out: that jumps from one to the next, where `count` looks at every byte."""
    return len(text) - len(text.replace(b"\n", b""))
