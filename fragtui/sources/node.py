"""Reading a node: one frozen Snapshot at each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from fragtui.kernel.buddyinfo import ZoneBlocks, parse_buddyinfo
from fragtui.kernel.counters import parse_meminfo, parse_vmstat
from fragtui.kernel.pagetypeinfo import parse_pagetypeinfo
from fragtui.kernel.pressure import Pressure, parse_pressure
from fragtui.kernel.zoneinfo import ZoneInfo, parse_zoneinfo
from fragtui.model.snapshot import PageTypeReading, Snapshot, Unreadable, Zone
from fragtui.sources.host import is_live, read_host
from fragtui.sources.host_files import HostFile, reason
from fragtui.sources.pace import Pace

T = TypeVar("T")

PAGETYPEINFO_SHARE = 0.0005
"""Largest share of time for reading /proc/pagetypeinfo: it walks free lists under the zone lock, interrupts off."""
ZONEINFO_SHARE = 0.002
"""The same for /proc/zoneinfo, which grows with CPUs times NUMA nodes."""


class NodeReader:
    """Reads the host files under `root` into Snapshots; keeps what is read less often than every tick.

    Used by one thread at a time. `reading` names the file that is being read now, for the one who waits for it.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self.live = is_live(root)
        self.host = read_host(root)
        self.reading: str | None = None
        proc = root / "proc"
        if not proc.is_dir() and (root / "buddyinfo").exists():
            proc = root
        self._buddyinfo = HostFile(proc / "buddyinfo")
        self._zoneinfo = HostFile(proc / "zoneinfo")
        self._pagetypeinfo = HostFile(proc / "pagetypeinfo")
        self._meminfo = HostFile(proc / "meminfo")
        self._vmstat = HostFile(proc / "vmstat")
        self._pressure = HostFile(proc / "pressure/memory")
        self._zoneinfo_pace = Pace(ZONEINFO_SHARE)
        self._page_types_pace = Pace(PAGETYPEINFO_SHARE, least=10.0)
        self._zone_infos: tuple[ZoneInfo, ...] = ()
        self._zoneinfo_problem: Unreadable | None = None
        self._page_types: PageTypeReading | None = None
        self._page_types_problem: Unreadable | None = None

    def sample(self, *, page_types: bool = False) -> Snapshot:
        """Read the node now; `page_types` has /proc/pagetypeinfo read even before its next turn.

        Never raises for a file: what could not be read is None or empty, with its reason in `unreadable`.
        """
        unreadable: list[Unreadable] = []
        wall, now = time.time(), time.monotonic()
        blocks = self._read_buddyinfo(unreadable)
        if self._zoneinfo_pace.due(now):
            self._read_zoneinfo()
        if page_types or self._page_types_pace.due(now):
            self._read_page_types()
        meminfo = self._read(self._meminfo, parse_meminfo, unreadable)
        vmstat = self._read(self._vmstat, parse_vmstat, unreadable)
        pressure = self._read(self._pressure, parse_pressure, unreadable)
        self.reading = None
        unreadable += [problem for problem in (self._zoneinfo_problem, self._page_types_problem) if problem]
        infos = {(info.node, info.zone): info for info in self._zone_infos if info.populated}
        zones = None
        if blocks is not None:
            zones = tuple(Zone(zone, infos.get((zone.node, zone.zone))) for zone in blocks)
        return Snapshot(
            time=wall,
            monotonic=now,
            host=self.host,
            zones=zones,
            zone_infos=self._zone_infos,
            page_types=self._page_types,
            meminfo=meminfo if meminfo is not None else {},
            vmstat=vmstat if vmstat is not None else {},
            pressure=pressure if pressure and pressure.some else None,
            unreadable=tuple(unreadable),
        )

    def close(self) -> None:
        """Give all descriptors back."""
        for file in (self._buddyinfo, self._zoneinfo, self._pagetypeinfo, self._meminfo, self._vmstat, self._pressure):
            file.close()

    def _read(self, file: HostFile, parse: Callable[[str], T], unreadable: list[Unreadable]) -> T | None:
        self.reading = str(file.path)
        try:
            text = file.read()
        except OSError as error:
            unreadable.append(Unreadable(str(file.path), reason(error)))
            return None
        value = parse(text)
        if isinstance(value, Mapping) and not value:
            unreadable.append(Unreadable(str(file.path), "nothing in it is a counter"))
        if isinstance(value, Pressure) and value.some is None:
            unreadable.append(Unreadable(str(file.path), "no 'some avg10=...' line in it"))
        return value

    def _read_buddyinfo(self, unreadable: list[Unreadable]) -> tuple[ZoneBlocks, ...] | None:
        parsed = self._read(self._buddyinfo, parse_buddyinfo, unreadable)
        if parsed is None:
            return None
        zones, problems = parsed
        path = str(self._buddyinfo.path)
        if problems:
            unreadable.append(Unreadable(path, str(problems[0])))
        elif not zones:
            unreadable.append(Unreadable(path, "it is empty"))
        return zones or None

    def _read_zoneinfo(self) -> None:
        """Read the watermarks; what was read before does not outlive a failure."""
        problems: list[Unreadable] = []
        start = time.monotonic()
        infos = self._read(self._zoneinfo, parse_zoneinfo, problems)
        end = time.monotonic()
        self._zoneinfo_pace.took(start, end - start)
        if infos is not None and not infos:
            problems.append(Unreadable(str(self._zoneinfo.path), "no zone in it"))
        self._zone_infos = infos or ()
        self._zoneinfo_problem = problems[0] if problems else None

    def _read_page_types(self) -> None:
        problems: list[Unreadable] = []
        start = time.monotonic()
        self.reading = str(self._pagetypeinfo.path)
        text = self._read(self._pagetypeinfo, str, problems)
        # Only the read holds the zone lock; parsing is ours.
        end = time.monotonic()
        self._page_types_pace.took(end, end - start)
        if text is not None:
            info, wrong = parse_pagetypeinfo(text)
            if info.free:
                self._page_types = PageTypeReading(info, end, end - start)
            if wrong or not info.free:
                why = str(wrong[0]) if wrong else "it has no free counts"
                problems.append(Unreadable(str(self._pagetypeinfo.path), why))
        else:
            self._page_types = None
        self._page_types_problem = problems[0] if problems else None
