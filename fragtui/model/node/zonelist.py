"""Which zones a request may use, and the state of each for the watermark test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.indices import free_pages
from fragtui.model.node.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.node.watermark import Hidden, Rule, ZoneState, rule_of

_LOWEST_FIRST = ("DMA", "DMA32", "Normal")
_FOREIGN = ("HighAtomic", "CMA", "Isolate")
TINY_ZONE = 16 << 20
"""Bytes: the whole of ZONE_DMA on x86-64, which the lowmem reserve keeps for devices."""
_MIN_PAGEBLOCK = 256
"""Pages of the smallest pageblock of any kernel with 11 orders or more: s390x."""


def may_serve_kernel(zone: Zone) -> bool:
    """Return whether GFP_KERNEL and GFP_ATOMIC may take from the zone: Normal and below (mm/page_alloc.c gfp_zone)."""
    return zone.name in _LOWEST_FIRST


def zone_to_open(snapshot: Snapshot) -> ZoneKey | None:
    """Return the zone to show first: the largest Normal zone, else the largest that serves kernel requests."""
    zones = snapshot.zones or ()
    normal = [zone for zone in zones if zone.name == "Normal"]
    candidates = normal or [zone for zone in zones if may_serve_kernel(zone)] or zones

    def size(zone: Zone) -> int:
        managed = zone.info.managed if zone.info else None
        return zone.blocks.free_pages if managed is None else managed

    return max(candidates, key=size).key if candidates else None


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
    lists = _special_lists(zone, snapshot)
    hidden = _hidden(zone, snapshot) if lists is None else Hidden()
    if lists is not None and (info is None or info.min is None or info.free is None):
        hidden = _hidden_by_meminfo(snapshot)._replace(cma=0)
    foreign, highatomic, kept = lists or ((), (), hidden.atomic if hidden.atomic_known else 0)
    if info is None or info.min is None or info.free is None:
        return ZoneState(zone.free_blocks, foreign_blocks=foreign, highatomic_blocks=highatomic, hidden=hidden)
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
        hidden=hidden,
    )


def _special_lists(zone: Zone, snapshot: Snapshot) -> tuple[tuple[int, ...], tuple[int, ...], int] | None:
    """Return the zone's free blocks that GFP_KERNEL may not take, those on HighAtomic lists, and HighAtomic's pages.

    None if they are unknown: the file was not read, or is cut off before the end of this zone.
    """
    if snapshot.page_types is None:
        return None
    info = snapshot.page_types.info
    rows = [row for row in info.free if (row.node, row.zone) == zone.key]
    if not rows or {row.migratetype for row in rows} != {row.migratetype for row in info.free}:
        return None
    foreign = [0] * len(zone.free_blocks)
    own = [0] * len(zone.free_blocks)
    highatomic: tuple[int, ...] = ()
    for row in rows:
        blocks = foreign if row.migratetype in _FOREIGN else own
        for order, count in enumerate(row.free_blocks[: len(foreign)]):
            blocks[order] += count
        if row.migratetype == "HighAtomic":
            highatomic = row.free_blocks
    for order in {order for row in rows if row.migratetype in _FOREIGN for order in row.capped}:
        if order < len(foreign):  # The count stopped at the cap: all blocks of no other list may be on this one.
            foreign[order] = max(foreign[order], zone.free_blocks[order] - own[order])
    kept = free_pages(highatomic)
    if not _counts_free_highatomic(snapshot.host.version):
        for pageblocks in info.pageblocks:
            if (pageblocks.node, pageblocks.zone) == zone.key:
                kept = dict(pageblocks.blocks).get("HighAtomic", 0) * (info.pages_per_block or 0)
    return tuple(foreign), highatomic, kept


def _hidden(zone: Zone, snapshot: Snapshot) -> Hidden:
    """Return the zone's free pages that GFP_KERNEL may not take, without the free lists by migratetype.

    Isolated pages are in free blocks, but not counted as free (mm/page_alloc.c account_freepages). They are isolated by
    pageblocks: a smaller difference is what changed between the two readings.
    """
    info = zone.info
    if info is None or info.free is None:
        return _hidden_by_meminfo(snapshot)
    pages = free_pages(zone.free_blocks)
    cma = _free_cma(info, snapshot.host.version)
    outside = pages - info.free
    isolated = outside if outside >= 1 << max(0, len(zone.free_blocks) - 2) else 0
    known = info.free_highatomic is not None
    atomic = info.free_highatomic if info.free_highatomic is not None else _most_highatomic(zone, info, snapshot)
    return Hidden(pages if cma is None else cma, isolated, min(atomic, pages), known)


def _hidden_by_meminfo(snapshot: Snapshot) -> Hidden:
    """Return what zones may hide without zoneinfo: for each of them as much as all zones together.

    MemAvailable leaves out the high watermarks and lowmem reserves, and counts page cache and slab at most whole
    (si_mem_available, 3.14 and later): what is missing is the most that the kernel keeps.
    """
    meminfo, size = snapshot.meminfo, snapshot.host.page_size
    cma = meminfo.get("CmaFree", 0) // size
    parts = [meminfo.get(name) for name in ("MemFree", "Active(file)", "Inactive(file)", "MemAvailable")]
    slab = meminfo.get("KReclaimable", meminfo.get("SReclaimable"))
    if None in parts or slab is None:
        return Hidden(cma=cma)
    free, active, inactive, available = (part or 0 for part in parts)
    # Zero stands for less than zero, too.
    kept = free + active + inactive + slab - available if available else meminfo.get("MemTotal", free)
    return Hidden(cma=cma, reserve=max(0, kept) // size)


def _free_cma(info: ZoneInfo, version: KernelVersion | None) -> int | None:
    """Return the zone's free CMA pages; None if the text is cut off before them. CMA is in 3.5 and later."""
    if info.cma == 0 or info.managed is None or (version is not None and not version.at_least(3, 5)):
        return info.free_cma or 0
    return info.free_cma


def _most_highatomic(zone: Zone, info: ZoneInfo, snapshot: Snapshot) -> int:
    """Return the most pages that a zone reserves for atomic requests (reserve_highatomic_pageblock).

    4.4 and later: whole pageblocks until a hundredth of the zone is reached, from 6.8 on none if that is less than a
    pageblock. The 16 MiB of x86's ZONE_DMA are left out before that, too: atomic requests reach it last.
    """
    version = snapshot.host.version
    if rule_for(snapshot) is Rule.HALVING:
        return 0
    if info.managed is None:  # The text is cut off.
        return free_pages(zone.free_blocks)
    hundredth, largest = info.managed // 100, 1 << max(0, len(zone.free_blocks) - 1)
    if info.managed * snapshot.host.page_size <= TINY_ZONE:
        return 0
    if version is None or not version.at_least(6, 8):
        return hundredth + 2 * largest
    return 0 if hundredth < min(_MIN_PAGEBLOCK, largest) else hundredth + largest


def _counts_free_highatomic(version: KernelVersion | None) -> bool:
    """6.12 and later subtract the free pages of the HighAtomic lists, earlier kernels the whole reservation."""
    return version is None or version.at_least(6, 12)
