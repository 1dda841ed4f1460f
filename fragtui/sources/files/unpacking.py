"""Compressed logs as a stream: unpacked piece by piece, with limits on memory and on the unpacked size."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol, cast

from fragtui.text import format_bytes, printable

UNPACKED_BYTES = 8 << 30
"""Most unpacked bytes of one log: a file of a few MiB can unpack to more than any disk holds."""
WINDOW_BYTES = 32 << 20
"""The largest window that a decompressor may keep; what xz and zstd write by default needs 8 MiB."""
_XZ_MEMORY = WINDOW_BYTES + (2 << 20)
"""liblzma counts its own state with the window."""
_PACKED_BLOCK = 1 << 14
"""Small: after each of many short streams, the bytes read of the following ones are copied."""
_BLOCK = 1 << 18
_TOOLS = {"gzip": "zcat", "xz": "xz -dc", "zstd": "zstd -dc"}


class UnreadableLogError(OSError):
    """A log that cannot be unpacked, or not to its end; the message gives the reason."""


class _Member(Protocol):
    """One compressed stream, as `lzma.LZMADecompressor`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def packing_of(magic: bytes) -> str | None:
    """Return ``gzip``, ``xz`` or ``zstd`` by the first six bytes of a file, None if it is not compressed."""
    if magic[:2] == b"\x1f\x8b":
        return "gzip"
    if magic == b"\xfd7zXZ\x00":
        return "xz"
    return "zstd" if magic[:4] == b"\x28\xb5\x2f\xfd" else None


class PackedLog(io.BufferedReader):
    """A compressed log as it reads unpacked.

    It has no descriptor, which would give the packed bytes. Raises OSError for a damaged log and for
    one that takes too much memory or unpacks to more than `UNPACKED_BYTES`, EOFError for one that is cut off.
    """

    def __init__(self, path: Path, stream: IO[bytes], packing: str) -> None:
        super().__init__(_Unpacked(path, stream, packing, UNPACKED_BYTES), _BLOCK)
        self._fault: Exception | None = None
        self._packed = stream

    @property
    def packed_progress(self) -> tuple[int, int]:
        """How many bytes of the compressed file are read, and its size."""
        return self._packed.tell(), os.fstat(self._packed.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer at the end. Bytes before a fault are returned before it is raised."""
        if size is None or size < 0:
            return super().read(size)
        if self._fault is not None:
            raise self._fault
        pieces: list[bytes] = []
        while size > 0:
            try:
                piece = self.read1(size)
            except (OSError, EOFError) as error:
                if not pieces:
                    raise
                self._fault = error
                break
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


class _Unpacked(io.RawIOBase):
    def __init__(self, path: Path, stream: IO[bytes], packing: str, limit: int) -> None:
        self._path = path
        self._stream = stream
        self._packing = packing
        self._limit = self._left = limit
        self._read, self._faults = _reader(path, stream, packing)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            raise self._unreadable(errno.EFBIG, f"stopped after {format_bytes(self._limit)} unpacked")
        try:
            data = self._read(min(len(buffer), self._left))
        except self._faults as error:
            if "memory" in str(error).lower():
                why = f"needs more than {WINDOW_BYTES >> 20} MiB to unpack; or {_piped(self._path, self._packing)}"
                raise self._unreadable(errno.EFBIG, why) from None
            raise self._unreadable(errno.EIO, f"damaged: {error}") from None
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def _unreadable(self, number: int, why: str) -> UnreadableLogError:
        return UnreadableLogError(number, why, str(self._path))

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _piped(path: Path, packing: str) -> str:
    return f"{_TOOLS[packing]} {printable(path.name)} | fragtui explain -"


def _reader(path: Path, stream: IO[bytes], packing: str) -> tuple[Callable[[int], bytes], tuple[type[Exception], ...]]:
    """Return a reader of at most a number of unpacked bytes, and the errors of a damaged log."""
    # Imported here: most logs need none of them.
    if packing == "gzip":
        import zlib  # noqa: PLC0415

        return _Members(stream, lambda: _GzipMember(zlib.decompressobj(31))).read, (zlib.error,)
    if packing == "xz":
        import lzma  # noqa: PLC0415

        def new() -> _Member:
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

        return _Members(stream, new).read, (lzma.LZMAError,)
    try:
        import zstandard  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    except ImportError:
        why = f"needs the Python package zstandard (fragtui[zstd]); or {_piped(path, packing)}"
        raise UnreadableLogError(errno.EINVAL, why, str(path)) from None
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).stream_reader(stream, read_across_frames=True)
    return cast("Callable[[int], bytes]", reader.read), (zstandard.ZstdError,)


class _GzipMember:
    """zlib's decompressor in the form of lzma's, which takes all of its input."""

    def __init__(self, member: Any) -> None:
        self._member = member

    @property
    def eof(self) -> bool:
        return bool(self._member.eof)

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return bytes(self._member.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return bytes(self._member.decompress(self._member.unconsumed_tail + data, max_length))


class _Members:
    """A file of several compressed streams, with zero bytes between and after them."""

    def __init__(self, stream: IO[bytes], new: Callable[[], _Member]) -> None:
        self._stream = stream
        self._new = new
        self._member = new()

    def read(self, size: int) -> bytes:
        """Return at most `size` unpacked bytes, empty at the end. Raises EOFError if a stream is cut off."""
        while True:
            packed, ended = b"", False
            if self._member.eof:
                packed = self._member.unused_data.lstrip(b"\0")
                while not packed:
                    if not (packed := self._stream.read(_PACKED_BLOCK)):
                        return b""
                    packed = packed.lstrip(b"\0")
                self._member = self._new()
            elif self._member.needs_input:
                packed = self._stream.read(_PACKED_BLOCK)
                ended = not packed
            if data := self._member.decompress(packed, size):
                return data
            if ended and not self._member.eof:
                raise EOFError("the compressed data is cut off")
