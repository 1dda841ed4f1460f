"""Settings that keep blocks free if remedies do not last, with numbers for this node. They are never applied."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.model.node.indices import blocks_of, fragmentation_index, free_pages
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_zones
from fragtui.text import format_bytes

_MIB = 1 << 20
_GIB = 1 << 30
_VETH_RQ = 704
"""Least bytes of a struct veth_rq."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The node's current settings; None for one that this kernel does not have or that can't be read."""

    min_free_kbytes: int | None = None
    watermark_scale_factor: int | None = None
    extfrag_threshold: int | None = None
    compaction_proactiveness: int | None = None
    defrag_mode: int | None = None
    percpu_pagelist_high_fraction: int | None = None
    percpu_pages: int | None = None
    """Free pages on per-CPU lists: they are on no free list and prevent merging."""
    possible_cpus: int | None = None
    online_cpus: int | None = None
    huge_order: int = 9
    """Order that proactive compaction works for: that of a PMD huge page."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One change, with the numbers of this node."""

    what: str
    why: str
    line: str | None = None
    """For /etc/sysctl.d, or the boot parameter."""
    risk: str | None = None


def advise(snapshot: Snapshot, order: int, tuning: Tuning) -> tuple[Advice, ...]:
    """Return the changes that keep blocks of `order` free on this node, the most effective first."""
    found = (
        _min_free(snapshot, tuning),
        _scale_factor(snapshot, tuning),
        _proactiveness(snapshot, tuning),
        _extfrag(snapshot, order, tuning),
        _defrag_mode(tuning),
        _percpu(snapshot, tuning),
        _possible_cpus(snapshot, tuning),
        _veth_fix(snapshot, tuning),
        _memcg_fix(snapshot),
    )
    return tuple(advice for advice in found if advice is not None)


def node_score(snapshot: Snapshot, node: int, huge_order: int = 9) -> int | None:
    """Return a NUMA node's fragmentation score, 0 to 100, as proactive compaction computes it, or None if unknown.

    mm/compaction.c fragmentation_score_node, 5.9 to 6.19: each zone's share of free memory unusable for a huge page,
    weighted by the zone's part of the node.
    """
    zones = [zone for zone in snapshot.zones or () if zone.node == node]
    sizes = [zone.info.present if zone.info else None for zone in zones]
    if not zones or any(size is None for size in sizes):
        return None
    present = sum(size or 0 for size in sizes)
    score = 0
    for zone, size in zip(zones, sizes, strict=True):
        free = free_pages(zone.free_blocks)
        unusable = free - (blocks_of(zone.free_blocks, huge_order) << huge_order)
        score += (size or 0) * (unusable * 100 // free if free else 0) // (present + 1)
    return score


def start_score(proactiveness: int, snapshot: Snapshot) -> int:
    """Return the score above which kcompactd starts by itself (fragmentation_score_wmark; it changed after 6.14)."""
    version = snapshot.host.version
    if version is not None and not version.at_least(6, 15):
        return min(max(100 - proactiveness, 5) + 10, 100)
    low = 100 - proactiveness
    return min(low + min(10, low // 2), 100)


def _min_free(snapshot: Snapshot, tuning: Tuning) -> Advice | None:
    total, now = snapshot.meminfo.get("MemTotal"), tuning.min_free_kbytes
    if total is None or now is None or now * 1024 >= total // 200:
        return None
    # 1 % is the low end of what Alibaba Cloud Linux advises (1 to 3 %), between Oracle's 0.5 % and its 1 GiB a node.
    wanted = min(total // 100, 4 * _GIB) // 1024 // 1024 * 1024
    if wanted <= now:
        return None
    return Advice(
        what=f"raise vm.min_free_kbytes from {format_bytes(now * 1024)} to {format_bytes(wanted * 1024)}",
        why=(
            f"the reserve is {now * 1024 * 100 / total:.2f} % of memory; at 1 % kswapd starts earlier, and requests "
            "that may not wait find more"
        ),
        line=f"vm.min_free_kbytes = {wanted}",
        risk=f"takes {format_bytes((wanted - now) * 1024)} more out of use at once",
    )


def _scale_factor(snapshot: Snapshot, tuning: Tuning) -> Advice | None:
    total, now = snapshot.meminfo.get("MemTotal"), tuning.watermark_scale_factor
    if total is None or now is None or now >= 50:
        return None
    # mm/page_alloc.c __setup_per_zone_wmarks: the larger of a quarter of min and this share of the zone.
    gap = max(total * now // 10_000, (tuning.min_free_kbytes or 0) * 1024 // 4)
    if gap >= total // 100:
        return None
    return Advice(
        what=f"raise vm.watermark_scale_factor from {now} to 100",
        why=(
            f"kswapd starts {format_bytes(gap)} above the min watermark, and stops as much later; with 100 that is "
            f"{format_bytes(max(gap, total // 100))}: fewer requests reclaim and compact directly"
        ),
        line="vm.watermark_scale_factor = 100",
        risk="about 2 % of memory stays free instead of holding page cache",
    )


def _proactiveness(snapshot: Snapshot, tuning: Tuning) -> Advice | None:
    now = tuning.compaction_proactiveness
    if now is None:
        return None
    nodes = sorted({zone.node for zone in snapshot.zones or ()})
    scores = [score for node in nodes if (score := node_score(snapshot, node, tuning.huge_order)) is not None]
    if not scores or (worst := max(scores)) < 30 or worst > start_score(now, snapshot):
        return None
    wanted = next((value for value in range(now + 10, 70, 10) if start_score(value, snapshot) < worst), None)
    if wanted is None:
        return None
    return Advice(
        what=f"raise vm.compaction_proactiveness from {now} to {wanted}",
        why=(
            f"kcompactd's own score is {worst}, and at {now} it starts only above {start_score(now, snapshot)}; at "
            f"{wanted} above {start_score(wanted, snapshot)}"
        ),
        line=f"vm.compaction_proactiveness = {wanted}",
        risk="more CPU time for kcompactd; memory in use moves more often, from 5.15 on at once",
    )


def _extfrag(snapshot: Snapshot, order: int, tuning: Tuning) -> Advice | None:
    now, version = tuning.extfrag_threshold, snapshot.host.version
    if now is None or (order <= 3 and version is not None and version.at_least(4, 9)):
        return None
    zones = target_zones(snapshot)
    indices = [index for zone in zones if 0 <= (index := fragmentation_index(zone.free_blocks, order)) <= now]
    if not indices or (lowest := min(indices)) < 100:
        return None
    wanted = lowest // 100 * 100 - (100 if lowest % 100 == 0 else 0)
    return Advice(
        what=f"lower vm.extfrag_threshold from {now} to {wanted}",
        why=(
            f"the fragmentation index at order {order} is 0.{lowest:03d}: at or below 0.{now:03d} the kernel reclaims "
            "instead of compacting"
        ),
        line=f"vm.extfrag_threshold = {wanted}",
        risk="requests of order 4 and more compact, and so stall, more often",
    )


def _defrag_mode(tuning: Tuning) -> Advice | None:
    if tuning.defrag_mode != 0:
        return None
    return Advice(
        what="switch vm.defrag_mode on",
        why="the allocator then avoids mixing movable and unmovable pages in a pageblock, which no remedy reverses",
        line="vm.defrag_mode = 1",
        risk="set it at boot: pageblocks that are mixed already stay mixed; allocations reclaim and compact sooner",
    )


def _percpu(snapshot: Snapshot, tuning: Tuning) -> Advice | None:
    pages, total = tuning.percpu_pages, snapshot.meminfo.get("MemTotal")
    if pages is None or total is None or tuning.percpu_pagelist_high_fraction is None:
        return None
    held = pages * snapshot.host.page_size
    if held < max(256 * _MIB, total // 50):
        return None
    return Advice(
        what="limit the per-CPU lists with vm.percpu_pagelist_high_fraction",
        why=f"they hold {format_bytes(held)} of free pages outside the free lists, so neighbours can't merge",
        line="vm.percpu_pagelist_high_fraction = 64",
        risk="more contention on the zone lock where pages are allocated and freed fast",
    )


def _possible_cpus(snapshot: Snapshot, tuning: Tuning) -> Advice | None:
    possible, online = tuning.possible_cpus, tuning.online_cpus
    if possible is None or online is None or possible < 2 * online or possible < 32:
        return None
    version = snapshot.host.version
    veth = "; veth requests one block for all of them with every pod" if _veth_in_one_block(version) else ""
    return Advice(
        what=f"boot with nr_cpus={online}",
        why=f"{possible} CPUs are possible, {online} online; the kernel sizes arrays for all of them{veth}",
        line=f"nr_cpus={online}",
        risk="no CPU can be added past that without a reboot",
    )


def _veth_in_one_block(version: KernelVersion | None) -> bool:
    """Return whether veth_alloc_queues needs one block for all possible CPUs (9d3684c24a52 to 1ce7d306ea63)."""
    return version is not None and version.at_least(5, 13) and not version.at_least(6, 8)


def _veth_fix(snapshot: Snapshot, tuning: Tuning) -> Advice | None:
    possible, version = tuning.possible_cpus, snapshot.host.version
    if possible is None or not _veth_in_one_block(version):
        return None
    # struct veth_rq is 704 to 1408 bytes by kernel; the allocator rounds up to a power of two of pages.
    least, most = (
        max(0, (-(-possible * size // snapshot.host.page_size) - 1).bit_length()) for size in (_VETH_RQ, 2 * _VETH_RQ)
    )
    if most < 3:
        return None
    sizes = " or ".join(
        f"{format_bytes(snapshot.host.page_size << order)} (order {order})" for order in range(least, most + 1)
    )
    return Advice(
        what="run a kernel of 6.8 or later, or one with 1ce7d306ea63 (veth: try harder when allocating queue memory)",
        why=f"every pod's veth requests one block of {sizes} for {possible} possible CPUs; 6.8 falls back to vmalloc",
    )


def _memcg_fix(snapshot: Snapshot) -> Advice | None:
    version = snapshot.host.version
    if version is None or version.at_least(4, 15):
        return None
    return Advice(
        what="run a kernel of 4.15 or later",
        why=(
            "older kernels need one block for arrays that grow with the number of memory cgroups, dying ones included, "
            "and for the conntrack cache of a new network namespace (before 4.7, and on RHEL 7); later ones use vmalloc"
        ),
        risk="until then cgroup.memory=nokmem at boot, which ends accounting of kernel memory",
    )
