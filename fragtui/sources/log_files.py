"""Log files: compressed or not, read as a stream, and followed through rotation."""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import os
import zlib
from pathlib import Path
from typing import IO, Any, cast

from fragtui.sources.trust import Opener, open_named

_BLOCK = 1 << 18
"""What is read at once: small, since what a flood takes while its lines are cut is never given back."""


class UnreadableLogError(OSError):
    """A log that this installation cannot decompress; the message says what is missing."""


def open_log(path: Path, opener: Opener = open_named) -> IO[bytes]:
    """Return a log opened for reading, decompressed as its first bytes say. Raises OSError with the reason.

    `opener` is `open_named` for a file that the user named, `opener_of` a root for one that was found.
    """
    stream = os.fdopen(opener(path), "rb", buffering=0)
    try:
        magic = stream.read(6) or b""
        if magic[:2] == b"\x1f\x8b":
            stream.seek(0)
            return _unpacking(path, stream, gzip.GzipFile(fileobj=cast("IO[bytes]", stream)), zlib.error)
        if magic == b"\xfd7zXZ\x00":
            stream.seek(0)
            return _unpacking(path, stream, lzma.LZMAFile(cast("IO[bytes]", stream)), lzma.LZMAError)
        if magic[:4] == b"\x28\xb5\x2f\xfd":
            stream.seek(0)
            return _zstd(path, cast("IO[bytes]", stream))
        if stream.seekable():
            stream.seek(0)
            return cast("IO[bytes]", stream)
    except BaseException:
        stream.close()
        raise
    return cast("IO[bytes]", io.BufferedReader(_Prefixed(magic, cast("IO[bytes]", stream)), _BLOCK))


def _zstd(path: Path, stream: IO[bytes]) -> IO[bytes]:
    try:
        import zstandard  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    except ImportError:
        why = f"needs the Python package zstandard (fragtui[zstd]); or zstd -dc {path.name} | fragtui explain -"
        raise UnreadableLogError(errno.EINVAL, why, str(path)) from None
    reader: Any = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    return _unpacking(path, stream, reader, zstandard.ZstdError)


def _unpacking(path: Path, stream: IO[bytes] | io.RawIOBase, reader: Any, fault: type[Exception]) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(_Unpacking(path, stream, reader, fault), _BLOCK))


class _Unpacking(io.RawIOBase):
    """A compressed log as it reads unpacked.

    It has no descriptor: whoever asks for one would read the packed bytes. What is damaged raises OSError.
    """

    def __init__(self, path: Path, stream: Any, reader: Any, fault: type[Exception]) -> None:
        self._path = path
        self._stream = stream
        self._reader = reader
        self._fault = fault

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._reader.read(len(buffer)) or b""
        except (self._fault, gzip.BadGzipFile) as error:
            raise UnreadableLogError(errno.EIO, f"damaged: {error}", str(self._path)) from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
            self._stream.close()
        super().close()


class _Prefixed(io.RawIOBase):
    """A pipe whose first bytes were read already."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._stream.read(len(buffer)) or b""
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class FollowedFile:
    """A growing log file. It survives rename (the rest of the old file is read first) and truncation."""

    def __init__(self, path: Path, at_end: bool = True, opener: Opener = open_named) -> None:
        self._path = path
        self._opener = opener
        self._stream: IO[bytes] | None = None
        self._inode: tuple[int, int] | None = None
        self._position = 0
        self._open(at_end)

    def _open(self, at_end: bool) -> None:
        try:
            stream = os.fdopen(self._opener(self._path), "rb", buffering=0)
        except OSError:
            return
        found = os.fstat(stream.fileno())
        self._stream = cast("IO[bytes]", stream)
        self._inode = (found.st_dev, found.st_ino)
        self._position = found.st_size if at_end else 0

    def close(self) -> None:
        """Close it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def read(self) -> bytes:
        """Return what was written since the last call, at most 256 KiB; empty if nothing. Raises no OSError."""
        for _ in range(2):
            if self._stream is None:
                self._open(False)
            if self._stream is None:
                return b""
            try:
                if os.fstat(self._stream.fileno()).st_size < self._position:
                    self._position = 0
                self._stream.seek(self._position)
                data = self._stream.read(_BLOCK) or b""
            except OSError:
                self.close()
                return b""
            if data:
                self._position += len(data)
                return data
            if not self._was_replaced():
                return b""
            self.close()
        return b""

    def _was_replaced(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False  # Renamed, and the new one is not there yet: the old one may still grow.
        return (found.st_dev, found.st_ino) != self._inode


def rotated(path: Path, count: int = 3) -> tuple[Path, ...]:
    """Return the older generations of a log, oldest first: ``.1``, ``.1.gz``, ``-20250101`` and the like."""
    try:
        family = [found for found in path.parent.glob(path.name + "[.-]*") if found.is_file()]
        family.sort(key=lambda found: found.stat().st_mtime)
    except OSError:
        return ()
    return tuple(family[-count:])
