"""What a remedy could free and assemble on this node now, in bytes and in blocks of the target order.

An estimate from what the kernel exports, not a promise: what lies where inside a pageblock is in no file. So each gain
is a likely value with a low and a high end, and every run is checked against it afterwards (model/recovery.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks, usable_by_node
from fragtui.model.node.verdict import MANY_BLOCKS
from fragtui.model.remedy.block_probability import CLUSTERED, SCATTERED, TOGETHER, p_free_block, p_recovered
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.zone_capacity import MobilityArea, ZoneCapacity, dirty_bytes, page_cache, zone_capacities
from fragtui.text import format_bytes

WANTED_BLOCKS = 64
"""Blocks of the target order that a remedy should give: so many let the pods of a node start one after another."""
_HELPING_BLOCKS = 8
"""With fewer blocks than this a remedy does not help."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What an end of a forecast takes for true."""

    clustered: float
    cache: float
    """Share of the page cache that could be dropped that goes."""
    slab: float
    """The same of reclaimable slab."""
    gathered: float
    """Share of the free pages in small blocks that compaction gets hold of: the free scanner goes on in strides where
    it found nothing (mm/compaction.c isolate_freepages), and what lies where both scanners meet stays."""


# An object in use keeps its slab and an inode with page cache stays: of SReclaimable 45 to 97 % went on 6.18, most
# if there was most. Page cache is read again meanwhile, and what is freed first fills the per-CPU lists,
# which may be drained meanwhile too.
_LIKELY = _Case(CLUSTERED, cache=1.0, slab=0.8, gathered=0.75)
_LOW = _Case(SCATTERED, cache=0.8, slab=0.4, gathered=0.5)
_HIGH = _Case(TOGETHER, cache=1.05, slab=1.0, gathered=1.0)


@dataclass(frozen=True, slots=True)
class Gain:
    """What a remedy brings: `bytes` of free memory, `blocks` of the target order; None for unknown, `why` says it."""

    bytes: int | None
    blocks: int | None
    low: int | None = None
    """Blocks if pages in use are scattered."""
    high: int | None = None
    """Blocks if pages in use are contiguous: the free pages divided by the block size."""
    why: str | None = None
    """Why a value is unknown, or why it is nothing."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The node as remedies see it, at one order; `gain` answers for each of them."""

    order: int
    page_size: int
    blocks: int | None
    """Blocks of the target order now, in the zones that serve kernel requests."""
    fewest: int | None
    """Blocks of the target order that a request gets now on the NUMA node that has fewest."""
    zone_capacities: tuple[ZoneCapacity, ...]
    cache: int | None
    """Bytes of page cache, shmem not among it."""
    dirty: int
    """Bytes of page cache that only a sync makes droppable."""
    slab: int | None
    """Bytes of reclaimable slab."""
    age: float | None
    """Seconds since the migratetypes were read; None if they are unknown."""
    large_folios: bool
    """Whether compaction takes large folios too (6.9 and later), and so can be ended by one."""

    @property
    def block_size(self) -> int:
        """Bytes of a block of the target order."""
        return self.page_size << self.order

    @property
    def small_free(self) -> int:
        """Bytes free in blocks below the target order, in the zones that serve kernel requests."""
        return self.page_size * sum(
            area.small for room in self.zone_capacities for area in (room.movable, room.reclaimable, room.unmovable)
        )

    @property
    def bound(self) -> float | None:
        """Share of `small_free` between unmovable pages, where compaction can't help; None if types are unknown."""
        if not self.zone_capacities or not all(room.typed for room in self.zone_capacities):
            return None
        small = sum(
            area.small for room in self.zone_capacities for area in (room.movable, room.reclaimable, room.unmovable)
        )
        return 1 - sum(room.movable.small for room in self.zone_capacities) / small if small else 0.0

    def gain(self, effect: Effect) -> Gain:
        """Return what the steps of `effect`, taken in their order, bring over now."""
        if effect.gentle:
            return Gain(None, None, why="kcompactd decides by its own score whether it compacts")
        if not self.zone_capacities:
            return Gain(None, None, why="no zone that serves kernel requests could be read")
        if effect.drops:
            freed = [_freed(room, effect) for room in self.zone_capacities]
            if any(pages is None for pages in freed):
                return Gain(None, None, why="the page cache of each zone or the reclaimable slab could not be read")
        total = sum(_freed(room, effect) or 0 for room in self.zone_capacities) * self.page_size
        likely, low, high = (
            sum(_blocks(room, effect, case) for room in self.zone_capacities) for case in (_LIKELY, _LOW, _HIGH)
        )
        blocks = round(likely)
        if self.may_end_early(effect) and not effect.drops:
            low = 0
        return Gain(total, blocks, min(blocks, round(low)), max(blocks, round(high)), self._nothing(effect, blocks))

    def may_end_early(self, effect: Effect) -> bool:
        """Return whether a dirty page could end compaction before it is through.

        From 6.9 on compaction moves large folios whole. For one that finds no free block of its size migrate_pages
        tries to split it, which a file system's own data on a dirty folio (buffer heads, iomap) bars; it then says
        ENOMEM, and mm/compaction.c compact_zone takes that for the end of the zone. Written folios can be split.
        """
        return effect.compact and not effect.sync and self.large_folios and self.dirty > 0

    def worth(self, gain: Gain) -> bool | None:
        """Return whether a gain is worth its cost, or None if unknown.

        While a NUMA node has few blocks, that is `WANTED_BLOCKS`, or at least 8 if they are half of those that it has.
        With many blocks everywhere it is half of all there are and a tenth of what all free memory in smaller blocks
        would make: with less, nearly all of it stays as it is.
        """
        if gain.blocks is None or self.blocks is None or self.fewest is None:
            return None
        if gain.blocks < _HELPING_BLOCKS:
            return False
        if self.fewest < MANY_BLOCKS:
            return gain.blocks >= WANTED_BLOCKS or gain.blocks * 2 >= self.fewest
        return gain.blocks >= max(self.blocks // 2, self.small_free // self.block_size // 10)

    def _nothing(self, effect: Effect, blocks: int) -> str | None:
        if blocks > 0 or effect == Effect(sync=True):
            return None
        chosen = [room for room in self.zone_capacities if effect.node in (None, room.key[0])]
        if effect.compact and chosen and not effect.drops and all(room.compactable is False for room in chosen):
            return "free memory is at the min watermark: nothing to move pages into"
        if effect.compact and self.bound is not None and self.bound > 0.8:
            return "what is free lies between unmovable pages"
        used = sum(room.movable.used for room in chosen)
        if effect.compact and not effect.drops and sum(room.stuck or 0 for room in chosen) * 2 > used:
            return "most of what stands between the free pages can't be moved"
        return "too little of it is contiguous"


def moves_large_folios(version: KernelVersion | None) -> bool:
    """Return whether compaction takes large folios too: from 6.9 on, taken for so where the version is unknown."""
    return version is None or version.at_least(6, 9)


def forecast(snapshot: Snapshot, order: int) -> Forecast:
    """Return what remedies could bring for blocks of `order` on the node as sampled."""
    types = snapshot.page_types
    by_node = usable_by_node(snapshot, order)
    return Forecast(
        order=order,
        page_size=snapshot.host.page_size,
        blocks=target_blocks(snapshot, order),
        fewest=min(by_node.values(), default=None) if by_node is not None else None,
        zone_capacities=zone_capacities(snapshot, order),
        cache=page_cache(snapshot.meminfo),
        dirty=dirty_bytes(snapshot.meminfo),
        slab=snapshot.meminfo.get("SReclaimable"),
        age=max(0.0, snapshot.monotonic - types.at) if types else None,
        large_folios=moves_large_folios(snapshot.host.version),
    )


def _freed(room: ZoneCapacity, effect: Effect, case: _Case = _LIKELY) -> int | None:
    """Return the pages that dropping frees in the zone, or None if what it would drop is unknown."""
    pages = 0.0
    if effect.page_cache:
        if room.cache is None:
            return None
        pages += (room.cache + (room.dirty if effect.sync else 0)) * case.cache
    if effect.slab:
        if room.slab is None:
            return None
        pages += room.slab * case.slab
    return round(pages)


def _blocks(room: ZoneCapacity, effect: Effect, case: _Case) -> float:
    """Return the blocks of the target order that the zone gains, if all is as in that case."""
    movable = room.movable
    gained = 0.0
    left = movable.used
    if effect.page_cache:
        freed = _freed(room, Effect(sync=effect.sync, page_cache=True), case) or 0
        # Page cache may lie in other pageblocks too, whose blocks it does not make whole.
        freed = min(freed, max(0, left - (room.stuck or 0)))
        gained += _dropped_blocks(movable, freed, case.clustered)
        left -= freed
    if effect.slab:
        gained += _dropped_blocks(room.reclaimable, _freed(room, Effect(slab=True), case) or 0, case.clustered)
    if effect.compact and effect.node in (None, room.key[0]) and room.compactable is not False:
        gained += _compacted_blocks(room, left, movable.blocks + gained, case)
    return gained


def _dropped_blocks(area: MobilityArea, freed: int, clustered: float) -> float:
    """Return what freeing so many pages of an area wins: blocks that only those pages kept from being whole.

    At its best (`TOGETHER`) all free pages are contiguous, and each block takes at least one freed page.
    """
    if area.pages <= 0 or freed <= 0:
        return 0.0
    left = max(0, area.used - freed)
    broken = (area.pages >> area.order) - area.blocks
    if clustered == TOGETHER:
        return max(0, min(((area.pages - left) >> area.order) - area.blocks, freed))
    before, after = area.used / area.pages, left / area.pages
    odds = ((1 - share) * p_free_block(share, area.order, clustered) for share in (before, after))
    return max(0, broken) * p_recovered(*odds)


def _compacted_blocks(room: ZoneCapacity, left: int, blocks: float, case: _Case) -> float:
    """Return what compaction puts together of the free pages in small blocks, with `left` pages in use.

    It can do no more than take the movable pages away: free memory that lies between stuck pages stays as it is.
    """
    movable = room.movable
    small = max(0.0, movable.pages - left - blocks * (1 << room.order)) * case.gathered
    stuck = min(room.stuck or 0, left)
    if movable.pages <= 0 or left <= stuck:
        return 0.0
    if case.clustered == TOGETHER:
        return min(small / (1 << room.order), left - stuck)
    odds = (p_free_block(pages / movable.pages, room.order, case.clustered) for pages in (left, stuck))
    return small / (1 << room.order) * p_recovered(*odds)


def limit_phrase(forecast: Forecast) -> str:
    """Return why little can be won, as part of a sentence."""
    if forecast.bound is None or forecast.bound <= 0.5:
        return "too little of the memory that can be freed or moved is contiguous"
    return (
        f"{forecast.bound * 100:.0f} % of the {format_bytes(forecast.small_free)} free in smaller blocks lies "
        "between unmovable pages"
    )
