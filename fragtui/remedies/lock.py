"""One remedy, and one guard, at a time on a node, whichever process runs it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from fragtui.text import printable


class Busy(Exception):
    """Another process holds the lock; the message says which."""


class NodeLock:
    """A lock that ends with the last process that has its descriptors: a child that got them holds it on.

    It is taken in every directory of those given that can be written, so that two processes that see different parts
    of the host (one on it, one in a container with the host under /host) meet in at least one.
    """

    def __init__(self, descriptors: tuple[int, ...]) -> None:
        self.descriptors = descriptors

    @classmethod
    def take(cls, name: str, directories: Iterable[Path], holder: str) -> NodeLock:
        """Take the lock or raise Busy; raise OSError where no directory can be written.

        `holder` is what the others are told of this one.
        """
        taken: list[int] = []
        problem: OSError | None = None
        for directory in dict.fromkeys(path.resolve() for path in directories):
            try:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
                descriptor = os.open(directory / f"fragtui-{name}.lock", flags, 0o600)
            except OSError as error:
                problem = error
                continue
            # The same file twice would be refused by ourselves: a second open is a second owner to flock(2).
            if _same_file(descriptor, taken):
                os.close(descriptor)
                continue
            taken.append(descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                other = printable(os.pread(descriptor, 200, 0).decode("utf-8", "replace")) or "another process"
                _close(taken)
                raise Busy(other) from None
        if not taken:
            raise problem or FileNotFoundError("no directory for a lock")
        for descriptor in taken:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode("utf-8", "replace"), 0)
        return cls(tuple(taken))

    def release(self) -> None:
        """Give the descriptors back; the files stay, empty, since removing them would race."""
        for descriptor in self.descriptors:
            os.ftruncate(descriptor, 0)
        _close(self.descriptors)
        self.descriptors = ()


def lock_directories(root: Path, audit: Path) -> tuple[Path, ...]:
    """Return where locks of the node under `root` go: its /run, this one's, and beside the audit log."""
    return (root / "run", Path("/run"), audit.parent)


def _same_file(descriptor: int, others: list[int]) -> bool:
    mine = os.fstat(descriptor)
    return any((o.st_dev, o.st_ino) == (mine.st_dev, mine.st_ino) for o in map(os.fstat, others))


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
