"""The lines of a large file around the place that is read, by their offsets."""

from __future__ import annotations

import os

from fragtui.sources.log_scan import back

_SIZE = 16 << 10


class FileWindow:
    """The part of a file around the place that is read: `data`, which begins at `begin`."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self.begin = 0
        self.data = b""

    def back(self, hit: int, floor: int, lines: int) -> tuple[int, int]:
        """Return where the line `lines` before the hit's own begins, not before `floor`, and how many that are."""
        reach = _SIZE
        while True:
            begin = max(floor, hit - reach)
            self._load(begin, hit - begin + _SIZE)
            place = hit - begin
            start = back(self.data, place, 0, lines)
            # The window may begin in the middle of a line.
            if start > 0 or begin == floor:
                return begin + start, self.data.count(b"\n", start, place)
            reach *= 4

    def line(self, at: int) -> tuple[bytes, bool]:
        """Return the line at an offset and whether it ended with a newline."""
        reach = _SIZE * 2
        while True:
            place = at - self.begin
            if 0 <= place < len(self.data):
                end = self.data.find(b"\n", place)
                if end >= 0:
                    return self.data[place:end], True
                if self.begin + len(self.data) >= self._size:
                    return self.data[place:], False
            self._load(at, reach)
            if not self.data:
                return b"", False
            if len(self.data) < reach and self.begin + len(self.data) < self._size:
                self._size = self.begin + len(self.data)
            reach *= 4

    def _load(self, begin: int, length: int) -> None:
        self.begin = begin
        self.data = os.pread(self._descriptor, max(0, min(length, self._size - begin)), begin)
