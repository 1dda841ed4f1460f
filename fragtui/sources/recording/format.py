"""The format of a recording: gzip of JSON lines, so that ``zcat FILE`` shows it.

A file is a sequence of segments, each a gzip member that needs no segment before it: the oldest can be dropped from the
front. The stream is flushed every few seconds; if it is cut off or damaged, all after the last whole flush is lost.
`at` is monotonic seconds, `time` seconds since the epoch. The lines of a segment:

``["fragtui recording",VERSION,at,time,HOST]``: the first line.
``["T",at,time,{NAME:FILE}]``: a tick and the files read at it. A FILE is whole, ``{"path","text"}``; or unreadable,
``{"path","why"}``; or what changed since its last text in this segment, ``{"lines":[STEP...],"changes":[CHANGE...]}``:
each step counts the lines from the previous change, the first from the top; a change is the new line, or the
difference if only the number at its end changed. ``"after"`` is the time from the tick to the reading of a file,
``"took"`` how long that took, seconds.
``[KIND,at,FACTS]``: an event: ``"L"`` of the kernel log, ``"P"`` of pods, ``"R"`` of remedies.
``["C",CRC]``: the end of a flush, with the CRC-32 of all text of the segment before it.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from fragtui import __version__
from fragtui.logs.bounded_json import read_json
from fragtui.model.node.snapshot import Host
from fragtui.sources.host.snapshot_builder import FileText, Tick
from fragtui.text import printable

RECORDING_VERSION = 2
MARK = b'["fragtui recording",'
_OLD_MARK = b"fragtui recording "
GZIP_MARK = b"\x1f\x8b\x08"
_GZIP = 31
"""The `wbits` of zlib for a gzip member."""
_LEVEL = 6
_PIECE = 128
"""Compressed bytes unpacked at a time, to at most 132 kB of text."""
FLUSHED = b"\x00\x00\xff\xff"
"""How Z_SYNC_FLUSH ends: no piece goes beyond it, so a damaged byte costs its own flush only."""
MAX_FLUSH = 1 << 25
"""Bytes of text between two checks. A flush holds some seconds: more is not a recording of fragtui."""
_LINE_BYTES = 64
"""Bytes of memory that a line takes besides its text."""
_MAX_DIGITS = 19
"""Digits of a number that is kept as a difference: `read_json` reads no more than 20 characters of one."""
_MAX_PATH = 1000
_MAX_FILES = 16
"""Files of a segment; a node has six."""
_TICK = re.compile(rb'\["T",(\d{1,12}\.\d{1,6}),(\d{1,12}\.\d{1,6}),\{')
_CHECK = re.compile(rb'\["C",(\d{1,10})\]\n')


class NotARecording(Exception):
    """Why a file can't be replayed, in one line."""


EventLine = tuple[str, float, list[object]]
"""An event to be written: its kind, monotonic seconds, its facts."""


class SegmentWriter:
    """Packs the ticks and events of one segment.

    `last` has every file as last read; the first tick repeats those that were not read at it.
    """

    def __init__(self, host: Host, begin: Tick, last: Mapping[str, FileText]) -> None:
        facts = {
            "name": host.name,
            "release": host.release,
            "page_size": host.page_size,
            "page_size_assumed": host.page_size_assumed,
            "fragtui": __version__,
        }
        self.last = dict(last)
        self._lines: dict[str, list[str]] | None = None
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._crc = 0
        self._text = f"{MARK.decode()}{RECORDING_VERSION},{begin.monotonic:.6f},{begin.time:.6f},{_dumps(facts)}]\n"

    def pack(self, items: Iterable[Tick | EventLine], *, end: bool = False) -> bytes:
        """Return the next flush of the file; `end` ends the segment."""
        text = [self._text]
        self._text = ""
        for item in items:
            if isinstance(item, Tick):
                text.append(f'["T",{item.monotonic:.6f},{item.time:.6f},{_dumps(self._files(item))}]\n')
            else:
                kind, at, facts = item
                text.append(f'["{kind}",{at:.6f},{_dumps(facts)}]\n')
        data = "".join(text).encode("utf-8", "replace")
        self._crc = zlib.crc32(data, self._crc)
        check = b'["C",%d]\n' % self._crc
        self._crc = zlib.crc32(check, self._crc)
        packed = self._stream.compress(data + check)
        return packed + self._stream.flush(zlib.Z_FINISH if end else zlib.Z_SYNC_FLUSH)

    def _files(self, tick: Tick) -> dict[str, object]:
        files = tick.files
        if self._lines is None:
            self._lines = {}
            files = {**self.last, **files}
        return {name: self._file(name, file, tick.monotonic, self._lines) for name, file in files.items()}

    def _file(self, name: str, file: FileText, monotonic: float, known: dict[str, list[str]]) -> dict[str, object]:
        before, old = self.last.get(name), known.get(name)
        self.last[name] = file
        entry: dict[str, object] = {}
        if file.at is not None and file.took is not None:
            entry = {"after": round(file.at - monotonic, 6), "took": round(file.took, 6)}
        if file.text is None:
            known.pop(name, None)
            return {"path": file.path, "why": file.why or "", **entry}
        new = known[name] = file.text.split("\n")
        if old is None or len(old) != len(new) or before is None or before.path != file.path:
            return {"path": file.path, "text": file.text, **entry}
        # Most lines of most ticks are the same.
        numbers = [number for number, (was, line) in enumerate(zip(old, new, strict=True)) if line != was]
        changes = [_change(old[number], new[number]) for number in numbers]
        return {"lines": [number - before for before, number in pairwise((0, *numbers))], "changes": changes, **entry}


class TickReader:
    """Reads the ticks of one segment in their order."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, list[str]]] = {}

    def tick(self, line: bytes, at: float, time: float) -> Tick:
        """Return the tick of a line; raise ValueError if it does not fit the lines before it."""
        values = read_json(line)
        if not isinstance(values, list) or len(values) != 4 or not isinstance(values[3], dict):
            raise ValueError("not a tick")
        return Tick(time, at, {_clean(name): self._file(_clean(name), entry, at) for name, entry in values[3].items()})

    def _file(self, name: str, entry: object, at: float) -> FileText:
        if not isinstance(entry, dict):
            raise ValueError("not a file")
        read_at, took = None, entry.get("took")
        if isinstance(after := entry.get("after"), int | float) and isinstance(took, int | float):
            read_at, took = at + float(after), float(took)
        else:
            took = None
        path, lines = self._files.get(name, ("", None))
        if (steps := entry.get("lines")) is None:
            path, text = printable(_clean(entry.get("path")), _MAX_PATH), entry.get("text")
            self._files.pop(name, None)
            if text is None:
                return FileText(path, None, printable(_clean(entry.get("why"))), read_at, took)
            lines = _clean(text).split("\n")
        elif lines is None or not isinstance(steps, list) or not isinstance(changes := entry.get("changes"), list):
            raise ValueError("a change of nothing")
        else:
            number = 0
            for step, change in zip(steps, changes, strict=True):
                if not isinstance(step, int) or step < 0 or (number := number + step) >= len(lines):
                    raise ValueError("a change of a line that does not exist")
                lines[number] = _changed(lines[number], change)
        text = "\n".join(lines)
        self._files[name] = (path, lines)
        if len(text) > MAX_FLUSH or len(self._files) > _MAX_FILES:
            raise ValueError("too much text")
        return FileText(path, text, None, read_at, took)


class SegmentReader:
    """The lines of the segment that begins at a byte of the data, as far as they are whole."""

    def __init__(self, data: bytes, start: int) -> None:
        self.end: int | None = None
        """Where the next segment begins, after the last line; None if this one is cut or damaged."""
        self._data = data
        self._start = start
        self._rest: list[bytes] = []

    @property
    def rest(self) -> bytes:
        """The text after the last whole line."""
        return b"".join(self._rest)

    def lines(self) -> Iterator[bytes]:
        """Yield every whole line, damaged or not."""
        stream = zlib.decompressobj(_GZIP)
        size, end = 0, self._start
        while end < len(self._data):
            place, end = end, min(end + _PIECE, len(self._data))
            if (flushed := self._data.find(FLUSHED, place, end)) >= 0:
                end = flushed + len(FLUSHED)
            try:
                text = stream.decompress(self._data[place:end])
            except zlib.error:
                return
            self._rest.append(text)
            size += len(text)
            if b"\n" in text:
                *whole, last = self.rest.split(b"\n")
                self._rest, size = [last], len(last)
                yield from (line + b"\n" for line in whole)
            if size > MAX_FLUSH:
                return
            if stream.eof:
                self.end = end - len(stream.unused_data)
                return

    def flushes(self) -> Iterator[list[bytes]]:
        """Yield the lines of each whole flush, without its check; stop before the first that is cut or damaged."""
        crc = size = 0
        flush: list[bytes] = []
        for line in self.lines():
            if (checked := is_checked(line, crc)) is None:
                flush.append(line)
                size += len(line) + _LINE_BYTES
            elif checked:
                yield flush
                flush, size = [], 0
            else:
                size = MAX_FLUSH + 1
            if size > MAX_FLUSH:
                self.end = None
                return
            crc = zlib.crc32(line, crc)
        if flush or self.rest:
            self.end = None


def check_beginning(data: bytes) -> None:
    """Raise NotARecording for a file of another kind or version."""
    if data.startswith(_OLD_MARK):
        raise NotARecording("a recording of an older fragtui; record again")
    segment = SegmentReader(data, 0)
    line = next(segment.lines(), None) or segment.rest
    if not line.startswith(MARK[: len(line)]) or not data.startswith(GZIP_MARK[: len(data)]):
        raise NotARecording("not a recording of fragtui")
    version = line[len(MARK) :].partition(b",")[0]
    if line.endswith(b"\n") and version != b"%d" % RECORDING_VERSION:
        if not version.isdigit() or len(version) > 9:
            raise NotARecording("not a recording of fragtui")
        raise NotARecording(
            f"a recording of version {int(version)}, this fragtui reads version {RECORDING_VERSION}: replay it with "
            "the fragtui that made it or a newer one"
        )


def is_checked(line: bytes, crc: int) -> bool | None:
    """Return whether a check has the CRC-32 of the segment's text before it; None if the line is no check."""
    check = _CHECK.fullmatch(line)
    return None if check is None else int(check[1]) == crc


def tick_times(line: bytes) -> tuple[float, float] | None:
    """Return when a tick was, monotonic and by the wall clock, without reading the rest; None for another line."""
    match = _TICK.match(line)
    return (float(match[1]), float(match[2])) if match else None


def _split(line: str) -> tuple[str, str, str]:
    """Return a line as the text before its last number, the number, and the unit after it."""
    unit = " kB" if line.endswith(" kB") else ""
    head, space, number = line.removesuffix(unit).rpartition(" ")
    return head + space, number, unit


def _change(old: str, new: str) -> int | str:
    """Return by how much the number at the end of a line grew; the new line if anything else changed."""
    head, number, unit = _split(new)
    old_head, old_number, old_unit = _split(old)
    if head == old_head and unit == old_unit and _is_number(number) and _is_number(old_number):
        return int(number) - int(old_number)
    return new


def _changed(old: str, change: object) -> str:
    if not isinstance(change, int):
        return _clean(change)
    head, number, unit = _split(old)
    if not _is_number(number):
        raise ValueError("a change of no number")
    return f"{head}{int(number) + change}{unit}"


def _is_number(text: str) -> bool:
    """Return whether a text is a number as `str` writes it."""
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and (text[0] != "0" or text == "0")


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _clean(value: object) -> str:
    """Return a text without lone surrogates, which UTF-8 can't hold and JSON can."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
