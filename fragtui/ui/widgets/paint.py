"""Styles from roles: exactly the colours of the palette at the depth that the terminal has."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor
from textual.filter import LineFilter
from textual.theme import Theme

from fragtui.ui.widgets.palette import BOLD, GROUNDS, REVERSED, Pair, colours_of

_DARK_WORDS = "0"
"""The colour that bold turns into grey on terminals that draw bold in the bright colour: it is never bold."""


class Depth(Enum):
    """How many colours the terminal shows."""

    TRUE = "24-bit"
    INDEXED = "256"
    ANSI = "16"
    CONSOLE = "16, of which 8 are grounds"
    """The Linux console, which shows bright grounds as plain ones (drivers/tty/vt/vt.c, csi_m)."""
    NONE = "none"


_ON_CONSOLE = {Pair("0", "11"): Pair("15", "3"), Pair("0", "13"): Pair("15", "5"), Pair("0", "14"): Pair("0", "6")}
"""Pairs with a bright ground, as the console can show them at 4.5:1 with its palette, which is VGA's."""


class Look(NamedTuple):
    """A foreground and a ground as they are written, bold and reverse."""

    foreground: str | None
    ground: str | None
    bold: bool
    reverse: bool = False


class Paint:
    """The styles of one theme at one depth."""

    def __init__(self, theme: str, depth: Depth) -> None:
        self.theme = theme
        self.depth = depth
        self._colours = colours_of("dark" if depth is Depth.CONSOLE and theme == "light" else theme)
        """Of the console's grounds none is light enough for the light theme."""
        self._styles: dict[tuple[str, str], Style] = {}

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles."""
        return tuple(name for name in self._colours if name not in GROUNDS)

    def look(self, role: str, ground: str = "screen") -> Look:
        """Return what is written for a role in a place, one of `GROUNDS` or ``selected``.

        In a selected row each role without a ground of its own takes the colours of the selection: signs and words
        tell them apart. Raises KeyError for an unknown role or place.
        """
        pair = self._pair(role)
        bold = role in BOLD
        reverse = role in REVERSED or (ground == "selected" and pair.ground is None)
        if self.depth is Depth.NONE:
            return Look(None, None, bold, reverse)
        if pair.ground is None:
            place = self._pair(ground)
            pair = place if ground == "selected" else Pair(pair.foreground, place.ground)
        if self.depth is Depth.CONSOLE:
            pair = _ON_CONSOLE.get(pair, pair)
            if pair.foreground == "8":
                pair = Pair("7", pair.ground)
        plain = self.depth in (Depth.ANSI, Depth.CONSOLE) and pair.foreground == _DARK_WORDS
        return Look(pair.foreground, pair.ground, bold and not plain)

    def style(self, role: str, ground: str = "screen") -> Style:
        """Return the style of a role in a place. Raises KeyError for an unknown role or place."""
        if (style := self._styles.get((role, ground))) is None:
            style = self._styles[role, ground] = style_of(self.look(role, ground))
        return style

    def colour(self, role: str) -> str:
        """Return the 24-bit colour of a role, or of a ground."""
        true = self._colours[role].true
        return true.foreground or true.ground or ""

    def line_filters(self) -> tuple[LineFilter, ...]:
        """Return what makes Textual's own widgets, whose colours are 24-bit, come out in this depth."""
        return () if self.depth is Depth.TRUE else (DepthFilter(self),)

    def _pair(self, role: str) -> Pair:
        colours = self._colours[role]
        if self.depth in (Depth.ANSI, Depth.CONSOLE):
            return colours.ansi
        return colours.indexed if self.depth is Depth.INDEXED else colours.true


class DepthFilter(LineFilter):
    """Writes pairs of the 24-bit palette as those of a lower depth; a colour of none of the roles becomes text's."""

    def __init__(self, paint: Paint) -> None:
        super().__init__()
        true = Paint(paint.theme, Depth.TRUE)
        self._grounds: dict[str | None, str] = {}
        self._looks: dict[tuple[str | None, str | None], Look] = {}
        self._styles: dict[Style, Style] = {}
        self._paint = paint
        for ground in (*GROUNDS, "selected"):
            for role in true.roles:
                seen = true.look(role, ground)
                self._looks.setdefault((seen.foreground, seen.ground), paint.look(role, ground))
            self._grounds.setdefault(true.look("text", ground).ground, ground)

    def apply(self, segments: list[Segment], background: TextualColor) -> list[Segment]:
        """Return the segments in this depth."""
        return [
            Segment(text, None if style is None else self._style(style), control) for text, style, control in segments
        ]

    def _style(self, style: Style) -> Style:
        if (written := self._styles.get(style)) is None:
            written = self._styles[style] = self._written(style)
        return written

    def _written(self, style: Style) -> Style:
        foreground, ground = _hex(style.color), _hex(style.bgcolor)
        if foreground is None and ground is None:
            return style  # Written in this depth already, or without any colour.
        if style.reverse:
            foreground, ground = ground, foreground
        look = self._looks.get((foreground, ground))
        if look is None:
            look = self._paint.look("text", self._grounds.get(ground, "screen"))
        bold = bool(style.bold) and look.foreground != _DARK_WORDS
        return style_of(Look(look.foreground, look.ground, bold, look.reverse))


def style_of(look: Look) -> Style:
    """Return a style of Rich that is written as it is: 24-bit, or a number below 256."""
    return Style(
        color=None if look.foreground is None else _colour(look.foreground),
        bgcolor=None if look.ground is None else _colour(look.ground),
        bold=look.bold,
        reverse=look.reverse,
    )


def _colour(name: str) -> Color:
    return Color.parse(name) if name.startswith("#") else Color.from_ansi(int(name))


def _hex(colour: Color | None) -> str | None:
    return colour.triplet.hex if colour is not None and colour.triplet is not None else None


@cache
def textual_theme(name: str) -> Theme:
    """Return the colours of Textual's own widgets: each is that of a role."""
    paint = Paint(name, Depth.TRUE)
    colour = paint.colour
    key = paint.look("keycap")
    selected = paint.look("selected")
    raised, border, text = colour("raised"), colour("border"), colour("text")
    return Theme(
        name=name,
        primary=colour("focus"),
        secondary=colour("muted"),
        warning=colour("warn"),
        error=colour("bad"),
        success=colour("good"),
        accent=colour("key"),
        foreground=text,
        background=colour("screen"),
        surface=raised,
        panel=raised,
        dark=name != "light",
        variables={
            "keycap": str(key.foreground),
            "keycap-ground": str(key.ground),
            "muted": colour("muted"),
            "edge": border,
            "focus": colour("focus"),
            "scrollbar": border,
            "scrollbar-hover": border,
            "scrollbar-active": colour("focus"),
            "scrollbar-background": raised,
            "scrollbar-background-hover": raised,
            "scrollbar-background-active": raised,
            "scrollbar-corner-color": raised,
            "input-cursor-background": str(key.ground),
            "input-cursor-foreground": str(key.foreground),
            "input-selection-background": str(selected.ground),
            "input-selection-foreground": str(selected.foreground),
            "text-disabled": colour("muted"),
            "text-success": colour("good"),
            "text-warning": colour("warn"),
            "text-error": colour("bad"),
            "panel-lighten-1": raised,
        },
    )
