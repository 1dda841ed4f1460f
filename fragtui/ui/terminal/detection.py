"""What the terminal can show, from the environment: colours, glyphs, a light or a dark ground."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from fragtui.ui.widgets.glyphs import GlyphSet
from fragtui.ui.widgets.paint import Depth
from fragtui.ui.widgets.palette import AUTO, THEMES

_PLAIN = re.compile(r"(?:dumb|unknown|cons25|vt\d+|ansi|hp|wy|adm)", re.IGNORECASE)
"""Names of terminals whose font is not known to hold more than ASCII."""
_COLOURLESS = re.compile(r"(?:vt\d+|unknown)(?!.*color)", re.IGNORECASE)
_LIGHT_GROUNDS = frozenset(("7", "9", "10", "11", "12", "13", "14", "15"))
"""Grounds of COLORFGBG (rxvt) on which dark text is readable."""
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
MAX_REPLY = 64
_REPLY = re.compile(r"\x1b]11;rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})(?:/[0-9a-f]{1,4})?", re.IGNORECASE)


class TerminalLook(NamedTuple):
    """How the screen is drawn."""

    theme: str = THEMES[0]
    """One of `THEMES`."""
    depth: Depth = Depth.TRUE
    glyph_set: GlyphSet = GlyphSet.UNICODE
    asks_ground: bool = False
    """Whether the terminal is asked for its ground, which then decides between the dark and the light theme."""
    asks_width: bool = False
    """Whether the terminal is asked for the width of an ambiguous glyph: two cells on some, three if not in UTF-8."""


def detect(theme: str = AUTO, *, to_ascii: bool = False, environ: Mapping[str, str] | None = None) -> TerminalLook:
    """Return how to draw on this terminal; `theme` is one of `THEME_CHOICES`."""
    env = _started_with() if environ is None else environ
    depth = colour_depth(env)
    can_encode = _writes_utf_8() and not to_ascii
    glyph_set = glyphs_of(env) if can_encode else GlyphSet.ASCII
    # Containers set no locale: then the terminal shows whether it knows UTF-8.
    unset = can_encode and not any(env.get(name) for name in _LOCALE) and glyphs_of({**env, "LANG": "C.UTF-8"})
    coloured = depth in (Depth.TRUE, Depth.INDEXED, Depth.ANSI)
    automatic = theme == AUTO
    return TerminalLook(
        theme=theme_of_ground(env.get("COLORFGBG", "")) if automatic else theme,
        depth=depth,
        glyph_set=glyph_set,
        asks_ground=automatic and coloured and not _PLAIN.match(env.get("TERM", "")),
        asks_width=GlyphSet.UNICODE in (glyph_set, unset),
    )


def colour_depth(environ: Mapping[str, str], terminfo: Callable[[str], int | None] | None = None) -> Depth:
    """Return how many colours to use: by NO_COLOR, COLORTERM, TERM, and the terminfo entry of TERM."""
    name = environ.get("TERM", "")
    if environ.get("NO_COLOR") or not name or _COLOURLESS.match(name):
        return Depth.NONE
    if name.partition("-")[0] == "linux":
        return Depth.CONSOLE
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or name.endswith("-direct"):
        return Depth.TRUE
    if name.endswith(("-256color", "-256color-bce")):
        return Depth.INDEXED
    colours = (terminfo or _terminfo_colours)(name)
    if colours is None:
        return Depth.ANSI  # Terminals with names that the node does not know show 16 colours and more.
    return Depth.NONE if colours < 8 else Depth.INDEXED if colours >= 256 else Depth.ANSI


def glyphs_of(environ: Mapping[str, str]) -> GlyphSet:
    """Return the glyphs to use: by the codeset of the locale's name, and TERM.

    The name counts, not what Python makes of it: in the C locale Python writes UTF-8 (PEP 538, PEP 540), and a locale
    that is not installed on the node still says what the terminal is.
    """
    name = next((name for variable in _LOCALE if (name := environ.get(variable))), "C")
    codeset = name.rpartition(".")[2].partition("@")[0]
    term = environ.get("TERM", "")
    if codeset.lower().replace("-", "") != "utf8" or not term or _PLAIN.match(term):
        return GlyphSet.ASCII
    return GlyphSet.CONSOLE if term.partition("-")[0] == "linux" else GlyphSet.UNICODE


def theme_of_ground(colorfgbg: str) -> str:
    """Return the theme for COLORFGBG, such as ``0;15``; the dark one if it does not say."""
    return "light" if colorfgbg[-MAX_REPLY:].rpartition(";")[2] in _LIGHT_GROUNDS else "dark"


def theme_of_reply(reply: str) -> str | None:
    """Return the theme for a terminal's report of its ground (OSC 11, without its end), None if it is none.

    A ground is light if black has more contrast on it than white (WCAG 2 relative luminance over 0.179).
    """
    found = _REPLY.fullmatch(reply) if len(reply) <= MAX_REPLY else None
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    light = sum(
        weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
        for weight, part in ((0.2126, red), (0.7152, green), (0.0722, blue))
    )
    return "light" if light > 0.179 else "dark"


def _terminfo_colours(name: str) -> int | None:
    """Return the colours of a terminfo entry, 0 for none; None if there is no entry, or no curses."""
    try:
        # Some builds of Python lack it, and most names of terminals need no entry.
        import curses  # noqa: PLC0415
    except ImportError:
        return None
    try:
        curses.setupterm(name, 1)
        return max(0, curses.tigetnum("colors"))
    except curses.error:
        return None


def _writes_utf_8() -> bool:
    """Return whether what is drawn is encoded as UTF-8: PYTHONIOENCODING may say otherwise."""
    return sys.__stderr__ is None or "utf" in sys.__stderr__.encoding.lower()


def _started_with() -> Mapping[str, str]:
    """Return the environment that this process was started with: Python sets LC_CTYPE in the C locale (PEP 538)."""
    try:
        given = Path("/proc/self/environ").read_bytes()
    except OSError:
        return os.environ
    started = dict(part.split(b"=", 1) for part in given.split(b"\0") if b"=" in part)
    return {**os.environ, "LC_CTYPE": started.get(b"LC_CTYPE", b"").decode("ascii", "replace")}
