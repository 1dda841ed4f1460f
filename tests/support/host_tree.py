"""A directory of files that reads like a host's root."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, TypeBlocks, ZonePageblocks
from tests.support.procfs import format_buddyinfo, format_pagetypeinfo

HEALTHY = (2000, 1500, 1000, 800, 400, 200, 100, 50, 20, 10, 900)
FRAGMENTED = (410_000, 96_000, 12_000, 40, 0, 0, 0, 0, 0, 0, 0)
DMA = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3)


@dataclass
class ZoneFacts:
    """One zone as its files show it; pages."""

    node: int
    name: str
    free_blocks: tuple[int, ...]
    min: int = 11_000
    reserve: tuple[int, ...] = (0, 0, 0, 0, 0)
    managed: int = 5_000_000
    file: int = 300_000

    @property
    def free(self) -> int:
        return sum(count << order for order, count in enumerate(self.free_blocks))


@dataclass
class HostTree:
    """Writes the files of a host under `root`; change `zones` and call `write` again for the next moment."""

    root: Path
    zones: list[ZoneFacts] = field(default_factory=list)
    release: str = "6.8.0-45-generic"
    hostname: str = "node-7"
    migratetypes: tuple[str, ...] = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate")
    ticks: int = 0

    @classmethod
    def small(cls, root: Path, normal: tuple[int, ...] = HEALTHY) -> HostTree:
        """A node of one NUMA node, 20 GB."""
        tree = cls(
            root,
            [
                ZoneFacts(0, "DMA", DMA, min=10, reserve=(0, 3019, 24090, 24090, 24090), managed=3840, file=0),
                ZoneFacts(0, "DMA32", normal, min=2100, reserve=(0, 0, 21071, 21071, 21071), managed=770_000),
                ZoneFacts(0, "Normal", normal),
            ],
        )
        tree.write()
        return tree

    @classmethod
    def numa(cls, root: Path, nodes: int, orders: int = 11) -> HostTree:
        """A node of many NUMA nodes with as many orders as its page size gives."""
        counts = tuple(max(1, 4000 >> order) for order in range(orders))
        tree = cls(root, [ZoneFacts(node, "Normal", counts) for node in range(nodes)])
        tree.write()
        return tree

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def write(self) -> None:
        self.ticks += 1
        self.put("proc/buddyinfo", format_buddyinfo(tuple(self._blocks())))
        self.put("proc/zoneinfo", "".join(self._zoneinfo(zone) for zone in self.zones))
        self.put("proc/pagetypeinfo", format_pagetypeinfo(self._types()))
        total = sum(zone.managed for zone in self.zones) * 4
        free = sum(zone.free for zone in self.zones) * 4
        self.put(
            "proc/meminfo",
            f"MemTotal: {total} kB\nMemFree: {free} kB\nBuffers: 1000 kB\nCached: 9000000 kB\n"
            "Active(file): 4000000 kB\nInactive(file): 4500000 kB\nDirty: 12000 kB\nWriteback: 0 kB\n"
            "Mapped: 200000 kB\nShmem: 50000 kB\nSReclaimable: 800000 kB\nSUnreclaim: 300000 kB\n",
        )
        self.put(
            "proc/vmstat",
            f"nr_free_pages {free // 4}\ncompact_stall {self.ticks * 3}\npgmigrate_success {self.ticks * 100}\n"
            f"pgmigrate_fail 0\nworkingset_refault_file {self.ticks}\npgpgin {self.ticks * 10}\n",
        )
        self.put(
            "proc/pressure/memory",
            "some avg10=1.25 avg60=0.50 avg300=0.10 total=120000\nfull avg10=0.25 avg60=0.00 avg300=0.00 total=20000\n",
        )
        self.put("proc/sys/kernel/hostname", self.hostname + "\n")
        self.put("proc/sys/kernel/osrelease", self.release + "\n")

    def _blocks(self) -> list[ZoneBlocks]:
        return [ZoneBlocks(zone.node, zone.name, zone.free_blocks) for zone in self.zones]

    def _zoneinfo(self, zone: ZoneFacts) -> str:
        protection = ", ".join(map(str, zone.reserve))
        return (
            f"Node {zone.node}, zone {zone.name:>8}\n  pages free     {zone.free}\n        boost    0\n"
            f"        min      {zone.min}\n        low      {zone.min * 5 // 4}\n        high     {zone.min * 3 // 2}\n"
            f"        spanned  {zone.managed}\n        present  {zone.managed}\n        managed  {zone.managed}\n"
            f"        cma      0\n        protection: ({protection})\n      nr_free_pages {zone.free}\n"
            f"      nr_zone_inactive_file {zone.file // 2}\n      nr_zone_active_file {zone.file - zone.file // 2}\n"
            "      nr_free_cma  0\n  pagesets\n    cpu: 0\n              count:    0\n              high:     4\n"
        )

    def _types(self) -> PageTypeInfo:
        free = []
        blocks = []
        for zone in self.zones:
            for name in self.migratetypes:
                counts = zone.free_blocks if name == "Movable" else (0,) * len(zone.free_blocks)
                free.append(TypeBlocks(zone.node, zone.name, name, tuple(min(n, 100_000) for n in counts)))
            shares = {"Movable": max(0, zone.managed // 512 - 20), "Unmovable": 20}
            blocks.append(
                ZonePageblocks(zone.node, zone.name, tuple((name, shares.get(name, 0)) for name in self.migratetypes))
            )
        return PageTypeInfo(9, 512, tuple(free), tuple(blocks))
