"""The gain of a remedy in one zone, in blocks of the target order, under the assumptions of each end of a forecast."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from fragtui.model.remedy.block_probability import CLUSTERED, SCATTERED, TOGETHER, p_free_block, p_recovered
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.zone_capacity import MobilityArea, ZoneCapacity

MOSTLY_BOUND = 0.75
"""Share of the free memory in small blocks from which on it counts as between unmovable pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The assumptions of one end of a forecast."""

    end: int
    """Index of that end in an Estimate."""
    clustered: tuple[float, ...]
    """How contiguous pages in use are; the mean of the gains at these values counts."""
    cache: float
    """Share of the droppable page cache that is freed."""
    slab: float
    """The same for reclaimable slab."""
    drained: float
    """Pages that leave the per-CPU lists for each page dropped."""
    elsewhere: bool = False
    """Whether all pages on per-CPU lists may belong to Movable pageblocks."""
    gathered: float
    """Share of the free pages in small blocks that compaction uses: the free scanner skips ahead in strides after
    finding nothing (mm/compaction.c isolate_freepages), and pages where both scanners meet are not moved."""
    stuck: float
    """How contiguous the pages are that nothing can move; TOGETHER ignores them."""
    pinned: float = 0.0
    """Share of the pages in Movable pageblocks that nothing moves and that no file shows, each on its own."""
    pinned_if_bound: float = 0.0
    """The same where most of the free memory is between unmovable pages: then some of these are in Movable pageblocks
    too (mm/page_alloc.c __rmqueue_fallback)."""
    parked: float
    """Share of the room on a per-CPU list that pages moved away fill before any of them reaches the free lists."""
    turned: float
    """Weight of the pages that the lists hold already: until that many have passed, pages moved away take their place.
    """
    drifted: float
    """Pages that become part of larger blocks, itself and neighbours, for each that left the per-CPU lists between the
    readings of buddyinfo and zoneinfo."""
    slack: float = 0.0
    """Share of the blocks that other tasks take or give back meanwhile."""


# An object in use keeps its slab and an inode with page cache stays: of SReclaimable 45 to 97 % was freed on 6.18, the
# larger share of the larger slab, and next to nothing of a few MiB. Page cache is read again meanwhile, and its own
# slabs (nodes of its trees) go with it.
#
# Where exactly every second page is free, the strides of the free scanner may meet none of them: then compaction gains
# nothing, with short per-CPU lists too. No file tells it from pages free at random, so no case covers it.
#
# From 6.7 on the per-CPU lists hold up to an eighth of a zone. A drop frees slabs of several pages too, and each of
# those that follows another takes a batch of pages off the lists (mm/page_alloc.c nr_pcp_high): on 6.12 from 0.2 to 0.6
# pages for each page dropped, or all. Compaction drains no list.
#
# Most drops on 6.1, 6.12 and 6.18 left the pages still in use almost contiguous: that is the weight of TOGETHER in the
# likely case. All cases are held to 146 remedies by tests/model/remedy/test_remedy_pairs.py.
LIKELY = Case(
    end=1,
    clustered=(CLUSTERED, TOGETHER, TOGETHER),
    cache=1.0,
    slab=0.8,
    drained=0.5,
    gathered=0.85,
    stuck=2.5,
    pinned_if_bound=0.004,
    parked=1.0,
    turned=1.0,
    drifted=2.0,
)
LOW = Case(
    end=0,
    clustered=(SCATTERED,),
    cache=0.85,
    slab=0.0,
    drained=0.0,
    gathered=0.6,
    stuck=SCATTERED,
    pinned=0.002,
    pinned_if_bound=0.006,
    parked=1.0,
    turned=2.0,
    drifted=1.0,
    slack=-0.0008,
)
HIGH = Case(
    end=2,
    clustered=(TOGETHER,),
    cache=1.1,
    slab=1.0,
    drained=0.8,
    elsewhere=True,
    gathered=1.0,
    stuck=TOGETHER,
    parked=0.0,
    turned=0.0,
    drifted=2.5,
    slack=0.0008,
)


def freed_pages(room: ZoneCapacity, effect: Effect, case: Case = LIKELY) -> int | None:
    """Return the pages that dropping frees in the zone, or None if what it would drop is unknown."""
    pages = 0.0
    if effect.page_cache:
        if room.cache is None:
            return None
        pages += (room.cache[case.end] + (room.dirty if effect.sync else 0)) * case.cache
    if effect.slab:
        if room.slab is None:
            return None
        pages += room.slab * case.slab
    return round(pages)


def drained_pages(room: ZoneCapacity, effect: Effect, case: Case = LIKELY) -> int:
    """Return the pages that leave the zone's per-CPU lists as page cache is dropped."""
    if not effect.page_cache:
        return 0
    freed = _freed_cache(room, effect, case)
    listed = room.percpu if case.elsewhere else room.listed
    # Then they may also take the place of reserved memory.
    most = room.movable.used - freed + (room.reserved if case.elsewhere else 0)
    return min(listed, most, round(freed * case.drained))


def gained_blocks(room: ZoneCapacity, effect: Effect, case: Case) -> float:
    """Return the blocks of the target order that the zone gains; negative if it loses some, at most all it has."""
    compacts = effect.compact and effect.node in (None, room.key[0]) and room.compactable is not False
    if not effect.drops and not compacts:
        return 0.0
    gains = [_gained(room, effect, case, clustered, compacts) for clustered in case.clustered]
    gain = sum(gains) / len(gains) + case.slack * room.blocks + _drifted_blocks(room, case)
    return max(-room.blocks, gain)


def _gained(room: ZoneCapacity, effect: Effect, case: Case, clustered: float, compacts: bool) -> float:
    gained, left, listed = 0.0, room.movable.used, room.listed
    if effect.page_cache:
        drained = drained_pages(room, effect, case)
        freed = _freed_cache(room, effect, case) + drained
        gained += _dropped_blocks(room.movable, freed, case, clustered)
        left, listed = left - freed, max(0, listed - drained)
    if effect.slab:
        # Slabs that objects in use keep are everywhere between the others.
        spread = clustered if case is HIGH else min(clustered, CLUSTERED)
        gained += _dropped_blocks(room.reclaimable, freed_pages(room, Effect(slab=True), case) or 0, case, spread)
    if compacts:
        gained += _compacted_blocks(room, left, listed, room.movable.blocks + gained, case, clustered)
    return gained


def _freed_cache(room: ZoneCapacity, effect: Effect, case: Case) -> int:
    """Return the page cache freed in Movable pageblocks: in others, dropping it completes no block."""
    freed = freed_pages(room, Effect(sync=effect.sync, page_cache=True), case) or 0
    return min(freed, max(0, room.movable.used - room.listed - (room.stuck or 0)))


def _drifted_blocks(room: ZoneCapacity, case: Case) -> float:
    return min(room.drifted * case.drifted, room.small + room.drifted) / (1 << room.order)


def _dropped_blocks(area: MobilityArea, freed: int, case: Case, clustered: float) -> float:
    """Return the blocks gained by freeing `freed` pages of an area: those that only these pages blocked.

    At best (`TOGETHER`) all free pages are contiguous.
    """
    left = area.used - freed
    if freed <= 0 or area.broken <= 0:
        return 0.0
    if clustered == TOGETHER:
        # Each block had one of them at least; likely, two thirds of the pages in use in an average block: what is freed
        # is where more is free.
        each = 1.0 if case is HIGH else max(1.0, area.used / area.broken * (1 << area.order) * 2 / 3)
        return max(0.0, min(((area.pages - left) >> area.order) - area.blocks, freed / each))
    shares = (area.used / area.broken, max(0, left) / area.broken)
    odds = ((1 - share) * p_free_block(share, area.order, clustered) for share in shares)
    return (area.broken >> area.order) * p_recovered(*odds)


def _compacted_blocks(room: ZoneCapacity, left: int, listed: int, blocks: float, case: Case, clustered: float) -> float:
    """Return the blocks that compaction makes of the free pages in small blocks, with `left` pages in use.

    At most it moves all movable pages away: free memory between unmovable pages stays fragmented. The pages that it
    moves away go to the per-CPU list first (mm/page_alloc.c free_unref_page_commit) and leave it, oldest first, as
    others follow: those on it at the end complete no block, and the blocks that they were moved into are lost. On 6.12
    the share that left it fell from nearly all, if half as many pages were listed as moved, to none from 1.5 times on.
    """
    size = 1 << room.order
    stuck = min(room.stuck or 0, left)
    if left <= stuck or room.movable.pages <= 0:
        return 0.0
    small = max(0.0, room.movable.pages - left - blocks * size)
    dropped = room.movable.used - left
    loose = room.loose.pages + dropped
    # Pages on LRU lists are mostly in Movable pageblocks, reserved memory among these is not always.
    sources = max(left - stuck, room.lru - dropped)
    moved = loose * sources / (loose + sources)
    through = moved - min(moved, room.parking * case.parked)
    merged = through / moved * exp(-((case.turned * listed / through) ** 2)) if through else 0.0
    kept = 1 - merged if moved else 0.0
    lost = kept * moved * room.loose.in_blocks / loose / size if loose else 0.0
    broken = max(left, room.movable.pages - blocks * size)
    free = p_free_block(stuck / broken, room.order, case.stuck)
    found = free if clustered == TOGETHER else p_recovered(p_free_block(left / broken, room.order, clustered), free)
    found *= (1 - (case.pinned_if_bound if room.bound > MOSTLY_BOUND else case.pinned)) ** size
    return min(small * case.gathered / size, left - stuck) * found * (1 - kept) - lost
