"""Bounds of a log line: its length, and holes, the runs of zero bytes that a crash or a sparse file leaves."""

from __future__ import annotations

import io
import os
import re

from fragtui.text import LINE_BYTES, counted, line_limit

_HOLE_BYTES = 16
"""Zero bytes from which on it is a hole: the length of a field in a journal export has fewer."""
HOLE = bytes(_HOLE_BYTES)
_HOLES = re.compile(rb"\0{%d,}" % _HOLE_BYTES)
_ZEROS = bytes(1 << 20)


class CutLines:
    """Counts the lines of a log, and those that were cut because they are too long."""

    def __init__(self) -> None:
        self.count = 0
        self.lines = 0
        """Lines that were read, of interest or not; complete when the log was read to its end."""

    def read(self, data: bytes) -> None:
        """Take note of bytes of the log as they are read; for subclasses."""

    def cut(self, line: bytes) -> bytes:
        """Return the line, or its beginning if it is too long."""
        if len(line) <= LINE_BYTES or len(line) <= (limit := line_limit(line)):
            return line
        self.count += 1
        return line[:limit]

    @property
    def words(self) -> str:
        """The notice about it, empty if no line was cut."""
        if not self.count:
            return ""
        verb = "was" if self.count == 1 else "were"
        return f"{counted(self.count, 'line')} longer than {LINE_BYTES >> 10} KiB {verb} cut"


def is_hole(data: bytes | bytearray) -> bool:
    """Return whether the data has only zero bytes, at most 1 MiB of them."""
    return _ZEROS.startswith(data)


def without_holes(data: bytes) -> bytes:
    """Return the data without its holes; a line after a hole starts after it."""
    if b"\0" not in data or HOLE not in data:
        return data
    return b"" if is_hole(data) else _HOLES.sub(b"", data)


def behind_hole(descriptor: int, at: int) -> int:
    """Return the offset of the next data in a file from `at` on, its size if there is no data, `at` if unknown."""
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:
        pass
    try:
        # ENXIO: only a hole follows. A file system without holes reports the whole file as data.
        return max(at, os.fstat(descriptor).st_size)
    except OSError:
        return at


def skip_hole(log: object) -> None:
    """Move an unbuffered file to its next data; leave anything else where it is."""
    if isinstance(log, io.FileIO) and log.seekable():
        log.seek(behind_hole(log.fileno(), log.tell()))
