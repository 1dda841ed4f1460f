"""The form of a recording: a header line, then chunks of compressed frames, each good or bad by itself.

The header is ``fragtui recording VERSION`` and a newline. A chunk is its length, the CRC-32 of that and its data (both
four bytes, little endian), and the data; the highest bit of the length marks the first chunk of a segment. A segment's
chunks are one deflate stream, flushed at the end of each: what is cut off costs the chunk that it cuts, nothing before
it. A segment needs no segment before it, so that the oldest can be thrown away.

A frame is its kind (one byte), the length of its body (varint) and the body.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

RECORDING_VERSION = 1
MAGIC = b"fragtui recording "
HEADER = MAGIC + str(RECORDING_VERSION).encode() + b"\n"
_FIRST = 1 << 31
_LIMIT = 1 << 24
"""Bytes of the largest chunk. A chunk holds some seconds: more is no recording of ours."""
_TEXT_LIMIT = 1 << 25
"""Bytes of the largest text of a chunk."""
_MOST_SHIFT = 77
"""Bits of a varint: the change of a 64-bit number with its sign and layout has 68."""


class NotARecording(Exception):
    """Why a file can't be replayed, in one line."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The frames of a few seconds; `first` begins a segment."""

    first: bool
    data: bytes
    size: int
    """Bytes that it takes in the file."""


def check_header(data: bytes) -> int:
    """Return where the chunks begin; raise NotARecording for a file of another kind or version."""
    end = data.find(b"\n", 0, 64)
    word = data[len(MAGIC) : end]
    if not data.startswith(MAGIC) or end < 0 or not word.isdigit():
        raise NotARecording("is no recording of fragtui")
    if int(word) != RECORDING_VERSION:
        raise NotARecording(
            f"is a recording of version {int(word)}, this fragtui reads {RECORDING_VERSION}: replay it with the "
            "fragtui that made it or a newer one"
        )
    return end + 1


def frame_chunk(first: bool, data: bytes) -> bytes:
    """Return a chunk with its length and CRC, ready to be appended."""
    length = (len(data) | (_FIRST if first else 0)).to_bytes(4, "little")
    return length + zlib.crc32(length + data).to_bytes(4, "little") + data


def read_chunks(data: bytes, start: int) -> Iterator[Chunk]:
    """Yield the whole chunks, up to the first that is cut or damaged; each with its text already inflated."""
    stream = None
    while start + 8 <= len(data):
        length = int.from_bytes(data[start : start + 4], "little")
        first, length = bool(length & _FIRST), length & ~_FIRST
        packed = data[start + 8 : start + 8 + length]
        crc = int.from_bytes(data[start + 4 : start + 8], "little")
        if length > _LIMIT or len(packed) < length or zlib.crc32(data[start : start + 4] + packed) != crc:
            return
        if first:
            stream = zlib.decompressobj(-15)
        if stream is None:
            return
        try:
            text = stream.decompress(packed, _TEXT_LIMIT)
        except zlib.error:
            return
        if stream.unconsumed_tail:
            return
        yield Chunk(first, text, 8 + length)
        start += 8 + length


class Deflater:
    """Compresses the chunks of one segment."""

    def __init__(self, level: int = 6) -> None:
        self._stream = zlib.compressobj(level, zlib.DEFLATED, -15)
        self._first = True

    def chunk(self, text: bytes) -> bytes:
        """Return the next chunk, framed."""
        data = self._stream.compress(text) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        first, self._first = self._first, False
        return frame_chunk(first, data)


def put_varint(value: int) -> bytes:
    """Return a number of at most 77 bits, seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def put_signed(value: int) -> bytes:
    """Return a signed number as a varint."""
    return put_varint(value << 1 if value >= 0 else (-value << 1) - 1)


def put_bytes(data: bytes) -> bytes:
    """Return data with its length before it."""
    return put_varint(len(data)) + data


class Cursor:
    """Takes values out of a frame's body; raises ValueError where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def byte(self) -> int:
        """Take one byte."""
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        """Take so many bytes."""
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the frame ends too early")
        self._at += count
        return found

    def varint(self) -> int:
        """Take a number."""
        value = shift = 0
        while (byte := self.byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MOST_SHIFT:
                raise ValueError("a number too long")
        return value | byte << shift

    def signed(self) -> int:
        """Take a signed number."""
        value = self.varint()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def rest(self) -> bytes:
        """Take all that is left."""
        return self.take(len(self._data) - self._at)

    def data(self) -> bytes:
        """Take data that has its length before it."""
        return self.take(self.varint())
