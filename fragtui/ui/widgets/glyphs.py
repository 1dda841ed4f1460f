"""The glyphs that a terminal can show: Unicode, those of the Linux console's font, or ASCII."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from rich.cells import cell_len


class GlyphSet(Enum):
    """What the terminal's font and encoding hold."""

    UNICODE = "unicode"
    CONSOLE = "console"
    """Code page 437, the font of the Linux console."""
    ASCII = "ascii"


class Tones(NamedTuple):
    """The cells of bars, which no translation changes: blocks as before, gained, lost, reserved."""

    kept: str
    gained: str
    lost: str
    reserved: str


_TONES = {
    # Whole cells of seven eighths: the free eighth above separates the rows.
    GlyphSet.UNICODE: Tones("▇", "▇", "░", "▒"),
    GlyphSet.CONSOLE: Tones("■", "█", "░", "▒"),
    GlyphSet.ASCII: Tones("=", "#", ".", ":"),
}
_TONES_WITHOUT_COLOUR = Tones("▒", "█", "░", "┄")


def tones(glyph_set: GlyphSet, coloured: bool) -> Tones:
    """Return the cells of bars; without colour, tones differ by their shade."""
    return _TONES[glyph_set] if coloured or glyph_set is not GlyphSet.UNICODE else _TONES_WITHOUT_COLOUR


_TO_CONSOLE = {
    "▏▎▍▌▋": "▌",
    "▊▉▇": "█",
    # Three quarters of a cell, as its ink: half a cell is another level, and a whole one is more than there is.
    "▆": "▓",
    "▃▅": "▄",
    "▁▂": "_",
    "▸▶⇒": "►",
    "⇐": "◄",
    "▾▽": "▼",
    "┊‖": "║",
    "✓": "√",
    "✗×": "x",
    "◦○◉": "o",
    "●": "•",
    "◌": "·",
    "⚠": "!",
    "⟳…": "~",
    "⇧": "^",
    "–−": "-",
    "━": "═",
    "┄": "-",
    "†": "+",
    "╭": "┌",
    "╮": "┐",
    "╰": "└",
    "╯": "┘",
    "\u00a0": " ",
}
_TO_ASCII = {
    "█▇▉▊▋": "#",
    "▅▆▌▍": "=",
    "▃▄▎▏": "-",
    "▁▂": "_",
    "░": ".",
    "▒": ":",
    "▸⇒→": ">",
    "⇐←": "<",
    "▾▽▼": "v",
    "↑⇧▲": "^",
    "↓": "v",
    "┊│": "|",
    "✓+╭╮╰╯": "+",
    "✗×": "x",
    "†": "k",
    "◦○◉": "o",
    "●": "*",
    "◌·": ".",
    "‖■▶": " ",
    "⚠": "!",
    "⟳…": "~",
    "–−─┄": "-",
    "━": "=",
    "\u00a0": " ",
}
GLYPHS = frozenset("".join(_TO_ASCII))
"""Every glyph that is drawn; each takes one cell."""
_CONSOLE = str.maketrans({glyph: plain for glyphs, plain in _TO_CONSOLE.items() for glyph in glyphs})
_ASCII = str.maketrans({glyph: plain for glyphs, plain in _TO_ASCII.items() for glyph in glyphs})
_IN_CONSOLE_FONT = frozenset("▌▐▀▄█░▒▓■►◄▲▼•·√║═─│┌┐└┘├┤┬┴┼→←↑↓°±≥≤÷≈¬«»µßäöüÄÖÜéèêëàâáíóúñÑçÇæÆåÅ")


def in_glyphs(text: str, glyph_set: GlyphSet) -> str:
    """Return the text in these glyphs, in as many cells: each that is missing as the nearest one, else as ``?``."""
    if glyph_set is GlyphSet.UNICODE or text.isascii():
        return text
    text = text.translate(_ASCII if glyph_set is GlyphSet.ASCII else _CONSOLE)
    if text.isascii():
        return text
    font = _IN_CONSOLE_FONT if glyph_set is GlyphSet.CONSOLE else ""
    return "".join([letter if letter.isascii() or letter in font else "?" * cell_len(letter) for letter in text])
