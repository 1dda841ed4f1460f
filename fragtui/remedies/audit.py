"""The audit log: what was asked for is on disk before anything runs, how it ended is there after.

Append-only JSON lines in one file, 0600. Every line is fsync'ed, and so is the directory when the file is made. A log
that can't be written stops the remedy. Past its size the file is renamed to FILE.1, FILE.1 to FILE.2, and so on.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fragtui.model.remedy_history import Entry, Intent
from fragtui.remedies.entries import format_entry, parse_entry

SIZE = 4 << 20
"""Bytes past which the next intent starts a new file."""
KEPT = 4
"""Older files kept."""
_TRIES = 20
_TURNING = 0.01
"""Seconds to wait for a file that is being turned over."""


class AuditError(Exception):
    """The log can't be written, in words; nothing may run."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a log says; `problems` are the lines that are none, a torn last one among them."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


class AuditLog:
    """One log file, opened anew for each line: it may be rotated by another process in between."""

    def __init__(self, path: Path, size: int = SIZE, kept: int = KEPT) -> None:
        self.path = path
        self._size = size
        self._kept = kept

    def append(self, entry: Entry) -> None:
        """Write one line and wait until it is on disk; raise AuditError where that fails.

        A torn line that a crash left behind gets its newline first, so that it takes no other line with it.
        """
        try:
            self._make_directory()
            descriptor = self._open(rotate=isinstance(entry, Intent))
            try:
                data = format_entry(entry)
                if not _ends_whole(descriptor):
                    data = b"\n" + data
                if os.write(descriptor, data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditError(f"{self.path}: {(error.strerror or str(error)).lower()}") from error

    def read(self) -> Reading:
        """Return all lines, those of rotated files first; files that can't be read are problems, absent ones not."""
        with self._unrotated():
            return self._read()

    def _read(self) -> Reading:
        entries: list[Entry] = []
        problems: list[str] = []
        for path in (*(self._older(number) for number in range(self._kept, 0, -1)), self.path):
            try:
                text = path.read_bytes().decode("utf-8", "replace")
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(f"{path}: {(error.strerror or str(error)).lower()}")
                continue
            lines = text.split("\n")
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                # A line is whole with its newline; what a crash cut off may still look like JSON.
                entry = parse_entry(line) if number < len(lines) else None
                if entry is None:
                    problems.append(f"{path}: line {number}: {'torn' if number == len(lines) else 'not an entry'}")
                else:
                    entries.append(entry)
        return Reading(tuple(entries), tuple(problems))

    @contextmanager
    def _unrotated(self) -> Iterator[None]:
        """Bar rotation while all files are read, or lines would be missed; without a lock where there can be none."""
        descriptors: list[int] = []
        try:
            with suppress(OSError):
                for _ in range(_TRIES):
                    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
                    try:
                        descriptors.append(os.open(self.path, flags))
                    except FileNotFoundError:
                        if not self._older(1).exists():
                            break  # There is no log yet.
                        time.sleep(_TURNING)  # It is being turned over: the next one is about to be made.
                        continue
                    fcntl.flock(descriptors[-1], fcntl.LOCK_SH)
                    if self._is_current(descriptors[-1]):
                        break
            yield
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _make_directory(self) -> None:
        directory = self.path.parent
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_directory(directory.parent)

    def _open(self, *, rotate: bool) -> int:
        """Return a locked descriptor of the current file, made or rotated where need be."""
        while True:
            descriptor, made = _open_append(self.path)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise OSError(errno.EINVAL, "not a regular file")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if made:
                    _sync_directory(self.path.parent)
                if not self._is_current(descriptor):
                    os.close(descriptor)
                    continue
                if rotate and os.fstat(descriptor).st_size >= self._size:
                    self._rotate()
                    os.close(descriptor)
                    continue
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor

    def _is_current(self, descriptor: int) -> bool:
        """Tell whether the path still names this file: while the lock was waited for, another may have rotated it."""
        try:
            now = self.path.lstat()
        except FileNotFoundError:
            return False
        mine = os.fstat(descriptor)
        return (now.st_dev, now.st_ino) == (mine.st_dev, mine.st_ino)

    def _rotate(self) -> None:
        for number in range(self._kept - 1, 0, -1):
            if self._older(number).exists():
                self._older(number).replace(self._older(number + 1))
        self.path.replace(self._older(1))
        _sync_directory(self.path.parent)


def _open_append(path: Path) -> tuple[int, bool]:
    """Return a descriptor to append to and whether the file was made; a link is refused, a FIFO does not block."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags), False
    except FileNotFoundError:
        pass
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:
        return os.open(path, flags), False


def _ends_whole(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
