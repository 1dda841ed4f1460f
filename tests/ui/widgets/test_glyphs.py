"""Each glyph that the screen draws has its sign in every set, in as many cells."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import fragtui
from fragtui.ui.widgets.cells import SPARKS
from fragtui.ui.widgets.glyphs import GlyphSet, in_glyphs, tones

SETS = tuple(GlyphSet)


def drawn_glyphs() -> set[str]:
    """Return the characters beyond ASCII in the texts of the screen, docstrings and the tables of glyphs left out."""
    found: set[str] = set()
    for package in ("ui", "render"):
        for path in (Path(fragtui.__file__).parent / package).rglob("*.py"):
            if path.name in ("glyphs.py", "svg.py"):
                continue
            tree = ast.parse(path.read_text())
            documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
                    found |= {letter for letter in node.value if not letter.isascii()}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("glyph_set", [GlyphSet.CONSOLE, GlyphSet.ASCII])
def test_no_glyph_of_ours_becomes_a_question_mark(glyph_set: GlyphSet) -> None:
    glyphs = drawn_glyphs()
    assert {"▾", "✗", "▆", "╭", "╯", "…"} <= glyphs
    assert "?" not in {in_glyphs(glyph, glyph_set) for glyph in glyphs}, [
        glyph for glyph in glyphs if in_glyphs(glyph, glyph_set) == "?"
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(SETS))
def test_any_text_keeps_its_width_and_stays_in_the_set(text: str, glyph_set: GlyphSet) -> None:
    shown = in_glyphs(text, glyph_set)
    assert cell_len(shown) == cell_len(text)
    assert glyph_set is not GlyphSet.ASCII or shown.isascii()
    assert in_glyphs(shown, glyph_set) == shown


@pytest.mark.parametrize("glyph_set", SETS)
@pytest.mark.parametrize("coloured", [True, False])
def test_tones_stay_as_they_are_and_differ_at_least_without_colour(glyph_set: GlyphSet, coloured: bool) -> None:
    cells = tones(glyph_set, coloured)
    assert in_glyphs("".join(cells), glyph_set) == "".join(cells)
    assert len({cells.kept, cells.lost, cells.reserved}) == 3
    assert coloured or cells.kept != cells.gained


INK = {"_": 1 / 8, "▄": 1 / 2, "▓": 3 / 4, "█": 1.0}
"""The share of the cell that each sign of the console's font fills."""


def test_levels_of_the_console_are_the_nearest_and_never_swap() -> None:
    shown = [in_glyphs(spark, GlyphSet.CONSOLE) for spark in SPARKS]
    filled = [INK[sign] for sign in shown]
    assert filled == sorted(filled)
    for eighths, share in enumerate(filled, 1):
        assert abs(share - eighths / 8) == min(abs(other - eighths / 8) for other in INK.values()), eighths
    for glyph_set in SETS:
        assert len({in_glyphs(sign, glyph_set) for sign in "·▂▄▆"}) == 4, "the levels of the history differ"
