"""The content of a zone's pageblocks: the pages that dropping could free and those that compaction could move.

The kernel groups pages by mobility: movable pages (page cache, anonymous memory) go to Movable pageblocks, so that
pages that can be freed or moved are together and leave whole blocks behind. Free pages on Unmovable lists are between
pages that nothing can move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo
from fragtui.model.node.indices import blocks_of, free_pages
from fragtui.model.node.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.node.target_zones import own_blocks, target_zones
from fragtui.model.node.watermark import ZoneState
from fragtui.model.node.zonelist import zone_states


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
    def used(self) -> int:
        """Pages that are not free."""
        return max(0, self.pages - self.free)


@dataclass(frozen=True, slots=True)
class ZoneCapacity:
    """One target zone as a forecast sees it; page counts in pages, None for unknown."""

    key: ZoneKey
    order: int
    blocks: int
    """Blocks of the target order that GFP_KERNEL may take now."""
    movable: MobilityArea
    """Excludes huge pages, which no drop frees: each fills a whole pageblock, so none is between free pages, and
    compaction does not move them (mm/compaction.c skip_isolation_on_order). Excludes pages on per-CPU lists too."""
    reclaimable: MobilityArea
    unmovable: MobilityArea
    typed: bool
    """False if the migratetypes are unknown: then `movable` has the whole zone."""
    cache: int | None
    """Page cache that is clean and not mapped."""
    dirty: int
    """Page cache that a sync would make clean."""
    slab: int | None
    """Reclaimable slab, by the zone's share of Reclaimable pageblocks."""
    stuck: int | None
    """Pages in Movable pageblocks that are on no LRU list, so nothing moves them; a lower bound."""
    compactable: bool | None
    """Whether the free pages are above the min watermark without its boost: below it the kernel uses no free page as a
    target to move to (mm/page_alloc.c __isolate_free_page)."""


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


def droppable(meminfo: Mapping[str, int]) -> int | None:
    """Return the bytes of page cache that a drop frees without a sync: clean, not mapped; a lower bound."""
    cache = page_cache(meminfo)
    if cache is None:
        return None
    # Mapped counts shmem that is mapped too, which is not in `cache`: taking all of it off errs to the low side.
    return max(0, cache - dirty_bytes(meminfo) - meminfo.get("Mapped", 0))


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
    held = _held(snapshot, zones, {key: movable for key, (movable, _, _, _) in areas.items()})
    slabs = sum(reclaimable.used for _, reclaimable, _, _ in areas.values())
    return tuple(
        _room(zone, states[zone.key], order, snapshot, areas[zone.key], held[zone.key], slabs) for zone in zones
    )


def _room(
    zone: Zone,
    state: ZoneState,
    order: int,
    snapshot: Snapshot,
    areas: tuple[MobilityArea, MobilityArea, MobilityArea, bool],
    held: tuple[int, int | None],
    slabs: int,
) -> ZoneCapacity:
    movable, reclaimable, unmovable, typed = areas
    aside, stuck = held
    size = snapshot.host.page_size
    cache, free_able = page_cache(snapshot.meminfo), droppable(snapshot.meminfo)
    here = zone.info.file if zone.info else None
    clean: int | None = None
    dirty = 0
    if here is not None and cache is not None and free_able is not None:
        clean = here * free_able // cache if cache else 0
        dirty = here * min(dirty_bytes(snapshot.meminfo), cache - free_able) // cache if cache else 0
    slab = snapshot.meminfo.get("SReclaimable")
    if slab is not None:
        slab = slab // size * reclaimable.used // slabs if slabs else 0
    compactable = None
    if state.free_pages is not None and state.mark is not None:
        compactable = state.free_pages > max(0, state.mark - state.boost) + (1 << order)
    return ZoneCapacity(
        key=zone.key,
        order=order,
        blocks=own_blocks(zone, state, order),
        movable=replace(movable, pages=movable.pages - aside),
        reclaimable=reclaimable,
        unmovable=unmovable,
        typed=typed,
        cache=clean,
        dirty=dirty,
        slab=slab,
        stuck=stuck,
        compactable=compactable,
    )


def _areas(zone: Zone, types: PageTypeInfo | None, order: int) -> tuple[MobilityArea, MobilityArea, MobilityArea, bool]:
    """Return the Movable (and CMA), Reclaimable and Unmovable areas, and whether the migratetypes are known."""
    blocks = next((row for row in types.pageblocks if (row.node, row.zone) == zone.key), None) if types else None
    if types is None or blocks is None or not types.pages_per_block:
        free = free_pages(zone.free_blocks)
        managed = zone.info.managed if zone.info and zone.info.managed is not None else free
        return (
            MobilityArea(managed, free, blocks_of(zone.free_blocks, order), order),
            MobilityArea(),
            MobilityArea(),
            False,
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
    return found[0], found[1], found[2], True


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
    snapshot: Snapshot, zones: list[Zone], movable: Mapping[ZoneKey, MobilityArea]
) -> dict[ZoneKey, tuple[int, int | None]]:
    """Return, for each zone's Movable pageblocks, the pages to exclude and those that nothing can move.

    Excluded are huge pages, and half of the free pages on per-CPU lists: pages freed at the same time are mostly
    adjacent and between few others. The other pages on no LRU list can't be moved; LRU pages in other pageblocks make
    this count too low, so it is a lower bound. None if neither zoneinfo nor meminfo has the LRU lists.
    """
    meminfo, size = snapshot.meminfo, snapshot.host.page_size
    used = {zone.key: movable[zone.key].used for zone in zones}
    transparent = (meminfo.get("AnonHugePages", 0) + meminfo.get("ShmemHugePages", 0)) // size
    pool = pool_pages(snapshot)
    lru = _on_lru_lists(snapshot, zones, used)
    if lru is None:
        return {key: (pages, None) for key, pages in _shared(transparent + pool, used).items()}
    off = {key: used[key] - lru[key] for key in used}
    listed = {zone.key: min(off[zone.key], _listed(zone, movable[zone.key])) for zone in zones}
    off = {key: off[key] - listed[key] for key in off}
    pools, transparents = _pool_by_zone(pool, movable, off), _shared(transparent, lru)
    return {key: (pools[key] + transparents[key] + listed[key], off[key] - pools[key]) for key in used}


def _listed(zone: Zone, movable: MobilityArea) -> int:
    """Return half of the pages on per-CPU lists, by the share of Movable pageblocks in the zone's free pages."""
    percpu, free = (zone.info.percpu if zone.info else None) or 0, free_pages(zone.free_blocks)
    return percpu * movable.free // (2 * free) if free else 0


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
