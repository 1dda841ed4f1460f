"""Why a request was denied: the kernel's watermark rule applied to the zones of the report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from fragtui.kernel.gfp.flags import GfpReading
from fragtui.kernel.procfs.buddyinfo import MAX_ORDER
from fragtui.kernel.procfs.number_list import parse_number_list
from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.reports.report import KernelReport, ReportedZone
from fragtui.model.node.watermark import RequestKind, Rule, Verdict, ZoneState, only_foreign, rule_of, zone_verdict

_FOREIGN = frozenset("HCI")
_HIGH_NAMES = ("GFP_HIGHUSER", "GFP_TRANSHUGE", "__GFP_HIGHMEM", "__GFP_MOVABLE")
_CMA_NAMES = ("GFP_HIGHUSER_MOVABLE", "GFP_TRANSHUGE", "__GFP_MOVABLE", "__GFP_CMA")
_LOW_ZONES = ("DMA", "DMA32", "Normal")
_DEFAULT_PAGE_KB = 4
_MAX_NODE = 1023
"""Largest number of a node: CONFIG_NODES_SHIFT is at most 10."""


class RefusalCause(StrEnum):
    """Why the zones of a report could not serve its request."""

    FRAGMENTED = "fragmented"
    SHORT = "short"
    RESERVED = "reserved"
    AVAILABLE = "available"
    """The zones have such a block: they are printed after the denial."""
    NO_MEMORY = "no memory"
    """The zone that the request must use has no memory at all, such as DMA in a crash kernel."""
    TOO_LARGE = "too large"
    """The allocator has no blocks of this order."""


@dataclass(frozen=True, slots=True)
class RefusalZone:
    """A zone that the request may use, with the verdict of the kernel's rule."""

    zone: ReportedZone
    state: ZoneState
    verdict: Verdict
    is_reserved: bool
    """Whether only the lowmem reserve denies this request, so that its free blocks do not count."""


@dataclass(frozen=True, slots=True)
class RefusalVerdict:
    """What the zones of a report show about its request."""

    why: RefusalCause
    zones: tuple[RefusalZone, ...]
    order: int
    page_kb: int
    request: RequestKind
    rule: Rule
    this_node: bool = False
    """Whether it was allowed to use only one NUMA node, that of `zones`."""
    uses_cma: bool = False

    @property
    def blocks(self) -> int:
        """Free blocks of the order or larger in the zones that the request may use."""
        return sum(
            sum(judged.state.free_blocks[self.order :]) - sum(judged.state.foreign_blocks[self.order :])
            for judged in self.zones
            if not judged.is_reserved
        )


def classify_refusal(report: KernelReport, version: KernelVersion | None, reading: GfpReading) -> RefusalVerdict | None:
    """Return why the zones of a report could not serve its request, or None if they do not show it.

    Only zones that the request may use count (mm/page_alloc.c gfp_zone; nodes by nodemask and mems_allowed). Each is
    judged by the watermark rule of the report's kernel against `min`, which the slow path must exceed. A zone that only
    its lowmem reserve closes to the request shows nothing about blocks. A request with __GFP_THISNODE may use one node;
    the report does not name it, so it is the node that can't serve it if there is only one such node.
    """
    order = report.order
    if order is None or order < 0 or not report.zones:
        return None
    high = _may_use_high(reading)
    movable = _may_use_cma(reading)
    page_kb = page_kb_of(report)
    rule = _rule(report, version)
    request = RequestKind.GFP_ATOMIC if _may_use_reserve(report.mode, reading) else RequestKind.GFP_KERNEL
    judged = []
    allowed = [zone for zone in report.zones if _allowed(zone, report, reading)]
    orders = max(
        (len(zone.free_blocks) for zone in report.zones if zone.free_blocks is not None), default=MAX_ORDER + 1
    )
    for zone in allowed:
        if zone.free_blocks is None or zone.free_kb is None or zone.min_kb is None:
            continue
        state = _state(zone, page_kb, movable, _reserve(zone, report.zones, high, reading), version)
        verdict = _zone_verdict(state, order, request, rule)
        judged.append(RefusalZone(zone, state, verdict, _is_reserved(state, order)))
    if allowed and all(zone.managed_kb == 0 for zone in allowed):
        return RefusalVerdict(RefusalCause.NO_MEMORY, tuple(judged), order, page_kb, request, rule)
    if not judged:
        return None
    if order >= orders:
        return RefusalVerdict(RefusalCause.TOO_LARGE, tuple(judged), order, page_kb, request, rule)
    this_node = "__GFP_THISNODE" in (reading.names or ())
    if this_node:
        judged = _of_one_node(judged)
    counting = [zone.verdict for zone in judged if not zone.is_reserved] or [Verdict.SHORT]
    why = next(
        (
            why
            for verdict, why in (
                (Verdict.AVAILABLE, RefusalCause.AVAILABLE),
                (Verdict.RESERVED, RefusalCause.RESERVED),
                (Verdict.FRAGMENTED, RefusalCause.FRAGMENTED),
            )
            if verdict in counting
        ),
        RefusalCause.SHORT,
    )
    one = len({zone.zone.node for zone in judged}) == 1 < len({zone.node for zone in allowed})
    return RefusalVerdict(why, tuple(judged), order, page_kb, request, rule, this_node and one, movable)


def _of_one_node(judged: list[RefusalZone]) -> list[RefusalZone]:
    """Return the zones of the only NUMA node that can't serve the request; all zones if none or several can't."""
    serving = {zone.zone.node for zone in judged if zone.verdict is Verdict.AVAILABLE and not zone.is_reserved}
    others = {zone.zone.node for zone in judged} - serving
    return [zone for zone in judged if zone.zone.node in others] if len(others) == 1 else judged


def _zone_verdict(state: ZoneState, order: int, request: RequestKind, rule: Rule) -> Verdict:
    """Return the verdict on a zone; blocks of CMA or isolated ones don't count for a request that may not use them."""
    verdict = zone_verdict(state, order, request, rule)
    if (
        verdict is not Verdict.RESERVED
        or not only_foreign(state, order, request)
        or any(state.highatomic_blocks[order:])
    ):
        return verdict
    own = tuple(max(0, all_ - foreign) for all_, foreign in zip(state.free_blocks, state.foreign_blocks, strict=True))
    return zone_verdict(state._replace(free_blocks=own, foreign_blocks=()), order, request, rule)


def page_kb_of(report: KernelReport) -> int:
    """Return the page size in KiB, 4 if no zone shows it."""
    return next((zone.page_kb for zone in report.zones if zone.page_kb), _DEFAULT_PAGE_KB)


def is_atomic(mode: int | None, reading: GfpReading) -> bool:
    """Return whether the request may not wait: without direct reclaim the kernel frees and moves nothing for it."""
    if mode is not None and reading.table is not None and reading.table.direct_reclaim:
        return not mode & reading.table.direct_reclaim
    names = reading.names or ()
    return "GFP_ATOMIC" in names or "GFP_NOWAIT" in names


def _may_use_reserve(mode: int | None, reading: GfpReading) -> bool:
    """Return whether the request may go below the min watermark: GFP_ATOMIC may, GFP_NOWAIT may not."""
    if reading.names is None:
        return is_atomic(mode, reading)
    return not {"GFP_ATOMIC", "__GFP_HIGH", "__GFP_ATOMIC"}.isdisjoint(reading.names)


def _may_use_cma(reading: GfpReading) -> bool:
    return any(name.startswith(_CMA_NAMES) for name in reading.names or ())


def _may_use_high(reading: GfpReading) -> bool:
    return any(name.startswith(_HIGH_NAMES) for name in reading.names or ())


def _rule(report: KernelReport, version: KernelVersion | None) -> Rule:
    """Return the watermark rule; by the migratetypes if the version is unknown (4.4 removed MIGRATE_RESERVE)."""
    if version is None:
        letters = "".join("".join(zone.letters or ()) for zone in report.zones)
        if "H" in letters:
            return Rule.FREE_LIST
        if "R" in letters or report.names is None:
            return Rule.HALVING
    return rule_of(version)


def _allowed(zone: ReportedZone, report: KernelReport, reading: GfpReading) -> bool:
    names = reading.names or ()
    if any(name in {"GFP_DMA", "__GFP_DMA"} for name in names):
        if zone.zone != "DMA":
            return False
    elif any(name in {"GFP_DMA32", "__GFP_DMA32"} for name in names):
        if zone.zone not in {"DMA", "DMA32"}:
            return False
    elif zone.zone not in _LOW_ZONES and not _may_use_high(reading):
        return False
    return all(nodes is None or zone.node in nodes for nodes in (_nodes(report.nodemask), _nodes(report.mems_allowed)))


@lru_cache(maxsize=256)
def _nodes(text: str | None) -> frozenset[int] | None:
    """Return the nodes of a list such as ``0-1,3``, or None for no restriction: ``(null)``."""
    return parse_number_list(text, _MAX_NODE) if text else None


def _reserve(zone: ReportedZone, zones: tuple[ReportedZone, ...], high: bool, reading: GfpReading) -> int:
    """Return the pages that the zone reserves against this request: the row's entry for the request's highest zone.

    The row has an entry for each zone type of the kernel: DMA, DMA32, Normal, ... or DMA, Normal, HighMem on 32 bits.
    """
    row = zone.lowmem_reserve_pages
    if not row:
        return 0
    names = reading.names or ()
    if "GFP_DMA" in names or "__GFP_DMA" in names:
        return row[0]
    if "GFP_DMA32" in names or "__GFP_DMA32" in names:
        return row[min(1, len(row) - 1)]
    if high:
        return row[-1]
    has_highmem = any(other.zone == "HighMem" for other in zones)
    return row[min(1 if has_highmem or len(row) < 4 else 2, len(row) - 1)]


def _state(zone: ReportedZone, page_kb: int, movable: bool, reserve: int, version: KernelVersion | None) -> ZoneState:
    letters = zone.letters or ()
    blocks = zone.free_blocks or ()
    foreign = only_h = (0,) * len(blocks)
    lists = _FOREIGN - {"C"} if movable else _FOREIGN
    if any(types and lists.issuperset(types) for types in set(letters)):
        foreign = tuple(
            count if order < len(letters) and letters[order] and lists.issuperset(letters[order]) else 0
            for order, count in enumerate(blocks)
        )
        only_h = tuple(
            count if order < len(letters) and letters[order] == "H" else 0 for order, count in enumerate(blocks)
        )
    kept = zone.free_highatomic_kb if zone.free_highatomic_kb is not None else zone.reserved_highatomic_kb
    return ZoneState(
        free_blocks=blocks,
        free_pages=None if zone.free_kb is None else zone.free_kb // page_kb,
        mark=None if zone.min_kb is None else zone.min_kb // page_kb,
        reserve=reserve,
        boost=(zone.boost_kb or 0) // page_kb,
        highatomic_pages=(kept or 0) // page_kb,
        cma_pages=0 if movable else (zone.free_cma_kb or 0) // page_kb,
        foreign_blocks=foreign,
        highatomic_blocks=only_h,
    )


def _is_reserved(state: ZoneState, order: int) -> bool:
    if not state.reserve or state.free_pages is None or state.mark is None:
        return False
    usable = state.free_pages - state.cma_pages - ((1 << order) - 1)
    return usable <= state.mark + state.reserve and usable > state.mark
