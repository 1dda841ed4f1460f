"""The state of the node in one sentence."""

from __future__ import annotations

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import FEW_BLOCKS, MANY_BLOCKS, THIN_SHARE, NodeJudgement, RequestOutcome, Severity
from fragtui.model.node.watermark import Verdict, floor_pages, usable_pages
from fragtui.text import format_block, format_bytes, format_count

_WORDS = {
    Verdict.FRAGMENTED: "FRAGMENTED",
    Verdict.RESERVED: "RESERVED",
    Verdict.SHORT: "SHORT",
    Verdict.UNKNOWN: "UNKNOWN",
}


def badge(judgement: NodeJudgement) -> str:
    """Return the verdict in one word: OK, THIN, FRAGMENTED, RESERVED, SHORT or UNKNOWN."""
    if judgement.kernel is Verdict.AVAILABLE:
        return "OK" if judgement.severity is Severity.FINE else "THIN"
    return _WORDS[judgement.kernel]


def headline(snapshot: Snapshot, judgement: NodeJudgement) -> str:
    """Return the state of the node for requests of the target order, with the numbers that show it.

    It fits beside the badge in 80 columns without a first word that repeats the badge.
    """
    page_size = snapshot.host.page_size
    if judgement.too_large is not None:
        largest = format_block(page_size, judgement.too_large)
        return f"There is no order {judgement.order} here: the largest block of this kernel is {largest}."
    if judgement.kernel is Verdict.UNKNOWN or judgement.free_pages is None:
        return f"Can't judge: {snapshot.why('buddyinfo') or 'no zone that kernel requests may use'}."
    block = format_block(page_size, judgement.order)
    free = format_bytes(judgement.free_pages * page_size)
    unsure = "" if judgement.watermarks_known else " Watermarks are unknown: judged by the blocks alone."
    if judgement.kernel is Verdict.AVAILABLE:
        return _available(judgement, page_size, free) + unsure
    if judgement.kernel is Verdict.FRAGMENTED:
        size = format_bytes(page_size << judgement.order)
        return (
            f"Fragmented: no free {size} block (order {judgement.order}); {free} free{_pieces(judgement, page_size)}."
            f"{unsure}"
        )
    if judgement.kernel is Verdict.SHORT:
        if not judgement.watermarks_known:
            return f"Out of memory rather than fragmented: {free} is free.{unsure}"
        return f"Out of memory, not fragmented: {_reserve(judgement, page_size)}."
    largest = _largest(judgement, page_size)
    if judgement.halving_floor is not None:
        floor = format_block(page_size, judgement.halving_floor)
        return (
            f"Fragmented by this kernel's rule: {free} is free, but too little of it in blocks above {floor} to give "
            f"one of {block}; {largest}."
        )
    if judgement.only_foreign:
        return (
            f"{free} is free, but each block of {block} is kept for atomic requests, CMA or isolation; "
            f"{largest}.{unsure}"
        )
    return f"Blocks of {block} exist, but the kernel keeps them: {_reserve(judgement, page_size)}; {largest}."


def consequence(judgement: NodeJudgement) -> str | None:
    """Return what happens to requests that get no block at once; None if they get one, or if it is unknown."""
    if judgement.gets in (RequestOutcome.AT_ONCE, RequestOutcome.UNKNOWN):
        return None
    atomic = "still gets one" if judgement.atomic is Verdict.AVAILABLE else "fails at once"
    return f"A GFP_KERNEL request {judgement.gets}; a GFP_ATOMIC one, which can't wait, {atomic}."


def _reserve(judgement: NodeJudgement, page_size: int) -> str:
    """Return what is free for GFP_KERNEL and what must stay free; no zone passes, so the sums don't pass either."""
    states = [zone.state for zone in judgement.serving]
    usable = sum(usable_pages(state) or 0 for state in states)
    floor = sum(floor_pages(state) or 0 for state in states)
    parts = ["min watermark"]
    if any(state.reserve for state in states):
        parts.append("lowmem reserve")
    if boost := sum(state.boost for state in states):
        parts.append(f"{format_bytes(boost * page_size)} of it a boost that wears off")
    what = ", ".join(parts)
    return f"{format_bytes(usable * page_size)} is free, the reserve is {format_bytes(floor * page_size)} ({what})"


def _largest(judgement: NodeJudgement, page_size: int) -> str:
    if judgement.largest_order is None:
        return "not even a single page is available"
    return f"the largest available is {format_block(page_size, judgement.largest_order)}"


def _pieces(judgement: NodeJudgement, page_size: int) -> str:
    largest = max(
        (order for zone in judgement.serving for order, count in enumerate(zone.zone.free_blocks) if count), default=0
    )
    if largest >= judgement.order:  # in a zone whose reserve keeps it
        return f", {_largest(judgement, page_size)}"
    return f" in pieces of {format_bytes(page_size << largest)} or less"


def _available(judgement: NodeJudgement, page_size: int, free: str) -> str:
    count = judgement.blocks or 0
    block = format_block(page_size, judgement.order)
    blocks = f"{format_count(count)} {'block' if count == 1 else 'blocks'} of {block}"
    if without := judgement.nodes_without:
        nodes = {zone.zone.node for zone in judgement.serving}
        few = sorted(nodes.difference(without)) if len(without) * 2 > len(nodes) else without
        names = f"{'node' if len(few) == 1 else 'nodes'} {', '.join(map(str, few))}"
        where = names if few is without else f"all but {names}"
        return (
            f"{len(without)} of {len(nodes)} NUMA nodes {'has' if len(without) == 1 else 'have'} no free block of "
            f"{block}: {where}. Room for {format_count(count)} on the rest."
        )
    unusable = judgement.unusable
    if count < FEW_BLOCKS or (unusable is not None and unusable > THIN_SHARE * 1000 and count < MANY_BLOCKS):
        share = "" if unusable is None else f"; {unusable / 10:.1f} % of the free {free} is in smaller pieces"
        return f"Running low: {blocks} left{share}."
    if judgement.largest_order == judgement.order:
        return f"Healthy: room for {blocks}, the largest available."
    return f"Healthy: room for {blocks}; {_largest(judgement, page_size)}."


def one_sentence(text: str) -> str:
    """Return a headline as one sentence."""
    parts = text.rstrip(".").split(". ")
    return "; ".join((parts[0], *(part[:1].lower() + part[1:] for part in parts[1:]))) + "."
