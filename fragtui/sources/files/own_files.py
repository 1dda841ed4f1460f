"""Files that fragtui writes and reads back (audit log, locks), which no other user may have made or may write.

A log that others may write is no evidence, and a write through a planted link changes another file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from fragtui.sources.files.trust import Trust, UntrustedError, check_own, open_inside

_TRIES = 100
"""How often a file may vanish before it is opened and reappear before it is made: rotation does that once."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """The place of one of fragtui's own files."""

    path: Path
    root: Path | None = None
    """The root below which fragtui finds it by itself; None if the user named it: its folder is then trusted."""
    saved: bool = False
    """Whether that root is a saved tree: it is from outside, so the file is read inside it and never written."""

    def folder(self, *, make: bool = False) -> int:
        """Return a descriptor of its folder for ``dir_fd``. Raises OSError, `UntrustedError` for an untrusted one.

        With `make`, missing folders are made, mode 0700.
        """
        trust = Trust.TEXT if self.root is None or self.saved else Trust.LOG
        folder = _folder((self.root or Path("/")).absolute(), self.path.parent.absolute(), trust, make)
        try:
            if trust is not Trust.TEXT:
                check_own(os.fstat(folder), str(self.path.parent))
        except BaseException:
            os.close(folder)
            raise
        return folder

    def open(self, name: str, folder: int) -> int:
        """Return a descriptor for reading a file of the folder; see `open_own` for what is refused."""
        if self.saved and self.root is not None:
            return open_inside(self.root, self.path.with_name(name))
        return open_own(folder, name, str(self.path.with_name(name)), os.O_RDONLY)[0]


def open_own(folder: int, name: str, shown: str, flags: int, *, make: bool = False) -> tuple[int, bool]:
    """Open a file of a folder and return the descriptor and whether the file was made (mode 0600 for any umask).

    Anything but a regular file is refused unopened: opening some devices has effects. So is a file that belongs to
    others, that others may write, or that has a second name: `UntrustedError`. `shown` is its path for messages.
    """
    flags |= os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
    for _ in range(_TRIES):
        try:
            found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            if not make:
                raise
        else:
            try:
                _check(os.fstat(found), shown)
                return os.open(f"/proc/self/fd/{found}", flags & ~os.O_NOFOLLOW), False
            finally:
                os.close(found)
        with contextlib.suppress(FileExistsError):
            return _make(folder, name, flags), True
    raise OSError(errno.EAGAIN, "made and removed again and again by another process", shown)


def make_folder(name: str, above: int | None = None) -> None:
    """Make a folder (mode 0700 for any umask) unless it exists. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=above)
        made = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        try:
            Path(f"/proc/self/fd/{made}").chmod(0o700)
        finally:
            os.close(made)


def sync_folder(folder: int) -> None:
    """Wait until the folder's names are on disk."""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_problem(error: OSError, path: Path | str) -> str:
    """Return, in one line, which file could not be used and why."""
    if isinstance(error, UntrustedError):
        return error.strerror or str(error)
    return f"{path}: {(error.strerror or str(error)).lower()}"


def _folder(root: Path, path: Path, trust: Trust, make: bool) -> int:
    try:
        return open_inside(root, path, trust, folder=True)
    except FileNotFoundError:
        if not make or path in (root, path.parent):
            raise
    above = _folder(root, path.parent, trust, make)
    try:
        make_folder(path.name, above)
        sync_folder(above)
    finally:
        os.close(above)
    return open_inside(root, path, trust, folder=True)


def _check(status: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown)
    if stat.S_ISLNK(status.st_mode):
        raise UntrustedError(errno.ELOOP, f"{shown} is a link", shown)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", shown)
    check_own(status, shown)
    if status.st_nlink > 1:
        raise UntrustedError(errno.EPERM, f"{shown} has {status.st_nlink} hard links", shown)


def _make(folder: int, name: str, flags: int) -> int:
    descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
