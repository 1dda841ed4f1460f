"""The only private modules of Textual that fragtui uses, and why.

Textual's only public way to turn the terminal's bytes into keys is its input thread, which polls ten times a second and
cannot distinguish pasted keys from typed ones: `terminal.input` parses the bytes itself, so that no paste confirms
a remedy. The keyboard protocol's names of modifier keys distinguish a lone Shift from a key. The lines on screen, for
a picture, come from the compositor: the public export places text by `textLength`, which librsvg does not know.
"""

from __future__ import annotations

from textual._context import visible_screen_stack
from textual._keyboard_protocol import MODIFIER_FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.strip import Strip

__all__ = ["MODIFIER_FUNCTIONAL_KEYS", "XTermParser", "screen_lines"]


def screen_lines(app: App[int]) -> list[Strip]:
    """Return the lines on screen, a dialog over what is behind it."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()
