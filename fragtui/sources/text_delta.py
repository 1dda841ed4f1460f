"""One text of a kernel file as the change of its numbers since the one before: counters move, words stay."""

from __future__ import annotations

import re

from fragtui.sources.recording_format import Cursor, put_varint

_NUMBER = re.compile(r"( *[0-9]+)")


class NumberedText:
    """A text cut into its numbers (with the spaces before them) and what stands between."""

    __slots__ = ("_pieces", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._pieces = _NUMBER.split(text)

    def delta_to(self, new: NumberedText) -> bytes | None:
        """Return what makes the new text of this one, or None where only the whole text can tell."""
        old_pieces, new_pieces = self._pieces, new._pieces
        if old_pieces[::2] != new_pieces[::2]:
            return None
        out = bytearray()
        last = -1
        pairs = zip(old_pieces[1::2], new_pieces[1::2], strict=True)
        for index, (old, now) in [(index, pair) for index, pair in enumerate(pairs) if pair[0] != pair[1]]:
            change = int(now) - int(old)
            layout = next((layout for layout in range(3) if _changed(old, change, layout) == now), None)
            if layout is None:
                return None
            out += put_varint(index - last)
            out += put_varint(layout + 3 * (change << 1 if change >= 0 else (-change << 1) - 1))
            last = index
        return bytes(out)

    def changed_by(self, delta: bytes) -> NumberedText:
        """Return the text that a delta makes of this one; raise ValueError for a delta of another text."""
        pieces = list(self._pieces)
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
        found = NumberedText.__new__(NumberedText)
        found._pieces = pieces
        found.text = "".join(pieces)
        return found


def _changed(old: str, change: int, layout: int) -> str:
    """Return a number changed: with the same spaces before it, in the same width, or with zeros before it."""
    value = int(old) + change
    digits = old.lstrip(" ")
    if layout == 0:
        return " " * (len(old) - len(digits)) + str(value)
    if layout == 1:
        return str(value).rjust(len(old))
    return " " * (len(old) - len(digits)) + str(value).zfill(len(digits))
