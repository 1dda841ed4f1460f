"""The state of a node by what node_exporter exports: blocks, free pages and watermarks, nothing else.

It does not know the blocks of CMA and those kept for atomic requests, nor the boost of the watermark.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from fragtui.model.node.verdict import MANY_BLOCKS, Severity, State, Thresholds, severity_of, state_of
from fragtui.model.node.watermark import Verdict


class ZoneCount(NamedTuple):
    """One zone that kernel requests could be served from if all of it were free."""

    numa_node: int
    blocks: float
    """Free blocks of the order, larger ones split."""
    free_pages: float
    room: float
    """Free pages above the min watermark and the lowmem reserve; 0 or less below them."""


class Counted(NamedTuple):
    """What the counts say of a node."""

    state: State | None
    """None if only the severity is known."""
    severity: Severity
    blocks: float


def count_zones(zones: Collection[ZoneCount], order: int, thresholds: Thresholds) -> Counted:
    """Return the state by the zones; the same as the verdict's where that needs no other file."""
    least = (1 << order) - 1
    giving = [zone for zone in zones if zone.blocks > 0 and zone.room > least]
    blocks = sum(zone.blocks for zone in giving)
    pages = sum(zone.free_pages for zone in zones)
    suitable = sum(zone.blocks for zone in zones) * (1 << order)
    unusable = int((pages - suitable) * 1000 / pages) if pages >= 1 else None
    numa_nodes = {zone.numa_node for zone in zones}
    if giving:
        kernel = Verdict.AVAILABLE
    elif any(zone.room > least for zone in zones):
        kernel = Verdict.FRAGMENTED
    else:
        kernel = Verdict.RESERVED if any(zone.blocks for zone in zones) else Verdict.SHORT
    state = state_of(
        kernel,
        not_a_page=not any(zone.room > 0 for zone in zones),
        bare=len(numa_nodes - {zone.numa_node for zone in giving}) if giving else 0,
        nodes=len(numa_nodes),
        few=thresholds.running_low(int(blocks), unusable),
    )
    return Counted(state, severity_of(state), blocks)


def needs_zones(blocks: Sequence[float]) -> bool:
    """Return whether the blocks of each NUMA node do not suffice to call the node OK."""
    return sum(blocks) < MANY_BLOCKS or 0 in blocks


def count_blocks(blocks: float, thresholds: Thresholds) -> Counted:
    """Return what is known of a node whose zones are not."""
    if not blocks:
        return Counted(None, Severity.CRITICAL, blocks)
    state = State.LOW if thresholds.running_low(int(blocks), None) else State.OK
    return Counted(state, severity_of(state), blocks)
