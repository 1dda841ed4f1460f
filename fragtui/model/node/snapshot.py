"""What is known of a node at one tick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
    from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo
    from fragtui.kernel.procfs.pressure import Pressure
    from fragtui.kernel.procfs.version import KernelVersion
    from fragtui.kernel.procfs.zoneinfo import ZoneInfo


ZoneKey = tuple[int, str]
"""A zone's identity: NUMA node number and zone name."""

NO_PSI = ("no such file or directory", "switched off in this kernel")
"""Reasons of a live node for no /proc/pressure/memory which show that the kernel has no PSI."""


class SelfUsage(NamedTuple):
    """fragtui's own use: share of one CPU since the last reading (0..1), and resident bytes."""

    cpu: float
    resident: int


class PageTypeReading(NamedTuple):
    """A reading of /proc/pagetypeinfo: its content, when (monotonic seconds), and the seconds it took."""

    info: PageTypeInfo
    at: float
    cost: float


class Unreadable(NamedTuple):
    """A file (or a part of it) that gave no value, and why: what depends on it is unknown, never zero."""

    path: str
    why: str

    def __str__(self) -> str:
        """Return ``path: why``."""
        return f"{self.path}: {self.why}"


class Host(NamedTuple):
    """What does not change while the node is up; None for unknown."""

    name: str | None
    release: str | None
    version: KernelVersion | None
    page_size: int
    """Bytes."""
    page_size_assumed: bool = False
    """True if saved files do not give it: it is the usual one of kernels with that number of orders."""
    page_size_doubt: str | None = None
    """What among the saved files contradicts it."""


class Zone(NamedTuple):
    """One populated zone: its free blocks, and its watermarks if /proc/zoneinfo could be read."""

    blocks: ZoneBlocks
    info: ZoneInfo | None

    @property
    def key(self) -> ZoneKey:
        """NUMA node number and zone name."""
        return self.blocks.node, self.blocks.zone

    @property
    def node(self) -> int:
        """NUMA node number."""
        return self.blocks.node

    @property
    def name(self) -> str:
        """The kernel's name of the zone: DMA, DMA32, Normal, HighMem, Movable, Device."""
        return self.blocks.zone

    @property
    def free_blocks(self) -> tuple[int, ...]:
        """Free blocks of exactly each order."""
        return self.blocks.free_blocks


class Snapshot(NamedTuple):
    """Everything sampled at one tick. None, or absent from a mapping, means unknown; `unreadable` gives the reason."""

    time: float
    """Wall clock, seconds since the epoch."""
    monotonic: float
    """Seconds on a clock that never jumps."""
    host: Host
    zones: tuple[Zone, ...] | None
    """Populated zones in the kernel's order; None if /proc/buddyinfo could not be read."""
    zone_infos: tuple[ZoneInfo, ...] = ()
    """Every zone of /proc/zoneinfo, including unpopulated ones: their positions give the zone indices."""
    page_types: PageTypeReading | None = None
    meminfo: Mapping[str, int] = {}
    """Bytes."""
    vmstat: Mapping[str, int] = {}
    pressure: Pressure | None = None
    unreadable: tuple[Unreadable, ...] = ()
    own: SelfUsage | None = None

    def zone(self, key: ZoneKey) -> Zone | None:
        """Return the zone of that key, or None if it does not exist (any more)."""
        return next((zone for zone in self.zones or () if zone.key == key), None)

    def why(self, path_end: str) -> str | None:
        """Return why the file whose path has this ending could not be read, or None if it was read."""
        return next((problem.why for problem in self.unreadable if problem.path.endswith(path_end)), None)

    @property
    def unknown(self) -> tuple[Unreadable, ...]:
        """Files that gave no value, and what is assumed instead."""
        host = self.host
        if not host.page_size_assumed and host.page_size_doubt is None:
            return self.unreadable
        size = f"no file gives it; {host.page_size} bytes assumed"
        if not host.page_size_assumed:
            size = f"{host.page_size} bytes, as the files name it"
        doubt = f", but {host.page_size_doubt}" if host.page_size_doubt else ""
        return (*self.unreadable, Unreadable("page size", f"{size}{doubt}"))

    @property
    def uninitialised_bytes(self) -> int:
        """Bytes of MemTotal that no zone manages, 0 below a percent or if unknown.

        Kernels that initialise memory late count it as free before they add it to its zone.
        """
        managed = [zone.managed for zone in self.zone_infos]
        total = self.meminfo.get("MemTotal")
        if total is None or not managed or None in managed:
            return 0
        outside = total - sum(filter(None, managed)) * self.host.page_size
        return outside if outside > total // 100 else 0
