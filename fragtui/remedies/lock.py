"""Locks: one remedy and one guard at a time on a node, in any process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fragtui.sources.files.own_files import make_folder, open_own
from fragtui.sources.files.trust import check_own
from fragtui.sources.host.identity import is_live
from fragtui.text import printable

LOCK_FOLDER = "run/fragtui"


class LockBusy(Exception):
    """Another process holds the lock; the message names it."""


class NodeLock:
    """A lock that ends with the last process that has its descriptors: a child that inherits them keeps it.

    It is taken in every given directory that can be written, so that two processes that see different parts of the
    host (one on it, one in a container with the host under /host) share at least one. A directory or file that another
    user may have made is not used: that user could hold the lock, or have another file emptied.
    """

    def __init__(self, descriptors: tuple[int, ...]) -> None:
        self.descriptors = descriptors

    @classmethod
    def take(cls, name: str, directories: Iterable[Path], holder: str) -> NodeLock:
        """Take the lock or raise LockBusy; raise OSError, with a file name, if no directory can be used.

        `holder` names this process to the others.
        """
        taken: list[int] = []
        problem: OSError | None = None
        try:
            for directory in dict.fromkeys(directories):
                path = directory / f"fragtui-{name}.lock"
                try:
                    descriptor = _open(directory, path)
                except OSError as error:
                    problem = error
                    continue
                # The same file twice would block itself: to flock(2) a second open is a second owner.
                if _same_file(descriptor, taken):
                    os.close(descriptor)
                    continue
                taken.append(descriptor)
                _lock(descriptor, path, holder)
            if problem is not None and not taken:
                raise problem
        except BaseException:
            _close(taken)
            raise
        return cls(tuple(taken))

    def release(self) -> None:
        """Close the descriptors; the files stay, empty, since removing them would race."""
        descriptors, self.descriptors = self.descriptors, ()
        try:
            for descriptor in descriptors:
                with suppress(OSError):
                    os.ftruncate(descriptor, 0)
        finally:
            _close(descriptors)


def lock_directories(root: Path, audit: Path) -> tuple[Path, ...]:
    """Return the lock directories of the node under `root`: its /run/fragtui, the local one, that of the audit log.

    A saved tree has none, since nothing runs on it.
    """
    return tuple(dict.fromkeys((root / LOCK_FOLDER, Path("/", LOCK_FOLDER), audit.parent))) if is_live(root) else ()


def _open(directory: Path, path: Path) -> int:
    """Open the lock file; make /run/fragtui if needed. Raises OSError with a file name."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder = os.open(directory, flags)
    except FileNotFoundError:
        if directory.name != Path(LOCK_FOLDER).name:
            raise
        make_folder(str(directory))
        folder = os.open(directory, flags)
    try:
        check_own(os.fstat(folder), str(directory))
        return open_own(folder, path.name, str(path), os.O_RDWR, make=True)[0]
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(folder)


def _lock(descriptor: int, path: Path, holder: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = printable(os.pread(descriptor, 200, 0).decode("utf-8", "replace")) or "another process"
        raise LockBusy(other) from None
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode("utf-8", "replace"), 0)
    except OSError as error:
        error.filename = str(path)
        raise


def _same_file(descriptor: int, others: list[int]) -> bool:
    return any(os.path.samestat(os.fstat(descriptor), os.fstat(other)) for other in others)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
