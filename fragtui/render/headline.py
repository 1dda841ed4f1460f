"""The verdict in one sentence."""

from __future__ import annotations

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import FEW_BLOCKS, MANY_BLOCKS, THIN_SHARE, NodeJudgement, RequestOutcome, Severity
from fragtui.model.node.watermark import Verdict, floor_pages, usable_pages
from fragtui.text import format_bytes, format_count

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
    """Return what a request of the target order meets in the memory that is free now, with the numbers that show it."""
    if judgement.too_large is not None:
        largest = format_bytes(snapshot.host.page_size << judgement.too_large)
        return (
            f"There is no order {judgement.order} here: the largest block of this kernel is {largest} "
            f"(order {judgement.too_large})."
        )
    if judgement.kernel is Verdict.UNKNOWN or judgement.free_pages is None:
        return f"Nothing can be said: {snapshot.why('buddyinfo') or 'no zone that kernel requests may use'}."
    size = snapshot.host.page_size
    # Short enough to stand beside the badge in 80 columns.
    block = f"order-{judgement.order} block ({format_bytes(size << judgement.order)})"
    free = format_bytes(judgement.free_pages * size)
    largest = _largest(judgement, size)
    unsure = "" if judgement.watermarks_known else " Watermarks are unknown: judged by the blocks alone."
    if judgement.kernel is Verdict.AVAILABLE:
        return _available(judgement, size, free, largest) + unsure
    if judgement.kernel is Verdict.FRAGMENTED:
        return f"No {block} in {free} free; {largest}.{unsure}"
    if judgement.kernel is Verdict.RESERVED:
        if judgement.halving_floor is not None:
            return (
                f"Fragmented by this kernel's rule: {free} is free, but too little of it in blocks above order "
                f"{judgement.halving_floor} to give an {block}; {largest}."
            )
        if judgement.only_foreign:
            return (
                f"{free} is free, but every {block} is kept for atomic requests, CMA or isolation; {largest}.{unsure}"
            )
        return f"Every {block} is held back: {_floor(judgement, size)}; {largest}."
    if not judgement.watermarks_known:
        return f"Short of memory rather than fragmented: {free} is free.{unsure}"
    return f"Short of memory, not fragmented: {_floor(judgement, size)}."


def consequence(judgement: NodeJudgement) -> str | None:
    """Return what becomes of requests that don't get a block at once; None where they do, or where it is unknown."""
    if judgement.gets in (RequestOutcome.AT_ONCE, RequestOutcome.UNKNOWN):
        return None
    atomic = "still gets one" if judgement.atomic is Verdict.AVAILABLE else "is refused"
    return f"A GFP_KERNEL request {judgement.gets}; a GFP_ATOMIC one, which can't wait, {atomic}."


def _floor(judgement: NodeJudgement, page_size: int) -> str:
    """Return what is free for GFP_KERNEL and what must stay so; no zone passing, the sums don't pass either."""
    states = [zone.state for zone in judgement.serving]
    usable = sum(usable_pages(state) or 0 for state in states)
    floor = sum(floor_pages(state) or 0 for state in states)
    parts = ["min watermark"]
    if any(state.reserve for state in states):
        parts.append("lowmem reserve")
    if boost := sum(state.boost for state in states):
        parts.append(f"{format_bytes(boost * page_size)} of it a boost that wears off")
    what = ", ".join(parts)
    return f"{format_bytes(usable * page_size)} is free, {format_bytes(floor * page_size)} must stay free ({what})"


def _largest(judgement: NodeJudgement, page_size: int) -> str:
    if judgement.largest_order is None:
        return "not even a single page can be had"
    return f"largest is {format_bytes(page_size << judgement.largest_order)} (order {judgement.largest_order})"


def _available(judgement: NodeJudgement, page_size: int, free: str, largest: str) -> str:
    count, order = judgement.blocks or 0, judgement.order
    size = format_bytes(page_size << order)
    blocks = f"order-{order} {'block' if count == 1 else 'blocks'} ({size})"
    if judgement.nodes_without:
        nodes = ", ".join(map(str, judgement.nodes_without))
        return f"No order-{order} block ({size}) on NUMA node {nodes}; {format_count(count)} on others, {free} free."
    if count < FEW_BLOCKS:
        return f"Only {count} {blocks} left in {free} free; {largest}."
    if judgement.unusable is not None and judgement.unusable > THIN_SHARE * 1000 and count < MANY_BLOCKS:
        return (
            f"{judgement.unusable / 10:.1f} % of {free} free is in smaller blocks; {format_count(count)} {blocks} left."
        )
    return f"{format_count(count)} {blocks} in {free} free; {largest}."


def one_sentence(text: str) -> str:
    """Return a headline as one sentence."""
    parts = text.rstrip(".").split(". ")
    return "; ".join((parts[0], *(part[:1].lower() + part[1:] for part in parts[1:]))) + "."
