"""Log files: compressed or not, read as a stream, and followed through rotation."""

from __future__ import annotations

import codecs
import errno
import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, cast

from fragtui.logs.own_stamp import stamped_twice
from fragtui.sources.files.line_bounds import behind_hole, is_hole
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.files.trust import Opener, UntrustedError, open_at_once, open_named
from fragtui.sources.files.unpacking import PackedLog, packing_of
from fragtui.text import format_bytes, printable

HEAD_BYTES = 1 << 16
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""What PowerShell's ``>`` writes."""
MAX_SIZELESS_BYTES = 1 << 26
"""Bytes followed of a regular file that shows no size (procfs, FUSE): it may have no end."""
READ_BYTES = 1 << 18
"""Bytes read at once: small, since memory allocated for a flood while its lines are cut is never freed."""

_PIECE, _PIECES = 1 << 12, 64
"""Bytes of one read of such a file, and reads at once: together at most `READ_BYTES`."""


def open_log(path: Path, opener: Opener = open_named) -> IO[bytes]:
    """Return a log opened for reading, decompressed according to its first bytes. Raises OSError with the reason.

    `opener` is `open_named` for a file that the user names, `opener_of(root)` for one that fragtui finds.
    """
    refuse_device(path.stat(), str(path))  # First: opening a device may have effects.
    stream = os.fdopen(opener(path), "rb", buffering=0)
    try:
        refuse_device(os.fstat(stream.fileno()), str(path))
        magic = stream.read(6) or b""
        packing = packing_of(magic)
        if packing is not None:
            stream.seek(0)
            return cast("IO[bytes]", PackedLog(path, cast("IO[bytes]", stream), packing))
        if stream.seekable():
            stream.seek(0)
            return cast("IO[bytes]", stream)
    except BaseException:
        stream.close()
        raise
    return cast("IO[bytes]", io.BufferedReader(_Prefixed(magic, cast("IO[bytes]", stream)), READ_BYTES))


def refuse_device(status: os.stat_result, name: str) -> None:
    """Raise OSError for a device: it may never end. /dev/null counts as an empty file."""
    mode = status.st_mode
    if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and status.st_rdev != os.makedev(1, 3)):
        raise OSError(errno.EINVAL, "not a regular file or pipe", name)


class _Prefixed(io.RawIOBase):
    """A pipe whose first bytes are already read."""

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

    def __init__(self, path: Path, at_end: bool = True, opener: Opener = open_at_once) -> None:
        self._path = path
        self._opener = opener
        self._stream: IO[bytes] | None = None
        self._inode: tuple[int, int] | None = None
        self._position = 0
        self._sizeless = True
        """Whether the open file has shown no size so far: it is empty, or only a read shows what is in it."""
        self.problem: str | None = None
        """Why it can't be opened now, or is read no further."""
        self.denied = False
        """Whether that is for lack of permission."""
        self._open(at_end)

    def _open(self, at_end: bool) -> None:
        self.problem, self.denied = None, False
        try:
            descriptor = self._opener(self._path)
        except FileNotFoundError:
            self.problem = f"{printable(str(self._path))}: no such file yet"
            return
        except OSError as error:
            self.problem = printable(file_problem(error, self._path))
            self.denied = isinstance(error, PermissionError) and not isinstance(error, UntrustedError)
            return
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            self.problem = f"{printable(str(self._path))}: not a regular file"
            return
        self._stream = cast("IO[bytes]", io.FileIO(descriptor, "rb"))
        self._inode = (found.st_dev, found.st_ino)
        self._position = found.st_size if at_end else 0
        self._sizeless = True

    def close(self) -> None:
        """Close it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def read(self) -> bytes:
        """Return what was written since the last call, at most 256 KiB; empty if nothing. Raises no OSError.

        A hole of a sparse file is left out.
        """
        for _ in range(2):
            if self._stream is None:
                self._open(False)
            if self._stream is None:
                return b""
            try:
                size = os.fstat(self._stream.fileno()).st_size
                self._sizeless = self._sizeless and not size
                if self._sizeless:
                    data = self._next_sizeless()
                else:
                    if size < self._position:
                        self._position = 0
                    # A log is looked at four times a second; a read would get memory for 256 KiB first.
                    data = self._next() if size > self._position else b""
            except OSError:
                self.close()
                return b""
            if data:
                return data
            if not self._was_replaced():
                return b""
            self.close()
        return b""

    def _next(self) -> bytes:
        assert self._stream is not None
        while True:
            self._stream.seek(self._position)
            data = self._stream.read(READ_BYTES) or b""
            self._position += len(data)
            if not data or not is_hole(data):
                return data
            self._position = behind_hole(self._stream.fileno(), self._position)

    def _next_sizeless(self) -> bytes:
        """Return what comes after the position; a kernel's file gives a page at once, so read on to the end."""
        assert self._stream is not None
        if self._position >= MAX_SIZELESS_BYTES:
            limit = format_bytes(MAX_SIZELESS_BYTES)
            self.problem = f"{printable(str(self._path))}: it shows no size, and is read no further than {limit}"
            return b""
        self._stream.seek(self._position)
        pieces: list[bytes] = []
        while self._position < MAX_SIZELESS_BYTES and len(pieces) < _PIECES and (piece := self._stream.read(_PIECE)):
            pieces.append(piece)
            self._position += len(piece)
        return b"".join(pieces)

    def _was_replaced(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False  # Renamed, and the new one does not exist yet: the old one may still grow.
        return (found.st_dev, found.st_ino) != self._inode


def readable(paths: Iterable[Path], opener: Opener) -> tuple[list[Path], list[str]]:
    """Return the logs that exist and can be opened, and why the other existing ones can't."""
    found: list[Path] = []
    refused: list[str] = []
    for path in paths:
        try:
            os.close(opener(path))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            refused.append(printable(file_problem(error, path)))
        else:
            found.append(path)
    return found, refused


def rotated(path: Path, count: int = 3) -> tuple[Path, ...]:
    """Return the older generations of a log, oldest first: ``.1``, ``.1.gz``, ``-20250101`` and the like."""
    try:
        family = [found for found in path.parent.glob(path.name + "[.-]*") if found.is_file()]
        family.sort(key=lambda found: found.stat().st_mtime)
    except OSError:
        return ()
    return tuple(family[-count:])


def head_of(log: IO[bytes]) -> bytes:
    """Return the beginning of a log, without consuming it; empty if it can't be peeked."""
    if log.seekable():
        at = log.tell()
        head = log.read(HEAD_BYTES)
        log.seek(at)
        return head
    peek = getattr(log, "peek", None)
    return bytes(peek(HEAD_BYTES)) if peek is not None else b""


class _Utf16(io.RawIOBase):
    """UTF-16 text as UTF-8. A wrong surrogate becomes a question mark in a diamond."""

    def __init__(self, log: IO[bytes], encoding: str) -> None:
        self._log = log
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and (data := self._log.read(len(buffer))):
            self._rest = self._decoder.decode(data).encode()
        self._rest = self._rest or self._decoder.decode(b"", final=True).encode()
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def as_utf8(log: IO[bytes]) -> IO[bytes]:
    """Return the log itself, or its text in UTF-8 if its byte order mark says that it is UTF-16."""
    if (encoding := _UTF16.get(head_of(log)[:2])) is None:
        return log
    log.read(2)
    return cast("IO[bytes]", io.BufferedReader(_Utf16(log, encoding), HEAD_BYTES))


def stamped_in(log: IO[bytes]) -> str | None:
    """Return a line of the log's beginning with two stamps, see `stamped_twice`, without consuming it; None if none."""
    try:
        return stamped_twice(head_of(log).split(b"\n"))
    except (OSError, EOFError):  # The reader of the log reports it.
        return None
