"""A recording that is read while it is written: the ticks and events of a stream, as its bytes arrive."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from fragtui.logs.bounded_json import read_json
from fragtui.model.node.snapshot import Host
from fragtui.sources.host.snapshot_builder import Tick
from fragtui.sources.recording.format import (
    FLUSHED,
    GZIP_MARK,
    MARK,
    MAX_FLUSH,
    RECORDING_VERSION,
    NotARecording,
    TickReader,
    is_checked,
    tick_times,
)
from fragtui.sources.recording.reader import RecordedEvent, read_beginning, read_event, wall_clock
from fragtui.text import printable

_GZIP = 31
_PIECE = 1 << 12
"""Bytes unpacked at a time, to at most `_MAX_TEXT` bytes of text."""
_MAX_TEXT = 1 << 16
_MAX_NOISE = 1 << 16
"""Bytes before the first segment: what the remote shell's startup files print."""
_MAX_VERSION = 40


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The first line of the stream's first segment: the node, and the version of the fragtui that writes."""

    host: Host
    version: str | None


Streamed = StreamStart | Tick | RecordedEvent


class StreamDecoder:
    """Takes the bytes of a stream in pieces of any size.

    Damage costs the rest of its segment, at most two minutes of an idle node's stream: the next segment needs none
    before it.
    """

    def __init__(self) -> None:
        self.damaged = 0
        """Segments of which a part could not be read."""
        self._noise = b""
        self._data = b""
        self._host: Host | None = None
        self._skipped = 0
        self._stream: zlib._Decompress | None = None
        """None between two segments."""
        self._begin()

    @property
    def noise(self) -> bytes:
        """The first bytes before the first segment."""
        return self._noise + (self._data if self._host is None and self._stream is None else b"")

    def _begin(self) -> None:
        self._stream = None
        self._rest: list[bytes] = []
        self._crc = 0
        self._first = True
        self._ahead = 0.0
        self._flush: list[bytes] = []
        self._size = 0
        self._texts = TickReader()

    def feed(self, data: bytes) -> Iterator[Streamed]:
        """Yield what the bytes complete. Raises NotARecording for another kind of stream or another version."""
        self._data += data
        while self._data:
            if self._stream is None:
                if not self._find_segment():
                    return
                self._stream = zlib.decompressobj(_GZIP)
            # No piece goes beyond a flush: damage costs no text before it.
            flushed = self._data.find(FLUSHED, 0, _PIECE)
            piece = self._data[: flushed + len(FLUSHED) if flushed >= 0 else _PIECE]
            try:
                text = self._stream.decompress(piece, _MAX_TEXT)
                self._data = self._stream.unconsumed_tail + self._data[len(piece) :]
                yield from self._take(text)
            except zlib.error:
                self._skip(self._data[len(GZIP_MARK) :])  # Past the mark that was tried, or within damaged data.
                continue
            except (ValueError, TypeError, KeyError):
                self._skip(self._stream.unused_data + self._data if self._stream.eof else self._data)
                continue
            if self._stream.eof:
                self._data = self._stream.unused_data + self._data
                self._begin()
            elif not self._data:
                return

    def _skip(self, rest: bytes) -> None:
        """Give up the segment, and look for the next one in what follows."""
        self.damaged += not self._first
        self._data = rest
        self._begin()

    def _find_segment(self) -> bool:
        """Skip bytes up to the beginning of a segment; return whether one is there."""
        place = self._data.find(GZIP_MARK)
        skipped = place if place >= 0 else max(0, len(self._data) - len(GZIP_MARK) + 1)
        if self._host is None:
            self._skipped += skipped
            self._noise = (self._noise + self._data[:skipped])[:_MAX_NOISE]
            if self._skipped > _MAX_NOISE:
                raise NotARecording("not a stream of fragtui record")
        self._data = self._data[skipped:]
        return place >= 0

    def _take(self, text: bytes) -> Iterator[Streamed]:
        """Yield the facts of the flushes that a piece of text completes."""
        self._rest.append(text)
        self._size += len(text)
        if b"\n" in text:
            *lines, rest = b"".join(self._rest).split(b"\n")
            self._rest = [rest]
            for line in lines:
                yield from self._take_line(line + b"\n")
        if self._size > MAX_FLUSH:
            raise ValueError("a flush too large")

    def _take_line(self, line: bytes) -> Iterator[Streamed]:
        checked = is_checked(line, self._crc)
        self._crc = zlib.crc32(line, self._crc)
        if checked is None:
            self._flush.append(line)
            return
        if not checked:
            raise ValueError("a damaged flush")
        flush, self._flush, self._size = self._flush, [], 0
        for each in flush:
            yield from self._facts(each)

    def _facts(self, line: bytes) -> Iterator[Streamed]:
        if self._first:
            self._first = False
            _check_version(line)
            self._ahead, host = read_beginning(line)
            if self._host is None:
                version = read_json(line)[4].get("fragtui")
                yield StreamStart(host, printable(version, _MAX_VERSION) if isinstance(version, str) else None)
            self._host = host
        elif (times := tick_times(line)) is not None:
            yield self._texts.tick(line, times[0], wall_clock(times[1]))
        else:
            kind, at, facts = read_event(line)
            yield RecordedEvent(at, wall_clock(at + self._ahead), kind, facts)


def _check_version(line: bytes) -> None:
    version = line[len(MARK) :].partition(b",")[0] if line.startswith(MARK) else b""
    if version.isdigit() and len(version) < 9 and int(version) != RECORDING_VERSION:
        raise NotARecording(
            f"a stream of version {int(version)}, this fragtui reads version {RECORDING_VERSION}: both ends need the "
            "same fragtui"
        )
