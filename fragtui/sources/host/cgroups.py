"""Page cache, dirty pages and slab by cgroup, read on request: on a thread of its own, bounded in time and number."""

from __future__ import annotations

import errno
import heapq
import os
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.procfs.memory_stat import MemoryStat, parse_memory_stat, parse_read_bytes
from fragtui.kernel.procfs.pressure import parse_pressure
from fragtui.model.node.cgroup_memory import CgroupMemories, CgroupMemory, CgroupPrice
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import open_inside, read_bounded
from fragtui.sources.host.reader import ReadBudget
from fragtui.text import counted, printable, shortage

HIERARCHIES = (("sys/fs/cgroup/memory", 1), ("sys/fs/cgroup", 2), ("sys/fs/cgroup/unified", 2))
"""Where the memory controller may be mounted, below the node's root."""
_BLKIO = "sys/fs/cgroup/blkio"
MAX_SECONDS = 1.0
"""Seconds of one reading, at most: memory.stat sums the counters of all CPUs, so a large node takes long."""
MAX_CGROUPS = 5000
MAX_DEPTH = 12
LARGEST = 10
"""Cgroups delivered."""
MIN_SECONDS = 5.0
"""Minimum seconds between readings."""
MAX_SHARE = 0.01
"""Largest share of time for reading."""
_MAX_STAT = 1 << 16
_GONE = (errno.ENOENT, errno.ENODEV)
"""A file that the cgroup does not have, or that of a cgroup that was removed after it was opened."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class CgroupReader:
    """Reads the cgroups when asked, at most once in `MIN_SECONDS`."""

    def __init__(self, root: Path, deliver: Callable[[CgroupMemories], None], on_crash: Callable[[str], None]) -> None:
        """`deliver` is called on the reading thread."""
        self._root = root
        self._deliver = deliver
        self._on_crash = on_crash
        self._budget = ReadBudget(MAX_SHARE, least=MIN_SECONDS)
        self._thread: threading.Thread | None = None

    def look(self) -> bool:
        """Start a reading if one is due and none runs; return whether one runs now. Never waits."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if not self._budget.due(time.monotonic()):
            return False
        self._thread = threading.Thread(target=self._run, name="cgroups", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            self._deliver(CgroupMemories(time.time(), why=shortage(error) or str(error)))
        return self._thread is not None

    def _run(self) -> None:
        try:
            found = read_cgroups(self._root)
            self._budget.took(time.monotonic(), found.seconds)
            self._deliver(found)
        except Exception:
            self._on_crash(traceback.format_exc())


def read_cgroups(root: Path) -> CgroupMemories:
    """Return the cgroups with most page cache under `root`; one for each pod, one for each other cgroup.

    Symbolic links below the mount are not followed. Takes at most `MAX_SECONDS` and reads at most `MAX_CGROUPS`.
    """
    problem: OSError | None = None
    for folder, version in HIERARCHIES:
        try:
            place = open_inside(root, folder, folder=True)
        except OSError as error:
            problem = problem or error
            continue
        try:
            descriptor = os.open(".", _FOLDER, dir_fd=place)
        except OSError as error:
            problem = error
            continue
        finally:
            os.close(place)
        try:
            walk = _Walk(folder, version)
            if walk.is_here(descriptor):
                return walk.read(descriptor)
        finally:
            os.close(descriptor)
    why = "no memory controller is mounted at /sys/fs/cgroup"
    return CgroupMemories(time.time(), why=f"{why}: {os_reason(problem)}" if problem else why)


def read_price(root: Path, folder: str) -> CgroupPrice:
    """Return the counters of the cgroup of this directory below `root`; None for those that can't be read.

    Of version 1 the reads are those of the same path in the hierarchy of blkio, if there is one.
    """
    stat = _file(root, f"{folder}/memory.stat")
    refaults = parse_memory_stat(stat).refaults if stat is not None else None
    pressure = _file(root, f"{folder}/memory.pressure")
    some = parse_pressure(pressure).some if pressure is not None else None
    devices = f"{_BLKIO}{folder.removeprefix(HIERARCHIES[0][0])}/blkio.throttle.io_service_bytes"
    names = (f"{folder}/io.stat", f"{devices}_recursive", devices)
    read = next((text for name in names if (text := _file(root, name)) is not None), None)
    return CgroupPrice(
        refaults, None if read is None else parse_read_bytes(read), None if some is None else some.total / 1e6
    )


def _file(root: Path, name: str) -> str | None:
    try:
        return read_bounded(open_inside(root, name), _MAX_STAT).decode("utf-8", "replace")
    except OSError:
        return None


class _Walk:
    """One reading of a hierarchy."""

    def __init__(self, folder: str, version: int) -> None:
        self._folder = folder
        self._version = version
        self._began = time.monotonic()
        self._cpu = time.thread_time()
        self._count = 0
        self._unread = 0
        self._short: str | None = None
        self._found: list[tuple[int, int, CgroupMemory]] = []

    def is_here(self, descriptor: int) -> bool:
        """Return whether the memory controller is in this hierarchy."""
        if self._version == 1:
            return _text(descriptor, "memory.stat") is not None
        return "memory" in (_text(descriptor, "cgroup.controllers") or "").split()

    def read(self, descriptor: int) -> CgroupMemories:
        """Return all cgroups below the mount."""
        total = self._visit(descriptor, "", 0)
        largest = [cgroup for _, _, cgroup in heapq.nlargest(LARGEST, self._found)]
        slabless = "cgroup v1 does not count slab by cgroup" if self._version == 1 else None
        reasons = [self._short, self._part(descriptor), None if largest else "no cgroup has page cache"]
        if self._unread:
            reasons.append(f"{counted(self._unread, 'cgroup')} could not be read")
        return CgroupMemories(
            time.time(),
            tuple(largest),
            self._count,
            total,
            time.monotonic() - self._began,
            time.thread_time() - self._cpu,
            "; ".join(filter(None, reasons)) or None,
            slabless,
        )

    def _part(self, descriptor: int) -> str | None:
        """Return that only a part of the tree is mounted here: the node's own root has other files."""
        try:
            os.stat("memory.current" if self._version == 2 else "release_agent", dir_fd=descriptor)
            inside = self._version == 2
        except FileNotFoundError:
            inside = self._version == 1
        except OSError:
            inside = False
        return "only cgroups of this container are visible; mount the host's /sys/fs/cgroup" if inside else None

    def _visit(self, descriptor: int, path: str, depth: int) -> int:
        """Return the page cache of a cgroup and all below; a pod is one row, a parent's own page cache another."""
        self._count += 1
        try:
            stat = parse_memory_stat(_read(descriptor, "memory.stat"))
        except OSError as error:
            stat = None  # Without the file the controller is not enabled here: its parent counts it.
            self._unread += error.errno not in _GONE
        owner = cgroup_owner(path)
        is_pod = owner is not None and (owner.uid is not None or owner.container_id is not None)
        children = [] if is_pod else self._folders(descriptor)
        below = sum(self._enter(descriptor, name, path, depth) for name in children)
        if stat is None or stat.cache is None:
            return below
        # A parent with less than a quarter of its own has no row: it would repeat its children's.
        if path and (own := stat.cache - below) > 0 and own * 4 >= stat.cache:
            self._add(descriptor, path, stat)
        return stat.cache

    def _enter(self, parent: int, name: str, path: str, depth: int) -> int:
        if self._count >= MAX_CGROUPS:
            self._short = f"only the first {MAX_CGROUPS} cgroups were read"
        elif time.monotonic() - self._began > MAX_SECONDS:
            self._short = f"only {self._count} cgroups were read: it took over {MAX_SECONDS:g} s"
        elif depth >= MAX_DEPTH:
            self._short = f"cgroups below depth {MAX_DEPTH} were not read"
        else:
            try:
                descriptor = os.open(name, _FOLDER, dir_fd=parent)
            except OSError:
                return 0  # It was removed meanwhile, or it is a link.
            try:
                return self._visit(descriptor, f"{path}/{name}", depth + 1)
            finally:
                os.close(descriptor)
        return 0

    def _folders(self, descriptor: int) -> list[str]:
        try:
            with os.scandir(descriptor) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError as error:
            self._unread += error.errno not in _GONE
            return []

    def _add(self, descriptor: int, path: str, stat: MemoryStat) -> None:
        status = os.fstat(descriptor)
        cgroup = CgroupMemory(
            printable(path, 1000),
            f"{self._folder}{path}",
            self._version,
            status.st_dev,
            status.st_ino,
            stat.cache or 0,
            stat.dirty,
            stat.slab,
        )
        self._found.append((cgroup.cache, len(self._found), cgroup))


def _read(descriptor: int, name: str) -> str:
    return read_bounded(os.open(name, _FILE, dir_fd=descriptor), _MAX_STAT).decode("utf-8", "replace")


def _text(descriptor: int, name: str) -> str | None:
    try:
        return _read(descriptor, name)
    except OSError:
        return None
