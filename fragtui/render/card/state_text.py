"""The state of the node in words: badge, title, sentence, what to expect of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fragtui.model.node.verdict import NodeJudgement, RequestOutcome, Severity, State
from fragtui.model.node.watermark import Verdict, floor_pages, usable_pages
from fragtui.model.state.node_state import NextStep, NodeState
from fragtui.render.numbers import prose_count, share_words, short_bytes, span_words
from fragtui.text import counted, format_block, format_count

if TYPE_CHECKING:  # The state of a healthy node needs no remedy.
    from fragtui.model.remedy.effect import Effect

_BADGES = {State.OUT_OF_MEMORY: "OUT OF MEMORY"}
_BADGE_ROLES = {
    Severity.FINE: "good",
    Severity.WARNING: "badge-low",
    Severity.CRITICAL: "badge-bad",
    Severity.UNKNOWN: "badge-unknown",
}


def badge(state: NodeState) -> str:
    """Return the state in a word or two: ``OK``, ``FRAGMENTED 7/8`` if 7 of 8 NUMA nodes have no block."""
    word = _BADGES.get(state.state, state.state.value.upper())
    if state.state is State.OK and state.partly_blind:
        return f"{word}, PARTLY BLIND"
    return f"{word} {'/'.join(map(str, state.bare_nodes))}" if state.bare_nodes else word


def badge_role(state: NodeState) -> str:
    """Return the role of the badge: ``good`` (no ground), ``badge-low``, ``-recovering``, ``-bad``, ``-unknown``."""
    if state.state is State.RECOVERING:
        return "badge-recovering"
    if state.state is State.OK and state.partly_blind:
        return "badge-unknown"
    return _BADGE_ROLES[state.severity]


def block_size(state: NodeState) -> str:
    """Return the size of the blocks that the state is about: ``4M``."""
    return short_bytes(state.page_size << state.judgement.order)


def question(state: NodeState) -> str:
    """Return the question that the badge answers."""
    return f"Can a {block_size(state)} block be allocated?"


def sentence(state: NodeState) -> str:
    """Return the state in one or two sentences, in full."""
    return sentences(state)[0]


def sentences(state: NodeState) -> Sequence[str]:
    """Return the state in words, from the full text to the shortest."""
    judgement = state.judgement
    if state.state is State.UNKNOWN:
        return _unknown(state)
    if state.state is State.RECOVERING:
        return _recovering(state)
    if judgement.nodes_without:
        return _bare(state)
    variants = {
        State.OK: _ok,
        State.LOW: _low,
        State.FRAGMENTED: _fragmented,
        State.RESERVED: _reserved,
        State.OUT_OF_MEMORY: _out_of_memory,
    }[state.state](state)
    if judgement.watermarks_known or judgement.unsure:
        return variants
    return (f"{variants[0]} Judged by the blocks alone: watermarks unknown.", *variants)


def _unknown(state: NodeState) -> Sequence[str]:
    if state.judgement.too_large is not None:
        largest = format_block(state.page_size, state.judgement.too_large)
        none = f"There is no order {state.judgement.order} here"
        return (f"{none}: the largest block of this kernel is {largest}.", f"{none}; the largest is {largest}.")
    if state.judgement.doubtful:
        return _doubtful(state)
    return (f"Can't judge: {state.cannot_judge}.", "The free blocks can't be judged.")


def _doubtful(state: NodeState) -> Sequence[str]:
    judgement, size = state.judgement, block_size(state)
    hidden = [zone.state.hidden for zone in judgement.doubtful]
    cma = sum(pages.cma for pages in hidden) * state.page_size
    kinds = [f"CMA ({short_bytes(cma)})"] if cma else []
    kinds += ["isolated"] if any(pages.isolated for pages in hidden) else []
    kinds += ["kept for atomic requests"] if any(pages.atomic for pages in hidden) else []
    kinds = kinds or ["kept by the watermarks"]
    nodes = sorted({zone.zone.node for zone in judgement.doubtful})
    place = f" on {_node_names(nodes)}" if judgement.kernel is Verdict.AVAILABLE else ""
    head = f"{size} blocks are free{place}, but they may all be"
    return (
        f"{head} {' or '.join(kinds)}: {state.cannot_judge}.",
        f"{head} {' or '.join(kinds)}.",
        f"{head} {kinds[0]}.",
        f"{head} kept for others.",
        f"{size} blocks are free, maybe none to take.",
    )


def _recovering(state: NodeState) -> Sequence[str]:
    count = prose_count(state.judgement.blocks or 0)
    head = f"{block_size(state)} blocks are {'back' if state.remedy else 'free'}: {count}"
    after = f", {span_words(state.at - state.remedy.at)} after {state.remedy.did}" if state.remedy else ""
    pods = len(state.pods.by_memory) if state.pods else 0
    if not pods:
        return (f"{head}{after}.", f"{head}.")
    waiting = f"{counted(pods, 'pod')} {'has' if pods == 1 else 'have'} not started yet."
    return (
        f"{head}{after}. {waiting}",
        f"{head}. {waiting}",
        f"{head}. {counted(pods, 'pod')} {'waits' if pods == 1 else 'wait'}.",
        f"{block_size(state)} is free; {counted(pods, 'pod')} {'waits' if pods == 1 else 'wait'}.",
    )


def _bare(state: NodeState) -> Sequence[str]:
    judgement, size = state.judgement, block_size(state)
    without = len(judgement.nodes_without)
    head = f"{without} of {judgement.nodes} NUMA nodes {'has' if without == 1 else 'have'} no free {size} block"
    short = f"No {size} block on {without} of {judgement.nodes} NUMA nodes."
    if without * 2 > judgement.nodes:
        others = sorted({zone.zone.node for zone in judgement.serving}.difference(judgement.nodes_without))
        has = "has" if len(others) == 1 else "have"
        return (f"{head}; only {_node_names(others)} {has}.", f"{head}.", short)
    rest = f"Room for {prose_count(judgement.blocks or 0)} on the rest."
    names = _node_names(judgement.nodes_without)
    return (f"{head}: {names}. {rest}", f"{head}: {names}.", f"{head}.", short)


def _node_names(nodes: Sequence[int]) -> str:
    *most, last = map(str, nodes)
    return f"nodes {', '.join(most)} and {last}" if most else f"node {last}"


def _ok(state: NodeState) -> Sequence[str]:
    size, judgement = block_size(state), state.judgement
    room = prose_count(judgement.blocks or 0)
    if state.partly_blind:
        whys = {unseen.why for unseen in state.unseen if unseen.blind}
        blind = f"Blocks of {size} are free now, but {_unseen_words(state)} can't be seen"
        full = f"{blind}: {whys.pop()}." if len(whys) == 1 else f"{blind}."
        return (full, f"{blind}.", f"{size} blocks are free, but not all is seen.", f"{size} blocks are free now.")
    head = f"Requests of {size} succeed: room for {room}"
    if judgement.largest_order is None or judgement.largest_order == judgement.order:
        largest = "the largest free size"
        return (f"Healthy. {head} of them, {largest}.", f"Healthy. {head}.", f"{head}.", f"{size} succeeds: {room}.")
    largest = short_bytes(state.page_size << judgement.largest_order)
    return (
        f"Healthy. {head} of them. Largest free block: {largest}.",
        f"Healthy. {head}.",
        f"{head}.",
        f"{size} succeeds: room for {room}.",
    )


def _unseen_words(state: NodeState) -> str:
    names = [{"denials": "denials", "pods": "stuck pods"}[unseen.question] for unseen in state.unseen if unseen.blind]
    return " and ".join(dict.fromkeys(names))


def _low(state: NodeState) -> Sequence[str]:
    judgement, size = state.judgement, block_size(state)
    blocks, sure = judgement.blocks or 0, judgement.sure_blocks or 0
    if judgement.unsure:
        head = f"{size} blocks are free: room for {prose_count(blocks)}"
        if not judgement.watermarks_known:
            return (
                f"{head}. Judged by the blocks alone: watermarks unknown.",
                f"{head}; watermarks unknown.",
                f"{size} blocks are free; watermarks unknown.",
                f"{size} is free: {prose_count(blocks)}.",
            )
        those = f"all but {sure}" if sure else "they all"
        return (
            f"{head}, but {those} may be kept for atomic requests: /proc/pagetypeinfo is not read.",
            f"{head}, but {those} may be kept for atomic requests.",
            f"{size} blocks are free, if not kept for atomic requests.",
            f"{size} is free, or kept for atomic requests.",
        )
    head = f"Running low: {counted(blocks, 'block')} of {size} left"
    if judgement.unusable is None or judgement.free_pages is None:
        return (f"{head}.",)
    free = short_bytes(judgement.free_pages * state.page_size)
    cma = f" ({short_bytes(judgement.cma_pages * state.page_size)} CMA not counted)" if _matters(judgement) else ""
    share = share_words(judgement.unusable)
    return (
        f"{head}; {share} of the free {free}{cma} is in smaller pieces.",
        f"{head}; {share} of the free {free} is in smaller pieces.",
        f"{head}; {share} of {free} is in smaller pieces.",
        f"{head}, {share} in smaller pieces.",
        f"{head}.",
    )


def _matters(judgement: NodeJudgement) -> bool:
    """Return whether so much is free that only CMA may give, that a sum without it needs a word."""
    return judgement.cma_pages * 20 > (judgement.free_pages or 0)


def _is_free(state: NodeState) -> Sequence[str]:
    """Return how much is free for kernel requests, as a clause; in full, and shorter."""
    judgement = state.judgement
    free = f"{short_bytes((judgement.free_pages or 0) * state.page_size)} is free"
    if not _matters(judgement):
        return free, free
    return f"{free} for the kernel (and {short_bytes(judgement.cma_pages * state.page_size)} CMA)", free


def _fragmented(state: NodeState) -> Sequence[str]:
    judgement, size = state.judgement, block_size(state)
    full, free = _is_free(state)
    orders = [order for zone in judgement.serving for order, count in enumerate(zone.zone.free_blocks) if count]
    if max(orders, default=0) >= judgement.order:  # In a zone whose reserve keeps it.
        largest = _largest(judgement, state.page_size)
        return (f"No free {size} block. {full}; {largest}.", f"No free {size} block. {free}.")
    piece = short_bytes(state.page_size << max(orders, default=0))
    return (
        f"No free {size} block. {full}, but in pieces of {piece} or less.",
        f"No free {size} block. {free}, but in pieces of {piece} or less.",
        f"No free {size} block. {free} in pieces up to {piece}.",
        f"No free {size} block, pieces up to {piece}.",
    )


def _kept_for(judgement: NodeJudgement) -> str:
    """Return what the free blocks of the target order are kept for, all that is possible if no file shows it."""
    states, order = [zone.state for zone in judgement.serving], judgement.order
    atomic = sum(sum(state.highatomic_blocks[order:]) for state in states)
    cma = any(state.cma_pages for state in states)
    isolated = not cma and sum(sum(state.foreign_blocks[order:]) for state in states) > atomic
    kinds = [("atomic requests", atomic > 0), ("CMA", cma), ("isolation", isolated)]
    return " or ".join(kind for kind, there in kinds if there) or "atomic requests, CMA or isolation"


def _reserved(state: NodeState) -> Sequence[str]:
    judgement, size = state.judgement, block_size(state)
    full, free = _is_free(state)
    amount = short_bytes((judgement.free_pages or 0) * state.page_size)
    largest = _largest(judgement, state.page_size)
    if judgement.halving_floor is not None:
        floor = short_bytes(state.page_size << judgement.halving_floor)
        return (
            f"Fragmented by this kernel's rule: {full}, too little of it in blocks above {floor}; {largest}.",
            f"By this kernel's rule too little of {amount} is in blocks above {floor}.",
            f"{free}, too little of it in blocks above {floor}.",
            f"Too little is free in blocks above {floor}.",
        )
    if judgement.only_foreign:
        kept = _kept_for(judgement)
        return (
            f"{full}, but each {size} block is kept for {kept}; {largest}.",
            f"Each free {size} block is kept for {kept}.",
            f"{size} blocks: only for {kept}.",
            f"Each {size} block is kept for others.",
        )
    usable, floor, why = _reserve(judgement, state.page_size)
    return (
        f"Blocks exist, but the kernel keeps them: {usable} is free, its reserve is {floor} ({why}).",
        f"Blocks exist, but the kernel keeps them: {usable} is free, its reserve is {floor}.",
        f"The kernel keeps all blocks: {usable} is free, its reserve is {floor}.",
        f"Kernel keeps all: {usable} is free, reserve {floor}.",
        f"{usable} is free, the reserve is {floor}.",
    )


def _out_of_memory(state: NodeState) -> Sequence[str]:
    judgement = state.judgement
    if not judgement.watermarks_known:
        free = short_bytes((judgement.free_pages or 0) * state.page_size)
        return (f"Out of memory rather than fragmented: {free} is free.", f"Only {free} is free.")
    usable, floor, why = _reserve(judgement, state.page_size)
    return (
        f"Not fragmented: {usable} is free and the kernel keeps {floor} in reserve ({why}).",
        f"Not fragmented: {usable} is free and the kernel keeps {floor} in reserve.",
        f"Not fragmented: {usable} is free, the kernel keeps {floor} in reserve.",
        f"Not fragmented: {usable} is free, {floor} is kept in reserve.",
        f"{usable} is free, the kernel keeps {floor}.",
    )


def _reserve(judgement: NodeJudgement, page_size: int) -> tuple[str, str, str]:
    """Return what is free for GFP_KERNEL, what must stay free, and why; no zone passes, so the sums don't either."""
    states = [zone.state for zone in judgement.serving]
    usable = sum(usable_pages(zone_state) or 0 for zone_state in states)
    floor = sum(floor_pages(zone_state) or 0 for zone_state in states)
    parts = ["min watermark"]
    if any(zone_state.reserve for zone_state in states):
        parts.append("lowmem reserve")
    if boost := sum(zone_state.boost for zone_state in states):
        parts.append(f"{short_bytes(boost * page_size)} of it a boost that wears off")
    return short_bytes(usable * page_size), short_bytes(floor * page_size), ", ".join(parts)


def _largest(judgement: NodeJudgement, page_size: int) -> str:
    if judgement.largest_order is None:
        return "not even a single page is available"
    return f"the largest available is {short_bytes(page_size << judgement.largest_order)}"


_CERTAIN_BOUND = 0.8
"""Share of the free memory between unmovable pages from which on a request is as good as denied."""
_MIN_COMPACTIONS = 20
"""With fewer compactions since boot their record says little."""
_WAITING = {
    RequestOutcome.WAITS: "new requests get a block after a wait",
    RequestOutcome.MAY_FAIL: "new requests may still succeed after a wait",
    RequestOutcome.MAY_KILL: "new requests wait, and the OOM killer may end a process",
}


def outlook(state: NodeState) -> str | None:
    """Return what happens to requests that get no block at once; None if they get one, or if it is unknown."""
    return next(iter(outlooks(state)), None)


def outlooks(state: NodeState) -> Sequence[str]:
    """Return the outlook from the full text to the shortest; empty if there is none."""
    judgement = state.judgement
    if state.advice.step is NextStep.FIND_CONSUMER:
        none = "compaction will not help"
        frees = state.advice.frees
        return (none,) if frees is None else (f"dropping caches frees about {short_bytes(frees)} only; {none}", none)
    if judgement.nodes_without:
        return ("requests bound to a NUMA node without a block may fail; others succeed",)
    if (waiting := _WAITING.get(judgement.gets)) is None:
        return ()
    full, waiting = _odds(state) if judgement.gets is RequestOutcome.MAY_FAIL else (waiting, waiting)
    atomic = "still get one" if judgement.atomic is Verdict.AVAILABLE else "fail at once"
    shorter = (f"{waiting}; atomic (network) ones {atomic}", f"{waiting}; atomic ones {atomic}", waiting)
    return shorter if full == waiting else (f"{full}; atomic (network) ones {atomic}", *shorter)


def _odds(state: NodeState) -> tuple[str, str]:
    """Return what becomes of a request that waits and may fail, in full and shorter.

    Nothing moves what lies between free pages in pageblocks that are not Movable: of such requests on 6.1 and 6.12
    nine in ten were denied. Else the compactions that requests waited for so far are the best measure.
    """
    if (state.advice.bound or 0.0) > _CERTAIN_BOUND:
        certain = "new requests almost certainly fail after a wait"
        return f"{certain}, as what is free lies between unmovable pages", certain
    tried = state.compactions
    if tried is None or tried.done < _MIN_COMPACTIONS:
        return (_WAITING[RequestOutcome.MAY_FAIL],) * 2
    unless = "new requests fail after a wait unless compaction makes a block"
    return f"{unless} (it failed {format_count(tried.failed)} of {format_count(tried.done)} times since boot)", unless


def remedy_clause(effect: Effect | None, *, own: bool) -> str:
    """Return what a remedy did: ``you dropped caches``, ``caches were dropped``; `effect` is None if it is unknown."""
    if effect is not None and effect.reclaim is not None:
        return "you reclaimed one cgroup" if own else "one cgroup was reclaimed"
    if effect is not None and effect.drops:
        return "you dropped caches" if own else "caches were dropped"
    if effect is not None and effect.compact:
        return "you compacted memory" if own else "memory was compacted"
    return "you ran a remedy" if own else "a remedy ran"


def need(judgement: NodeJudgement, page_size: int, worth: bool | None) -> tuple[str, str]:
    """Return whether a remedy is needed, and the role of that line; `worth`: whether it gives enough blocks."""
    if judgement.state is State.UNKNOWN:
        return "? Unknown whether it is needed: the free blocks can't be judged.", "warn"
    if judgement.state is State.OK:
        size = short_bytes(page_size << judgement.order)
        return f"! Not needed: {size} requests succeed, this gains nothing you need.", "warn"
    if worth is None:
        return "? Needed, but what this gives is unknown.", "warn"
    return ("✓ Needed.", "good") if worth else ("! Needed, but this gives too few blocks to help.", "warn")
