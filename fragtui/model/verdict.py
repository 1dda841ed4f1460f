"""The node's verdict: can a block of the target order be had, and if not, is fragmentation to blame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from fragtui.model.fragmentation import blocks_of, fragmentation_index, free_pages, unusable_index
from fragtui.model.snapshot import Snapshot, Zone
from fragtui.model.target import is_target, own_blocks
from fragtui.model.watermark import Request, Rule, Verdict, ZoneState, halving_stop, verdicts
from fragtui.model.zonelist import may_serve_kernel, rule_for, zone_states

COSTLY_ORDER = 3
"""PAGE_ALLOC_COSTLY_ORDER (include/linux/mmzone.h): above it the allocator gives up instead of looping."""
FEW_BLOCKS = 16
"""Fewer blocks of the target order than this on the whole node are about to run out."""
THIN_SHARE = 0.95
"""Above this share of free memory in too small blocks the node counts as fragmenting, as oled-tools' memstate does."""


class Severity(IntEnum):
    """How bad it is; the values are the exit codes of monitoring plugins."""

    FINE = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class ZoneJudgement:
    """One zone, judged for every order; indices in thousandths (see fragmentation)."""

    zone: Zone
    state: ZoneState
    serves_kernel: bool
    """Whether GFP_KERNEL and GFP_ATOMIC may take from this zone at all."""
    target: bool
    """Whether they could ever be served from it: the lowmem reserve keeps x86's ZONE_DMA shut whatever is free."""
    kernel: tuple[Verdict, ...]
    atomic: tuple[Verdict, ...]
    unusable: tuple[int, ...]
    fragmentation: tuple[int, ...]

    def verdict(self, request: Request, order: int) -> Verdict:
        """Return the zone's verdict; an order it has no column for can't be had."""
        row = self.kernel if request is Request.GFP_KERNEL else self.atomic
        return row[order] if order < len(row) else Verdict.FRAGMENTED


@dataclass(frozen=True, slots=True)
class Judgement:
    """The node, judged for a target order."""

    order: int
    rule: Rule
    zones: tuple[ZoneJudgement, ...]
    kernel: Verdict
    atomic: Verdict
    severity: Severity
    largest_order: int | None
    """Highest order that a GFP_KERNEL request gets now; None if not even a page, or unknown."""
    free_pages: int | None
    """Pages in all free blocks of the zones that kernel requests may be served from."""
    blocks: int | None
    """Blocks of the target order in those zones, larger ones split."""
    unusable: int | None
    """Share of that free memory in blocks too small, in thousandths."""
    nodes_without: tuple[int, ...]
    """NUMA nodes whose own zones can't serve the target order though another node's can."""
    watermarks_known: bool
    halving_stop: int | None = None
    """Under the rule of up to 4.3: the lower order at which the zone that came furthest was refused."""


def judge(snapshot: Snapshot, order: int) -> Judgement:
    """Return the verdict for requests of `order` on the node of `snapshot`.

    A request succeeds if any zone that it may use passes (mm/page_alloc.c get_page_from_freelist); blocks in other
    zones, and in zones that the lowmem reserve keeps shut, are no good news.
    """
    rule = rule_for(snapshot)
    if not snapshot.zones:
        return Judgement(
            order, rule, (), Verdict.UNKNOWN, Verdict.UNKNOWN, Severity.UNKNOWN, None, None, None, None, (), False
        )
    states = zone_states(snapshot)
    size = snapshot.host.page_size
    zones = tuple(_judge_zone(zone, states[zone.key], rule, size) for zone in snapshot.zones)
    serving = [zone for zone in zones if zone.target]
    kernel = _node_verdict(serving, Request.GFP_KERNEL, order)
    atomic = _node_verdict(serving, Request.GFP_ATOMIC, order)
    pages = sum(free_pages(zone.zone.free_blocks) for zone in serving)
    blocks = sum(own_blocks(zone.zone, zone.state, order) for zone in serving)
    suitable = sum(blocks_of(zone.zone.free_blocks, order) << order for zone in serving)
    unusable = (pages - suitable) * 1000 // pages if pages else None
    nodes_without = _nodes_without(serving, order) if kernel is Verdict.AVAILABLE else ()
    orders = max(len(zone.zone.free_blocks) for zone in zones)
    largest = max(
        (k for k in range(orders) if _node_verdict(serving, Request.GFP_KERNEL, k) is Verdict.AVAILABLE), default=None
    )
    return Judgement(
        order=order,
        rule=rule,
        zones=zones,
        kernel=kernel,
        atomic=atomic,
        severity=_severity(kernel, atomic, blocks, unusable, bool(nodes_without)),
        largest_order=largest,
        free_pages=pages,
        blocks=blocks,
        unusable=unusable,
        nodes_without=nodes_without,
        watermarks_known=all(zone.state.mark is not None for zone in serving),
        halving_stop=_halving_stop(serving, order) if rule is Rule.HALVING and kernel is Verdict.RESERVED else None,
    )


def _judge_zone(zone: Zone, state: ZoneState, rule: Rule, page_size: int) -> ZoneJudgement:
    orders = range(len(zone.free_blocks))
    return ZoneJudgement(
        zone=zone,
        state=state,
        serves_kernel=may_serve_kernel(zone),
        target=is_target(zone, state, page_size),
        kernel=verdicts(state, Request.GFP_KERNEL, rule),
        atomic=verdicts(state, Request.GFP_ATOMIC, rule),
        unusable=tuple(unusable_index(zone.free_blocks, order) for order in orders),
        fragmentation=tuple(fragmentation_index(zone.free_blocks, order) for order in orders),
    )


def _node_verdict(serving: list[ZoneJudgement], request: Request, order: int) -> Verdict:
    """Return what the request gets from the node: where no zone passes, the verdict of the one that comes nearest.

    A zone that has the memory but no block makes it fragmented; blocks that are only barred come next.
    """
    found = {zone.verdict(request, order) for zone in serving}
    nearest_first = (Verdict.AVAILABLE, Verdict.FRAGMENTED, Verdict.RESERVED, Verdict.SHORT)
    return next((verdict for verdict in nearest_first if verdict in found), Verdict.UNKNOWN)


def _nodes_without(serving: list[ZoneJudgement], order: int) -> tuple[int, ...]:
    served = {zone.zone.node for zone in serving if zone.verdict(Request.GFP_KERNEL, order) is Verdict.AVAILABLE}
    return tuple(sorted({zone.zone.node for zone in serving} - served))


def _halving_stop(serving: list[ZoneJudgement], order: int) -> int | None:
    stops = [stop for zone in serving if (stop := halving_stop(zone.state, order, Request.GFP_KERNEL)) is not None]
    return max(stops, default=None)


def _severity(kernel: Verdict, atomic: Verdict, blocks: int, unusable: int | None, node_without: bool) -> Severity:
    if kernel is Verdict.UNKNOWN:
        return Severity.UNKNOWN
    if kernel is not Verdict.AVAILABLE:
        return Severity.CRITICAL
    thin = unusable is not None and unusable > THIN_SHARE * 1000
    if atomic is not Verdict.AVAILABLE or blocks < FEW_BLOCKS or thin or node_without:
        return Severity.WARNING
    return Severity.FINE
