"""The largest processes of a live node, read while it is out of memory: on a thread of its own, and seldom."""

from __future__ import annotations

import heapq
import os
import threading
import time
import traceback
from collections.abc import Callable
from itertools import islice
from operator import itemgetter
from pathlib import Path

from fragtui.model.node.consumers import Consumers, Process
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.host.reader import ReadBudget
from fragtui.text import printable, shortage

MIN_SECONDS = 5.0
"""Minimum seconds between readings."""
MAX_SHARE = 0.01
"""Largest share of time for reading: on a node of 5,000 processes a reading takes 0.1 s."""
MAX_PROCESSES = 65_536
"""Processes looked at in one reading."""
LARGEST = 16
"""Processes delivered."""
_FORGET_SECONDS = 60.0
"""Seconds without a reading after which growth is counted from the next one."""
_INITIAL_PIDS = "pid:[4026531836]"
"""The machine's own PID namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h)."""
_LIMIT = 4096


class ProcessReader:
    """Reads /proc/PID/statm of all processes when asked, at most once in `MIN_SECONDS`; names only the largest ones."""

    def __init__(
        self, proc: Path, page_size: int, deliver: Callable[[Consumers], None], on_crash: Callable[[str], None]
    ) -> None:
        """`deliver` is called on the reading thread."""
        self._proc = str(proc)
        self._page_size = page_size
        self._deliver = deliver
        self._on_crash = on_crash
        self._budget = ReadBudget(MAX_SHARE, least=MIN_SECONDS)
        self._thread: threading.Thread | None = None
        self._first: dict[int, int] = {}
        """Resident pages by pid at the first reading."""
        self._began = self._ended = float("-inf")

    def look(self) -> None:
        """Start a reading if one is due and none runs; never waits."""
        now = time.monotonic()
        if not self._budget.due(now) or (self._thread is not None and self._thread.is_alive()):
            return
        self._budget.took(now, 0.0)
        self._thread = threading.Thread(target=self._run, name="processes", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            self._deliver(self._none(shortage(error) or str(error)))

    def _run(self) -> None:
        try:
            self._deliver(self._read())
        except Exception:
            self._on_crash(traceback.format_exc())

    def _read(self) -> Consumers:
        start = time.monotonic()
        try:
            resident = self._resident()
        except OSError as error:
            return self._none(os_reason(error))
        if not resident:
            return self._none("it lists no process")
        if start - self._ended > _FORGET_SECONDS:
            self._first, self._began = resident, start
        seconds = start - self._began if start > self._began else None
        largest = heapq.nlargest(LARGEST, resident.items(), key=itemgetter(1))
        processes = tuple(self._process(pid, pages, seconds) for pid, pages in largest)
        self._ended = end = time.monotonic()
        self._budget.took(end, end - start)
        return Consumers(time.time(), processes, len(resident), "/proc", seconds, hidden_processes(self._proc))

    def _resident(self) -> dict[int, int]:
        """Return the resident pages of each process; those without any, the kernel's threads, are left out."""
        found: dict[int, int] = {}
        with os.scandir(self._proc) as entries:
            for entry in islice((entry for entry in entries if entry.name.isdecimal()), MAX_PROCESSES):
                fields = self._text(f"{entry.name}/statm").split()
                if len(fields) > 1 and fields[1].isdecimal() and (pages := int(fields[1])):
                    found[int(entry.name)] = pages
        return found

    def _process(self, pid: int, pages: int, seconds: float | None) -> Process:
        path = cgroup_path(self._text(f"{pid}/cgroup"))
        before = self._first.get(pid) if seconds is not None else None
        return Process(
            pid,
            printable(self._text(f"{pid}/comm").rstrip("\n"), 32) or "?",
            pages * self._page_size,
            path,
            None if before is None else (pages - before) * self._page_size,
        )

    def _text(self, name: str) -> str:
        """Return a small file's text; empty if the process has ended."""
        try:
            descriptor = os.open(f"{self._proc}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            return os.read(descriptor, _LIMIT).decode("utf-8", "replace")
        except OSError:
            return ""
        finally:
            os.close(descriptor)

    def _none(self, why: str) -> Consumers:
        return Consumers(time.time(), (), 0, "/proc", why=why)


def cgroup_path(text: str) -> str | None:
    """Return the cgroup of a task, by the text of its ``cgroup`` file; None if it names none.

    The memory controller's path of version 1, else the only one of version 2.
    """
    lines = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    path = next((path for _, names, path in lines if "memory" in names.split(",")), None)
    path = path or next((path for _, names, path in lines if not names), None)
    return printable(path, 1000) if path else None


def hidden_processes(proc: str) -> str | None:
    """Return which processes /proc does not show, None if it shows all of them or that is unknown."""
    if not os.path.exists(f"{proc}/1/comm"):
        return "only own processes are visible (hidepid); run as root"
    try:
        inside = str(Path(f"{proc}/1/ns/pid").readlink()) != _INITIAL_PIDS
    except OSError:
        return None
    return "only processes of this container are visible; share the host's PID namespace" if inside else None
