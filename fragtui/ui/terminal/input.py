"""Converts the bytes of a terminal to events, and notes when each arrived and whether it arrived alone."""

from __future__ import annotations

import math
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message

from fragtui.ui.terminal.input_pieces import ESC, MAX_SEQUENCE, Piece, Pieces
from fragtui.ui.terminal.key_arrivals import KeyArrivals, Kind
from fragtui.ui.widgets.textual_private import MODIFIER_FUNCTIONAL_KEYS, XTermParser, parse_whole

_BURST = 3
"""So many different keys in one read are a paste, from a terminal that does not mark pastes."""
_STUCK = 2.0
"""Seconds without input inside a paste after which Ctrl-C and Ctrl-Q end it: its end was lost."""
_WAYS_OUT = ("\x03", "\x11", "\x1b[99;5u", "\x1b[113;5u")
"""Ctrl-C and Ctrl-Q, plain and in kitty's keyboard protocol."""


class TerminalInput:
    """The events of one terminal."""

    def __init__(
        self,
        arrivals: KeyArrivals,
        is_answer: Callable[[str, float], bool] | None = None,
        is_status: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._arrivals = arrivals
        self._is_answer = is_answer
        """Takes a piece and when it came; returns whether it was an answer of the terminal's, and no key."""
        self._is_status = is_status
        """The same for an answer that comes at any time: a key beside it came alone."""
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._pieces = Pieces()
        self._parser = XTermParser()
        self._last = -math.inf

    @property
    def in_doubt(self) -> bool:
        """Whether to call `time_out` if nothing more arrives: the input so far may be a complete key."""
        return self._pieces.in_doubt

    def take(self, data: bytes, at: float, *, waited: bool = False) -> list[Message]:
        """Return the events of what was read at that time (monotonic clock, s).

        `waited` means that it arrived before it was read, at an unknown time.
        """
        pieces = self._pieces
        silent, self._last = at - self._last, at
        was_pasting, was_unfinished = pieces.pasting, pieces.unfinished
        text = self._decode(data)
        lost = was_pasting and silent >= _STUCK and text in _WAYS_OUT
        fed = pieces.end_paste() if lost else pieces.feed(text)
        done = [piece for piece in fed if piece.pasted or not self._is_status(piece.text)]
        cut = was_unfinished or pieces.unfinished
        came = [(piece, self._events(piece, at)) for piece in done]
        counted = [(piece, meant) for piece, meant in came if not _is_modifier(meant)]
        different = {piece.text for piece, _ in counted if not piece.text.startswith(f"{ESC}[<")}
        if was_pasting or pieces.pasting or any(piece.pasted for piece in done) or len(different) >= _BURST:
            self._arrivals.note_paste(at)
        if cut or not fed or not all(_is_move(meant) for _, meant in counted):
            whole = len(counted) == 1 and counted[0][0].sure and len(counted[0][1]) == 1 and not (cut or waited)
            self._arrivals.note(at, kind_of(counted[0][1][0]) if whole else Kind.OTHER)
        return [event for _, meant in came for event in meant]

    def time_out(self, at: float) -> list[Message]:
        """Return the event of a lone Escape: nothing followed it up to that time."""
        return [event for piece in self._pieces.time_out() for event in self._events(piece, at)]

    def _events(self, piece: Piece, at: float) -> list[Message]:
        if piece.pasted:
            came: list[Message] = [events.Paste(piece.text.replace("\x00", ""))] if piece.text else []
        elif self._is_answer is not None and self._is_answer(piece.text, at):
            came = []
        else:
            came = self._meaning(piece.text) if len(piece.text) <= MAX_SEQUENCE else []
        for event in came:
            event.time = at
        return came

    def _meaning(self, text: str) -> list[Message]:
        """Return the events of Textual's parser for a whole key or report; none if it is unknown."""
        parser = self._parser
        try:
            return parse_whole(parser, text)
        except (ValueError, OverflowError):  # A code that is not a character ends the parser's generator.
            self._parser = fresh = XTermParser()
            fresh.mouse_pixels = parser.mouse_pixels
            fresh.terminal_size, fresh.terminal_pixel_size = parser.terminal_size, parser.terminal_pixel_size
            return []


def kind_of(event: Message) -> Kind:
    """Return the kind of an event for `KeyArrivals`."""
    if isinstance(event, events.Key):
        return Kind.KEY
    if isinstance(event, events.MouseDown):
        return Kind.DOWN
    return Kind.UP if isinstance(event, events.MouseUp) else Kind.OTHER


def _is_modifier(meant: Sequence[Message]) -> bool:
    """Return whether it is a modifier key alone, such as Shift: kitty's keyboard protocol reports these as keys."""
    return bool(meant) and all(
        isinstance(event, events.Key) and event.key in MODIFIER_FUNCTIONAL_KEYS for event in meant
    )


def _is_move(meant: Sequence[Message]) -> bool:
    return bool(meant) and all(isinstance(event, events.MouseMove) for event in meant)
