"""Splits the input of a terminal into whole keys, reports and pastes, for any division into reads.

Textual's parser passes on an unknown or interrupted escape sequence as the keys of its characters, even inside a
bracketed paste. Here a sequence stays one piece, and the text between the markers of a paste stays one text: both
depend only on the order of the characters, and time matters only for a lone Escape.
"""

from __future__ import annotations

from typing import NamedTuple

ESC = "\x1b"
BEL = "\x07"
OSC_COLOUR = f"{ESC}]11;"
"""Begins a terminal's report of its ground, a string that BEL or ESC and a backslash end."""
PASTE_BEGINS = "\x1b[200~"
PASTE_ENDS = "\x1b[201~"
MAX_SEQUENCE = 32
"""Characters of the longest escape sequence that means something (as Textual's parser has it)."""
MAX_PASTE = 65_536
"""Characters that are kept of one paste."""
_MAX_HELD = 64
"""Characters that are kept of a sequence that does not end; longer than `MAX_SEQUENCE`, so that it stays unknown."""


class Piece(NamedTuple):
    """One key, report, or paste."""

    text: str
    """The characters as received; for a paste, those between its markers."""
    pasted: bool = False
    sure: bool = True
    """False for a key that may be part of a marker that arrived in pieces."""


class Pieces:
    """The pieces of one terminal's input."""

    def __init__(self) -> None:
        self._held = ""
        """The beginning of an escape sequence."""
        self._ghost = ""
        """The part of a marker that was passed on as keys because its Escape counted as the key."""
        self._paste: str | None = None
        """The text so far of a paste that has not ended."""
        self._paste_tail = ""
        """The last characters inside the paste, which may begin its end."""

    @property
    def pasting(self) -> bool:
        """Whether a paste has begun and not ended."""
        return self._paste is not None

    @property
    def unfinished(self) -> bool:
        """Whether a sequence has begun and not ended."""
        return bool(self._held)

    @property
    def in_doubt(self) -> bool:
        """Whether the waiting characters are a key if nothing follows: Escape, Alt+O, or Alt+]."""
        return self._held in (ESC, f"{ESC}O", f"{ESC}]")

    def feed(self, text: str) -> list[Piece]:
        """Return the pieces that these characters complete."""
        done: list[Piece] = []
        at = 0
        while at < len(text):
            if self._paste is not None:
                at = self._take_pasted(text, at, done)
            else:
                self._take(text[at], done)
                at += 1
        return done

    def time_out(self) -> list[Piece]:
        """Return the key that `in_doubt` is about: nothing followed."""
        done: list[Piece] = []
        if self.in_doubt:
            self._ghost = ESC if self._held == ESC else ""
            self._end(done)
        return done

    def end_paste(self) -> list[Piece]:
        """Return the paste whose end was lost."""
        text = (self._paste or "") + self._paste_tail
        self._paste, self._paste_tail = None, ""
        return [Piece(text, pasted=True)]

    def _take(self, character: str, done: list[Piece]) -> None:
        if not self._held:
            if character == ESC:
                self._held = ESC
            elif not self._continues_marker(character, done):
                done.append(Piece(character))
            return
        if self._held.startswith(f"{ESC}]"):
            self._take_report(character, done)
            return
        if character == ESC:
            self._end(done)
            self._held = ESC
            return
        if self._is_cut_off_by(character):
            self._end(done)
            self._take(character, done)
            return
        if len(self._held) < _MAX_HELD:
            self._held += character
        if self._is_whole(character):
            self._end(done)

    def _take_report(self, character: str, done: list[Piece]) -> None:
        """Take a character after Escape and a bracket: all up to the end of a report stays one piece.

        What begins otherwise is the key Alt and bracket. A report that is too long or holds a control character ends
        there: it can't swallow keys for ever.
        """
        held = self._held
        if not (held + character).startswith(OSC_COLOUR[: len(held) + 1]):
            self._held = held[:2]
            self._end(done)
            for key in held[2:] + character:
                self._take(key, done)
        elif held.endswith(ESC) and character != "\\":
            self._held = held[:-1]
            self._end(done)
            self._held = ESC
            self._take(character, done)
        elif " " <= character <= "~" and not held.endswith(ESC):
            self._held += character
            if len(self._held) >= _MAX_HELD:
                self._end(done)
        elif character in (BEL, "\\"):
            self._held += character
            self._end(done)
        elif character == ESC:
            self._held += ESC
        else:
            self._end(done)
            self._take(character, done)

    def _is_cut_off_by(self, character: str) -> bool:
        """Return whether a control sequence can't hold this character (ECMA-48 5.4)."""
        is_control = self._held.startswith(f"{ESC}[") and not self._held.startswith(f"{ESC}[M")
        return is_control and not " " <= character <= "~"

    def _is_whole(self, character: str) -> bool:
        """Return whether the sequence ends with this character."""
        held = self._held
        if held.startswith(f"{ESC}[M"):  # a click as X10 reports it: three characters follow
            return len(held) >= 6
        if held.startswith(f"{ESC}[["):  # F1 to F5 of the Linux console: one character follows
            return len(held) >= 4
        if held.startswith(f"{ESC}["):
            return len(held) > 2 and "@" <= character <= "~"
        return held not in (f"{ESC}O", f"{ESC}]")

    def _end(self, done: list[Piece]) -> None:
        """Pass on the waiting characters."""
        piece, self._held = self._held, ""
        self._begin_or(piece, done, Piece(piece))

    def _begin_or(self, marker: str, done: list[Piece], piece: Piece) -> None:
        """Begin a paste at its start marker, report one at an end marker, else pass on `piece`."""
        if marker == PASTE_BEGINS:
            self._paste = ""
        elif marker == PASTE_ENDS:
            done.append(Piece("", pasted=True))
        else:
            done.append(piece)

    def _continues_marker(self, character: str, done: list[Piece]) -> bool:
        """Take the next character of a marker whose Escape counted as the key because the rest was late."""
        ghost, self._ghost = self._ghost + character, ""
        if len(ghost) < 2 or not any(marker.startswith(ghost) for marker in (PASTE_BEGINS, PASTE_ENDS)):
            return False
        if len(ghost) < len(PASTE_BEGINS):
            self._ghost = ghost
        self._begin_or(ghost, done, Piece(character, sure=False))
        return True

    def _take_pasted(self, text: str, at: int, done: list[Piece]) -> int:
        """Take the text of a paste from `at` on; return the index of its end."""
        waiting = self._paste_tail + text[at:]
        end = waiting.find(PASTE_ENDS)
        keep = len(waiting) - len(PASTE_ENDS) + 1 if end < 0 else end
        kept = self._paste or ""
        self._paste = kept + waiting[: max(0, min(keep, MAX_PASTE - len(kept)))]
        if end < 0:
            self._paste_tail = waiting[max(0, keep) :]
            return len(text)
        self._paste_tail = ""
        done.extend(self.end_paste())
        return len(text) - (len(waiting) - end - len(PASTE_ENDS))
