import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.pagetypeinfo import (
    PageTypeInfo,
    TypeBlocks,
    ZonePageblocks,
    parse_pagetypeinfo,
)
from tests.support.procfs import format_pagetypeinfo

MODERN = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate")
OLD = ("Unmovable", "Reclaimable", "Movable", "Reserve", "Isolate")

CAPPED_TWO_NODES = """Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2 
Node    0, zone   Normal, type    Unmovable     12 >100000      3 
Node    0, zone   Normal, type      Movable >100000 >100000      7 

Number of blocks type     Unmovable      Movable 
Node 0, zone   Normal           59          538 
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2 
Node    1, zone   Normal, type    Unmovable      1      2      3 
Node    1, zone   Normal, type      Movable      4      5      6 

Number of blocks type     Unmovable      Movable 
Node 1, zone   Normal            9           38 

Number of mixed blocks    Unmovable      Movable 
Node 1, zone   Normal            1            2 
"""  # noqa: W291


@st.composite
def infos(draw: st.DrawFn) -> PageTypeInfo:
    names = draw(st.sampled_from([MODERN, OLD, MODERN[:4], MODERN[:3]]))
    orders = draw(st.integers(1, 14))
    keys = draw(st.lists(st.tuples(st.integers(0, 15), st.sampled_from(["DMA", "Normal"])), min_size=1, unique=True))
    counts = st.lists(st.integers(0, 99_999), min_size=orders, max_size=orders).map(tuple)
    free = []
    for node, zone in keys:
        for name in names:
            row = draw(counts)
            capped = draw(st.frozensets(st.integers(0, orders - 1)))
            row = tuple(100_000 if order in capped else count for order, count in enumerate(row))
            free.append(TypeBlocks(node, zone, name, row, capped))
    blocks = tuple(
        ZonePageblocks(node, zone, tuple((name, draw(st.integers(0, 10**6))) for name in names)) for node, zone in keys
    )
    return PageTypeInfo(draw(st.integers(0, 13)), draw(st.integers(1, 8192)), tuple(free), blocks)


@pytest.mark.slow
@given(infos())
def test_a_printed_pagetypeinfo_parses_back(info: PageTypeInfo) -> None:
    assert parse_pagetypeinfo(format_pagetypeinfo(info)) == (info, ())


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    parse_pagetypeinfo(text)


def test_caps_repeated_headers_and_the_mixed_table() -> None:
    info, problems = parse_pagetypeinfo(CAPPED_TWO_NODES)
    assert not problems
    assert (info.pageblock_order, info.pages_per_block) == (9, 512)
    assert [(row.node, row.migratetype, row.free_blocks, set(row.capped)) for row in info.free] == [
        (0, "Unmovable", (12, 100_000, 3), {1}),
        (0, "Movable", (100_000, 100_000, 7), {0, 1}),
        (1, "Unmovable", (1, 2, 3), set()),
        (1, "Movable", (4, 5, 6), set()),
    ]
    assert [dict(zone.blocks) for zone in info.pageblocks] == [
        {"Unmovable": 59, "Movable": 538},
        {"Unmovable": 9, "Movable": 38},
    ]


def test_capped_columns_that_touch_are_split() -> None:
    text = "Node    0, zone   Normal, type      Movable>100000>100000      7 \n"
    info, _ = parse_pagetypeinfo(text)
    assert info.free[0].free_blocks == (100_000, 100_000, 7)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("count", ["1" * 4000, "1" * 60 + "x", ">1" * 60 + "x"])
def test_no_row_makes_it_slow_or_crash(count: str) -> None:
    info, problems = parse_pagetypeinfo(f"Node    0, zone   Normal, type      Movable {count}\n")
    assert not info.free
    assert len(problems) == 1


@pytest.mark.parametrize("cut", range(0, len(CAPPED_TWO_NODES), 7))
def test_a_cut_text_gives_a_part_of_its_rows(cut: int) -> None:
    whole, _ = parse_pagetypeinfo(CAPPED_TWO_NODES)
    part, _ = parse_pagetypeinfo(CAPPED_TWO_NODES[:cut])
    assert part.free == whole.free[: len(part.free)]
    assert part.pageblocks == whole.pageblocks[: len(part.pageblocks)]
