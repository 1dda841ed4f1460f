"""Which zones a request may use, and the state of each as the watermark test wants it."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.kernel.version import KernelVersion
from fragtui.kernel.zoneinfo import ZoneInfo
from fragtui.model.fragmentation import free_pages
from fragtui.model.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.watermark import Rule, ZoneState, rule_of

_LOWEST_FIRST = ("DMA", "DMA32", "Normal")
_FOREIGN = ("HighAtomic", "CMA", "Isolate")


def may_serve_kernel(zone: Zone) -> bool:
    """Tell whether GFP_KERNEL and GFP_ATOMIC may take from the zone: Normal and below (mm/page_alloc.c gfp_zone)."""
    return zone.name in _LOWEST_FIRST


def normal_index(infos: Sequence[ZoneInfo]) -> int:
    """Return the zone index of Normal, which says what of a zone's `protection` stands against kernel requests.

    Since 4.12 unpopulated zones are listed too and the place in the list is the index. Before, the index after the
    DMA zones is taken; where a zone between is not listed it has no memory, and the entries are equal.
    """
    names = [info.zone for info in infos if info.node == infos[0].node]
    if "Normal" in names:
        return names.index("Normal")
    return sum(1 for name in names if name in ("DMA", "DMA32"))


def rule_for(snapshot: Snapshot) -> Rule:
    """Return the watermark rule of the sampled kernel: asked of its migratetypes where they could be read.

    The Reserve migratetype went in the same release (4.4) as the halving rule, and vendors' version numbers lie.
    """
    if snapshot.page_types and snapshot.page_types.info.free:
        names = {row.migratetype for row in snapshot.page_types.info.free}
        if "HighAtomic" in names:
            return Rule.FREE_LIST
        if "Reserve" in names:
            return Rule.HALVING
    return rule_of(snapshot.host.version)


def zone_states(snapshot: Snapshot) -> dict[ZoneKey, ZoneState]:
    """Return the watermark test's view of every zone, with `min` as the mark (what the slow path must exceed)."""
    index = normal_index(snapshot.zone_infos) if snapshot.zone_infos else None
    return {zone.key: _state(zone, index, snapshot) for zone in snapshot.zones or ()}


def _state(zone: Zone, index: int | None, snapshot: Snapshot) -> ZoneState:
    info = zone.info
    foreign, highatomic, kept = _special_lists(zone, snapshot)
    if info is None or info.min is None or info.free is None:
        return ZoneState(zone.free_blocks, foreign_blocks=foreign, highatomic_blocks=highatomic)
    reserve = 0
    if info.protection and index is not None:
        reserve = info.protection[min(index, len(info.protection) - 1)]
    return ZoneState(
        free_blocks=zone.free_blocks,
        free_pages=info.free,
        mark=info.min,
        reserve=reserve,
        boost=info.boost or 0,
        highatomic_pages=kept,
        cma_pages=info.free_cma or 0,
        foreign_blocks=foreign,
        highatomic_blocks=highatomic,
    )


def _special_lists(zone: Zone, snapshot: Snapshot) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the zone's free blocks that GFP_KERNEL may not take, those of HighAtomic, and HighAtomic's pages."""
    if snapshot.page_types is None:
        return (), (), 0
    info = snapshot.page_types.info
    foreign = [0] * len(zone.free_blocks)
    highatomic: tuple[int, ...] = ()
    for row in info.free:
        if (row.node, row.zone) == zone.key and row.migratetype in _FOREIGN:
            for order, count in enumerate(row.free_blocks[: len(foreign)]):
                foreign[order] += count
            if row.migratetype == "HighAtomic":
                highatomic = row.free_blocks
    kept = free_pages(highatomic)
    if not _counts_free_highatomic(snapshot.host.version):
        for blocks in info.pageblocks:
            if (blocks.node, blocks.zone) == zone.key:
                kept = dict(blocks.blocks).get("HighAtomic", 0) * (info.pages_per_block or 0)
    return tuple(foreign), highatomic, kept


def _counts_free_highatomic(version: KernelVersion | None) -> bool:
    """6.12 and later take off the free pages of the HighAtomic lists, earlier ones the whole reservation."""
    return version is None or version.at_least(6, 12)
