"""Every style pair of every theme and depth is readable, and is written exactly as the palette has it."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

import fragtui.ui
from fragtui.ui.widgets.paint import Depth, Paint, style_of, textual_theme
from fragtui.ui.widgets.palette import GROUNDS, REVERSED, THEMES
from tests.support.contrast import VGA, XTERM, contrast, drawn

COLOURED = tuple(depth for depth in Depth if depth is not Depth.NONE)
PLACES = (*GROUNDS, "selected")
STANDS_ON = {"border": ("screen", "raised"), "behind": ("screen",)}
"""Roles that don't stand in every place."""
GLYPHS_ONLY = frozenset(
    (
        *("border", "grid", "bar", "gained", "lost", "behind"),
        *("history-plenty", "history-some", "history-few", "history-none"),
    )
)
"""Roles of frames, bars and marks, and what is behind a dialog: no text that is to be read."""


def palettes(depth: Depth) -> tuple[tuple[str, ...], ...]:
    return (VGA,) if depth is Depth.CONSOLE else (XTERM, VGA) if depth is Depth.ANSI else (XTERM,)


@pytest.mark.parametrize("depth", COLOURED)
@pytest.mark.parametrize("theme", THEMES)
def test_every_pair_is_readable_in_every_place(theme: str, depth: Depth) -> None:
    paint = Paint(theme, depth)
    low = []
    for role, place, palette in product(paint.roles, PLACES, palettes(depth)):
        if place not in STANDS_ON.get(role, PLACES):
            continue
        look = paint.look(role, place)
        assert look.foreground is not None
        assert look.ground is not None
        wanted = 3.0 if role in GLYPHS_ONLY else 4.5
        if theme == "high-contrast" and depth in (Depth.TRUE, Depth.INDEXED):
            wanted = 4.5 if role in GLYPHS_ONLY else 7.0
        if look.foreground == "8" and palette is VGA:
            assert role in GLYPHS_ONLY
            wanted = 2.7
        ratio = contrast(drawn(look.foreground, palette), drawn(look.ground, palette))
        if ratio < wanted:
            low.append(f"{role} on {place}: {look.foreground} on {look.ground}: {ratio:.2f} < {wanted}")
    assert not low, "\n".join(low)


@pytest.mark.parametrize("depth", [Depth.ANSI, Depth.CONSOLE])
@pytest.mark.parametrize("theme", THEMES)
def test_sixteen_colours_are_named_by_their_numbers_and_black_is_never_bold(theme: str, depth: Depth) -> None:
    paint = Paint(theme, depth)
    for role, place in product(paint.roles, PLACES):
        look = paint.look(role, place)
        assert int(look.foreground or "") < 16
        assert int(look.ground or "") < (8 if depth is Depth.CONSOLE else 16)
        assert not (look.bold and look.foreground == "0"), "bold black is grey on many terminals"


@pytest.mark.parametrize("theme", THEMES)
def test_a_style_is_written_as_the_palette_has_it(theme: str) -> None:
    for depth in COLOURED:
        paint = Paint(theme, depth)
        for role in paint.roles:
            look, style = paint.look(role), paint.style(role)
            for colour, wanted in ((style.color, look.foreground), (style.bgcolor, look.ground)):
                assert colour is not None
                triplet = colour.triplet.hex if colour.triplet else None
                assert wanted == (triplet if depth is Depth.TRUE else str(colour.number))
            codes = style.render("x", color_system=ColorSystem.TRUECOLOR)
            assert ("38;2;" in codes) is (depth is Depth.TRUE)
            if depth is Depth.INDEXED:
                assert f"38;5;{look.foreground}" in codes
                assert f"48;5;{look.ground}" in codes


@pytest.mark.parametrize("theme", THEMES)
def test_without_colour_none_is_written_and_what_is_filled_is_reversed(theme: str) -> None:
    paint = Paint(theme, Depth.NONE)
    for role in paint.roles:
        style = paint.style(role)
        assert style.color is None
        assert style.bgcolor is None
        assert bool(style.reverse) is (role in REVERSED)
        assert not (style.dim or style.blink or style.underline)
    assert paint.style("text", "selected").reverse
    assert paint.style("strong").bold


@pytest.mark.parametrize("depth", [depth for depth in Depth if depth is not Depth.TRUE])
@pytest.mark.parametrize("theme", THEMES)
def test_textuals_own_widgets_are_written_in_pairs_of_the_palette(theme: str, depth: Depth) -> None:
    paint, true = Paint(theme, depth), Paint(theme, Depth.TRUE)
    (depth_filter,) = paint.line_filters()

    def through(style: Style) -> Style:
        ((_, written, _),) = depth_filter.apply([Segment("x", style)], Color(0, 0, 0))
        assert written is not None
        return written

    looks = {style_of(paint.look(role, place)) for role, place in product(paint.roles, PLACES)}
    looks |= {look + Style(bold=bold) for look in looks for bold in (True, False)}
    for role, place in product(("text", "muted", "focus", "warn", "keycap"), ("screen", "raised")):
        style = style_of(true.look(role, place))
        assert through(style) in looks
        assert through(through(style)) == through(style), "what is in this depth already stays"
    assert through(Style(color="#123456", bgcolor="#654321")) in looks, "a colour of no role is text"
    key, swapped = true.look("keycap"), Style(color=true.look("keycap").ground, bgcolor=true.look("keycap").foreground)
    assert through(swapped + Style(reverse=True)).color == through(style_of(key)).color


@pytest.mark.parametrize("theme", THEMES)
def test_textual_gets_colours_of_the_palette_only(theme: str) -> None:
    paint = Paint(theme, Depth.TRUE)
    ours = {colour for role, place in product(paint.roles, PLACES) for colour in paint.look(role, place)[:2]}
    given = textual_theme(theme)
    colours = [given.primary, given.foreground, given.background, given.surface, given.panel, given.error]
    assert {*colours, *given.variables.values()} <= ours
    assert given.dark is (theme != "light")


@pytest.mark.slow
def test_every_role_that_the_screen_names_is_in_the_palette() -> None:
    """A name that is not would end the application when it is drawn; these are the names before the palette."""
    old = {
        "dim",
        "accent",
        "held",
        "ghost",
        "cursor",
        "movable",
        "unmovable",
        "reclaimable",
        "badge-good",
        "badge-warn",
    }
    roles = {*Paint("dark", Depth.TRUE).roles}
    named = set()
    for path in Path(fragtui.ui.__file__).parent.rglob("*.py"):
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not old & words, f"{path}: {old & words}"
        named |= words
    for prefix in ("badge-", "cell-", "history-", "heat-"):
        assert {word for word in named if isinstance(word, str) and word.startswith(prefix)} <= roles
