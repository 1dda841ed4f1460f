"""What lies in a zone's pageblocks: what dropping could free there, and what compaction could move there.

The kernel groups pages by mobility: movable pages (page cache, anonymous memory) go to Movable pageblocks, so that what
can be freed or moved is together and leaves whole blocks behind. Free pages on Unmovable lists lie between pages that
nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

from fragtui.kernel.pagetypeinfo import PageTypeInfo
from fragtui.model.fragmentation import blocks_of, free_pages
from fragtui.model.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.target import own_blocks, target_zones
from fragtui.model.watermark import ZoneState
from fragtui.model.zonelist import zone_states

RUN = 256
"""Mean length, in pages, of a run of pages that stay in use (1 MiB with 4 KiB pages): single pages would spoil every
large block, long runs hardly any. From before and after on 6.18; tests/lab/test_remedies.py holds it to account."""
SHORT_RUN = 8
"""The same where memory has been mixed for long: the low end of a forecast."""
SLAB_SHARE = 0.6
"""Share of SReclaimable that drop_caches 2 frees: an object in use keeps its slab, an inode with page cache stays."""


@dataclass(frozen=True, slots=True)
class Area:
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
class Room:
    """One target zone as a forecast sees it; page counts in pages, None for unknown."""

    key: ZoneKey
    order: int
    blocks: int
    """Blocks of the target order that GFP_KERNEL may take now."""
    movable: Area
    reclaimable: Area
    unmovable: Area
    typed: bool
    """False where the migratetypes are unknown: then the whole zone stands in `movable`."""
    cache: int | None
    """Page cache that is clean and not mapped."""
    dirty: int
    """Page cache that a sync would make clean."""
    slab: int | None
    """Reclaimable slab, by the zone's share of Reclaimable pageblocks."""
    stuck: int | None
    """Pages in Movable pageblocks that are on no LRU list, so nothing moves them; a lower bound."""
    compactable: bool | None
    """Free pages are above the min watermark: below it the kernel takes no free page as a target to move to."""


def whole(share_in_use: float, order: int, run: float = RUN) -> float:
    """Return the chance that a free page is the first of `2**order` free ones, with runs in use of `run` pages.

    Along the page numbers, runs in use and free runs take turns; with a share d in use the free runs are
    run * (1-d) / d long, and a free run goes on for n more pages with probability exp(-n / length).
    """
    if share_in_use <= 0:
        return 1.0
    if share_in_use >= 1:
        return 0.0
    return exp(-((1 << order) - 1) * share_in_use / (run * (1 - share_in_use)))


def unlocked(before: float, after: float) -> float:
    """Return the chance that what was not whole at odds `before` is whole at odds `after`, as far as after allows.

    What is broken up now is known to be; the run lengths say only how much of it the pages that go were to blame for.
    """
    return max(0.0, after - before) / (1 - before) if before < 1 else 0.0


def page_cache(meminfo: Mapping[str, int]) -> int | None:
    """Return the page cache in bytes, shmem not among it: the file LRU lists, else Buffers + Cached - Shmem."""
    if "Active(file)" in meminfo and "Inactive(file)" in meminfo:
        return meminfo["Active(file)"] + meminfo["Inactive(file)"]
    if "Cached" in meminfo:
        return max(0, meminfo["Cached"] + meminfo.get("Buffers", 0) - meminfo.get("Shmem", 0))
    return None


def dirty_bytes(meminfo: Mapping[str, int]) -> int:
    """Return the bytes of page cache that must be written before they can be dropped; 0 where the file is silent."""
    return meminfo.get("Dirty", 0) + meminfo.get("Writeback", 0)


def droppable(meminfo: Mapping[str, int]) -> int | None:
    """Return the bytes of page cache that a drop frees without a sync: clean, not mapped; a lower bound."""
    cache = page_cache(meminfo)
    if cache is None:
        return None
    # Mapped counts shmem that is mapped too, which is not in `cache`: taking all of it off errs to the low side.
    return max(0, cache - dirty_bytes(meminfo) - meminfo.get("Mapped", 0))


def rooms(snapshot: Snapshot, order: int) -> tuple[Room, ...]:
    """Return the room of every target zone that has a block of `order` in its columns."""
    states = zone_states(snapshot)
    zones = [zone for zone in target_zones(snapshot) if order < len(zone.free_blocks)]
    types = snapshot.page_types.info if snapshot.page_types and snapshot.page_types.info.pages_per_block else None
    areas = {zone.key: _areas(zone, types, order) for zone in zones}
    stuck = _stuck_share(snapshot, [movable for movable, _, _, _ in areas.values()])
    slabs = sum(reclaimable.used for _, reclaimable, _, _ in areas.values())
    return tuple(_room(zone, states[zone.key], order, snapshot, areas[zone.key], stuck, slabs) for zone in zones)


def _room(
    zone: Zone,
    state: ZoneState,
    order: int,
    snapshot: Snapshot,
    areas: tuple[Area, Area, Area, bool],
    stuck: float | None,
    slabs: int,
) -> Room:
    movable, reclaimable, unmovable, typed = areas
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
        compactable = state.free_pages > state.mark + (1 << order)
    return Room(
        key=zone.key,
        order=order,
        blocks=own_blocks(zone, state, order),
        movable=movable,
        reclaimable=reclaimable,
        unmovable=unmovable,
        typed=typed,
        cache=clean,
        dirty=dirty,
        slab=slab,
        stuck=None if stuck is None else round(stuck * movable.used),
        compactable=compactable,
    )


def _areas(zone: Zone, types: PageTypeInfo | None, order: int) -> tuple[Area, Area, Area, bool]:
    """Return the Movable (and CMA), Reclaimable and Unmovable areas, and whether the migratetypes are known."""
    blocks = next((row for row in types.pageblocks if (row.node, row.zone) == zone.key), None) if types else None
    if types is None or blocks is None or not types.pages_per_block:
        free = free_pages(zone.free_blocks)
        managed = zone.info.managed if zone.info and zone.info.managed is not None else free
        return Area(managed, free, blocks_of(zone.free_blocks, order), order), Area(), Area(), False
    kinds = dict(blocks.blocks)
    free_blocks = _uncapped(zone, types)
    found = []
    for names in (("Movable", "CMA"), ("Reclaimable",), ("Unmovable",)):
        lists = [free_blocks[name] for name in names if name in free_blocks]
        found.append(
            Area(
                pages=sum(kinds.get(name, 0) for name in names) * types.pages_per_block,
                free=sum(free_pages(counts) for counts in lists),
                blocks=sum(blocks_of(counts, order) for counts in lists),
                order=order,
            )
        )
    return found[0], found[1], found[2], True


def _uncapped(zone: Zone, types: PageTypeInfo) -> dict[str, tuple[int, ...]]:
    """Return the free blocks by migratetype, with counts that the kernel stopped at 100000 filled up from buddyinfo.

    What no other type accounts for in an order belongs to the capped ones, shared evenly where there are several.
    """
    rows = [row for row in types.free if (row.node, row.zone) == zone.key]
    found = {row.migratetype: list(row.free_blocks) for row in rows}
    for order, total in enumerate(zone.free_blocks):
        capped = [row.migratetype for row in rows if order in row.capped]
        missing = total - sum(counts[order] for counts in found.values() if order < len(counts))
        for name in capped:
            found[name][order] += max(0, missing) // len(capped)
    return {name: tuple(counts) for name, counts in found.items()}


def _stuck_share(snapshot: Snapshot, movable: list[Area]) -> float | None:
    """Return the share of used pages in Movable pageblocks that no LRU list holds, or None if meminfo is silent.

    Pages on LRU lists that lie in other pageblocks make this too low, so it is a lower bound.
    """
    fields = ("Active", "Inactive", "Unevictable")
    if any(field not in snapshot.meminfo for field in fields):
        return None
    lru = sum(snapshot.meminfo[field] for field in fields) // snapshot.host.page_size
    used = sum(area.used for area in movable)
    return max(0, used - lru) / used if used else 0.0
