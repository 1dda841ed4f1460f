"""The verdict in one sentence."""

from __future__ import annotations

from fragtui.model.snapshot import Snapshot
from fragtui.model.verdict import FEW_BLOCKS, THIN_SHARE, Judgement, Severity
from fragtui.model.watermark import Verdict
from fragtui.text import format_bytes, format_count

_WORDS = {
    Verdict.FRAGMENTED: "FRAGMENTED",
    Verdict.RESERVED: "RESERVED",
    Verdict.SHORT: "SHORT",
    Verdict.UNKNOWN: "UNKNOWN",
}


def badge(judgement: Judgement) -> str:
    """Return the verdict in one word: OK, THIN, FRAGMENTED, RESERVED, SHORT or UNKNOWN."""
    if judgement.kernel is Verdict.AVAILABLE:
        return "OK" if judgement.severity is Severity.FINE else "THIN"
    return _WORDS[judgement.kernel]


def headline(snapshot: Snapshot, judgement: Judgement) -> str:
    """Return what a request of the target order meets on this node, with the numbers that show it."""
    if judgement.kernel is Verdict.UNKNOWN or judgement.free_pages is None:
        return f"Nothing can be said: {snapshot.why('buddyinfo') or 'no zone that kernel requests may use'}."
    size = snapshot.host.page_size
    block = f"order-{judgement.order} block ({format_bytes(size << judgement.order)})"
    free = format_bytes(judgement.free_pages * size)
    largest = _largest(judgement, size)
    unsure = "" if judgement.watermarks_known else " Watermarks are unknown: judged by the blocks alone."
    if judgement.kernel is Verdict.AVAILABLE:
        return _available(judgement, block, free, largest) + unsure
    if judgement.kernel is Verdict.FRAGMENTED:
        return f"{free} is free, but no {block} can be had; {largest}.{unsure}"
    if judgement.kernel is Verdict.RESERVED:
        if judgement.halving_stop is not None:
            return (
                f"Fragmented by this kernel's rule: {free} is free, but too little of it in blocks above order "
                f"{judgement.halving_stop} to give an {block}; {largest}."
            )
        return f"Every {block} is held back by the min watermark, with {free} free; {largest}."
    return f"Short of memory, not fragmented: {free} free is not above the min watermark for an {block}.{unsure}"


def _largest(judgement: Judgement, page_size: int) -> str:
    if judgement.largest_order is None:
        return "not even a single page can be had"
    return f"the largest is {format_bytes(page_size << judgement.largest_order)} (order {judgement.largest_order})"


def _available(judgement: Judgement, block: str, free: str, largest: str) -> str:
    blocks = judgement.blocks or 0
    if judgement.nodes_without:
        nodes = ", ".join(map(str, judgement.nodes_without))
        return f"No {block} on NUMA node {nodes}; other nodes still have {format_count(blocks)}. {free} is free."
    if blocks < FEW_BLOCKS:
        return f"Running out: {blocks} x {block} left in {free} free; {largest}."
    if judgement.unusable is not None and judgement.unusable > THIN_SHARE * 1000:
        share = judgement.unusable / 10
        return f"Thinning out: {share:.1f} % of the {free} free is in blocks smaller than order {judgement.order}."
    if judgement.atomic is not Verdict.AVAILABLE:
        return f"An {block} can be had, but not by GFP_ATOMIC; {free} is free."
    return f"An {block} can be had: {format_count(blocks)} of them in {free} free; {largest}."
