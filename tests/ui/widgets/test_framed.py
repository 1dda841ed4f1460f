"""A frame is exactly as wide as its panel, whatever is written in it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.ui.widgets.cells import fit_spans, spans_width
from fragtui.ui.widgets.framed import FramedPanel, Framing
from fragtui.ui.widgets.rows import Line, Span, line

TEXTS = st.text(st.sampled_from("ab ─日本é7K"), max_size=30)
SPANS = st.lists(st.tuples(TEXTS, st.sampled_from(("text", "muted", "bad"))), max_size=4).map(tuple)


class Panel(FramedPanel):
    def __init__(self, framing: Framing, rows: Sequence[tuple[Span, ...]], framed: bool) -> None:
        super().__init__(id="panel")
        self.framed = framed
        self._framing = framing
        self._rows = rows

    def framing(self, width: int) -> Framing:
        return self._framing

    def body(self, width: int, height: int) -> Sequence[Line]:
        return [line(*spans) for spans in self._rows]


def text_of(row: Line) -> str:
    return "".join(text for text, _ in row.spans)


@given(
    framing=st.builds(Framing, SPANS, SPANS, SPANS, SPANS),
    rows=st.lists(SPANS, max_size=5),
    framed=st.booleans(),
    width=st.integers(12, 120),
)
def test_each_line_is_as_wide_as_the_panel(
    framing: Framing, rows: list[tuple[Span, ...]], framed: bool, width: int
) -> None:
    lines = Panel(framing, rows, framed).build(width, 7)
    assert {spans_width(row.spans) for row in lines} == {width}
    if framed:
        assert len(lines) == 7


@given(spans=SPANS, width=st.integers(1, 40))
def test_spans_are_cut_with_an_ellipsis_or_filled(spans: tuple[Span, ...], width: int) -> None:
    fitted = fit_spans(spans, (), width)
    assert spans_width(fitted) == width
    text, whole = "".join(text for text, _ in fitted), "".join(text for text, _ in spans)
    assert text.rstrip() == whole.rstrip() if spans_width(spans) <= width else "…" in text


def test_the_title_stays_and_the_position_goes_where_both_do_not_fit() -> None:
    framing = Framing((("Stuck pods", "title"),), (("12-14 of 131", "muted"),))
    wide, narrow = Panel(framing, [], True).build(40, 3), Panel(framing, [], True).build(24, 3)
    assert text_of(wide[0]) == "╭─ Stuck pods ────────── 12-14 of 131 ─╮"
    assert text_of(narrow[0]) == "╭─ Stuck pods ─────────╮"


@pytest.mark.parametrize("framed", [True, False])
def test_a_rule_or_a_frame_carries_the_keys(framed: bool) -> None:
    framing = Framing((("Zones", "title"),), (), (), (("z", "key"), (" enlarge", "muted")))
    rows = Panel(framing, [(("N0 Normal", "text"),)], framed).build(30, 3)
    assert "z enlarge" in text_of(rows[-1 if framed else 0])
    assert "N0 Normal" in text_of(rows[1])


def test_a_muted_count_goes_whole_and_one_that_warns_is_cut() -> None:
    counts: tuple[Span, ...] = (("N0 Normal", "title"), (" 1.9G free", "muted"), (", reserve 82M", "muted"))
    muted = Panel(Framing(counts, (("now and over time", "muted"),)), [], True).build(48, 3)
    assert " N0 Normal 1.9G free ─" in text_of(muted[0]) and "over time" in text_of(muted[0])
    warned = Framing((*counts, (", zoneinfo: permission denied", "unknown")), (("now and over time", "muted"),))
    assert "zoneinfo: permission…" in text_of(Panel(warned, [], True).build(80, 3)[0])
