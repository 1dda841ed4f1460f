"""What a remedy could free and assemble on this node now, in bytes and in blocks of the target order.

An estimate from what the kernel exports, not a promise: no file shows where pages are inside a pageblock. So each gain
is a likely value with a low and a high end, and every run is compared with it afterwards (model/remedy/recovery.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks, usable_by_node
from fragtui.model.node.verdict import MANY_BLOCKS
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.zone_capacity import Estimate, ZoneCapacity, dirty_bytes, page_cache, zone_capacities
from fragtui.model.remedy.zone_gain import HIGH, LIKELY, LOW, MOSTLY_BOUND, drained_pages, freed_pages, gained_blocks
from fragtui.text import format_bytes

WANTED_BLOCKS = 64
"""Blocks of the target order that a remedy should give: enough to let the pods of a node start one after another."""
HELPING_BLOCKS = 8
"""With fewer blocks than this a remedy does not help."""


@dataclass(frozen=True, slots=True)
class Gain:
    """The gain of a remedy: `bytes` of free memory, `blocks` of the target order; None is unknown (see `why`).

    Blocks are negative where a remedy is likely to cost some.
    """

    bytes: int | None
    blocks: int | None
    low: int | None = None
    """Blocks if pages in use are scattered."""
    high: int | None = None
    """Blocks if pages in use are contiguous: the free pages divided by the block size."""
    why: str | None = None
    """Why a value is unknown, or not above zero."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The node as remedies find it, at one order; `gain` forecasts each of them."""

    order: int
    page_size: int
    blocks: int | None
    """Blocks of the target order now, in the zones that serve kernel requests."""
    fewest: int | None
    """Blocks of the target order that a request gets now on the NUMA node that has fewest."""
    zone_capacities: tuple[ZoneCapacity, ...]
    cache: int | None
    """Bytes of page cache without shmem."""
    dirty: int
    """Bytes of page cache that only a sync makes droppable."""
    slab: int | None
    """Bytes of reclaimable slab."""
    age: float | None
    """Seconds since the migratetypes were read; None if they are unknown."""
    large_folios: bool
    """Whether compaction moves large folios too (6.9 and later), so that one of them can end it early."""

    @property
    def block_size(self) -> int:
        """Size of a block of the target order in bytes."""
        return self.page_size << self.order

    @property
    def small_free(self) -> int:
        """Bytes free in blocks below the target order, in the zones that serve kernel requests."""
        return self.page_size * sum(room.small for room in self.zone_capacities)

    @property
    def listed(self) -> int:
        """Bytes free on the per-CPU lists of zones where they are worth a word."""
        return self.page_size * sum(room.much_percpu for room in self.zone_capacities)

    @property
    def bound(self) -> float | None:
        """Share of `small_free` between unmovable pages, where compaction can't help; None if types are unknown."""
        if not self.zone_capacities or not all(room.typed for room in self.zone_capacities):
            return None
        small = sum(room.small for room in self.zone_capacities)
        return 1 - sum(room.movable.small for room in self.zone_capacities) / small if small else 0.0

    def gain(self, effect: Effect) -> Gain:
        """Return the gain of the steps of `effect`, in their order, over the state now."""
        if effect.gentle:
            return Gain(None, None, why="kcompactd decides by its own score whether it compacts")
        if not self.zone_capacities:
            return Gain(None, None, why="no zone that serves kernel requests could be read")
        rooms = self.zone_capacities if effect.reclaim is None else self._of_cgroup(effect.reclaim)
        if effect.drops:
            freed = [freed_pages(room, effect) for room in rooms]
            if any(pages is None for pages in freed):
                return Gain(None, None, why="the page cache of each zone or the reclaimable slab could not be read")
        pages = sum((freed_pages(room, effect) or 0) + drained_pages(room, effect) for room in rooms)
        likely, low, high = (
            round(sum(gained_blocks(room, effect, case) for room in rooms)) for case in (LIKELY, LOW, HIGH)
        )
        if self.may_end_early(effect) and not effect.drops:
            low = min(0, low)
        if 0 < -low * 100 < likely:
            low = 0  # A handful beside thousands is noise, not a loss that the remedy may bring.
        why = self._nothing(effect, likely)
        return Gain(pages * self.page_size, likely, min(likely, low), max(likely, high), why)

    def least_reclaim(self, clean: int, wanted: int) -> int:
        """Return the least part of a cgroup's `clean` page cache, in bytes, whose low end gives the wanted blocks.

        All of it if no part does.
        """
        parts = (clean // part for part in (8, 4, 2))
        gains = ((part, self.gain(Effect(page_cache=True, reclaim=part)).low) for part in parts)
        return next((part for part, low in gains if low is not None and low >= wanted), clean)

    def _of_cgroup(self, clean: int) -> tuple[ZoneCapacity, ...]:
        """Return the zones with only the page cache of one cgroup, of which `clean` bytes are clean.

        No file shows in which zones and pageblocks a cgroup's pages are: the forecast spreads them like all page cache.
        """
        share = min(1.0, clean / max(1, (self.cache or 0) - self.dirty))
        return tuple(
            replace(
                room,
                cache=None if room.cache is None else Estimate(*(round(end * share) for end in room.cache)),
                dirty=round(room.dirty * share),
            )
            for room in self.zone_capacities
        )

    def may_end_early(self, effect: Effect) -> bool:
        """Return whether a dirty page could end compaction before it is complete.

        From 6.9 on compaction moves large folios whole. If no free block of its size is found, migrate_pages tries to
        split the folio, which a file system's own data on a dirty folio (buffer heads, iomap) prevents; it then returns
        ENOMEM, and mm/compaction.c compact_zone ends the zone. Clean folios can be split.
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
        if gain.blocks < HELPING_BLOCKS:
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
        if effect.compact and self.bound is not None and self.bound > MOSTLY_BOUND:
            return "the free memory is between unmovable pages"
        used = sum(room.movable.used for room in chosen)
        if effect.compact and not effect.drops and sum(room.stuck or 0 for room in chosen) * 2 > used:
            return "most pages between the free ones can't be moved"
        if blocks < 0:
            return "it takes more blocks to move pages into than it makes"
        return "too little of it is contiguous"


def moves_large_folios(version: KernelVersion | None) -> bool:
    """Return whether compaction moves large folios too: from 6.9 on, and assumed if the version is unknown."""
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


def limit_phrase(forecast: Forecast) -> str:
    """Return why the gain is small, as part of a sentence."""
    if forecast.bound is None or forecast.bound <= 0.5:
        return "too little of the memory that can be freed or moved is contiguous"
    return (
        f"{forecast.bound * 100:.0f} % of the {format_bytes(forecast.small_free)} free in smaller blocks is "
        "between unmovable pages"
    )
