"""The audit log: the intent is on disk before a remedy runs, the outcome after it.

Append-only JSON lines in one file of mode 0600. Every line is fsync'ed, and so is the directory of a new file. If the
log can't be written, or another user may write it, no remedy runs. Past its size the file is renamed to FILE.1, FILE.1
to FILE.2, and so on.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fragtui.model.remedy.audit_entry import format_entry, parse_entry
from fragtui.model.remedy.remedy_history import Entry, IntentEntry
from fragtui.sources.files.own_files import OwnFile, file_problem, open_own, sync_folder
from fragtui.sources.files.own_log import MAX_LINE, MAX_OWN_LOG, OwnLine, OwnLog
from fragtui.text import format_bytes

ROTATE_BYTES = 4 << 20
"""Bytes past which the next intent starts a new file."""
KEPT_FILES = 4
"""Older files kept."""
MAX_ENTRIES = 20_000
"""Entries kept in memory, about 10 MB; as many as `own_log.MAX_OWN_LOG` bytes hold."""
_MAX_PROBLEMS = 1000
_LOCK_WAIT = 5.0
"""Seconds to wait for another process that writes its line; a stopped process never releases the lock."""


class AuditError(Exception):
    """The log can't be written, so nothing may run; the message says why."""


@dataclass(frozen=True, slots=True)
class AuditReading:
    """The content of a log; `problems` are invalid lines, a torn last line and unreadable files."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    left_out: bool = False
    """Whether older entries exist that were not read."""


OLDER_LEFT_OUT = f"older entries left out: only the last {format_bytes(MAX_OWN_LOG)} of the log are read"


class AuditLog:
    """One log file, opened again for each line: another process may rotate it in between.

    Entries are read once and kept; use `read` from one thread at a time.
    """

    def __init__(self, path: Path | OwnFile, size: int = ROTATE_BYTES, kept: int = KEPT_FILES) -> None:
        """Take the file that the user named, or an `OwnFile` that fragtui located itself."""
        self._place = path if isinstance(path, OwnFile) else OwnFile(path)
        self.path = self._place.path
        self._size = size
        self._kept = kept
        self._log = OwnLog(self._place, kept)
        self._reading = AuditReading((), ())
        self._bad: tuple[str, ...] = ()

    def why_not_writable(self) -> str | None:
        """Return why no line could be appended, or None. It writes nothing: missing folders are not made."""
        if self._place.saved:
            return f"{self.path}: the log of saved files is read-only"
        try:
            folder = self._place.folder()
        except FileNotFoundError:
            above = next(path for path in self.path.absolute().parents if path.exists())
            return None if os.access(above, os.W_OK) else f"{above}: no folder can be made there for the audit log"
        except OSError as error:
            return file_problem(error, self.path)
        try:
            os.close(open_own(folder, self.path.name, str(self.path), os.O_WRONLY | os.O_APPEND)[0])
        except FileNotFoundError:
            return None if os.access(self.path.parent, os.W_OK) else f"{self.path.parent}: no file can be made there"
        except OSError as error:
            return file_problem(error, self.path)
        finally:
            os.close(folder)
        return None

    def append(self, entry: Entry) -> None:
        """Write one line and wait until it is on disk; raise AuditError if that fails.

        A line torn by a crash gets its newline first, so that it spoils no other line.
        """
        if self._place.saved:
            raise AuditError(f"{self.path}: the log of saved files is read-only")
        data = format_entry(entry)
        if len(data) > MAX_LINE:
            raise AuditError(f"{self.path}: an entry of {len(data)} bytes is too long to be read again")
        try:
            folder = self._place.folder(make=True)
            try:
                descriptor = self._open(folder, rotate=isinstance(entry, IntentEntry))
            finally:
                os.close(folder)
            try:
                if not _ends_with_newline(descriptor):
                    data = b"\n" + data
                if os.write(descriptor, data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditError(file_problem(error, self.path)) from error

    def read(self) -> AuditReading:
        """Return all entries, those of rotated files first; unreadable files are problems, missing ones are not.

        Reads only what was added since the last call, at most `MAX_OWN_LOG` bytes.
        """
        added = self._log.read()
        before = AuditReading((), ()) if added.restarted else self._reading
        bad = () if added.restarted else self._bad
        entries = [(line, _entry_of(line)) for line in added.lines]
        bad = (*bad, *(f"{line.place}: not an entry" for line, entry in entries if entry is None))[-_MAX_PROBLEMS:]
        torn = () if added.torn is None else (f"{added.torn}: torn",)
        new = tuple(entry for _, entry in entries if entry is not None)
        kept = (*before.entries, *new) if new else before.entries
        over = len(kept) > MAX_ENTRIES
        if over:
            # Drop half at once, not one for each new entry.
            kept = kept[-MAX_ENTRIES // 2 :]
        self._bad = bad
        self._reading = AuditReading(kept, (*bad, *torn, *added.problems), before.left_out or added.left_out or over)
        return self._reading

    def _open(self, folder: int, *, rotate: bool) -> int:
        """Return a locked descriptor of the current file, created or rotated if needed."""
        name = self.path.name
        while True:
            descriptor, made = open_own(folder, name, str(self.path), os.O_RDWR | os.O_APPEND, make=True)
            try:
                _lock(descriptor)
                if made:
                    sync_folder(folder)
                # While the lock was waited for, another process may have rotated the file.
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), os.stat(name, dir_fd=folder, follow_symlinks=False)):
                        if not rotate or os.fstat(descriptor).st_size < self._size:
                            return descriptor
                        self._rotate(folder)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _rotate(self, folder: int) -> None:
        name = self.path.name
        for number in range(self._kept - 1, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(f"{name}.{number}", f"{name}.{number + 1}", src_dir_fd=folder, dst_dir_fd=folder)
        os.replace(name, f"{name}.1", src_dir_fd=folder, dst_dir_fd=folder)
        sync_folder(folder)


def _entry_of(line: OwnLine) -> Entry | None:
    return None if line.data is None else parse_entry(line.data.decode("utf-8", "replace"))


def _lock(descriptor: int) -> None:
    """Wait for the lock for `_LOCK_WAIT` seconds; raise OSError after that."""
    end = time.monotonic() + _LOCK_WAIT
    while time.monotonic() < end:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005)
        else:
            return
    raise OSError(errno.EAGAIN, "another process holds its lock and writes nothing")


def _ends_with_newline(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
