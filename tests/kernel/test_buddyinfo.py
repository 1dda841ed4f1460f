from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.buddyinfo import ZoneBlocks, format_buddyinfo, parse_buddyinfo

ARM64_64K = "Node 0, zone   Normal " + "".join(f"{n:6d} " for n in range(14)) + "\n"
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"

zones = st.builds(
    ZoneBlocks,
    node=st.integers(0, 4096),
    zone=st.sampled_from(["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"]),
    free_blocks=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=20).map(tuple),
)


@given(st.lists(zones, max_size=40).map(tuple))
def test_what_is_printed_parses_back(rows: tuple[ZoneBlocks, ...]) -> None:
    assert parse_buddyinfo(format_buddyinfo(rows)) == (rows, ())


@given(st.text())
def test_no_text_crashes_it(text: str) -> None:
    parse_buddyinfo(text)


@given(st.lists(zones, min_size=1, max_size=6).map(tuple), st.data())
def test_a_torn_text_never_gives_a_smaller_count(rows: tuple[ZoneBlocks, ...], data: st.DataObject) -> None:
    text = format_buddyinfo(rows)
    cut = data.draw(st.integers(0, len(text)))
    parsed, _ = parse_buddyinfo(text[:cut])
    whole = parsed if len(parsed) <= text[:cut].count("\n") else parsed[:-1]
    assert whole == rows[: len(whole)]


def test_fourteen_orders_are_counted_not_assumed() -> None:
    (zone,), problems = parse_buddyinfo(ARM64_64K)
    assert zone.free_blocks == tuple(range(14))
    assert not problems


def test_a_count_wider_than_its_column_is_one_count() -> None:
    (zone,), _ = parse_buddyinfo("Node 0, zone   Normal 1000000 123456789      0 \n")
    assert zone.free_blocks == (1_000_000, 123_456_789, 0)


def test_a_line_that_is_no_row_is_named_and_the_others_stay() -> None:
    text = "Node 0, zone      DMA      1      2 \nrubbish here\nNode 1, zone   Normal      3      4 \n"
    rows, (problem,) = parse_buddyinfo(text)
    assert [row.node for row in rows] == [0, 1]
    assert problem.line == 2
    assert "Node N, zone NAME" in str(problem)


def test_a_last_line_cut_in_its_columns_is_not_a_zone() -> None:
    rows, (problem,) = parse_buddyinfo("Node 0, zone      DMA      1      2 \nNode 0, zone   Normal      3")
    assert len(rows) == 1
    assert problem.line == 2


def test_saved_text_without_its_last_newline_is_whole() -> None:
    rows, problems = parse_buddyinfo("Node 0, zone      DMA      1      2 \nNode 0, zone   Normal      3      4")
    assert len(rows) == 2
    assert not problems


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not beside this checkout")
def test_public_samples() -> None:
    (*_, normal0, normal1), _ = parse_buddyinfo((SAMPLES / "buddyinfo-el7-frag-1.txt").read_text())
    assert (104076, 127563, 70473, 24828, 7589, 1506, 176, 5550, 5297, 0, 0) in (
        normal0.free_blocks,
        normal1.free_blocks,
    )
    for name in ("buddyinfo-seed-1.txt", "buddyinfo-veth-before-drop.txt", "buddyinfo-veth-after-drop.txt"):
        rows, problems = parse_buddyinfo((SAMPLES / name).read_text())
        assert len(rows) == 3
        assert not problems
