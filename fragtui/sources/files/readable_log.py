"""A log as its readers expect it: UTF-8, the oldest line first."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import IO

from fragtui.logs.parser import LogParser
from fragtui.logs.record import is_newest_first
from fragtui.sources.files.log_files import as_utf8

_PROBED_BYTES = 1 << 16
_MAX_PROBED = 60
"""Lines whose stamps tell the order of a log."""
_TURNED_BYTES = 4 << 20
"""Bytes turned at once: a report that lies across two such pieces is read as two."""
_ZONE = re.compile(rb" free:\d{1,20}kB (?:boost:\d{1,20}kB )?min:")
_HEAD = re.compile(rb"page allocation (?:failure|stalls)|oom-killer: |vmalloc|Unable to allocate")
_NOW = 4_000_000_000.0
"""Dates stamps without a year; only their order counts."""


class ReadableLog:
    """Reads a log in blocks, decodes UTF-16 by its byte order mark, and turns one whose newest line is first.

    Web consoles (Grafana, Kibana, CloudWatch, Splunk) export the newest line first.
    """

    def __init__(self, log: IO[bytes], block: int) -> None:
        self._log = as_utf8(log)
        self._block = block
        self._begun = False
        self.turned = False
        """Whether its newest line is first, known after the first block."""
        self._rest = b""
        self._numbers: list[int] = []
        """Numbers in the file of the lines of the last two turned pieces; `_before` lines were read before them."""
        self._before = self._last = 0

    def read(self) -> bytes:
        """Return the next block, empty at the end of the log."""
        if not self._begun:
            return self._begin()
        return self._next_turned() if self.turned else self._log.read(self._block)

    @property
    def is_file(self) -> bool:
        """Whether the blocks are bytes of a file as they are there, known after the first block."""
        return isinstance(self._log, io.FileIO) and self._log.seekable() and not self.turned

    def number_of(self, number: int) -> int:
        """Return the number in the file of the line that was read as this one, counted from 1."""
        place = number - 1 - self._before
        return self._numbers[place] if self.turned and 0 <= place < len(self._numbers) else number

    def _begin(self) -> bytes:
        self._begun = True
        return self._order(self._log.read(max(self._block, _PROBED_BYTES)))

    def _order(self, data: bytes) -> bytes:
        self.turned = _is_turned(data)
        if not self.turned:
            return data
        self._rest = data
        return self._next_turned()

    def _next_turned(self) -> bytes:
        pieces, size = [self._rest], len(self._rest)
        while size < _TURNED_BYTES and (data := self._log.read(self._block)):
            pieces.append(data)
            size += len(data)
        whole, self._rest = b"".join(pieces), b""
        if size >= _TURNED_BYTES and (end := whole.rfind(b"\n") + 1):
            whole, self._rest = whole[:end], whole[end:]
        lines = whole.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        turned = [place for entry in reversed(_entries(lines)) for place in entry]
        done = self._before + len(self._numbers)
        kept = self._numbers[len(self._numbers) - self._last :]
        self._numbers = [*kept, *(done + 1 + place for place in turned)]
        self._before, self._last = done - len(kept), len(lines)
        return b"".join(lines[place] + b"\n" for place in turned)


def _is_turned(data: bytes) -> bool:
    """Return whether the beginning of a log has its newest line first."""
    parser = LogParser(now=_NOW)
    data = data[:_PROBED_BYTES]
    lines = data.split(b"\n", _MAX_PROBED)[:_MAX_PROBED]
    records = [record for line in lines for record in parser.feed(line[: 1 << 13])]
    if is_newest_first(records):
        return True
    # Stamps may be of whole seconds, or in a column that is not known yet: then a report is upside down, its zones
    # first, and its stack before the heading of the stack.
    if (zone := _ZONE.search(data)) is None or (head := _HEAD.search(data)) is None:
        return False
    memory = data.find(b"Mem-", zone.end())
    frame = data.find(b"+0x", memory)
    return zone.end() < memory < frame < data.find(b"Call ", frame) < head.start()


def _entries(lines: list[bytes]) -> list[list[int]]:
    """Return the places of the lines of each entry: one, or those of an object of JSON that is printed over many."""
    braces = Counter(line for line in lines if line.strip() == b"{")
    if not braces:
        return [[place] for place in range(len(lines))]
    opening = braces.most_common(1)[0][0]
    closing = opening.replace(b"{", b"}")
    entries: list[list[int]] = []
    inside = False
    for place, line in enumerate(lines):
        if inside:
            entries[-1].append(place)
        else:
            entries.append([place])
        inside = line == opening or (inside and not line.startswith(closing))
    return entries
