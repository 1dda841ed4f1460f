"""Our test of a zone against the kernel's, written down a second time, list by list, as the C code goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.node.watermark import RequestKind, Rule, Verdict, ZoneState, zone_verdict
from tests.support.examples import examples
from tests.support.node_states import pages_of

ORDERS = 6
TYPES = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate")
Lists = dict[str, list[int]]

lists = st.fixed_dictionaries({
    name: st.lists(st.integers(0, 12) if name in TYPES[:3] else st.integers(0, 4), min_size=ORDERS, max_size=ORDERS)
    for name in TYPES
})  # fmt: skip


def watermark_ok_6_18(free: Lists, order: int, mark: int, reserve: int, boost: int, atomic: bool) -> bool:
    """__zone_watermark_ok and the retry of zone_watermark_fast, mm/page_alloc.c of 6.18 (nr_free_highatomic)."""
    free_pages = sum(pages_of(free[name]) for name in TYPES if name != "Isolate")

    def passes(minimum: int) -> bool:
        usable = free_pages - ((1 << order) - 1)
        if not atomic:  # __zone_watermark_unusable_free: no ALLOC_RESERVES
            usable -= pages_of(free["HighAtomic"])
        usable -= pages_of(free["CMA"])  # no ALLOC_CMA
        if atomic:
            minimum -= minimum // 2  # ALLOC_MIN_RESERVE
            minimum -= minimum // 4  # ALLOC_NON_BLOCK
        if usable <= minimum + reserve:
            return False
        if order == 0:
            return True
        for index in range(order, ORDERS):
            if any(free[name][index] for name in TYPES[:3]):  # MIGRATE_PCPTYPES
                return True
            if atomic and free["HighAtomic"][index]:  # ALLOC_HIGHATOMIC
                return True
        return False

    return passes(mark) or (order == 0 and atomic and boost > 0 and passes(mark - boost))


def watermark_ok_3_10(counts: list[int], order: int, mark: int, reserve: int, free_cma: int, atomic: bool) -> bool:
    """__zone_watermark_ok of 3.10; free pages in CMA count against the base alone."""
    free_pages = pages_of(counts) - ((1 << order) - 1)
    minimum = mark
    if atomic:
        minimum -= minimum // 2
        minimum -= minimum // 4
    if free_pages - free_cma <= minimum + reserve:
        return False
    for lower in range(order):
        free_pages -= counts[lower] << lower
        minimum >>= 1
        if free_pages <= minimum:
            return False
    return True


NEAR = st.integers(-2, 2)
"""Marks are drawn beside the values at which a term of the test tips: elsewhere a wrong term shows too rarely."""


def tipping(base: int, request: RequestKind) -> int:
    """Return the mark that `base` usable pages just meet or miss."""
    return base * 8 // 3 if request is RequestKind.GFP_ATOMIC else base


@pytest.mark.slow
@examples(500, deadline=200)
@given(lists, st.integers(0, ORDERS - 1), st.sampled_from(RequestKind), st.integers(0, 300), st.data())
def test_the_rule_of_4_4_and_later_agrees_with_the_kernels_code(
    free: Lists, order: int, request: RequestKind, reserve: int, data: st.DataObject
) -> None:
    if data.draw(st.booleans()):  # no ordinary block of the order: what decides are the other lists
        free |= {name: free[name][:order] + [0] * (ORDERS - order) for name in TYPES[:3]}
    free_pages = sum(pages_of(free[name]) for name in TYPES if name != "Isolate")
    usable = free_pages - pages_of(free["CMA"]) - ((1 << order) - 1) - reserve
    usable -= data.draw(st.sampled_from((0, pages_of(free["HighAtomic"]))))
    boost = data.draw(st.integers(0, 400))
    mark = max(0, tipping(max(0, usable), request) + data.draw(st.sampled_from((0, boost))) + data.draw(NEAR))
    mark = data.draw(st.sampled_from((mark, mark // 4)))
    boost = min(boost, mark)
    state = ZoneState(
        free_blocks=tuple(sum(free[name][index] for name in TYPES) for index in range(ORDERS)),
        free_pages=free_pages,
        mark=mark,
        reserve=reserve,
        boost=boost,
        highatomic_pages=pages_of(free["HighAtomic"]),
        cma_pages=pages_of(free["CMA"]),
        foreign_blocks=tuple(sum(free[name][index] for name in TYPES[3:]) for index in range(ORDERS)),
        highatomic_blocks=tuple(free["HighAtomic"]),
    )
    ours = zone_verdict(state, order, request, Rule.FREE_LIST) is Verdict.AVAILABLE
    assert ours == watermark_ok_6_18(free, order, mark, reserve, boost, request is RequestKind.GFP_ATOMIC)


@examples(500, deadline=200)
@given(
    st.lists(st.integers(0, 40), min_size=ORDERS, max_size=ORDERS),
    st.integers(0, ORDERS - 1),
    st.sampled_from(RequestKind),
    st.integers(0, 300),
    st.integers(0, 300),
    st.data(),
)
def test_the_rule_up_to_4_3_agrees_with_the_kernels_code(
    counts: list[int], order: int, request: RequestKind, reserve: int, free_cma: int, data: st.DataObject
) -> None:
    lower = data.draw(st.integers(0, order))
    left = pages_of(counts) - ((1 << order) - 1) - pages_of(counts[:lower])
    base = left << lower if lower else left - reserve - free_cma
    mark = max(0, tipping(max(0, base), request) + data.draw(st.integers(-2, 1 << lower)))
    state = ZoneState(tuple(counts), pages_of(counts), mark, reserve, cma_pages=free_cma)
    ours = zone_verdict(state, order, request, Rule.HALVING) is Verdict.AVAILABLE
    assert ours == watermark_ok_3_10(counts, order, mark, reserve, free_cma, request is RequestKind.GFP_ATOMIC)
