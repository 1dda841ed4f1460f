"""The lines of a large file around the place that is read, by their offsets."""

from __future__ import annotations

import os

from fragtui.sources.files.line_bounds import HOLE, CutLines, behind_hole, is_hole
from fragtui.sources.kernel_log.scan import step_back
from fragtui.text import line_limit

_SIZE = 16 << 10
_FARTHEST = 1 << 20
"""How far before a hit the beginning of its first line is looked for."""


class FileWindow:
    """The part of a file around the place that is read: `data`, which begins at `begin`.

    The end of a line is looked for before `until`. `cut` counts lines that are too long.
    """

    def __init__(self, descriptor: int, size: int, until: int, cut: CutLines) -> None:
        self._descriptor = descriptor
        self._size = size
        self._until = until
        self._cut = cut
        self.begin = 0
        self.data = b""

    def step_back(self, hit: int, floor: int, lines: int) -> tuple[int, int]:
        """Return where the line `lines` before the hit's own begins, not before `floor`, and how many that are."""
        reach = _SIZE
        while True:
            begin = max(floor, hit - reach)
            self._load(begin, hit - begin + _SIZE)
            place = hit - begin
            start = step_back(self.data, place, 0, lines)
            # The window may begin in the middle of a line.
            if start > 0 or begin == floor:
                return begin + start, self.data.count(b"\n", start, place)
            if reach >= _FARTHEST:
                # Lines that are too long, or a hole, behind which the hit's own line begins.
                start = self.data.find(b"\n", 0, place) + 1 or self.data.rfind(HOLE, 0, place) + len(HOLE)
                if start < len(HOLE):
                    start = max(0, place - _SIZE // 4)
                return begin + start, self.data.count(b"\n", start, place)
            reach *= 4

    def line(self, at: int) -> tuple[bytes, int, bool]:
        """Return the line at an offset, cut if it is too long, where it ends, and whether a newline is there."""
        self._load(at, _SIZE * 2)
        while self.data.startswith(HOLE):  # What a line begins with is behind it.
            if is_hole(self.data):
                at = behind_hole(self._descriptor, at + len(self.data))
            else:
                at += len(self.data) - len(self.data.lstrip(b"\0"))
            if at >= self._until:
                return b"", at, False
            self._load(at, _SIZE * 2)
        end = self.data.find(b"\n")
        line = self.data[: line_limit(self.data) + 1] if end < 0 else self.data[:end]
        while end < 0:
            at += len(self.data)
            if not self.data or at >= self._until:
                return self._cut.cut(line), at, False
            self._load(at, _FARTHEST)
            end = self.data.find(b"\n")
        return self._cut.cut(line), at + end, True

    def _load(self, begin: int, length: int) -> None:
        self.begin = begin
        self.data = os.pread(self._descriptor, max(0, min(length, self._size - begin)), begin)
