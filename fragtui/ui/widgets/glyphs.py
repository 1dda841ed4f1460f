"""What the terminal can show."""

from __future__ import annotations

import locale
import os
import sys


def has_true_colour() -> bool:
    """Return whether the terminal says that it shows 24-bit colour; the Linux console never does."""
    return os.environ.get("COLORTERM", "") in ("truecolor", "24bit") and os.environ.get("TERM") != "linux"


def has_unicode() -> bool:
    """Return whether the terminal can show block characters: not under other locales, nor on the Linux console."""
    encoding = getattr(sys.__stderr__, "encoding", None) or locale.nl_langinfo(locale.CODESET) or ""
    return "utf" in encoding.lower() and os.environ.get("TERM") != "linux"


_GLYPHS = {
    "█▉▊▋▌▍▎▏": "#",
    "▇": "#",
    "▆": "*",
    "▅": "+",
    "▄": "=",
    "▃": "-",
    "▂": ":",
    "▁░": ".",
    "▒": "o",
    "▸⇒→": ">",
    "▾▽▼": "v",
    "⇐": "<",
    "┊": "|",
    "✓": "+",
    "✗×": "x",
    "◦○": "o",
    "●◉": "*",
    "◌·": ".",
    "‖": "=",
    "⚠": "!",
    "⟳…": "~",
    "≥": ">",
    "–─": "-",
    "━": "=",
    "\u00a0": " ",
}
_ASCII = str.maketrans({glyph: plain for glyphs, plain in _GLYPHS.items() for glyph in glyphs})


def to_ascii(text: str) -> str:
    """Return the text for a terminal without block characters: each glyph as the sign that comes nearest."""
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
