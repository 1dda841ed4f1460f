"""The raw texts of one tick, and the Snapshot built from them, live or from a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks, parse_buddyinfo
from fragtui.kernel.procfs.counters import parse_meminfo, parse_vmstat
from fragtui.kernel.procfs.pressure import Pressure, parse_pressure
from fragtui.kernel.procfs.zoneinfo import ZoneInfo, parse_zoneinfo
from fragtui.model.node.snapshot import Host, Snapshot, Unreadable, Zone

if TYPE_CHECKING:
    from fragtui.model.node.snapshot import PageTypeReading

T = TypeVar("T")

BUDDYINFO, ZONEINFO, PAGETYPEINFO = "buddyinfo", "zoneinfo", "pagetypeinfo"
MEMINFO, VMSTAT, PRESSURE = "meminfo", "vmstat", "pressure/memory"


class FileText(NamedTuple):
    """One file as it was read: its text, or None and why; `at` (monotonic seconds) and `took` (seconds) if needed."""

    path: str
    text: str | None
    why: str | None = None
    at: float | None = None
    took: float | None = None


class Tick(NamedTuple):
    """The files read at one tick, by their names under /proc; files not due at this tick are absent."""

    time: float
    """Wall clock, seconds since the epoch."""
    monotonic: float
    files: Mapping[str, FileText]


class SnapshotBuilder:
    """Builds a Snapshot from each tick's texts; keeps values that are read less often than every tick."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._zone_infos: tuple[ZoneInfo, ...] = ()
        self._zoneinfo_problem: Unreadable | None = None
        self._zoneinfo_at: float | None = None
        self._page_types: PageTypeReading | None = None
        self._page_types_problem: Unreadable | None = None

    def snapshot(self, tick: Tick) -> Snapshot:
        """Return the Snapshot; a value that could not be read is None or empty, with its reason in `unreadable`."""
        unreadable: list[Unreadable] = []
        blocks = self._buddyinfo(tick.files.get(BUDDYINFO), unreadable)
        if (zoneinfo := tick.files.get(ZONEINFO)) is not None:
            self._take_zoneinfo(zoneinfo)
        if (page_types := tick.files.get(PAGETYPEINFO)) is not None:
            self._take_page_types(page_types)
        meminfo = _parsed(tick.files.get(MEMINFO), parse_meminfo, unreadable)
        vmstat = _parsed(tick.files.get(VMSTAT), parse_vmstat, unreadable)
        pressure = _parsed(tick.files.get(PRESSURE), parse_pressure, unreadable)
        unreadable += [problem for problem in (self._zoneinfo_problem, self._page_types_problem) if problem]
        infos = {(info.node, info.zone): info for info in self._zone_infos if info.populated}
        zones = None
        if blocks is not None:
            fresh = self._zoneinfo_at is None or self._zoneinfo_at >= tick.monotonic
            zones = tuple(Zone(zone, _as_of_now(zone, infos.get((zone.node, zone.zone)), fresh)) for zone in blocks)
        return Snapshot(
            time=tick.time,
            monotonic=tick.monotonic,
            host=self._host,
            zones=zones,
            zone_infos=self._zone_infos,
            page_types=self._page_types,
            meminfo=meminfo if meminfo is not None else {},
            vmstat=vmstat if vmstat is not None else {},
            pressure=pressure if pressure and pressure.some else None,
            unreadable=tuple(unreadable),
        )

    def _buddyinfo(self, file: FileText | None, unreadable: list[Unreadable]) -> tuple[ZoneBlocks, ...] | None:
        parsed = _parsed(file, parse_buddyinfo, unreadable)
        if parsed is None or file is None:
            return None
        zones, problems = parsed
        if problems:
            unreadable.append(Unreadable(file.path, str(problems[0])))
        elif not zones:
            unreadable.append(Unreadable(file.path, "it is empty"))
        return zones or None

    def _take_zoneinfo(self, file: FileText) -> None:
        """Take the watermarks; a failure discards those read before."""
        problems: list[Unreadable] = []
        infos = _parsed(file, parse_zoneinfo, problems)
        if infos is not None and not infos:
            problems.append(Unreadable(file.path, "no zone in it"))
        self._zone_infos = infos or ()
        self._zoneinfo_at = file.at
        self._zoneinfo_problem = problems[0] if problems else None

    def _take_page_types(self, file: FileText) -> None:
        problems: list[Unreadable] = []
        text = _parsed(file, str, problems)
        if text is None:
            self._page_types = None
        else:
            # Imported here: the first bars don't wait for it.
            from fragtui.kernel.procfs.pagetypeinfo import parse_pagetypeinfo  # noqa: PLC0415
            from fragtui.model.node.snapshot import PageTypeReading  # noqa: PLC0415

            info, wrong = parse_pagetypeinfo(text)
            if info.free:
                self._page_types = PageTypeReading(info, file.at or 0.0, file.took or 0.0)
            if wrong or not info.free:
                why = str(wrong[0]) if wrong else "it has no free counts"
                problems.append(Unreadable(file.path, why))
        self._page_types_problem = problems[0] if problems else None


def _as_of_now(zone: ZoneBlocks, info: ZoneInfo | None, fresh: bool) -> ZoneInfo | None:
    """Return a zone's facts without free pages of an earlier tick, which would make the watermark test wrong.

    The pages in its free blocks replace them: NR_FREE_PAGES except for isolated pages and the counters' lag.
    """
    return info if fresh or info is None or info.free is None else info._replace(free=zone.free_pages)


def _parsed(file: FileText | None, parse: Callable[[str], T], unreadable: list[Unreadable]) -> T | None:
    if file is None:
        return None
    if file.text is None:
        unreadable.append(Unreadable(file.path, file.why or "unknown"))
        return None
    value = parse(file.text)
    if isinstance(value, Mapping) and not value:
        unreadable.append(Unreadable(file.path, "nothing in it is a counter"))
    if isinstance(value, Pressure) and value.some is None:
        unreadable.append(Unreadable(file.path, "no 'some avg10=...' line in it"))
    return value
