import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks, parse_buddyinfo
from tests.support.places import SAMPLES
from tests.support.procfs import format_buddyinfo

ARM64_64K = "Node 0, zone   Normal " + "".join(f"{n:6d} " for n in range(14)) + "\n"

NAMES = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")


@st.composite
def files(draw: st.DrawFn, largest: int = 1 << 40) -> tuple[ZoneBlocks, ...]:
    """Return the zones of one file: each once, all with the same number of orders."""
    orders = draw(st.integers(1, 20))
    keys = draw(st.lists(st.tuples(st.integers(0, 4096), st.sampled_from(NAMES)), max_size=12, unique=True))
    counts = st.lists(st.integers(0, largest), min_size=orders, max_size=orders).map(tuple)
    return tuple(ZoneBlocks(node, zone, draw(counts)) for node, zone in keys)


@given(files())
def test_a_printed_buddyinfo_parses_back(rows: tuple[ZoneBlocks, ...]) -> None:
    assert parse_buddyinfo(format_buddyinfo(rows)) == (rows, ())


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    parse_buddyinfo(text)


@given(files(largest=(1 << 20) - 1), st.data())
def test_a_torn_text_never_gives_another_count(rows: tuple[ZoneBlocks, ...], data: st.DataObject) -> None:
    text = format_buddyinfo(rows)
    cut = data.draw(st.integers(0, len(text)))
    parsed, _ = parse_buddyinfo(text[:cut])
    assert parsed == rows[: len(parsed)]
    assert len(parsed) >= text[:cut].count("\n")


@pytest.mark.parametrize(
    ("last", "counts"),
    [
        ("Node 0, zone   Normal      3     45 ", (3, 45)),
        ("Node 0, zone   Normal      3     45", (3, 45)),
        ("Node 0, zone   Normal      3     4", None),
        ("Node 0, zone   Normal      3 ", None),
        ("Node 0, zone   Normal 3 45", None),
        ("Node 0, zone   Normal 3 45 ", (3, 45)),
        ("Node 0, zone   Normal      3 100000", None),
        ("Node 0, zone   Norm", None),
    ],
)
def test_a_last_line_without_its_newline(last: str, counts: tuple[int, ...] | None) -> None:
    rows, problems = parse_buddyinfo("Node 0, zone      DMA      1      2 \n" + last)
    assert [row.free_blocks for row in rows[1:]] == ([] if counts is None else [counts])
    assert [problem.line for problem in problems] == ([2] if counts is None else [])


def test_a_row_wrapped_by_a_terminal_is_not_a_zone_of_fewer_orders() -> None:
    text = "Node 0, zone      DMA      1      2      3 \nNode 0, zone   Normal      4      5 \n     6 \n"
    rows, problems = parse_buddyinfo(text)
    assert [row.zone for row in rows] == ["DMA"]
    assert {problem.line for problem in problems} == {2, 3}
    assert "3 counts as in the other rows" in " ".join(map(str, problems))


def test_a_second_sample_in_the_same_file_is_not_more_memory() -> None:
    text = "Node 0, zone   Normal      4      5 \n"
    rows, (problem,) = parse_buddyinfo(text * 2)
    assert [row.free_blocks for row in rows] == [(4, 5)]
    assert problem.expected == "one row a zone"


@pytest.mark.parametrize("digits", [21, 5000])
def test_more_digits_than_a_number_of_the_kernel_has(digits: int) -> None:
    rows, problems = parse_buddyinfo(f"Node 0, zone   Normal      1 {'9' * digits} \n")
    assert not rows
    assert len(problems) == 1


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
def test_public_samples_parse() -> None:
    (*_, normal0, normal1), _ = parse_buddyinfo((SAMPLES / "buddyinfo-el7-frag-1.txt").read_text())
    assert (104076, 127563, 70473, 24828, 7589, 1506, 176, 5550, 5297, 0, 0) in (
        normal0.free_blocks,
        normal1.free_blocks,
    )
    for name in ("buddyinfo-seed-1.txt", "buddyinfo-veth-before-drop.txt", "buddyinfo-veth-after-drop.txt"):
        rows, problems = parse_buddyinfo((SAMPLES / name).read_text())
        assert len(rows) == 3
        assert not problems


def test_rows_that_a_mail_quoted_and_wrapped_are_read() -> None:
    text = (
        "> Node 0, zone      DMA 166543 151725 106193 \n>   11      2      0 \n> Node 8, zone      DMA 229945 211748 "
    )
    text += "103714\n>   34      4      1\n"
    rows, problems = parse_buddyinfo(text)
    assert not problems
    assert [row.free_blocks for row in rows] == [
        (166543, 151725, 106193, 11, 2, 0),
        (229945, 211748, 103714, 34, 4, 1),
    ]
