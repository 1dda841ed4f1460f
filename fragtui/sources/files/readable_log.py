"""A log as its readers expect it: UTF-8, the oldest line first."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from typing import IO

from fragtui.logs.parser import LogParser
from fragtui.logs.record import is_newest_first

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""What PowerShell's ``>`` writes."""
_MAX_PROBED = 60
"""Lines whose stamps tell the order of a log."""
_TURNED_BYTES = 4 << 20
"""Bytes turned at once: a report that lies across two such pieces is read as two."""
_ZONE = re.compile(rb" free:\d{1,20}kB (?:boost:\d{1,20}kB )?min:")
_HEAD = re.compile(rb"page allocation failure[:.] ?o| invoked oom-killer")
_NOW = 4_000_000_000.0
"""Dates stamps without a year; only their order counts."""


class ReadableLog:
    """Reads a log in blocks, decodes UTF-16 by its byte order mark, and turns one whose newest line is first.

    Web consoles (Grafana, Kibana, CloudWatch, Splunk) export the newest line first.
    """

    def __init__(self, log: IO[bytes], block: int) -> None:
        self._log = log
        self._block = block
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = self._turned = False
        self._rest = b""
        self._numbers: list[int] = []
        """Numbers in the file of the lines of the last two turned pieces; `_before` lines were read before them."""
        self._before = self._last = 0

    def read(self) -> bytes:
        """Return the next block, empty at the end of the log."""
        if not self._begun:
            return self._begin()
        return self._next_turned() if self._turned else self._next()

    def number_of(self, number: int) -> int:
        """Return the number in the file of the line that was read as this one, counted from 1."""
        place = number - 1 - self._before
        return self._numbers[place] if self._turned and 0 <= place < len(self._numbers) else number

    def _begin(self) -> bytes:
        self._begun = True
        data = self._log.read(self._block)
        if len(data) < 2 or (encoding := _UTF16.get(data[:2])) is None:
            return self._order(data)
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        return self._order(self._decoder.decode(data[2:]).encode() or self._next())

    def _order(self, data: bytes) -> bytes:
        self._turned = _is_turned(data)
        if not self._turned:
            return data
        self._rest = data
        return self._next_turned()

    def _next(self) -> bytes:
        data = self._log.read(self._block)
        if self._decoder is None:
            return data
        text = self._decoder.decode(data, final=not data)
        while data and not text:
            data = self._log.read(self._block)
            text = self._decoder.decode(data, final=not data)
        return text.encode()

    def _next_turned(self) -> bytes:
        pieces, size = [self._rest], len(self._rest)
        while size < _TURNED_BYTES and (data := self._next()):
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
    lines = data[: 1 << 16].split(b"\n", _MAX_PROBED)[:_MAX_PROBED]
    records = [record for line in lines for record in parser.feed(line[: 1 << 13])]
    if is_newest_first(records):
        return True
    # Stamps may be of whole seconds, or in a column that is not known yet; a report's zones come after its head line.
    zone, head = _ZONE.search(data), _HEAD.search(data)
    return zone is not None and head is not None and zone.end() < data.find(b"Mem-", zone.end()) < head.start()


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
