"""Texts in cells: a path keeps its end, a sentence its numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from fragtui.ui.widgets.cells import cells_of, fit_clauses, fit_path, wrap
from fragtui.ui.widgets.glyphs import GLYPHS


@pytest.mark.parametrize(
    ("path", "width", "shown"),
    [
        ("/var/log/kern.log", 20, "/var/log/kern.log   "),
        ("/var/log/kern.log", 17, "/var/log/kern.log"),
        ("/var/log/kern.log", 16, "…/log/kern.log  "),
        ("/var/log/kern.log", 10, "…/kern.log"),
        ("/var/log/kern.log", 9, "…kern.log"),
        ("/var/log/日本.log", 10, "…/日本.log"),
        ("/var/log/日本.log", 9, "…日本.log"),
        ("/var/log/", 6, "…/log/"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_a_long_path_keeps_its_end_from_a_slash_on(path: str, width: int, shown: str) -> None:
    assert fit_path(path, width) == shown


@given(st.text(st.characters(exclude_categories=["C", "M", "Z"]) | st.just("/"), max_size=60), st.integers(2, 60))
def test_a_path_takes_the_cells_it_gets(path: str, width: int) -> None:
    shown = fit_path(path, width)
    assert cells_of(shown) == width
    assert path.endswith(shown.rstrip().removeprefix("…"))


@pytest.mark.parametrize(
    ("width", "marks", "shown"),
    [
        (44, ".;", "Done in 0.5s. 4M: 0 → 1,255; half left."),
        (30, ".;", "Done in 0.5s. 4M: 0 → 1,255"),
        (20, ".;", "Done in 0.5s."),
        (12, ".;", "Done in 0.5…"),
        (20, ",", "Done in 0.5s. 4M: 0…"),
    ],
)
def test_a_long_sentence_loses_whole_clauses(width: int, marks: str, shown: str) -> None:
    text = "Done in 0.5s. 4M: 0 → 1,255; half left."
    assert fit_clauses(text, width, marks) == shown.ljust(width)


@pytest.mark.parametrize("glyph", sorted(GLYPHS))
def test_each_glyph_takes_one_cell(glyph: str) -> None:
    assert cell_len(glyph) == cells_of(glyph) == 1


@given(st.text(st.sampled_from("aé日ア\u0301✓▇ ·e")))
def test_a_text_takes_as_many_cells_as_rich_measures(text: str) -> None:
    assert cells_of(text) == cell_len(text)


def test_no_line_ends_between_a_number_and_its_unit() -> None:
    text = "tasks waited 0.0 % of the last 10 s, 0.0 % of the last minute"
    assert wrap(text, 40, 3) == ["tasks waited 0.0 % of the last 10 s,", "0.0 % of the last minute"]
    assert wrap(text, 16, 9) == ["tasks waited", "0.0 % of the", "last 10 s, 0.0 %", "of the last", "minute"]
    assert wrap("5 samples of 12 hours", 9, 9) == ["5 samples", "of 12", "hours"], "these are words"
