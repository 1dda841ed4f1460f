"""How the lines of the screen are shared: the answer first, then two rows of each list, then the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.ui.panels.layout import CARD, MIN_GROUPS, Content, allocate_rows
from fragtui.ui.panels.sizes import SizeRow, fold

SIZES = [(60, 20), (80, 24), (100, 30), (120, 40), (160, 48), (200, 60)]
CONTENT = st.builds(
    Content,
    zones=st.integers(1, 40),
    nodes=st.integers(1, 16),
    sizes=st.integers(1, 14),
    failures=st.integers(0, 16),
    pods=st.integers(0, 32),
    has_history=st.integers(0, 1),
    groups=st.integers(0, MIN_GROUPS),
    consumers=st.integers(0, 13),
)


@given(width=st.integers(20, 250), height=st.integers(8, 80), content=CONTENT, extra=st.integers(0, 1))
def test_the_panels_fill_the_screen_and_no_more(width: int, height: int, content: Content, extra: int) -> None:
    rows = allocate_rows(width, height, content, extra=extra)
    assert not rows.table_beside or rows.causes == rows.failures
    left = rows.zones + rows.sizes + rows.obstacles + rows.timeline + rows.nodes
    right = rows.failures + rows.pods + rows.consumers + rows.other_timeline
    right += 0 if rows.table_beside else rows.causes
    used = 2 + extra + rows.card + rows.message
    assert used + (max(left, right) if rows.side_by_side else left + right) <= height
    if rows.side_by_side and content.has_history:
        assert left == right == height - used
    assert all(lines >= 0 for lines in rows)


@pytest.mark.parametrize(("width", "height"), SIZES[1:])
def test_each_list_that_holds_something_has_two_rows_from_80x24_on(width: int, height: int) -> None:
    rows = allocate_rows(width, height, Content(zones=10, nodes=8, sizes=11, failures=15, pods=26))
    heads = 3 if rows.framed else 1
    assert rows.card >= CARD
    assert rows.failures >= heads + 2
    assert rows.pods >= heads + 2


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_an_empty_list_keeps_a_line_for_its_proof(width: int, height: int) -> None:
    rows = allocate_rows(width, height, Content(zones=2, nodes=1, sizes=11, failures=0, pods=0))
    assert rows.pods >= 2 + rows.framed
    if width >= 80:
        assert rows.failures >= 2 + rows.framed


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_several_groups_of_failures_have_their_table_from_120_columns_on(width: int, height: int) -> None:
    content = Content(zones=10, nodes=8, sizes=11, failures=15, pods=26)
    rows = allocate_rows(width, height, content._replace(groups=MIN_GROUPS))
    assert bool(rows.causes) is (width >= 120)
    assert rows.table_beside is (120 <= width < 160)
    assert not allocate_rows(width, height, content._replace(groups=MIN_GROUPS - 1)).causes


def test_frames_appear_from_100x30_on() -> None:
    content = Content(zones=2, nodes=1, sizes=11, failures=1, pods=2)
    assert [allocate_rows(*size, content).framed for size in SIZES] == [False, False, True, True, True, True]


@given(orders=st.integers(1, 14), asked=st.integers(0, 13), room=st.integers(1, 16))
def test_folding_shows_the_asked_for_size_and_each_size_once(orders: int, asked: int, room: int) -> None:
    rows = fold(orders, asked, room)
    assert len(rows) <= room
    target = min(asked, orders - 1)
    assert SizeRow(target, target) in rows or room < 3 or room >= orders
    shown = [order for row in rows for order in range(row.first, row.last + 1)]
    assert shown == sorted(set(shown))
    if room >= 3:
        assert shown == list(range(orders))


def test_small_sizes_are_folded_first() -> None:
    assert fold(11, 10, 7) == (SizeRow(0, 4), *(SizeRow(order, order) for order in range(5, 11)))
    assert fold(11, 3, 7) == (
        SizeRow(0, 0),
        *(SizeRow(order, order) for order in range(1, 6)),
        SizeRow(6, 10),
    )
