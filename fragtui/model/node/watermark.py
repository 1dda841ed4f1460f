"""The kernel's test whether a zone may give a block of an order: __zone_watermark_ok in mm/page_alloc.c.

Two rules exist. Up to 4.3, and in every RHEL 7, the watermark is halved for each lower order and smaller blocks do
not count (`Rule.HALVING`); from 4.4 on the base check is made once and then a block must be on a
free list that the request may take from (`Rule.FREE_LIST`).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, StrEnum
from typing import NamedTuple

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.model.node.indices import blocks_of, fragmentation_index, free_pages


class Rule(Enum):
    """Which of the two rules a kernel follows."""

    HALVING = "halving"
    FREE_LIST = "free list"


class RequestKind(StrEnum):
    """The two kinds of requests: one that may reclaim and wait, and one that may not."""

    GFP_KERNEL = "GFP_KERNEL"
    GFP_ATOMIC = "GFP_ATOMIC"


class Verdict(StrEnum):
    """What a request for a block gets."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    """Blocks are free; a watermark or the lowmem reserve keeps them."""
    FRAGMENTED = "fragmented"
    """Enough free memory, but no block."""
    SHORT = "short"
    """Not enough free memory."""
    UNKNOWN = "unknown"


class Hidden(NamedTuple):
    """Free pages that GFP_KERNEL may not take, while no file shows in which blocks they are (no pagetypeinfo)."""

    cma: int = 0
    isolated: int = 0
    atomic: int = 0
    """On HighAtomic lists; an upper bound unless `atomic_known`."""
    atomic_known: bool = False
    reserve: int = 0
    """Free pages that watermark and lowmem reserve may keep, if they are unknown."""

    @property
    def known(self) -> int:
        """Pages that are surely on such lists."""
        return self.cma + self.isolated + (self.atomic if self.atomic_known else 0)

    @property
    def possible(self) -> int:
        """Pages that may be on such lists."""
        return self.cma + self.isolated + self.atomic


class ZoneState(NamedTuple):
    """What the test needs to know of one zone; counts in pages, None for unknown.

    `free_pages` is NR_FREE_PAGES, which lags the free lists by the per-CPU counters, as in the kernel's own test.
    `mark` is the watermark in force, its boost included. `reserve` is the lowmem reserve against the request.
    `highatomic_pages` (the reservation up to 6.11, its free pages since) and `cma_pages` are not for GFP_KERNEL.
    `foreign_blocks` are those of `free_blocks` on lists that GFP_KERNEL may not take from (HighAtomic, CMA, Isolate),
    `highatomic_blocks` those of them that GFP_ATOMIC may take; if these are not known, `hidden` bounds them.
    """

    free_blocks: tuple[int, ...]
    free_pages: int | None = None
    mark: int | None = None
    reserve: int = 0
    boost: int = 0
    highatomic_pages: int = 0
    cma_pages: int = 0
    foreign_blocks: tuple[int, ...] = ()
    highatomic_blocks: tuple[int, ...] = ()
    hidden: Hidden = Hidden()


def rule_of(version: KernelVersion | None) -> Rule:
    """Return the rule of a kernel by its version; without one, the current rule.

    Only the number counts: RHEL 7's own kernel is 3.10, and newer ones for it (``5.4.278-1.el7.elrepo``,
    ``4.14.0-115.el7a``) are built from upstream.
    """
    if version is None or version.at_least(4, 4):
        return Rule.FREE_LIST
    return Rule.HALVING


def zone_verdict(state: ZoneState, order: int, request: RequestKind, rule: Rule) -> Verdict:
    """Return what `request` for a block of `order` gets from this zone now, without reclaim and compaction.

    If the watermark or the free pages are unknown, the blocks alone decide, and between fragmented and short the
    kernel's fragmentation index with its threshold of 0.500 (sysctl vm.extfrag_threshold). UNKNOWN if the request
    succeeds or not by which blocks the hidden pages are in.
    """
    is_there, may_take = any(state.free_blocks[order:]), _has_block(state, order, request)
    verdict = _verdict(state, order, request, rule, is_there, may_take)
    surely = _surely(state, order, request, blocks_of(state.free_blocks, order))
    return Verdict.UNKNOWN if verdict is Verdict.AVAILABLE and not surely else verdict


def _surely(state: ZoneState, order: int, request: RequestKind, blocks: int) -> bool:
    """Return whether an available block stays one whatever blocks the hidden pages are in.

    `blocks` are those of the order, larger ones split: the hidden pages are in at most pages >> order of them.
    """
    hidden = state.hidden
    if hidden.reserve and kernel_pages(state) - ((1 << order) - 1) <= hidden.reserve:
        return False
    pages = hidden.known if request is RequestKind.GFP_KERNEL else hidden.cma + hidden.isolated
    return not pages or order == 0 or blocks > pages >> order


def surely_enough(state: ZoneState, order: int) -> bool:
    """Return whether GFP_KERNEL passes the watermark even if as many pages as possible are kept for atomic requests.

    False if the watermark is unknown.
    """
    if state.free_pages is None or state.mark is None:
        return False
    unknown = 0 if state.hidden.atomic_known else state.hidden.atomic
    worst = state._replace(highatomic_pages=state.highatomic_pages + unknown)
    return _passes_base(worst, order, RequestKind.GFP_KERNEL)


def _verdict(state: ZoneState, order: int, request: RequestKind, rule: Rule, is_there: bool, may_take: bool) -> Verdict:
    """Return the verdict, given whether a block of the order or above is free, and on a usable list."""
    has_block = order == 0 or may_take
    if state.free_pages is None or state.mark is None:
        if is_there:
            return Verdict.AVAILABLE if has_block else Verdict.RESERVED
        return Verdict.FRAGMENTED if fragmentation_index(state.free_blocks, order) > 500 else Verdict.SHORT
    enough = _passes_base(state, order, request)
    if enough and has_block and (rule is Rule.FREE_LIST or halving_floor(state, order, request) is None):
        return Verdict.AVAILABLE
    if is_there and (order > 0 or state.free_pages > state.mark):
        return Verdict.RESERVED
    return Verdict.FRAGMENTED if enough else Verdict.SHORT


def verdicts(state: ZoneState, request: RequestKind, rule: Rule) -> tuple[Verdict, ...]:
    """Return `zone_verdict` for each order of the zone, in one pass from the highest down."""
    found: list[Verdict] = []
    blocks, may_take = 0, False
    for order in reversed(range(len(state.free_blocks))):
        blocks = 2 * blocks + state.free_blocks[order]
        may_take = may_take or _may_take(state, order, request)
        verdict = _verdict(state, order, request, rule, blocks > 0, may_take)
        doubtful = verdict is Verdict.AVAILABLE and not _surely(state, order, request, blocks)
        found.append(Verdict.UNKNOWN if doubtful else verdict)
    return tuple(reversed(found))


def only_foreign(state: ZoneState, order: int, request: RequestKind) -> bool:
    """Return whether blocks of `order` are free, but all on lists that the request may not take from."""
    return order > 0 and any(state.free_blocks[order:]) and not _has_block(state, order, request)


def usable_pages(state: ZoneState) -> int | None:
    """Return the free pages that count for GFP_KERNEL (without CMA and those kept for atomic requests), or None."""
    if state.free_pages is None:
        return None
    return max(0, state.free_pages - state.cma_pages - state.highatomic_pages)


def kernel_pages(state: ZoneState) -> int:
    """Return the pages in the free blocks that GFP_KERNEL may take, above or below the watermark."""
    return max(0, free_pages(state.free_blocks) - free_pages(state.foreign_blocks) - state.hidden.known)


def floor_pages(state: ZoneState) -> int | None:
    """Return the pages that a GFP_KERNEL request must leave free (watermark and lowmem reserve), or None if unknown."""
    return None if state.mark is None else state.mark + state.reserve


def halving_floor(state: ZoneState, order: int, request: RequestKind) -> int | None:
    """Return the order below `order` at which the rule up to 4.3 denies the request, or None if it does not.

    For each lower order i the pages in blocks of i are subtracted, the watermark is halved, and the remaining pages
    must exceed it (2.6.32 mm/page_alloc.c:1364, same in RHEL 7).
    """
    if state.free_pages is None or state.mark is None:
        return None
    free = state.free_pages - ((1 << order) - 1)
    mark = _mark_for(state.mark, request)
    for lower in range(min(order, len(state.free_blocks))):
        free -= state.free_blocks[lower] << lower
        mark >>= 1
        if free <= mark:
            return lower
    return None


def blocks_above_floor(state: ZoneState, order: int, rule: Rule, *, worst: bool = False) -> int | None:
    """Return how many blocks of `order` GFP_KERNEL takes, one after another, before a watermark denies the next.

    The n-th passes if free - (n - 1) * 2^order - (2^order - 1) is above the floor. None if the watermark is unknown.
    With `worst`, as many pages as possible are kept for atomic requests.
    """
    usable, floor = usable_pages(state), floor_pages(state)
    if usable is None or floor is None or state.free_pages is None or state.mark is None:
        return None
    spare = usable - floor - (state.hidden.atomic if worst and not state.hidden.atomic_known else 0)
    if rule is Rule.HALVING:
        free, mark = state.free_pages, state.mark
        for lower in range(min(order, len(state.free_blocks))):
            free -= state.free_blocks[lower] << lower
            mark >>= 1
            spare = min(spare, free - mark)
    return max(0, spare) >> order


def _mark_for(mark: int, request: RequestKind) -> int:
    """Return the watermark that a request must exceed: GFP_ATOMIC may go to 3/8 of it (ALLOC_HIGH, then HARDER)."""
    if request is RequestKind.GFP_ATOMIC:
        mark -= mark // 2
        mark -= mark // 4
    return mark


def _passes_base(state: ZoneState, order: int, request: RequestKind) -> bool:
    assert state.free_pages is not None and state.mark is not None
    usable = state.free_pages - ((1 << order) - 1) - state.cma_pages
    if request is RequestKind.GFP_KERNEL:
        usable -= state.highatomic_pages
    if usable > _mark_for(state.mark, request) + state.reserve:
        return True
    # 5.9 and later: an order-0 atomic request is tried again against the watermark without its boost.
    return (
        order == 0
        and request is RequestKind.GFP_ATOMIC
        and state.boost > 0
        and usable > _mark_for(max(0, state.mark - state.boost), request) + state.reserve
    )


def _has_block(state: ZoneState, order: int, request: RequestKind) -> bool:
    return any(_may_take(state, index, request) for index in range(order, len(state.free_blocks)))


def _may_take(state: ZoneState, order: int, request: RequestKind) -> bool:
    """Return whether a block of exactly this order is on a list that the request may take from."""
    disabled_reason = _at(state.foreign_blocks, order)
    if request is RequestKind.GFP_ATOMIC:
        disabled_reason -= _at(state.highatomic_blocks, order)
    return state.free_blocks[order] > max(0, disabled_reason)


def _at(blocks: Sequence[int], order: int) -> int:
    return blocks[order] if order < len(blocks) else 0
