"""Which zones a request may use, and the state of each for the watermark test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.indices import free_pages
from fragtui.model.node.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.node.watermark import Rule, ZoneState, rule_of

_LOWEST_FIRST = ("DMA", "DMA32", "Normal")
_FOREIGN = ("HighAtomic", "CMA", "Isolate")


def may_serve_kernel(zone: Zone) -> bool:
    """Return whether GFP_KERNEL and GFP_ATOMIC may take from the zone: Normal and below (mm/page_alloc.c gfp_zone)."""
    return zone.name in _LOWEST_FIRST


def kernel_reserve(info: ZoneInfo, of_node: Sequence[ZoneInfo]) -> int:
    """Return the pages that a zone keeps from kernel requests: the entry for Normal in its `protection`.

    The row has an entry for every zone of the kernel. Since 4.12 unpopulated zones are listed too, and the position of
    Normal among the node's zones is its index. Before, the row itself shows it: it adds up the zones above
    (mm/page_alloc.c setup_per_zone_lowmem_reserve), so it rises once for each of them that has memory.
    """
    row = info.protection or ()
    names = [each.zone for each in of_node]
    if len(names) == len(row) and "Normal" in names:
        return row[names.index("Normal")]
    above = [each for each in of_node if each.zone in _LOWEST_FIRST and each.populated]
    count = sum(1 for each in above if _LOWEST_FIRST.index(each.zone) > _place(info.zone))
    rises = [value for before, value in pairwise((0, *row)) if value > before]
    return rises[min(count, len(rises)) - 1] if count and rises else 0


def _place(zone: str) -> int:
    return _LOWEST_FIRST.index(zone) if zone in _LOWEST_FIRST else len(_LOWEST_FIRST)


def rule_for(snapshot: Snapshot) -> Rule:
    """Return the watermark rule of the sampled kernel, by its migratetypes if they could be read.

    The Reserve migratetype went in the same release (4.4) as the halving rule, and vendors' version numbers are not
    reliable.
    """
    if snapshot.page_types and snapshot.page_types.info.free:
        names = {row.migratetype for row in snapshot.page_types.info.free}
        if "HighAtomic" in names:
            return Rule.FREE_LIST
        if "Reserve" in names:
            return Rule.HALVING
    return rule_of(snapshot.host.version)


def zone_states(snapshot: Snapshot) -> dict[ZoneKey, ZoneState]:
    """Return every zone's state for the watermark test, with `min` as the mark (what the slow path must exceed)."""
    nodes: dict[int, list[ZoneInfo]] = {}
    for info in snapshot.zone_infos:
        nodes.setdefault(info.node, []).append(info)
    return {zone.key: _state(zone, nodes.get(zone.node, []), snapshot) for zone in snapshot.zones or ()}


def _state(zone: Zone, of_node: Sequence[ZoneInfo], snapshot: Snapshot) -> ZoneState:
    info = zone.info
    foreign, highatomic, kept = _special_lists(zone, snapshot)
    if info is None or info.min is None or info.free is None:
        return ZoneState(zone.free_blocks, foreign_blocks=foreign, highatomic_blocks=highatomic)
    return ZoneState(
        free_blocks=zone.free_blocks,
        free_pages=info.free,
        mark=info.min,
        reserve=kernel_reserve(info, of_node),
        boost=info.boost or 0,
        highatomic_pages=kept,
        cma_pages=info.free_cma or 0,
        foreign_blocks=foreign,
        highatomic_blocks=highatomic,
    )


def _special_lists(zone: Zone, snapshot: Snapshot) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the zone's free blocks that GFP_KERNEL may not take, those on HighAtomic lists, and HighAtomic's pages."""
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
    """6.12 and later subtract the free pages of the HighAtomic lists, earlier kernels the whole reservation."""
    return version is None or version.at_least(6, 12)
