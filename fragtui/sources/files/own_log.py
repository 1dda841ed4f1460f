"""The lines of a log that fragtui writes: each is read once, also after the log is rotated."""

from __future__ import annotations

import errno
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from fragtui.sources.files.own_files import OwnFile, file_problem

MAX_OWN_LOG = 4 << 20
"""Most bytes of one reading, the newest ones; older ones are skipped."""
MAX_LINE = 256 << 10
"""Bytes of the longest line; a remedy of five steps takes less than one KiB."""
_REMEMBERED = 4096
"""Bytes before the position, to recognise the file: another may get its inode number, or it may be rewritten."""
_SETTLED = 1.0
"""Seconds after which another change of a folder has another time stamp."""


@dataclass(frozen=True, slots=True)
class OwnLine:
    """One line without its newline; `data` is None if it is too long, or was never finished."""

    place: str
    """Its file and number, for messages."""
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Added:
    """The result of one reading."""

    lines: tuple[OwnLine, ...]
    torn: str | None
    """Place of the newest file's last line if it has no newline yet: it may be whole at the next reading."""
    problems: tuple[str, ...]
    """Files that could not be read, and why."""
    restarted: bool
    """Whether the log is not the one of the last reading: it does not contain the lines read then."""
    left_out: bool
    """Whether earlier lines were skipped."""


@dataclass(slots=True)
class _File:
    path: Path
    descriptor: int
    identity: tuple[int, int]
    size: int
    position: int = 0
    lines: int | None = 0
    """Lines before the position; None if their number is unknown."""
    skipping: bool = False
    """Whether the position is within a line that is skipped."""
    before: bytes = b""

    def resume(self, read: _File) -> bool:
        """Continue where an earlier reading ended, if this is the same file and has only grown."""
        if self.identity != read.identity or self.size < read.position:
            return False
        if os.pread(self.descriptor, len(read.before), read.position - len(read.before)) != read.before:
            return False
        self.position, self.lines, self.skipping = read.position, read.lines, read.skipping
        return True

    def skip(self, count: int) -> None:
        """Skip bytes, and the rest of the line in which they end."""
        self.position += count
        self.lines = None
        self.skipping = self.position > 0 and os.pread(self.descriptor, 1, self.position - 1) != b"\n"

    def read(self, lines: list[OwnLine], *, newest: bool) -> str | None:
        """Take the lines up to the end; return the place of a last one without a newline, which is not taken."""
        *whole, rest = os.pread(self.descriptor, self.size - self.position, self.position).split(b"\n")
        for line in whole:
            if self.skipping:
                self.skipping = False
            elif line.strip():
                lines.append(OwnLine(self._place(), line if len(line) <= MAX_LINE else None))
            self.position += len(line) + 1
            self.lines = None if self.lines is None else self.lines + 1
        torn = None
        if rest and not self.skipping:
            torn = self._place()
            if not newest or len(rest) > MAX_LINE:
                lines.append(OwnLine(torn, None))
                torn, self.skipping = None, True
        if self.skipping:
            self.position += len(rest)
        remembered = min(_REMEMBERED, self.position)
        self.before = os.pread(self.descriptor, remembered, self.position - remembered)
        return torn

    def _place(self) -> str:
        return f"{self.path}: {f'byte {self.position}' if self.lines is None else f'line {self.lines + 1}'}"


class OwnLog:
    """FILE and its older generations FILE.1 to FILE.`kept`. Takes no lock and never waits; for one thread at a time.

    With `at_end` the first reading skips the existing lines.
    """

    def __init__(self, place: OwnFile, kept: int, *, at_end: bool = False) -> None:
        self._place = place
        self._kept = kept
        self._at_end = at_end
        self._read: _File | None = None
        self._seen: tuple[int, ...] | None = None

    def read(self) -> Added:
        """Return what was added since the last reading. Raises no OSError; an absent file is no problem.

        An unchanged file costs one stat: it is not opened, and its folder is not checked again.
        """
        if (stamp := self._stamp()) is not None and stamp == self._seen:
            return Added((), None, (), restarted=False, left_out=False)
        added = self._read_on()
        self._seen = None if added.torn or added.problems else stamp
        return added

    def _stamp(self) -> tuple[int, ...] | None:
        """Return what an append, a rotation or a replacement of the newest file changes; None if it is unknown."""
        with suppress(OSError):
            status = self._place.path.stat(follow_symlinks=False)
            return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        try:
            # It is absent for a moment during a rotation, which changes the folder.
            status = self._place.path.parent.stat()
        except FileNotFoundError:
            return ()
        except OSError:
            return None
        if time.time() - status.st_mtime < _SETTLED:
            return None
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def _read_on(self) -> Added:
        problems: list[str] = []
        lines: list[OwnLine] = []
        torn: str | None = None
        restarted = left_out = False
        try:
            with ExitStack() as opened:
                files = self._open(opened, problems)
                if files or not problems:
                    restarted = self._resume(files)
                    left_out = self._leave_out(files)
                for file in files:
                    torn = file.read(lines, newest=file is files[-1])
                    self._read = file
        except OSError as error:
            problems.append(file_problem(error, self._place.path))
        return Added(tuple(lines), torn, tuple(problems), restarted, left_out)

    def _open(self, opened: ExitStack, problems: list[str]) -> list[_File]:
        """Return the files, the oldest first.

        The newest is opened first: rotation only renames files to older names, so none is missed; one may occur twice.
        """
        try:
            folder = self._place.folder()
        except FileNotFoundError:
            return []
        opened.callback(os.close, folder)
        files: dict[tuple[int, int], _File] = {}
        name = self._place.path.name
        for each in (name, *(f"{name}.{number}" for number in range(1, self._kept + 1))):
            path = self._place.path.with_name(each)
            try:
                descriptor = self._place.open(each, folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(file_problem(error, path))
                if error.errno == errno.EACCES:
                    break  # A user who may not read one may read none.
                continue
            opened.callback(os.close, descriptor)
            status = os.fstat(descriptor)
            identity = (status.st_dev, status.st_ino)
            files.setdefault(identity, _File(path, descriptor, identity, status.st_size))
        return [*reversed(files.values())]

    def _resume(self, files: list[_File]) -> bool:
        """Skip the lines of earlier readings; return whether the log is not the one that they read."""
        read, self._read = self._read, None
        if self._at_end:
            self._at_end = False
            for file in files:
                file.skip(file.size)
            return True
        for index, file in enumerate(files):
            if read is not None and file.resume(read):
                del files[:index]
                return False
        return True

    def _leave_out(self, files: list[_File]) -> bool:
        """Skip all but the newest bytes; return whether there are others."""
        excess = over = sum(file.size - file.position for file in files) - MAX_OWN_LOG
        for file in files:
            if excess > 0:
                count = min(excess, file.size - file.position)
                file.skip(count)
                excess -= count
        return over > 0
