"""Reader of /dev/kmsg: one read is one record, never blocks, counts lost records.

Behaviour: Documentation/ABI/testing/dev-kmsg, devkmsg_read() in kernel/printk/printk.c, 3.5 to 6.19.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from fragtui.sources.files.trust import open_inside
from fragtui.text import bounded_int

_BUFFER = 16_384
"""CONSOLE_EXT_LOG_MAX is 8192; a smaller buffer makes the kernel skip the record (EINVAL)."""
_DEVICE = (1, 11)
"""Major and minor number of /dev/kmsg (Documentation/admin-guide/devices.txt)."""
MAX_BATCHES = 512
"""Most batches read at once, a million records: no ring holds more, but a writer may be as fast as the reader."""


class KmsgBatch(NamedTuple):
    """Raw records in order, none missing between them.

    `lost` were overwritten or skipped before the first of them, at least; `drained` if no more wait.
    """

    records: tuple[bytes, ...]
    lost: int
    drained: bool


class KmsgReader:
    """An open kernel log, given by its descriptor, which is closed with it. It starts at the oldest record."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._next: int | None = None
        self._after_gap: bytes | None = None

    def fileno(self) -> int:
        """Return the descriptor, for poll: POLLERR there means that records were lost, not a failure."""
        return self._fd

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self, limit: int = 2000) -> KmsgBatch:
        """Return up to `limit` waiting records. Raises OSError if the log is gone for good."""
        records: list[bytes] = []
        lost = 0
        while len(records) < limit:
            try:
                held, self._after_gap = self._after_gap, None
                data = os.read(self._fd, _BUFFER) if held is None else held
            except BlockingIOError:
                return KmsgBatch(tuple(records), lost, True)
            except InterruptedError:
                continue
            except OSError as error:
                # EPIPE: overwritten before it was read, continue with the oldest. EINVAL: longer than the buffer,
                # skipped.
                if error.errno in {errno.EPIPE, errno.EINVAL}:
                    if self._next is None:
                        lost = 1  # The number of records before the first one read is unknown.
                    continue
                raise
            if not data:  # The kernel log has no end: it gives a record or EAGAIN.
                raise OSError(errno.ENODEV, "not a kernel log: it reads as empty")
            sequence = sequence_of(data)
            if sequence is not None:
                if self._next is not None and sequence > self._next:
                    if records:  # Records before the gap are reported first.
                        self._after_gap = data
                        return KmsgBatch(tuple(records), lost, False)
                    lost += sequence - self._next
                self._next = sequence + 1
            records.append(data)
        return KmsgBatch(tuple(records), lost, False)


def sequence_of(record: bytes) -> int | None:
    """Return a raw record's sequence number, or None if it has none."""
    parts = record.split(b",", 2)
    return bounded_int(parts[1]) if len(parts) == 3 else None


def open_kmsg(path: Path, root: Path = Path("/")) -> KmsgReader:
    """Open the kernel log. Raises OSError: ENODEV if the path is another device or a file.

    A link is followed inside `root` only, so the files of another node never show this one's log. In nested and
    unprivileged containers /dev/kmsg may be /dev/null, /dev/zero, a console or an empty file.
    """
    _check(path.stat())  # First: opening another device may have effects.
    return KmsgReader(open_inside(root, path.absolute(), device=_DEVICE))


def is_device(path: Path) -> bool:
    """Return whether a path is a device, not a log file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _check(status: os.stat_result) -> None:
    number = (os.major(status.st_rdev), os.minor(status.st_rdev))
    if stat.S_ISCHR(status.st_mode) and number == _DEVICE:
        return
    device = stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)
    what = f"device {number[0]}:{number[1]}" if device else "no device"
    raise OSError(errno.ENODEV, f"not a kernel log: it is {what}, /dev/kmsg is character device 1:11")


def boot_epoch() -> float:
    """Return the epoch second at which the kernel's timestamps were zero, by the current clocks."""
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
