"""The series that sparkline and timeline draw, held to the blocks that each tick had."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.node.history import History
from fragtui.model.node.indices import blocks_of

KEYS = ((0, "DMA32"), (0, "Normal"), (1, "Normal"))
counts = st.lists(st.integers(0, 10**6), min_size=1, max_size=14).map(tuple)
ticks = st.lists(
    st.one_of(st.none(), st.dictionaries(st.sampled_from(KEYS), counts, max_size=3)), min_size=1, max_size=30
)


@given(ticks, st.integers(0, 14), st.sets(st.sampled_from(KEYS)))
def test_each_tick_is_one_point_with_the_sum_of_its_zones(
    readings: list[dict[tuple[int, str], tuple[int, ...]] | None], order: int, wanted: set[tuple[int, str]]
) -> None:
    history = History()
    for at, blocks in enumerate(readings):
        history.note(float(at), blocks)
    # Half a second more than the ticks span, so that each falls into a point of its own.
    points = len(readings)
    series = history.series(wanted, order, points - 0.5, points)
    for blocks, value in zip(readings, series, strict=True):
        there = [blocks[key] for key in wanted if key in blocks] if blocks else []
        assert value == (sum(blocks_of(each, order) for each in there) if there else None)


def test_a_short_shortage_is_not_averaged_away() -> None:
    history = History()
    for at, large in enumerate((9, 9, 9, 0, 9, 9)):
        history.note(float(at), {KEYS[1]: (5, large)})
    assert min(value for value in history.series((KEYS[1],), 1, 5.0, 2) if value is not None) == 0


def test_a_tick_that_could_not_be_read_is_a_gap() -> None:
    history = History()
    history.note(0.0, {KEYS[1]: (1, 1)})
    history.note(5.0, None)
    history.note(10.0, {KEYS[1]: (1, 2)})
    assert history.series((KEYS[1],), 1, 12.0, 12)[6:8] == (None, None)
    assert history.series((KEYS[0],), 1, 12.0, 3) == (None, None, None)


@pytest.mark.slow
@given(ticks, st.integers(0, 14), st.integers(1, 12))
def test_a_series_asked_for_at_every_tick_is_the_one_asked_for_once(
    readings: list[dict[tuple[int, str], tuple[int, ...]] | None], order: int, points: int
) -> None:
    asked, once = History(ticks=20), History(ticks=20)
    for at, blocks in enumerate(readings):
        for history in (asked, once):
            history.note(at * 0.7, blocks)
        asked.series(KEYS, order, 9.0, points)
    assert asked.series(KEYS, order, 9.0, points) == once.series(KEYS, order, 9.0, points)
