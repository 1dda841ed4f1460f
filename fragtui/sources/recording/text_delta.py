"""One text of a kernel file as the change of its numbers since the one before: counters move, words stay."""

from __future__ import annotations

import re
from itertools import accumulate

from fragtui.sources.recording.format import Cursor, put_varint

_NUMBER = re.compile(r"((?<! ) *+[0-9]++)")
_MOST_DIGITS = 20
"""Digits of the largest 64-bit number; a text with a longer one is written whole."""
_LEAST_MOST = 256


class NumberedText:
    """A text whose numbers (with the spaces before them) change while what stands between them stays."""

    __slots__ = ("_bases", "_lines", "_pieces", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = text.split("\n")
        self._bases: list[int] | None = None
        """How many numbers stand before each line; made when first needed, then handed on from text to text."""
        self._pieces: list[str] | None = None

    def delta_to(self, new: NumberedText) -> bytes | None:
        """Return what makes the new text of this one, or None where only the whole text can tell."""
        if len(self._lines) != len(new._lines):
            return None
        out = bytearray()
        most = max(_LEAST_MOST, len(new.text) // 3)  # The whole text takes no more, once it is packed.
        last = -1
        bases = self._numbers_before()
        for place, (old_line, new_line) in enumerate(zip(self._lines, new._lines, strict=True)):
            if old_line == new_line:  # Most lines of most ticks: only the others are cut into numbers.
                continue
            old_pieces, new_pieces = _NUMBER.split(old_line), _NUMBER.split(new_line)
            if old_pieces[::2] != new_pieces[::2]:
                return None
            pairs = zip(old_pieces[1::2], new_pieces[1::2], strict=True)
            for index, (old, now) in enumerate(pairs, bases[place]):
                if old == now:
                    continue
                if _is_long(now) or _is_long(old):
                    return None
                if len(out) > most:
                    return None
                change = int(now) - int(old)
                for layout in range(3):
                    if _changed(old, change, layout) == now:
                        break
                else:
                    return None
                out += put_varint(index - last)
                out += put_varint(layout + 3 * (change << 1 if change >= 0 else (-change << 1) - 1))
                last = index
        new._bases = bases
        return bytes(out)

    def changed_by(self, delta: bytes) -> NumberedText:
        """Return the text that a delta makes of this one; raise ValueError for a delta of another text."""
        pieces = list(self._pieces if self._pieces is not None else _NUMBER.split(self.text))
        cursor = Cursor(delta)
        index = -1
        while cursor.more:
            index += cursor.varint()
            change, layout = divmod(cursor.varint(), 3)
            if 2 * index + 1 >= len(pieces):
                raise ValueError("the text has no such number")
            pieces[2 * index + 1] = _changed(
                pieces[2 * index + 1], -(change + 1 >> 1) if change & 1 else change >> 1, layout
            )
        found = NumberedText("".join(pieces))
        found._pieces = pieces
        return found

    def _numbers_before(self) -> list[int]:
        if self._bases is None:
            counts = (len(_NUMBER.findall(line)) for line in self._lines)
            self._bases = [0, *accumulate(counts)]
        return self._bases


def _is_long(number: str) -> bool:
    return len(number) > _MOST_DIGITS and len(number.lstrip(" ")) > _MOST_DIGITS


def _changed(old: str, change: int, layout: int) -> str:
    """Return a number changed: with the same spaces before it, in the same width, or with zeros before it."""
    digits = old.lstrip(" ")
    if len(digits) > 2 * _MOST_DIGITS:
        raise ValueError("a number too long")
    value = int(digits) + change
    if layout == 0:
        return f"{old[: len(old) - len(digits)]}{value}"
    if layout == 1:
        return str(value).rjust(len(old))
    return " " * (len(old) - len(digits)) + str(value).zfill(len(digits))
