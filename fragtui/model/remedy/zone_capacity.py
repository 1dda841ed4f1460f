"""The content of a zone's pageblocks: the pages that dropping could free and those that compaction could move.

The kernel groups pages by mobility: movable pages (page cache, anonymous memory) go to Movable pageblocks, so that
pages that can be freed or moved are together and leave whole blocks behind. Free pages on Unmovable lists are between
pages that nothing can move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo
from fragtui.model.node.indices import blocks_of, free_pages
from fragtui.model.node.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.node.target_zones import own_blocks, target_zones
from fragtui.model.node.watermark import ZoneState
from fragtui.model.node.zonelist import zone_states

_PROGRAMS = 4 << 20
"""Bytes of page cache that the programs of a node map at least."""


@dataclass(frozen=True, slots=True)
class MobilityArea:
    """The pageblocks of one migratetype in a zone, in pages; `blocks` counts free blocks of the target order."""

    pages: int = 0
    free: int = 0
    blocks: int = 0
    order: int = 0

    @property
    def small(self) -> int:
        """Free pages in blocks below the target order."""
        return max(0, self.free - (self.blocks << self.order))

    @property
    def broken(self) -> int:
        """Pages outside free blocks of the target order."""
        return max(0, self.pages - (self.blocks << self.order))

    @property
    def used(self) -> int:
        """Pages that are not free."""
        return max(0, self.pages - self.free)


class Estimate(NamedTuple):
    """A number known only by its bounds, and a likely value in between."""

    low: int
    likely: int
    high: int


@dataclass(frozen=True, slots=True)
class ZoneCapacity:
    """One target zone as a forecast sees it; page counts in pages, None for unknown."""

    key: ZoneKey
    order: int
    blocks: int
    """Blocks of the target order that GFP_KERNEL may take now."""
    movable: MobilityArea
    """Excludes huge pages, which no drop frees: each fills a whole pageblock, so none is between free pages, and
    compaction does not move them (mm/compaction.c skip_isolation_on_order). Excludes the memory that the kernel
    reserved at boot, which is contiguous and in pageblocks that stay Movable (mm/mm_init.c memmap_init_range)."""
    reclaimable: MobilityArea
    unmovable: MobilityArea
    typed: bool
    """False if the migratetypes are unknown: then `movable` has the whole zone."""
    much_percpu: int
    """Those on per-CPU lists if they are worth a word."""
    reserved: int
    """Pages taken for memory that the kernel reserved at boot, in Movable pageblocks."""
    percpu: int
    """Free pages on per-CPU lists: on no free list, so no free page merges with them."""
    listed: int
    """Those of them that belong to Movable pageblocks, estimated; `movable` counts them as used."""
    drifted: int
    """Pages that left these lists after buddyinfo was read and before zoneinfo was; 0 below a thousandth of the zone,
    which the counters' lag explains."""
    cache: Estimate | None
    """Page cache that is clean and not mapped."""
    dirty: int
    """Page cache that a sync would make clean."""
    slab: int | None
    """Reclaimable slab, by the zone's share of Reclaimable pageblocks."""
    parking: int
    """Pages that a per-CPU list takes before it gives any to the free lists."""
    loose: Loose
    lru: int
    """Pages on LRU lists, in pageblocks of any mobility; 0 if unknown."""
    stuck: int | None
    """Pages in Movable pageblocks that are on no LRU list, so nothing moves them; a lower bound."""
    compactable: bool | None
    """Whether the free pages are above the min watermark without its boost: below it the kernel uses no free page as a
    target to move to (mm/page_alloc.c __isolate_free_page)."""

    @property
    def small(self) -> int:
        """Free pages in blocks below the target order."""
        return self.movable.small + self.reclaimable.small + self.unmovable.small

    @property
    def bound(self) -> float:
        """Share of them that is not in Movable pageblocks."""
        return 1 - self.movable.small / self.small if self.small else 0.0


def page_cache(meminfo: Mapping[str, int]) -> int | None:
    """Return the page cache in bytes without shmem: the file LRU lists, else Buffers + Cached - Shmem."""
    if "Active(file)" in meminfo and "Inactive(file)" in meminfo:
        return meminfo["Active(file)"] + meminfo["Inactive(file)"]
    if "Cached" in meminfo:
        return max(0, meminfo["Cached"] + meminfo.get("Buffers", 0) - meminfo.get("Shmem", 0))
    return None


def dirty_bytes(meminfo: Mapping[str, int]) -> int:
    """Return the bytes of page cache that must be written before they can be dropped; 0 if meminfo has none."""
    return meminfo.get("Dirty", 0) + meminfo.get("Writeback", 0)


def droppable(meminfo: Mapping[str, int]) -> Estimate | None:
    """Return the bytes of page cache that a drop frees without a sync: clean and not mapped.

    Mapped counts mapped shmem too, which is no page cache: mapped page cache is only known to be between
    Mapped - Shmem and Mapped. Programs that run are mapped page cache; what goes beyond is mostly shmem if there is so
    much (databases, Java heaps): an eighth of it counts as page cache.
    """
    cache = page_cache(meminfo)
    if cache is None:
        return None
    clean = max(0, cache - dirty_bytes(meminfo))
    most = min(clean, meminfo.get("Mapped", 0))
    least = min(most, max(_PROGRAMS, meminfo.get("Mapped", 0) - meminfo.get("Shmem", 0)))
    return Estimate(clean - most, clean - least - (most - least) // 8, clean - least)


def pool_pages(snapshot: Snapshot) -> int:
    """Return the pages in the pool of huge pages (before 4.20 those of the default size alone)."""
    meminfo = snapshot.meminfo
    default = meminfo.get("HugePages_Total", 0) * meminfo.get("Hugepagesize", 0)
    return meminfo.get("Hugetlb", default) // snapshot.host.page_size


def zone_capacities(snapshot: Snapshot, order: int) -> tuple[ZoneCapacity, ...]:
    """Return the capacity of every target zone that has a column for `order`."""
    states = zone_states(snapshot)
    zones = [zone for zone in target_zones(snapshot) if order < len(zone.free_blocks)]
    types = snapshot.page_types.info if snapshot.page_types and snapshot.page_types.info.pages_per_block else None
    areas = {zone.key: _areas(zone, types, order) for zone in zones}
    held = _held(snapshot, zones, areas)
    slabs = sum(area.reclaimable.used for area in areas.values())
    return tuple(
        _room(zone, states[zone.key], order, snapshot, areas[zone.key], held[zone.key], slabs) for zone in zones
    )


class Loose(NamedTuple):
    """Free pages of Movable pageblocks that are not free as a whole: compaction moves pages into these alone.

    See mm/compaction.c suitable_migration_target.
    """

    pages: int = 0
    in_blocks: int = 0
    """Those in free blocks of the target order and above."""


class _Areas(NamedTuple):
    """The pageblocks of a zone by mobility."""

    movable: MobilityArea
    """CMA pageblocks too."""
    reclaimable: MobilityArea
    unmovable: MobilityArea
    typed: bool
    reserved: int
    """Pages in pageblocks that the zone does not manage."""
    listed: int
    """Pages on per-CPU lists that belong to `movable`."""
    loose: Loose


def _room(
    zone: Zone,
    state: ZoneState,
    order: int,
    snapshot: Snapshot,
    areas: _Areas,
    held: tuple[int, int | None],
    slabs: int,
) -> ZoneCapacity:
    aside, stuck = held
    size = snapshot.host.page_size
    cache, clean = page_cache(snapshot.meminfo), droppable(snapshot.meminfo)
    here = zone.info.file if zone.info else None
    freed: Estimate | None = None
    dirty = 0
    if here is not None and cache is not None and clean is not None:
        # Files that were saved at different times may contradict each other: all zones together have no more than that.
        whole = max(1, cache, size * sum(info.file or 0 for info in snapshot.zone_infos))
        freed = Estimate(*(here * each // whole for each in clean))
        dirty = here * min(dirty_bytes(snapshot.meminfo), cache - clean.likely) // whole
    slab = snapshot.meminfo.get("SReclaimable")
    if slab is not None:
        slab = slab // size * areas.reclaimable.used // slabs if slabs else 0
    compactable = None
    if state.free_pages is not None and state.mark is not None:
        compactable = state.free_pages > max(0, state.mark - state.boost) + (1 << order)
    return ZoneCapacity(
        key=zone.key,
        order=order,
        blocks=own_blocks(zone, state, order),
        movable=replace(areas.movable, pages=areas.movable.pages - aside),
        reclaimable=areas.reclaimable,
        unmovable=areas.unmovable,
        typed=areas.typed,
        much_percpu=zone.info.much_percpu if zone.info else 0,
        reserved=areas.reserved,
        percpu=(zone.info.percpu if zone.info else None) or 0,
        listed=areas.listed,
        drifted=_drifted(zone),
        cache=freed,
        dirty=dirty,
        slab=slab,
        parking=(zone.info.percpu_room if zone.info else None) or 0,
        loose=areas.loose,
        lru=(zone.info.lru if zone.info else None) or 0,
        stuck=stuck,
        compactable=compactable,
    )


def _drifted(zone: Zone) -> int:
    if zone.info is None or zone.info.free is None or zone.info.managed is None:
        return 0
    pages = zone.info.free - free_pages(zone.free_blocks)
    return pages if pages > zone.info.managed // 1000 else 0


def _areas(zone: Zone, types: PageTypeInfo | None, order: int) -> _Areas:
    """Return the areas of a zone; all of it is one movable area if the migratetypes are unknown."""
    blocks = next((row for row in types.pageblocks if (row.node, row.zone) == zone.key), None) if types else None
    percpu = (zone.info.percpu if zone.info else None) or 0
    managed = zone.info.managed if zone.info else None
    if types is None or blocks is None or not types.pages_per_block:
        free = free_pages(zone.free_blocks)
        pages = managed if managed is not None else free
        movable = MobilityArea(pages, free, blocks_of(zone.free_blocks, order), order)
        return _Areas(
            movable,
            MobilityArea(),
            MobilityArea(),
            typed=False,
            reserved=0,
            listed=min(percpu, movable.used),
            loose=_loose([zone.free_blocks], order, len(zone.free_blocks) - 1),
        )
    kinds = dict(blocks.blocks)
    free_blocks = _uncapped(zone, types)
    found = []
    for names in (("Movable", "CMA"), ("Reclaimable",), ("Unmovable",)):
        lists = [free_blocks[name] for name in names if name in free_blocks]
        found.append(
            MobilityArea(
                pages=sum(kinds.get(name, 0) for name in names) * types.pages_per_block,
                free=sum(free_pages(counts) for counts in lists),
                blocks=sum(blocks_of(counts, order) for counts in lists),
                order=order,
            )
        )
    movable = found[0]
    movable_lists = [free_blocks[name] for name in ("Movable", "CMA") if name in free_blocks]
    there = sum(count for _, count in blocks.blocks) * types.pages_per_block
    reserved = max(0, there - managed) if managed is not None else 0
    lru = (zone.info.lru if zone.info else None) or 0
    # Pages on LRU lists are in Movable pageblocks as far as there is room. What else is in use there is reserved memory
    # (half of it at first: kernel text and page structs are in Unmovable ones too), pages on per-CPU lists, then pages
    # that nothing moves.
    off = max(0, movable.used - lru)
    listed = max(0, min(percpu, off - reserved // 2))
    return _Areas(
        movable,
        found[1],
        found[2],
        typed=True,
        reserved=min(reserved, max(0, off - listed)),
        listed=listed,
        loose=_loose(movable_lists, order, types.pageblock_order or len(zone.free_blocks) - 1),
    )


def _loose(lists: Sequence[tuple[int, ...]], order: int, pageblock_order: int) -> Loose:
    below = [counts[:pageblock_order] for counts in lists]
    return Loose(
        sum(free_pages(counts) for counts in below), sum(blocks_of(counts, order) << order for counts in below)
    )


def _uncapped(zone: Zone, types: PageTypeInfo) -> dict[str, tuple[int, ...]]:
    """Return the free blocks by migratetype, with counts that the kernel capped at 100000 completed from buddyinfo.

    The blocks of an order that no other type accounts for belong to the capped types, shared evenly if there are
    several.
    """
    rows = [row for row in types.free if (row.node, row.zone) == zone.key]
    found = {row.migratetype: list(row.free_blocks) for row in rows}
    for order, total in enumerate(zone.free_blocks):
        capped = [row.migratetype for row in rows if order in row.capped]
        missing = total - sum(counts[order] for counts in found.values() if order < len(counts))
        for name in capped:
            found[name][order] += max(0, missing) // len(capped)
    return {name: tuple(counts) for name, counts in found.items()}


def _held(
    snapshot: Snapshot, zones: list[Zone], areas: Mapping[ZoneKey, _Areas]
) -> dict[ZoneKey, tuple[int, int | None]]:
    """Return, for each zone's Movable pageblocks, the pages to exclude and those that nothing can move.

    Excluded are huge pages and reserved memory. The other pages on no LRU list and on no per-CPU list can't be moved;
    LRU pages in other pageblocks make this count too low, so it is a lower bound. None if neither zoneinfo nor meminfo
    has the LRU lists.
    """
    meminfo, size = snapshot.meminfo, snapshot.host.page_size
    movable = {key: area.movable for key, area in areas.items()}
    reserved = {key: area.reserved for key, area in areas.items()}
    used = {key: area.movable.used - area.reserved for key, area in areas.items()}
    transparent = (meminfo.get("AnonHugePages", 0) + meminfo.get("ShmemHugePages", 0)) // size
    pool = pool_pages(snapshot)
    lru = _on_lru_lists(snapshot, zones, used)
    if lru is None:
        return {key: (reserved[key] + pages, None) for key, pages in _shared(transparent + pool, used).items()}
    off = {key: max(0, used[key] - lru[key] - areas[key].listed) for key in used}
    pools, transparents = _pool_by_zone(pool, movable, off), _shared(transparent, lru)
    return {key: (reserved[key] + pools[key] + transparents[key], off[key] - pools[key]) for key in used}


def _pool_by_zone(pool: int, movable: Mapping[ZoneKey, MobilityArea], off: Mapping[ZoneKey, int]) -> dict[ZoneKey, int]:
    """Return how many pages of the huge page pool each zone has, of the `off` pages that are on no LRU list.

    No file shows it. Assumed is the distribution that leaves every zone the same ratio of free pages to others.
    """
    free = sum(movable[key].free for key in off)
    others = max(0, sum(movable[key].pages for key in off) - pool)
    wanted = {
        key: min(off[key], max(0, movable[key].pages - (others * movable[key].free // free if free else 0)))
        for key in off
    }
    missing = pool - sum(wanted.values())
    if missing < 0:
        return _shared(pool, wanted)
    more = _shared(missing, {key: off[key] - wanted[key] for key in off})
    return {key: wanted[key] + more[key] for key in off}


def _on_lru_lists(snapshot: Snapshot, zones: list[Zone], used: Mapping[ZoneKey, int]) -> dict[ZoneKey, int] | None:
    """Return the pages on LRU lists of each zone, at most those in use; by meminfo if zoneinfo does not give them."""
    known = {zone.key: zone.info.lru for zone in zones if zone.info is not None and zone.info.lru is not None}
    if len(known) == len(zones):
        return {key: min(known[key], used[key]) for key in used}
    fields = ("Active", "Inactive", "Unevictable")
    if any(field not in snapshot.meminfo for field in fields):
        return None
    return _shared(sum(snapshot.meminfo[field] for field in fields) // snapshot.host.page_size, used)


def _shared(pages: int, room: Mapping[ZoneKey, int]) -> dict[ZoneKey, int]:
    """Return the pages divided among zones in proportion to `room`, at most `room` for each."""
    total = sum(room.values())
    return {key: pages * part // total if pages < total else part for key, part in room.items()}
