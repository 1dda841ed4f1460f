"""What a job needs before it may start here, and how much of it is free now.

Blocks count as equivalents of one size: a larger block as its multiple. Those count that GFP_KERNEL may take one after
another until a watermark denies the next, in the zones that serve kernel requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.model.node.target_zones import has_order, own_blocks, sure_blocks, target_zones
from fragtui.model.node.watermark import (
    RequestKind,
    Rule,
    Verdict,
    ZoneState,
    blocks_above_floor,
    floor_pages,
    usable_pages,
    zone_verdict,
)
from fragtui.model.node.zonelist import rule_for, zone_states
from fragtui.model.remedy.forecast import Forecast, forecast
from fragtui.text import format_block, format_bytes


class Fulfilled(StrEnum):
    """Whether a need is met."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Need:
    """The blocks, each of `size` bytes, and the bytes of free memory that a job needs."""

    blocks: int
    size: int
    node: int | None = None
    """The NUMA node that must have them; None for all NUMA nodes together."""
    free: int | None = None
    """Bytes of free memory; None if none are asked for."""

    def order(self, page_size: int) -> int:
        """Return the order of a block; negative if a page is larger than it."""
        return self.size.bit_length() - page_size.bit_length()


@dataclass(frozen=True, slots=True)
class NeedCheck:
    """What of a need is free now; None with the reason in `why` for unknown."""

    order: int
    blocks: int | None
    """Blocks that are surely available to GFP_KERNEL."""
    possible: int | None
    """The same if no hidden page (CMA, HighAtomic) is in one of them: more than `blocks` if files are missing."""
    by_node: dict[int, int] | None
    """`blocks` by NUMA node."""
    free: int | None
    """Bytes of free memory, of the NUMA node if the need names one."""
    fulfilled: Fulfilled
    why: str | None = None
    """What is unknown, and why."""
    lasting: bool = False
    """Whether it stays unknown as long as this kernel runs: it has no such block or NUMA node."""


def check_need(snapshot: Snapshot, need: Need) -> NeedCheck:
    """Return what of a need is free on the node as sampled."""
    order = need.order(snapshot.host.page_size)
    free = _free_bytes(snapshot, need.node)
    if (why := _why_no_order(snapshot, order, need)) is not None:
        return NeedCheck(order, None, None, None, free, Fulfilled.UNKNOWN, why, lasting=snapshot.zones is not None)
    by_node: dict[int, int] = {}
    possible = 0
    rule = rule_for(snapshot)
    for zone, state in _zones(snapshot, need):
        sure, most = _takeable(zone, state, order, rule)
        by_node[zone.node] = by_node.get(zone.node, 0) + sure
        possible += most
    blocks = sum(by_node.values())
    fulfilled, reason = Fulfilled.YES, None
    if possible < need.blocks or (need.free is not None and free is not None and free < need.free):
        fulfilled = Fulfilled.NO
    elif blocks < need.blocks:
        fulfilled, reason = Fulfilled.UNKNOWN, _why_unsure(snapshot, possible - blocks)
    elif need.free is not None and free is None:
        fulfilled, reason = Fulfilled.UNKNOWN, "free memory is unknown: no file shows it"
    return NeedCheck(order, blocks, possible, by_node, free, fulfilled, reason)


def view_of(snapshot: Snapshot, need: Need) -> Forecast:
    """Return the forecast in the zones of the need, in its blocks."""
    view = forecast(snapshot, max(0, need.order(snapshot.host.page_size)))
    rooms = tuple(room for room in view.zone_capacities if need.node in (None, room.key[0]))
    return replace(view, zone_capacities=rooms)


def too_much(snapshot: Snapshot, need: Need) -> str | None:
    """Return why the need is larger than the node; None if it is not, or if the node's memory is unknown."""
    size = snapshot.host.page_size
    managed = [zone.info.managed if zone.info else None for zone, _ in _zones(snapshot, need)]
    wanted = need.blocks * need.size
    if managed and None not in managed and wanted > (most := sum(filter(None, managed)) * size):
        return f"{format_bytes(wanted)} in blocks needed, {format_bytes(most)} of memory for kernel requests"
    total = snapshot.meminfo.get("MemTotal")
    if need.free is not None and total is not None and need.free > total:
        return f"{format_bytes(need.free)} free memory needed, {format_bytes(total)} of memory"
    return None


def missing_bytes(snapshot: Snapshot, need: Need) -> int | None:
    """Return the bytes that must be freed before the need can fit, however contiguous the free memory is.

    None if it is unknown what is free, or above the watermarks.
    """
    spare = 0
    for _, state in _zones(snapshot, need):
        usable, floor = usable_pages(state), floor_pages(state)
        if usable is None or floor is None:
            return None
        spare += max(0, usable - floor)
    missing = need.blocks * need.size - spare * snapshot.host.page_size
    if need.free is not None:
        if (free := _free_bytes(snapshot, need.node)) is None:
            return None
        missing = max(missing, need.free - free)
    return max(0, missing)


def held_by_processes(snapshot: Snapshot) -> int | None:
    """Return the bytes of anonymous and shared memory, which ending processes frees; None if unknown."""
    parts = [snapshot.meminfo.get(name) for name in ("AnonPages", "Shmem")]
    return None if None in parts else sum(part or 0 for part in parts)


def _zones(snapshot: Snapshot, need: Need) -> Iterator[tuple[Zone, ZoneState]]:
    """Yield the zones that serve kernel requests, of the NUMA node if the need names one."""
    states = zone_states(snapshot)
    for zone in target_zones(snapshot):
        if need.node in (None, zone.node):
            yield zone, states[zone.key]


def _takeable(zone: Zone, state: ZoneState, order: int, rule: Rule) -> tuple[int, int]:
    """Return the blocks that GFP_KERNEL surely takes, and those that it may take."""
    verdict = zone_verdict(state, order, RequestKind.GFP_KERNEL, rule)
    if verdict not in (Verdict.AVAILABLE, Verdict.UNKNOWN):
        return 0, 0
    most = own_blocks(zone, state, order)
    above = blocks_above_floor(state, order, rule)
    if above is None:
        return 0, most
    least = blocks_above_floor(state, order, rule, worst=True) or 0
    sure = sure_blocks(zone, state, order) if verdict is Verdict.AVAILABLE else 0
    return min(sure, least), min(most, above)


def _free_bytes(snapshot: Snapshot, node: int | None) -> int | None:
    if node is None:
        return snapshot.meminfo.get("MemFree")
    pages = [info.free for info in snapshot.zone_infos if info.node == node and info.populated]
    return None if not pages or None in pages else sum(filter(None, pages)) * snapshot.host.page_size


def _why_no_order(snapshot: Snapshot, order: int, need: Need) -> str | None:
    size = snapshot.host.page_size
    if snapshot.zones is None:
        return f"free blocks are unknown: buddyinfo: {snapshot.why('buddyinfo') or 'no zone in it'}"
    if order < 0:
        return f"pages have {format_bytes(size)} here: there is no smaller block"
    if not has_order(snapshot, order):
        largest = max((len(zone.free_blocks) for zone in snapshot.zones), default=0) - 1
        known = f"; the largest block of this kernel is {format_block(size, largest)}" if largest >= 0 else ""
        return f"no order {order} here{known}"
    if need.node is not None and not any(True for _ in _zones(snapshot, need)):
        nodes = sorted({zone.node for zone in snapshot.zones})
        if need.node not in nodes:
            return f"no NUMA node {need.node} here, only {', '.join(map(str, nodes))}"
        return f"NUMA node {need.node} has no zone that serves kernel requests"
    return None


def _why_unsure(snapshot: Snapshot, blocks: int) -> str:
    if snapshot.zone_infos:
        why = snapshot.why("pagetypeinfo") or "not read"
        return f"{blocks} of them may be kept for CMA or atomic requests (pagetypeinfo: {why})"
    return f"the watermarks may keep {blocks} of them (zoneinfo: {snapshot.why('zoneinfo') or 'not read'})"
