"""Whether units, ports and processes that the user names are in use on the node. Unknown is never "not in use".

Another user may start a process of any name and listen on most ports: that can make this say "in use", never "not".
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from fragtui.kernel.procfs.sockets import listening_ports
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import find_program, program_environment, read_inside
from fragtui.sources.host.processes import MAX_PROCESSES
from fragtui.text import printable

UNIT_NAME = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}", re.ASCII)
"""Names of systemd's units: no option, no pattern."""
_SYSTEMCTL_SECONDS = 10.0
_SEARCH_SECONDS = 10.0
_STOPPED = ("inactive", "failed")
_KTHREADD = "kthreadd\n"
_MAX_LINE = 600
"""Characters that hold at least one whole line of a socket; a line has at most 200."""
_MAX_COMM = 15
"""Characters of a name that the kernel keeps (TASK_COMM_LEN, include/linux/sched.h)."""
_MAX_TEXT = 4 << 20
"""Bytes read of a file."""


class InUse(NamedTuple):
    """Which named units, ports and processes are in use, and for which that is unknown, each as a phrase."""

    live: tuple[str, ...]
    unknown: tuple[str, ...]


class UnknownUse(Exception):
    """It can't be found out; the message has the reason."""


def in_use(root: Path, units: Sequence[str], ports: Sequence[int], processes: Sequence[str]) -> InUse:
    """Return what of these is in use on the live node under `root`."""
    live: list[str] = []
    unknown: list[str] = []

    def ask(what: str, found: Callable[[], str | None]) -> None:
        try:
            if (state := found()) is not None:
                live.append(f"{what} {state}")
        except (UnknownUse, OSError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else str(error)
            unknown.append(f"whether {what} is in use is unknown: {reason}")

    for unit in units:
        ask(f"unit {printable(unit)}", partial(_unit, root, unit))
    for port in ports:
        ask(f"port {port}", partial(_listener, root, port))
    for name in processes:
        ask(f"process {printable(name)}", partial(_process, root, name))
    return InUse(tuple(live), tuple(unknown))


def _unit(root: Path, unit: str) -> str | None:
    """Return in which state a unit is, None if it is stopped or does not exist."""
    state = unit_state(root, unit)
    return None if state in _STOPPED else f"is {state}"


def unit_state(root: Path, unit: str) -> str:
    """Return ActiveState of a unit of this machine; inactive if it does not exist. Raises UnknownUse, OSError."""
    if root != Path("/"):
        raise UnknownUse("only systemctl on the node itself knows its units, not in a container")
    try:
        done = subprocess.run(
            [find_program("systemctl"), "show", "--property=ActiveState", "--value", "--", unit],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=program_environment(),
            cwd="/",
            timeout=_SYSTEMCTL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnknownUse(f"systemctl did not answer in {_SYSTEMCTL_SECONDS:.0f} s") from error
    state = printable(done.stdout.decode("utf-8", "replace").strip(), 40)
    if done.returncode or not state:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnknownUse(printable(said, 200) or f"systemctl ended with status {done.returncode}")
    return state


def _listener(root: Path, port: int) -> str | None:
    """Return that a TCP port is listened on, in any network namespace that a process is in; None if it is not."""
    seen: set[int] = set()
    for pid in _pids(root):
        try:
            namespace = (root / "proc" / pid / "ns/net").stat().st_ino
            if namespace in seen:
                continue
            ports = _ports(root, f"{pid}/net/tcp")
            # Without this file the kernel has no IPv6, or the process has ended.
            if (root / "proc" / pid / "net/tcp6").exists():
                ports |= _ports(root, f"{pid}/net/tcp6")
            elif not (root / "proc" / pid / "net/tcp").exists():
                continue
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError as error:
            raise UnknownUse(f"the network namespace of pid {pid} can't be read (needs CAP_SYS_PTRACE)") from error
        if port in ports:
            return f"is listened on (network namespace of pid {pid})"
        seen.add(namespace)
    return None


def _ports(root: Path, name: str) -> frozenset[int]:
    """Return the ports listened on by a file of /proc. Raises UnknownUse, OSError."""
    text = _text(root, name)
    # Sockets in state LISTEN come first; any user may have more of them than are read.
    if len(text) >= _MAX_TEXT and listening_ports(text[-_MAX_LINE:].partition("\n")[2]):
        raise UnknownUse(f"/proc/{name} has too many listening sockets")
    return listening_ports(text)


def _process(root: Path, name: str) -> str | None:
    """Return the process of that name, by its comm or the last part of its first argument; None if there is none."""
    for pid in _pids(root):
        try:
            comm = _text(root, f"{pid}/comm").rstrip("\n")
            first = _text(root, f"{pid}/cmdline").split("\0", 1)[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if comm == name[:_MAX_COMM] or first.rpartition("/")[2] == name:
            return f"runs (pid {pid})"
    return None


def _pids(root: Path) -> Iterator[str]:
    """Yield the processes of the node. Raises UnknownUse unless all of them are visible.

    Only the machine's own PID namespace shows the kernel's threads, and hidepid shows them only to root
    with CAP_SYS_PTRACE.
    """
    try:
        if _text(root, "2/comm") != _KTHREADD:
            raise FileNotFoundError
    except OSError as error:
        raise UnknownUse(
            "not all processes of the node are visible (PID namespace of a container, or hidepid)"
        ) from error
    own = str(os.getpid())
    with os.scandir(root / "proc") as entries:
        pids = [entry.name for entry in islice(entries, 2 * MAX_PROCESSES) if entry.name.isdecimal()]
    if len(pids) > MAX_PROCESSES:
        raise UnknownUse(f"there are more than {MAX_PROCESSES} processes")
    end = time.monotonic() + _SEARCH_SECONDS
    for pid in pids:
        if time.monotonic() > end:  # Any user may have many network namespaces, full of sockets.
            raise UnknownUse(f"reading all processes takes longer than {_SEARCH_SECONDS:.0f} s")
        if pid != own:
            yield pid


def _text(root: Path, name: str) -> str:
    """Return a text of /proc, undecodable bytes replaced. Raises OSError."""
    return read_inside(root, f"proc/{name}", _MAX_TEXT).decode("utf-8", "replace")
