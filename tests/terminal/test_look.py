"""A real terminal draws every theme at every depth: no cell has the colour of its ground, each is readable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from fragtui.ui.widgets.paint import Depth, Paint
from fragtui.ui.widgets.palette import THEMES
from tests.support.contrast import VGA, XTERM, as_drawn, contrast, drawn
from tests.support.guide_case import guide_case
from tests.support.terminal import Terminal, terminal

RECORDING = str(Path(__file__).parents[2] / "screenshots" / "incident.rec")
DEPTHS: dict[str, dict[str, str]] = {
    "24-bit": {},
    "256": {"COLORTERM": "", "TERM": "xterm-256color"},
    "16": {"COLORTERM": "", "TERM": "xterm"},
    "console": {"COLORTERM": "", "TERM": "linux"},
}
PAINTED = {"24-bit": Depth.TRUE, "256": Depth.INDEXED, "16": Depth.ANSI, "console": Depth.CONSOLE}
PALETTES = {"16": (XTERM, VGA), "console": (VGA,)}
SIZES = ((80, 24), (120, 40))
CONSOLE_FONT = {*map(chr, range(33, 127)), *bytes(range(128, 255)).decode("cp437"), *"►◄▲▼•↑↓→←"}
slow = partial(pytest.param, marks=pytest.mark.slow)
BEHIND = {
    (drawn(look.foreground or "", palette), drawn(look.ground or "", palette))
    for look in (Paint(theme, depth).look("behind") for theme in THEMES for depth in Depth if depth is not Depth.NONE)
    for palette in (XTERM, VGA)
}
"""Pairs of what is behind a dialog, which nobody is to read now."""


def is_glyph(text: str) -> bool:
    """Return whether this is a part of a bar, a frame or a mark."""
    return "\u2500" <= text <= "\u25ff" or text in "·_"


def visible(shown: Terminal) -> Iterator[tuple[str, str, str]]:
    """Yield each visible cell: its character, foreground and ground, named as pyte does."""
    for row in range(shown.screen.lines):
        for column in range(shown.screen.columns):
            cell = shown.screen.buffer[row][column]
            if cell.data.strip("\u00a0 "):
                yield cell.data, *((cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg))


def unreadable(shown: Terminal, depth: str, theme: str) -> set[str]:
    """Return the kinds of cells that can't be read well."""
    found = set()
    for palette in PALETTES.get(depth, (XTERM,)):
        for text, fore, back in set(visible(shown)):
            pair = as_drawn(fore, palette), as_drawn(back, palette)
            wanted = 3.0 if is_glyph(text) or pair in BEHIND else 4.5
            if theme == "high-contrast" and depth in ("24-bit", "256"):
                wanted = 4.5 if is_glyph(text) or pair in BEHIND else 7.0
            if fore == "brightblack" and palette is VGA:
                wanted = 2.7
            if contrast(*pair) < wanted:
                found.add(f"{text!r}: {fore} on {back}: {contrast(*pair):.2f} < {wanted}")
    return found


def has_theme(shown: Terminal, depth: str, theme: str, _: str = "") -> bool:
    """Return whether the row of keys, the last that is drawn, has the ground of a theme."""
    ground = Paint(theme, PAINTED[depth]).look("text", "line").ground or ""
    cell = shown.screen.buffer[shown.screen.lines - 1][0]
    palette = PALETTES.get(depth, (XTERM,))[0]
    return as_drawn(cell.bg, palette) == drawn(ground, palette)


def at_the_denial(shown: Terminal) -> None:
    """Pause the replay at its incident."""
    shown.until(" replay ")
    shown.press(" >")
    shown.until("FRAGMENTED")


@pytest.mark.slow
@pytest.mark.parametrize("depth", ["256", *map(slow, ("24-bit", "16", "console"))])
def test_every_theme_is_readable_at_every_depth(depth: str) -> None:
    with terminal("replay", RECORDING, "--theme", "dark", columns=80, rows=24, **DEPTHS[depth]) as shown:
        at_the_denial(shown)
        for size in SIZES:
            shown.resize(*size)
            shown.rest()
            for theme in THEMES:
                shown.until(partial(has_theme, shown, depth, theme), 10)
                assert not unreadable(shown, depth, theme), (theme, shown.text)
                shown.press("t")
        shown.until(partial(has_theme, shown, depth, "dark"), 10)
        shown.press("?")
        shown.until("Esc closes")
        assert not unreadable(shown, depth, "dark"), shown.text
        assert depth != "console" or {text for text, *_ in visible(shown)} <= CONSOLE_FONT


@pytest.mark.slow
@pytest.mark.parametrize("variables", [slow({"NO_COLOR": "1"}), {"TERM": "vt100", "LC_ALL": "C"}])
def test_without_colour_none_is_written_and_what_matters_stands_out(variables: dict[str, str]) -> None:
    with terminal("replay", RECORDING, columns=80, rows=24, **variables) as shown:
        at_the_denial(shown)
        shown.press("?")
        shown.until("Esc closes")
        shown.press("\x1b")
        shown.until("Zones")
        assert {colour for _, *colours in visible(shown) for colour in colours} == {"default"}
        rows = {row: shown.screen.display[row] for row in range(24)}
        badge = next(row for row, text in rows.items() if " FRAGMENTED " in text)
        at = rows[badge].index("FRAGMENTED")
        assert shown.screen.buffer[badge][at].reverse
        assert not shown.screen.buffer[badge][at + 20].reverse
        assert "LC_ALL" not in variables or shown.text.isascii()
        assert "?" not in shown.text.replace(" ? Help", "")


@pytest.mark.slow
def test_lists_pages_and_questions_of_saved_files_are_readable(tmp_path: Path) -> None:
    depth = "256"
    root = str(guide_case(tmp_path, at=time.time() - 60))
    with terminal("--root", root, "--theme", "light", columns=120, rows=40, **DEPTHS[depth]) as shown:
        shown.until("web-1255064836")
        for keys in ("", "\t", "\t", "\r", "\x1b", "/", "\x1b", "\x10", "\x1b", "3", "t"):
            shown.press(keys)
            shown.rest()
            theme = "high-contrast" if keys == "t" else "light"
            assert not unreadable(shown, depth, theme), (keys, shown.text)


@pytest.mark.slow
def test_the_terminal_is_asked_and_its_answers_are_followed_without_losing_a_key() -> None:
    with terminal("replay", RECORDING, columns=80, rows=24, **DEPTHS["256"]) as shown:
        shown.until(lambda _: b"\x1b]11;?" in shown.written)
        shown.press(" \x1b[1;22R\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
        text = shown.until("paused")
        assert text.isascii()
        assert {back for _, _, back in visible(shown)} >= {"ffffff", "eeeeee"}


@pytest.mark.slow
def test_without_a_locale_a_terminal_that_knows_utf_8_gets_unicode() -> None:
    with terminal("replay", RECORDING, columns=80, rows=24, LC_ALL="", LC_CTYPE="", LANG="") as shown:
        shown.until(lambda _: b"\x1b[6n" in shown.written)
        shown.press("\x1b[1;21R")
        shown.until("▾")


@pytest.mark.slow
def test_a_dumb_terminal_gets_one_line() -> None:
    for verb in ([], ["replay", RECORDING]):
        with terminal(*verb, TERM="dumb") as shown:
            assert shown.wait() == 2
            assert shown.text.strip().count("\n") == 0
            assert "TERM=dumb" in shown.text
            assert "fragtui check" in shown.text
