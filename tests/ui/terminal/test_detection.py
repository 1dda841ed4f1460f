"""What the terminal can show is taken from its environment, and from nothing that Python changes in it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.ui.terminal.detection import (
    MAX_REPLY,
    colour_depth,
    detect,
    glyphs_of,
    theme_of_ground,
    theme_of_reply,
)
from fragtui.ui.widgets.glyphs import GlyphSet
from fragtui.ui.widgets.paint import Depth
from fragtui.ui.widgets.palette import THEMES

XTERM = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Depth.TRUE),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, Depth.TRUE),
        ({"TERM": "xterm-direct"}, Depth.TRUE),
        ({"TERM": "xterm-256color"}, Depth.INDEXED),
        ({"TERM": "screen-256color", "COLORTERM": "yes"}, Depth.INDEXED),
        ({"TERM": "xterm"}, Depth.ANSI),
        ({"TERM": "of-no-database"}, Depth.ANSI),
        ({"TERM": "many"}, Depth.INDEXED),
        ({"TERM": "mono"}, Depth.NONE),
        ({"TERM": "linux"}, Depth.CONSOLE),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, Depth.CONSOLE),
        ({"TERM": "vt100"}, Depth.NONE),
        ({"TERM": "vt220", "COLORTERM": "truecolor"}, Depth.NONE),
        ({}, Depth.NONE),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, Depth.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, Depth.INDEXED),
    ],
)
def test_depth(environment: dict[str, str], depth: Depth) -> None:
    terminfo = {"xterm": 8, "many": 256, "mono": 0}
    assert colour_depth(environment, terminfo.get) is depth


@pytest.mark.parametrize(
    ("environment", "glyphs"),
    [
        ({"LC_ALL": "C.UTF-8"}, GlyphSet.UNICODE),
        ({"LANG": "de_DE.utf8@euro"}, GlyphSet.UNICODE),
        ({"LC_CTYPE": "UTF-8"}, GlyphSet.UNICODE),
        ({"LANG": "C.UTF-8", "LC_ALL": "C"}, GlyphSet.ASCII),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "POSIX"}, GlyphSet.ASCII),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, GlyphSet.UNICODE),
        ({"LANG": "en_US"}, GlyphSet.ASCII),
        ({"LANG": "en_US.ISO-8859-1"}, GlyphSet.ASCII),
        ({}, GlyphSet.ASCII),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, GlyphSet.CONSOLE),
        ({"LANG": "C", "TERM": "linux"}, GlyphSet.ASCII),
        ({"LANG": "C.UTF-8", "TERM": "vt100"}, GlyphSet.ASCII),
        ({"LANG": "C.UTF-8", "TERM": "dumb"}, GlyphSet.ASCII),
        ({"LANG": "C.UTF-8", "TERM": ""}, GlyphSet.ASCII),
    ],
)
def test_glyphs(environment: dict[str, str], glyphs: GlyphSet) -> None:
    assert glyphs_of({"TERM": "xterm", **environment}) is glyphs


@pytest.mark.slow
def test_the_c_locale_is_ascii_although_python_coerces_it_to_utf_8() -> None:
    show = "from fragtui.ui.terminal.detection import detect; print(detect().glyph_set.value)"
    for given_locale, glyphs in (({"LANG": "C"}, "ascii"), ({}, "ascii"), ({"LC_CTYPE": "C.UTF-8"}, "unicode")):
        done = subprocess.run(
            [sys.executable, "-c", show],
            capture_output=True,
            text=True,
            check=True,
            env={"TERM": "xterm"} | given_locale,
        )
        assert done.stdout.strip() == glyphs


def test_without_a_locale_the_screen_is_ascii_until_the_terminal_shows_that_it_knows_utf_8() -> None:
    look = detect(environ={"TERM": "xterm"})
    assert (look.glyph_set, look.asks_width) == (GlyphSet.ASCII, True)
    assert not detect(to_ascii=True, environ={"TERM": "xterm"}).asks_width
    assert not detect(environ={"TERM": "xterm", "LANG": "POSIX"}).asks_width


def test_terminals_that_may_not_know_a_question_are_not_asked() -> None:
    assert detect(environ=XTERM).asks_ground
    assert detect(environ=XTERM).asks_width
    assert not detect("dark", environ=XTERM).asks_ground
    assert not detect(to_ascii=True, environ=XTERM).asks_width
    for environment in ({"TERM": "linux"}, {"TERM": "vt100"}, {"NO_COLOR": "1"}):
        assert not detect(environ=XTERM | environment).asks_ground
    for environment in ({"TERM": "linux"}, {"TERM": "vt100"}, {"LC_ALL": "C"}, {"LANG": ""} | {"TERM": "linux"}):
        assert not detect(environ=XTERM | environment).asks_width


@pytest.mark.parametrize(
    ("value", "theme"),
    [
        *(("0;15", "light"), ("0;default;15", "light"), ("0;7", "light"), (";" * 100_000 + "15", "light")),
        *(("15;0", "dark"), ("12;8", "dark"), ("", "dark"), ("0;x", "dark"), ("0;" + "15" * 50, "dark")),
    ],
)
def test_colorfgbg(value: str, theme: str) -> None:
    assert theme_of_ground(value) == theme
    assert detect(environ=XTERM | {"COLORFGBG": value}).theme == theme
    assert detect("high-contrast", environ=XTERM | {"COLORFGBG": value}).theme == "high-contrast"


@pytest.mark.parametrize(
    ("reply", "theme"),
    [
        ("\x1b]11;rgb:ffff/ffff/ffff", "light"),
        ("\x1b]11;rgb:fd/f6/e3", "light"),
        ("\x1b]11;rgba:0000/2b2b/3636/ffff", "dark"),
        ("\x1b]11;rgb:0/0/0", "dark"),
        ("\x1b]11;rgb:FFFF/FFFF/FFFF", "light"),
        ("\x1b]11;rgb:ffff/ffff", None),
        ("\x1b]11;rgb:fffff/ffff/ffff", None),
        ("\x1b]11;rgb:-1/0/0", None),
        ("\x1b]11;#ffffff", None),
        ("\x1b]11;?", None),
        ("\x1b]10;rgb:ffff/ffff/ffff", None),
        ("\x1b]11;rgb:ffff/ffff/ffff" + " " * 100, None),
    ],
)
def test_the_report_of_the_ground(reply: str, theme: str | None) -> None:
    assert theme_of_reply(reply) == theme


@given(st.text(max_size=2 * MAX_REPLY))
def test_no_reply_and_no_variable_raises(text: str) -> None:
    assert theme_of_reply(text) in (None, "light", "dark")
    environment = dict.fromkeys(("TERM", "LANG", "LC_ALL", "COLORFGBG", "COLORTERM", "NO_COLOR"), text)
    assert detect(environ=environment).theme in THEMES
