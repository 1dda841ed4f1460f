"""The only private modules of Textual that fragtui uses, and why.

Textual's only public way to turn the terminal's bytes into keys is its input thread, which polls ten times a second and
cannot distinguish pasted keys from typed ones: `terminal.input` parses the bytes itself, so that no paste confirms
a remedy. The keyboard protocol's names of modifier keys distinguish a lone Shift from a key.
"""

from __future__ import annotations

from textual._keyboard_protocol import MODIFIER_FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser

__all__ = ["MODIFIER_FUNCTIONAL_KEYS", "XTermParser"]
