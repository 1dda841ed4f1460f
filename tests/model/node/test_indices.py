from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.node.indices import (
    blocks_of,
    format_index,
    fragmentation_index,
    free_pages,
    largest_order,
    unusable_index,
    unusable_indices,
)

counts = st.lists(st.integers(0, 10**7), min_size=1, max_size=14)


def test_a_larger_block_counts_as_those_it_splits_into() -> None:
    assert blocks_of((5, 0, 3, 1), 1) == 3 * 2 + 1 * 4
    assert blocks_of((5, 0, 3, 1), 3) == 1


def test_a_lone_smaller_block_gives_a_negative_index_that_prints_as_the_kernel_does() -> None:
    blocks = (0,) * 8 + (1, 0, 0)
    assert fragmentation_index(blocks, 9) == -500
    assert format_index(-500) == " 0.-500"
    assert format_index(-1000) == "-1.000"
    assert format_index(957) == " 0.957"
    assert format_index(-50) == " 0.-50"


def test_an_empty_zone_has_no_largest_order() -> None:
    assert unusable_index((0, 0, 0), 1) == 1000
    assert fragmentation_index((0, 0, 0), 1) == 0
    assert largest_order((0, 0, 0)) is None


@given(counts, st.integers(0, 13))
def test_indices_stay_in_their_range(blocks: list[int], order: int) -> None:
    assert 0 <= unusable_index(blocks, order) <= 1000
    index = fragmentation_index(blocks, order)
    assert index <= 1000
    if any(blocks[order:]):
        assert index == -1000


@given(counts)
def test_the_unusable_share_grows_with_the_order(blocks: list[int]) -> None:
    shares = [unusable_index(blocks, order) for order in range(len(blocks))]
    assert shares == sorted(shares)
    assert unusable_indices(blocks) == tuple(shares)


@given(counts)
def test_order_0_blocks_are_pages(blocks: list[int]) -> None:
    assert blocks_of(blocks, 0) == free_pages(blocks)
