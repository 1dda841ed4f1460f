"""What the memory of one zone is used for, by what can be done about it: why a block of the target size is not free."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.model.node.indices import blocks_of, free_pages
from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.model.remedy.zone_capacity import ZoneCapacity, pool_pages, zone_capacities

_FOREIGN = ("HighAtomic", "CMA", "Isolate")
"""Migratetypes whose free pages a normal kernel request can't have."""


class Pageblocks(NamedTuple):
    """The pageblocks of a zone by migratetype, as they were last read."""

    counts: tuple[tuple[str, int], ...]
    """Those that exist, the most first."""
    pages: int
    """Pages of a pageblock."""
    age: float
    """Seconds since they were read."""


class Obstacles(NamedTuple):
    """One zone, in pages; None for unknown."""

    managed: int | None
    free: int
    small: int
    """Free pages in blocks below the target order."""
    between_unmovable: float | None
    """Share of `small` (0..1) on lists of migratetypes whose pages compaction does not move."""
    file: int | None
    """Page cache on the zone's LRU lists."""
    clean: int | None
    """That of it which a drop frees without a sync: clean and not mapped; estimated from the node's share."""
    other: int | None
    """Other pages on the LRU lists: the memory of processes, shared memory, tmpfs."""
    rest: int | None
    """Pages that are neither free nor on a list of the above: of the kernel, of drivers, of the huge page pool."""
    percpu: int | None
    """Free pages on the lists of CPUs, which can't merge into blocks until they are drained."""
    foreign: int | None
    """Free pages that only atomic requests, CMA or an isolation may use."""
    pinned: int | None
    """Pages that drivers and io_uring pin on the whole node (FOLL_PIN, 5.6 and later)."""
    locked: int | None
    """Pages that are locked by mlock on the whole node."""
    pool: int
    """Pages in the huge page pool of the whole node."""
    pageblocks: Pageblocks | None


def obstacles(snapshot: Snapshot, zone: Zone, order: int) -> Obstacles:
    """Return what is in the way of a block of `order` in the zone, by zoneinfo and pagetypeinfo as last read."""
    info = zone.info
    free = free_pages(zone.free_blocks)
    capacities = zone_capacities(snapshot, order) if order < len(zone.free_blocks) else ()
    capacity = next((capacity for capacity in capacities if capacity.key == zone.key), None)
    managed, lru, percpu = (info.managed, info.lru, info.percpu) if info else (None, None, None)
    file = info.file if info else None
    rest = None
    if managed is not None and lru is not None:
        rest = max(0, managed - free - lru - (percpu or 0))
    vmstat = snapshot.vmstat
    acquired, released = vmstat.get("nr_foll_pin_acquired"), vmstat.get("nr_foll_pin_released")
    return Obstacles(
        managed=managed,
        free=free,
        small=free - (blocks_of(zone.free_blocks, order) << order),
        between_unmovable=_between_unmovable(capacity),
        file=file,
        clean=capacity.cache.likely if capacity and capacity.cache else None,
        other=None if lru is None or file is None else max(0, lru - file),
        rest=rest,
        percpu=percpu,
        foreign=_foreign(snapshot, zone),
        pinned=None if acquired is None or released is None else max(0, acquired - released),
        locked=vmstat.get("nr_mlock"),
        pool=pool_pages(snapshot),
        pageblocks=_pageblocks(snapshot, zone),
    )


def _between_unmovable(capacity: ZoneCapacity | None) -> float | None:
    if capacity is None or not capacity.typed:
        return None
    areas = (capacity.movable, capacity.reclaimable, capacity.unmovable)
    small = sum(area.small for area in areas)
    return 1 - capacity.movable.small / small if small else None


def _foreign(snapshot: Snapshot, zone: Zone) -> int | None:
    if snapshot.page_types is not None:
        rows = [row for row in snapshot.page_types.info.free if (row.node, row.zone) == zone.key]
        if rows:
            return sum(free_pages(row.free_blocks) for row in rows if row.migratetype in _FOREIGN)
    return zone.info.free_cma if zone.info and zone.info.free_cma else None


def _pageblocks(snapshot: Snapshot, zone: Zone) -> Pageblocks | None:
    reading = snapshot.page_types
    if reading is None or not reading.info.pages_per_block:
        return None
    row = next((row for row in reading.info.pageblocks if (row.node, row.zone) == zone.key), None)
    if row is None:
        return None
    counts = sorted(((name, count) for name, count in row.blocks if count), key=lambda pair: -pair[1])
    age = max(0.0, snapshot.monotonic - reading.at)
    return Pageblocks(tuple(counts), reading.info.pages_per_block, age)
