"""What was read of a log: how many lines, from whom they are, and how far the reading is."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import IO

from fragtui.logs.line_writers import writers_of
from fragtui.sources.files.line_bounds import CutLines, without_holes
from fragtui.sources.files.unpacking import PackedLog

MAX_HEAD = 1 << 18
"""Bytes of a log whose lines are sorted by who wrote them: more would take longer than to search the log."""


class ReadLines(CutLines):
    """Counts a log's lines and bytes, keeps its beginning of `head_bytes`, and calls `on_read` at each block."""

    def __init__(self, on_read: Callable[[], None] = lambda: None, head_bytes: int = 0) -> None:
        super().__init__()
        self._head_bytes = head_bytes
        self.head = b""
        self.bytes = 0
        """Bytes that were read, unpacked ones of a compressed log."""
        self.objects = 0
        """Objects of the Kubernetes API, if the log is a list of them: it has no lines."""
        self._on_read = on_read

    def read(self, data: bytes) -> None:
        """Take note of a block."""
        if self.bytes < self._head_bytes:
            self.head += data[: self._head_bytes - self.bytes]
        self.bytes += len(data)
        self._on_read()

    def writers(self) -> Counter[str]:
        """Return the lines of the log's beginning by who wrote them, see `writers_of`."""
        lines = without_holes(self.head).split(b"\n")
        last = lines.pop()
        return writers_of([*lines, last] if last and self.bytes <= self._head_bytes else lines)


def progress_of(log: IO[bytes]) -> tuple[int, int] | None:
    """Return how many bytes of the file are read and its size, packed ones of a compressed log; None for a pipe."""
    if isinstance(log, PackedLog):
        return log.packed_progress
    return (log.tell(), os.fstat(log.fileno()).st_size) if log.seekable() else None
