"""The conditions that make a remedy risky or useless on this node now."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.procfs.pressure import Pressure
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import MANY_BLOCKS
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Forecast, limit_phrase
from fragtui.model.remedy.zone_capacity import dirty_bytes
from fragtui.text import format_bytes, format_count

_DIRTY = 256 << 20
_MUCH_FOR_COMPACTION = 1 << 20
_WAITING = 10.0
"""Percent of the last 10 s in which some task waited."""
_MEMCGS = 1000


@dataclass(frozen=True, slots=True)
class NodeConditions:
    """Conditions that matter for a remedy and that no Snapshot has; None for unknown."""

    io: Pressure | None = None
    zfs_arc: int | None = None
    """Bytes of ZFS's own cache (ARC), which is not page cache for drop_caches."""
    ksm_sharing: int | None = None
    """Pages that KSM saves."""
    memory_cgroups: int | None = None
    """Memory cgroups, dying ones included."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One warning; a `useless` one means that the remedy can't help, any other that it may do harm."""

    sentence: str
    useless: bool = False


def risks(
    snapshot: Snapshot,
    forecast: Forecast,
    effect: Effect,
    conditions: NodeConditions | None = None,
    previous: Snapshot | None = None,
) -> tuple[Risk, ...]:
    """Return the warnings for a remedy with this `effect`; `previous` is an earlier tick, for rates."""
    around = conditions or NodeConditions()
    found: list[Risk] = []
    gain = forecast.gain(effect)
    if gain.blocks is not None and gain.blocks <= 0 and gain.why:
        found.append(Risk(f"Not expected to help: {gain.why}.", useless=True))
    elif gain.blocks is not None and forecast.worth(gain) is False:
        plenty = forecast.fewest is not None and forecast.fewest >= MANY_BLOCKS
        why = "there are many such blocks already" if plenty else limit_phrase(forecast)
        found.append(Risk(f"Hardly worth its cost: {why}.", useless=True))
    dirty = dirty_bytes(snapshot.meminfo)
    if effect.page_cache and effect.reclaim is None and not effect.sync and dirty >= _DIRTY:
        found.append(Risk(f"{format_bytes(dirty)} of dirty pages stay: they go only after a sync.", useless=False))
    if effect.sync and dirty >= _DIRTY:
        found.append(Risk(f"{format_bytes(dirty)} of dirty pages must reach the disk first."))
    if forecast.may_end_early(effect) and dirty >= _MUCH_FOR_COMPACTION:
        found.append(Risk(f"{format_bytes(dirty)} of dirty pages: one of them may end compaction early; sync first."))
    found += _pressure(snapshot, around)
    if previous is not None:
        found += _swapping(snapshot, previous)
    if effect.slab:
        found += _slab(snapshot, around)
    if effect.compact and around.ksm_sharing:
        found.append(Risk(f"KSM shares {format_count(around.ksm_sharing)} pages: moving one stops all who share it."))
    if effect.compact and any(room.compactable is False for room in forecast.zone_capacities):
        names = ", ".join(
            f"{room.key[0]}/{room.key[1]}" for room in forecast.zone_capacities if room.compactable is False
        )
        found.append(Risk(f"Free memory of {names} is at the min watermark: no free pages to move pages into."))
    return tuple(found)


def _pressure(snapshot: Snapshot, around: NodeConditions) -> list[Risk]:
    found = []
    if snapshot.pressure and snapshot.pressure.some and snapshot.pressure.some.avg10 >= _WAITING:
        found.append(Risk(f"Tasks already wait for memory {snapshot.pressure.some.avg10:.0f} % of the time."))
    if around.io and around.io.some and around.io.some.avg10 >= _WAITING:
        found.append(Risk(f"Tasks already wait for disks {around.io.some.avg10:.0f} % of the time."))
    return found


def _swapping(snapshot: Snapshot, previous: Snapshot) -> list[Risk]:
    seconds = snapshot.monotonic - previous.monotonic
    if seconds <= 0 or "pswpin" not in snapshot.vmstat or "pswpin" not in previous.vmstat:
        return []
    rate = (snapshot.vmstat["pswpin"] - previous.vmstat["pswpin"]) / seconds * snapshot.host.page_size
    return (
        [Risk(f"The node reads {format_bytes(round(rate))}/s back from swap: it is thrashing.")] if rate > 1e6 else []
    )


def _slab(snapshot: Snapshot, around: NodeConditions) -> list[Risk]:
    found = []
    version = snapshot.host.version
    if version and not version.at_least(5, 10):
        many = ""
        if around.memory_cgroups and around.memory_cgroups >= _MEMCGS:
            many = f", and with {format_count(around.memory_cgroups)} memory cgroups it may take minutes"
        found.append(Risk(f"Dropping slab can't be aborted on a kernel before 5.10{many}."))
    elif around.memory_cgroups and around.memory_cgroups >= _MEMCGS:
        found.append(Risk(f"{format_count(around.memory_cgroups)} memory cgroups: dropping slab visits each."))
    if around.zfs_arc:
        found.append(Risk(f"ZFS gives up parts of its {format_bytes(around.zfs_arc)} cache too, which can take long."))
    return found
