import pytest

from fragtui.kernel.procfs.version import parse_version
from fragtui.model.node.watermark import (
    RequestKind,
    Rule,
    Verdict,
    ZoneState,
    halving_floor,
    rule_of,
    verdicts,
    zone_verdict,
)

KERNEL, ATOMIC = RequestKind.GFP_KERNEL, RequestKind.GFP_ATOMIC

# A report of 3.13 on linux-mm (order:4, GFP_KERNEL, refused): the zone has 15 blocks of order 4.
DMA32_313 = ZoneState(
    free_blocks=(17854, 2829, 1547, 58, 15, 0, 0, 0, 0, 0, 0), free_pages=30388, mark=13840, reserve=694
)


def test_up_to_4_3_a_free_block_is_not_enough() -> None:
    assert zone_verdict(DMA32_313, 4, KERNEL, Rule.HALVING) is Verdict.RESERVED
    assert halving_floor(DMA32_313, 4, KERNEL) == 2
    assert zone_verdict(DMA32_313, 4, KERNEL, Rule.FREE_LIST) is Verdict.AVAILABLE


@pytest.mark.parametrize(
    ("release", "rule"),
    [
        ("2.6.32-358.2.1.el6.x86_64", Rule.HALVING),
        ("3.10.0-1160.el7.x86_64", Rule.HALVING),
        ("4.3.0", Rule.HALVING),
        ("4.4.0", Rule.FREE_LIST),
        ("6.18.44", Rule.FREE_LIST),
    ],
)
def test_the_rule_depends_on_the_release(release: str, rule: Rule) -> None:
    assert rule_of(parse_version(release)) is rule


def test_an_order_beyond_the_columns_is_refused_by_either_rule() -> None:
    state = ZoneState((9000, 100), free_pages=9200, mark=100)
    for rule in Rule:
        assert zone_verdict(state, 30, KERNEL, rule) is not Verdict.AVAILABLE
    assert halving_floor(state, 30, KERNEL) in (None, 0, 1)


def test_a_dma_zone_behind_the_lowmem_reserve_does_not_count() -> None:
    dma = ZoneState((0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3), free_pages=3840, mark=10, reserve=24090)
    assert set(verdicts(dma, KERNEL, Rule.FREE_LIST)) == {Verdict.RESERVED}


def test_enough_memory_without_a_block_is_fragmented_and_too_little_is_short() -> None:
    blocks = (50_000, 20_000, 100, 0, 0)
    assert zone_verdict(ZoneState(blocks, 90_400, mark=10_000), 3, KERNEL, Rule.FREE_LIST) is Verdict.FRAGMENTED
    assert zone_verdict(ZoneState(blocks, 90_400, mark=90_400), 3, KERNEL, Rule.FREE_LIST) is Verdict.SHORT


def test_the_base_check_takes_off_the_size_of_the_block_less_one() -> None:
    blocks = (0, 0, 0, 10)
    assert zone_verdict(ZoneState(blocks, 80, mark=72), 3, KERNEL, Rule.FREE_LIST) is Verdict.AVAILABLE
    assert zone_verdict(ZoneState(blocks, 80, mark=73), 3, KERNEL, Rule.FREE_LIST) is Verdict.RESERVED


def test_atomic_requests_may_go_to_three_eighths_of_the_watermark() -> None:
    blocks = (0, 0, 0, 10)
    state = ZoneState(blocks, 80, mark=160)
    assert zone_verdict(state, 3, KERNEL, Rule.FREE_LIST) is Verdict.RESERVED
    assert zone_verdict(state, 3, ATOMIC, Rule.FREE_LIST) is Verdict.AVAILABLE
    assert zone_verdict(ZoneState(blocks, 80, mark=195), 3, ATOMIC, Rule.FREE_LIST) is Verdict.RESERVED


def test_an_order_0_atomic_request_is_tried_again_without_the_boost() -> None:
    state = ZoneState((100,), free_pages=100, mark=1000, boost=900)
    assert zone_verdict(state, 0, ATOMIC, Rule.FREE_LIST) is Verdict.AVAILABLE
    assert zone_verdict(state, 0, KERNEL, Rule.FREE_LIST) is Verdict.SHORT


def test_blocks_kept_for_atomic_requests_are_not_for_the_kernel() -> None:
    state = ZoneState((5000, 0, 4), free_pages=5016, mark=100, foreign_blocks=(0, 0, 4), highatomic_blocks=(0, 0, 4))
    assert zone_verdict(state, 2, KERNEL, Rule.FREE_LIST) is Verdict.RESERVED
    assert zone_verdict(state, 2, ATOMIC, Rule.FREE_LIST) is Verdict.AVAILABLE


def test_blocks_alone_decide_if_watermarks_are_unknown() -> None:
    assert zone_verdict(ZoneState((1000, 1, 1)), 2, KERNEL, Rule.FREE_LIST) is Verdict.AVAILABLE
    assert zone_verdict(ZoneState((1000, 1, 0)), 2, KERNEL, Rule.FREE_LIST) is Verdict.FRAGMENTED
    assert zone_verdict(ZoneState((3, 0, 0)), 2, KERNEL, Rule.FREE_LIST) is Verdict.SHORT
    assert zone_verdict(ZoneState((0, 0, 0)), 0, KERNEL, Rule.FREE_LIST) is Verdict.SHORT
