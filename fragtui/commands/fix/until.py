"""When a phase of ``guard --until`` is over: a unit is active, a log has a text, a process or a time has ended."""

from __future__ import annotations

import argparse
import errno
import os
import select
import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import open_at_once, read_inside
from fragtui.sources.host.in_use import UNIT_NAME, UnknownUse, unit_state
from fragtui.text import bounded_int, format_duration, parse_duration, printable

FORMS = "unit:NAME, log:FILE:TEXT, pid:PID or a time such as 20m"
_UNIT_SECONDS = 5.0
"""Seconds between two calls of systemctl."""
_ENDED = ("active", "failed")
_CHUNK = 1 << 16
_MAX_BYTES = 1 << 24
"""Bytes of a log that are read at one call."""
_MAX_TEXT = 1000

Watch = Callable[[], str | None]
"""Returns why the phase is over, None while it is not."""


class CannotWatch(Exception):
    """The end of the phase can't be seen here; the message has the reason."""


class Phase(NamedTuple):
    """A phase as the user wrote it."""

    text: str
    watch: Callable[[Path], Watch]
    """Begins to watch on the node under a root. Raises CannotWatch."""


def parse_phase(text: str) -> Phase:
    """Return the phase that ends with what `text` names. Raises argparse.ArgumentTypeError."""
    kind, _, rest = text.partition(":")
    if (seconds := parse_duration(text)) is not None and seconds > 0:
        return Phase(text, lambda _: _after(seconds))
    if kind == "unit" and UNIT_NAME.fullmatch(rest):
        return Phase(text, lambda root: _unit(root, rest))
    if kind == "pid" and (pid := bounded_int(rest, (1 << 22))) is not None and pid > 0:
        return Phase(text, lambda root: _process(root, pid))
    if kind == "log":
        path, _, wanted = rest.partition(":")
        if path and 0 < len(wanted) <= _MAX_TEXT and wanted.isprintable():
            return Phase(text, lambda _: LogWatch(path, wanted).over)
    raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected {FORMS}")


def _after(seconds: float) -> Watch:
    end = time.monotonic() + seconds
    return lambda: f"{format_duration(seconds)} have passed" if time.monotonic() >= end else None


def _unit(root: Path, unit: str) -> Watch:
    try:
        unit_state(root, unit)
    except (UnknownUse, OSError) as error:
        raise CannotWatch(f"unit {unit}: {os_reason(error) if isinstance(error, OSError) else error}") from error
    return partial(_unit_over, root, unit, [time.monotonic()])


def _unit_over(root: Path, unit: str, due: list[float]) -> str | None:
    """Return why the start of a unit is over; unknown is not over. `due` has the time of the next call."""
    if time.monotonic() < due[0]:
        return None
    due[0] = time.monotonic() + _UNIT_SECONDS
    try:
        state = unit_state(root, unit)
    except (UnknownUse, OSError):
        return None
    return f"unit {unit} is {state}" if state in _ENDED else None


def _process(root: Path, pid: int) -> Watch:
    if (started := _start_time(root, pid)) is None:
        raise CannotWatch(f"there is no process {pid}")
    return lambda: None if _start_time(root, pid) == started else f"process {pid} has ended"


def _start_time(root: Path, pid: int) -> bytes | None:
    """Return field 22 of /proc/PID/stat, by which a process that got the same pid later differs; None for a zombie."""
    try:
        fields = read_inside(root, f"proc/{pid}/stat", 4096).rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[19] if len(fields) > 19 and fields[0] not in (b"Z", b"X") else None


class LogWatch:
    """Searches what is appended to a file from now on, or arrives on standard input (``-``), for a text."""

    def __init__(self, path: str, text: str) -> None:
        """Raise CannotWatch if the file can't be opened."""
        self._path = path
        self._name = "standard input" if path == "-" else printable(path)
        self._text = text
        self._wanted = text.encode()
        self._tail = b""
        self._descriptor = 0
        if path != "-":
            try:
                self._descriptor = self._open()
                mode = os.fstat(self._descriptor).st_mode
                if stat.S_ISDIR(mode):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                if stat.S_ISREG(mode):
                    os.lseek(self._descriptor, 0, os.SEEK_END)
            except OSError as error:
                raise CannotWatch(f"{printable(path)}: {os_reason(error)}") from error

    def over(self) -> str | None:
        """Return that the text was found, or that standard input has ended; never waits."""
        for _ in range(_MAX_BYTES // _CHUNK):
            data = self._read()
            if data is None:
                return "standard input has ended"
            if not data:
                if not self._replaced():
                    return None
                continue
            seen = self._tail + data
            if self._wanted in seen:
                return f"{self._name} contains the text {printable(self._text, 100)!r}"
            self._tail = seen[-len(self._wanted) + 1 :] if len(self._wanted) > 1 else b""
        return None

    def _open(self) -> int:
        return open_at_once(Path(self._path))

    def _read(self) -> bytes | None:
        """Return the new bytes, empty if there are none; None at the end of standard input."""
        if self._path == "-":
            if not select.select([0], [], [], 0)[0]:
                return b""
            return os.read(0, _CHUNK) or None
        try:
            return os.read(self._descriptor, _CHUNK)
        except OSError:  # Nothing has come, or the file is gone (NFS): a guard does not end by it.
            return b""

    def _replaced(self) -> bool:
        """Begin at the start of the file if it is another one by now (rotated), or was cut; return whether it was."""
        if self._path == "-":
            return False
        try:
            now, mine = Path(self._path).stat(), os.fstat(self._descriptor)
            if not os.path.samestat(now, mine):
                descriptor = self._open()
                os.close(self._descriptor)
                self._descriptor = descriptor
            elif stat.S_ISREG(mine.st_mode) and mine.st_size < os.lseek(self._descriptor, 0, os.SEEK_CUR):
                os.lseek(self._descriptor, 0, os.SEEK_SET)
            else:
                return False
        except OSError:  # Between two files: the next call looks again.
            return False
        self._tail = b""
        return True
