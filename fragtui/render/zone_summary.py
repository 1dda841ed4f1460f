"""The zones of a node that are worst for the target order, those that are alike in one row; it fits 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fragtui.model.node.indices import largest_order
from fragtui.model.node.verdict import NodeJudgement, ZoneJudgement
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.render.numbers import share_words, short_bytes
from fragtui.text import format_count

MAX_GROUPS = 6
VERDICT_WORDS = {
    Verdict.AVAILABLE: "succeeds",
    Verdict.FRAGMENTED: "fragmented",
    Verdict.RESERVED: "reserved",
    Verdict.SHORT: "out of memory",
    Verdict.UNKNOWN: "unknown",
}


class ZoneRow(NamedTuple):
    """One row of the summary: its text, and the verdict that colours it (None for the head)."""

    text: str
    verdict: Verdict | None


def zone_rows(judgement: NodeJudgement, page_size: int) -> list[ZoneRow]:
    """Return the head and a row for each group of zones, the worst first; empty if no zone can be judged."""
    zones = judgement.serving
    if not zones or judgement.too_large is not None:
        return []
    groups: dict[object, list[ZoneJudgement]] = {}
    for zone in sorted(zones, key=lambda zone: _rank(zone, judgement.order)):
        key = zone.zone.name, _verdict(zone, judgement.order), largest_order(zone.zone.free_blocks)
        groups.setdefault(key, []).append(zone)
    size = short_bytes(page_size << judgement.order)
    names = [_name(members) for members in groups.values()]
    width = max(14, *map(len, names))
    head = f"{'zone':<{width}} {'free':>6} {f'{size} blocks':>11} {'largest':>7} {'smaller':>7}  for {size}"
    rows = [ZoneRow(head, None)]
    for label, members in list(zip(names, groups.values(), strict=True))[:MAX_GROUPS]:
        rows.append(ZoneRow(f"{label:<{width}} {_cells(members[0], judgement.order, page_size)}",
                            _verdict(members[0], judgement.order)))  # fmt: skip
    if (more := sum(map(len, list(groups.values())[MAX_GROUPS:]))) > 0:
        rows.append(ZoneRow(f"and {more} more: --wide shows every zone", None))
    rows += [
        ZoneRow(f"{_name([zone])}: {short_bytes(zone.state.cma_pages * page_size)} more is free, but CMA", None)
        for zone in zones
        if zone.state.cma_pages * 20 > zone.free_pages
    ][:MAX_GROUPS]
    listed = [(zone, zone.zone.info.much_percpu) for zone in zones if zone.zone.info is not None]
    rows += [
        ZoneRow(f"{_name([zone])}: {short_bytes(pages * page_size)} more is free, but on per-CPU lists", None)
        for zone, pages in listed
        if pages
    ][:MAX_GROUPS]
    return rows


def _rank(zone: ZoneJudgement, order: int) -> tuple[bool, int, int, int]:
    """Return the place of a zone: those that fail first, of these the large ones; then those with few blocks."""
    succeeds = _verdict(zone, order) is Verdict.AVAILABLE
    managed = (zone.zone.info.managed if zone.zone.info else None) or 0
    blocks = zone.blocks(order)
    return succeeds, blocks if succeeds else -managed, -managed, zone.zone.node


def _verdict(zone: ZoneJudgement, order: int) -> Verdict:
    return zone.verdict(RequestKind.GFP_KERNEL, order)


def _name(members: Sequence[ZoneJudgement]) -> str:
    first = members[0].zone
    alike = f", and {len(members) - 1} like it" if len(members) > 1 else ""
    return f"node {first.node} {first.name}{alike}"


def _cells(zone: ZoneJudgement, order: int, page_size: int) -> str:
    top = largest_order(zone.zone.free_blocks)
    largest = "none" if top is None else short_bytes(page_size << top)
    # What only CMA or atomic requests may take counts nowhere.
    pages, blocks = zone.free_pages, zone.blocks(order)
    smaller = share_words((pages - (blocks << order)) * 1000 // pages if pages else 1000)
    free = short_bytes(pages * page_size)
    return f"{free:>6} {format_count(blocks):>11} {largest:>7} {smaller:>7}  {VERDICT_WORDS[_verdict(zone, order)]}"
