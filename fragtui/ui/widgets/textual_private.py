"""The only private modules and names of Textual that fragtui uses, and why; `tests/test_architecture.py` checks that.

Textual's only public way to turn the terminal's bytes into keys is its input thread, which polls ten times a second and
cannot distinguish pasted keys from typed ones: `terminal.input` parses the bytes itself, so that no paste confirms
a remedy. The keyboard protocol's names of modifier keys distinguish a lone Shift from a key. The lines on screen, for
a picture, come from the compositor: the public export places text by `textLength`, which librsvg does not know.
"""

from __future__ import annotations

from typing import Any

from textual._context import visible_screen_stack
from textual._keyboard_protocol import MODIFIER_FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.message import Message
from textual.strip import Strip

__all__ = [
    "MODIFIER_FUNCTIONAL_KEYS",
    "FatalErrorApp",
    "XTermParser",
    "driver_of",
    "parse_whole",
    "screen_lines",
]


def driver_of(app: App[Any]) -> Driver | None:
    """Return the driver of an application's terminal, None before it starts: Textual has no public name for it."""
    return app._driver


def screen_lines(app: App[Any]) -> list[Strip]:
    """Return the lines on screen, a dialog over what is behind it."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


def parse_whole(parser: XTermParser, text: str) -> list[Message]:
    """Return the events of a complete key or report; raise ValueError or OverflowError for an impossible character.

    The parser may wait for more input; it gets its timeout at once, since the public way is to wait 0.1 s. What comes
    after the timeout counts only for one or two characters, such as Escape and a key: a longer text is unknown to it.
    """
    came = list(parser.feed(text))
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
        rest = list(parser.tick())
        came += rest if len(text) < 3 else []
    return came


class FatalErrorApp(App[int]):
    """An application that keeps the error which ends it, to be printed when the terminal is restored.

    Textual prints such an error with the values of all variables, which may be secrets. It has no public hook for that:
    all fatal errors go through `App._handle_exception`. The private attributes set here are those that Textual sets:
    the exit status, and the error that its test pilot raises.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fatal_error: Exception | None = None
        """The first error that ended the application."""

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self.fatal_error is None:
            self.fatal_error = self._exception = error
            self._exception_event.set()
        self.panic()
