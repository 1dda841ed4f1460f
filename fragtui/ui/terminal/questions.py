"""What the terminal is asked once, when it is taken: the colour of its ground, and how wide it draws a glyph.

Nobody waits for the answers, and whatever comes instead of one is input as before. A report of a colour is never input:
no terminal sends it for a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fragtui.ui.terminal.detection import TerminalLook, theme_of_reply
from fragtui.ui.terminal.input_pieces import BEL, ESC, OSC_COLOUR

PATIENCE = 1.0
"""Seconds after which an answer changes the screen no more."""
_COLUMN = 20
"""Where the glyph is drawn: beyond 16, the largest number that the key F3 sends in the place of a column."""
_ASK_WIDTH = f"{ESC}[1;{_COLUMN}H▇{ESC}[6n{ESC}[1;1H{ESC}[2K"
_ASK_GROUND = f"{OSC_COLOUR}?{ESC}\\"
_CURSOR = re.compile(rf"{ESC}\[1;(\d{{1,3}})R")


class TerminalQuestions:
    """The questions to one terminal.

    `on_theme` gets the theme for its ground, `on_width` whether the glyph was one cell wide: on some terminals it is
    two, on one that is not in UTF-8 three.
    """

    def __init__(
        self, look: TerminalLook, on_theme: Callable[[str], object], on_width: Callable[[bool], object]
    ) -> None:
        self._asks_ground, self._asks_width = look.asks_ground, look.asks_width
        self._on_theme = on_theme
        self._on_width = on_width
        self._until = 0.0

    def ask(self, now: float) -> str:
        """Return what to write; `now` is the monotonic clock, s."""
        self._until = now + PATIENCE
        return (_ASK_WIDTH if self._asks_width else "") + (_ASK_GROUND if self._asks_ground else "")

    def take(self, text: str, at: float) -> bool:
        """Return whether a piece of input that came at that time (monotonic clock, s) is no key: it is taken here."""
        if text.startswith(OSC_COLOUR):
            theme = theme_of_reply(text.removesuffix(f"{ESC}\\").removesuffix(BEL))
            if theme is not None and self._asks_ground and at <= self._until:
                self._asks_ground = False
                self._on_theme(theme)
            return True
        if self._asks_width and at <= self._until and (found := _CURSOR.fullmatch(text)):
            column = int(found[1])
            if column > _COLUMN:
                self._asks_width = False
                self._on_width(column == _COLUMN + 1)
                return True
        return False
