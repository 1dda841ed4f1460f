"""The gain and cost of a remedy by two snapshots, and how long the gain lasts by the ticks after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fragtui.kernel.procfs.counters import sum_prefixed
from fragtui.kernel.procfs.pressure import Stall
from fragtui.model.node.cgroup_memory import CgroupPrice
from fragtui.model.node.indices import blocks_of, free_pages, unusable_index
from fragtui.model.node.snapshot import Snapshot, ZoneKey
from fragtui.model.node.target_zones import target_blocks, target_zones, usable_by_node
from fragtui.model.remedy.forecast import HELPING_BLOCKS, WANTED_BLOCKS
from fragtui.model.remedy.zone_capacity import pool_pages

CHECKPOINT_SECONDS = (60.0, 300.0, 1800.0)
"""Seconds after a remedy at which its gain is measured again."""


@dataclass(frozen=True, slots=True)
class ZoneRecovery:
    """One zone before and after; None if it did not exist then (memory hotplug)."""

    key: ZoneKey
    target: bool
    """Whether its blocks count for kernel requests."""
    before: tuple[int, ...] | None
    """Free blocks of exactly each order."""
    after: tuple[int, ...] | None

    def gained(self, order: int) -> int | None:
        """Return the gain (or loss) in free blocks of exactly `order`, or None if one side is unknown."""
        if self.before is None or self.after is None or order >= min(len(self.before), len(self.after)):
            return None
        return self.after[order] - self.before[order]

    def blocks(self, order: int) -> tuple[int | None, int | None]:
        """Return how many blocks of `order` the free blocks of it and above give, before and after."""
        return (
            blocks_of(self.before, order) if self.before is not None else None,
            blocks_of(self.after, order) if self.after is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What happened between two snapshots; None for a counter that this kernel does not have."""

    seconds: float
    stalled: float | None
    """Seconds in which some task waited for memory (PSI)."""
    stalled_full: float | None
    """Seconds in which all tasks that could run waited for memory."""
    refaults: int | None
    """Pages read back soon after they had been dropped (workingset_refault)."""
    read: int | None
    """Bytes read from disks (pgpgin)."""
    migrated: int | None
    """Pages that compaction moved; `migrate_failed` counts those that it could not move."""
    migrate_failed: int | None
    scanned: int | None
    """Pages that compaction scanned, as sources and as targets."""
    direct_stalls: int | None
    """Allocations that compacted memory directly (compact_stall)."""


class Success(StrEnum):
    """What a remedy brought."""

    WORKED = "worked"
    LITTLE = "little"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recovery:
    """The comparison of before and after, at one order."""

    order: int
    page_size: int
    zones: tuple[ZoneRecovery, ...]
    before: int | None
    """Blocks of the target order in the zones that serve kernel requests."""
    after: int | None
    free_bytes: int | None
    """Free memory gained (or lost) in all zones, bytes."""
    unusable: tuple[int, int] | None
    """Unusable free space index at the target order over those zones, in thousandths, before and after."""
    cost: Cost
    looked_at: float | None = None
    """What compaction scanned, as a share of a whole run (see `_pages_to_scan`); None for unknown."""

    fewest: tuple[int, int] | None = None
    """Blocks of the target order that a request gets on the NUMA node that has fewest, before and after."""

    @property
    def success(self) -> Success:
        """Whether a request of the target order gets a block on each NUMA node now, and did not before."""
        if self.gained is None or self.before is None or self.fewest is None:
            return Success.UNKNOWN
        if self.gained <= 0:
            return Success.NONE
        before, after = self.fewest
        if self.gained < HELPING_BLOCKS or after < WANTED_BLOCKS:
            return Success.LITTLE
        return Success.WORKED if before < WANTED_BLOCKS or self.gained * 2 >= self.before else Success.LITTLE

    @property
    def ended_early(self) -> bool:
        """Whether a compaction of all memory that ran in between gave up: whole runs were at 1 and above on 6.18."""
        return self.looked_at is not None and self.looked_at < 0.5

    @property
    def gained(self) -> int | None:
        """Blocks of the target order gained (or lost)."""
        return None if self.before is None or self.after is None else self.after - self.before


def compare(before: Snapshot, after: Snapshot, order: int) -> Recovery:
    """Return what changed between two snapshots of one node, judged at `order`."""
    keys = [zone.key for zone in before.zones or ()]
    keys += [zone.key for zone in after.zones or () if zone.key not in keys]
    targets = {zone.key for zone in target_zones(after)} | {zone.key for zone in target_zones(before)}
    zones = []
    for key in keys:
        old, new = before.zone(key), after.zone(key)
        zones.append(
            ZoneRecovery(key, key in targets, old.free_blocks if old else None, new.free_blocks if new else None)
        )
    free = None
    if before.zones is not None and after.zones is not None:
        pages = [sum(free_pages(zone.free_blocks) for zone in side) for side in (before.zones, after.zones)]
        free = (pages[1] - pages[0]) * after.host.page_size
    cost = cost_between(before, after)
    to_scan = _pages_to_scan(before)
    return Recovery(
        order=order,
        page_size=after.host.page_size,
        zones=tuple(zones),
        before=target_blocks(before, order),
        after=target_blocks(after, order),
        free_bytes=free,
        unusable=_unusable(before, after, order),
        cost=cost,
        looked_at=cost.scanned / to_scan if cost.scanned is not None and to_scan else None,
        fewest=_fewest(before, after, order),
    )


def _fewest(before: Snapshot, after: Snapshot, order: int) -> tuple[int, int] | None:
    old, new = usable_by_node(before, order), usable_by_node(after, order)
    return (min(old.values()), min(new.values())) if old and new else None


def cost_between(before: Snapshot, after: Snapshot) -> Cost:
    """Return what the node went through between two snapshots."""
    some = full = None
    if before.pressure and after.pressure:
        some = _stalled(before.pressure.some, after.pressure.some)
        full = _stalled(before.pressure.full, after.pressure.full)
    read = _delta(before, after, "pgpgin")
    scanned = [_delta(before, after, f"compact_{side}_scanned") for side in ("migrate", "free")]
    old, new = (sum_prefixed(side.vmstat, "workingset_refault") for side in (before, after))
    return Cost(
        seconds=after.monotonic - before.monotonic,
        stalled=some,
        stalled_full=full,
        refaults=None if old is None or new is None or new < old else new - old,
        read=None if read is None else read * 1024,
        migrated=_delta(before, after, "pgmigrate_success"),
        migrate_failed=_delta(before, after, "pgmigrate_fail"),
        scanned=None if scanned[0] is None or scanned[1] is None else scanned[0] + scanned[1],
        direct_stalls=_delta(before, after, "compact_stall"),
    )


def _pages_to_scan(before: Snapshot) -> int | None:
    """Return the pages that both scanners of a whole compaction visit: those in use, and free ones below a pageblock.

    The scanners skip huge pages of the pool, so these are not counted.
    """
    types = before.page_types.info.pageblock_order if before.page_types else None
    found = 0
    for zone in before.zones or ():
        if zone.info is None or zone.info.managed is None:
            return None
        found += zone.info.managed - free_pages(zone.free_blocks) + sum(zone.free_blocks[: types or 9])
    return max(0, found - pool_pages(before))


def _delta(before: Snapshot, after: Snapshot, name: str) -> int | None:
    if name not in before.vmstat or name not in after.vmstat:
        return None
    # A count that fell is another boot's.
    return delta if (delta := after.vmstat[name] - before.vmstat[name]) >= 0 else None


def _stalled(before: Stall | None, after: Stall | None) -> float | None:
    """Return the seconds of stall between two readings of one line, or None."""
    if before is None or after is None or after.total < before.total:
        return None
    return (after.total - before.total) / 1e6


def _unusable(before: Snapshot, after: Snapshot, order: int) -> tuple[int, int] | None:
    sides = []
    for snapshot in (before, after):
        zones = target_zones(snapshot)
        if not zones:
            return None
        width = max(len(zone.free_blocks) for zone in zones)
        sides.append(
            unusable_index(
                [sum(z.free_blocks[i] for z in zones if i < len(z.free_blocks)) for i in range(width)], order
            )
        )
    return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One of `CHECKPOINT_SECONDS` after a remedy: blocks of the target order, and the cost to the node since then."""

    after: float
    """Seconds after the remedy."""
    blocks: int
    cost: Cost
    price: CgroupPrice | None = None
    """The cost to the cgroup that was reclaimed; None if none was."""


@dataclass(frozen=True, slots=True)
class GainDecay:
    """How long a gain lasts, by the ticks after a remedy; times are monotonic seconds."""

    at: float
    before: int
    after: int
    """Blocks of the target order right before and right after."""
    seen: float | None = None
    now: int | None = None
    half_at: float | None = None
    """Start of the time since which half of the gain or more has been gone."""
    marks: tuple[tuple[float, int], ...] = ()
    """Blocks at the first tick past each of `CHECKPOINT_SECONDS`, with that mark's seconds."""

    @property
    def gain(self) -> int:
        """Blocks gained."""
        return self.after - self.before

    @property
    def share(self) -> float | None:
        """The remaining share of the gain, 0..1 (more if blocks continued to become free); None without a gain."""
        if self.now is None or self.gain <= 0:
            return None
        return max(0.0, (self.now - self.before) / self.gain)

    @property
    def half_life(self) -> float | None:
        """Seconds until half of the gain was lost, or None while more than half remains (or there was no gain)."""
        return None if self.half_at is None else self.half_at - self.at

    @property
    def age(self) -> float | None:
        """Seconds from the remedy to the last tick seen."""
        return None if self.seen is None else self.seen - self.at

    def see(self, monotonic: float, blocks: int) -> GainDecay:
        """Return this with one more tick; a dip that recovers does not count as the end of the gain."""
        half_at = self.half_at
        if self.gain > 0 and (blocks - self.before) * 2 <= self.gain:
            half_at = monotonic if half_at is None else half_at
        else:
            half_at = None
        marks = self.marks
        due = CHECKPOINT_SECONDS[len(marks) : len(marks) + 1]
        while due and monotonic - self.at >= due[0]:
            marks += ((due[0], blocks),)
            due = CHECKPOINT_SECONDS[len(marks) : len(marks) + 1]
        return GainDecay(self.at, self.before, self.after, monotonic, blocks, half_at, marks)
