"""The progress of a long reading: one line on standard error, rewritten, and gone at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from fragtui.commands.cli.output import is_terminal, width_of
from fragtui.sources.saved.explain import OpenLog
from fragtui.sources.saved.read_lines import progress_of

_FIRST_S = 0.5
"""Seconds before the line appears: a short reading needs none."""
_EVERY_S = 0.2
_UNITS = ("KB", "MB", "GB", "TB")


class Progress:
    """Draws `1.2 of 4.0 GB · 131 incidents · 3 s left` if standard error is a terminal, else nothing.

    `position` returns the bytes read so far and of how many, None if that is unknown, as of a pipe. `label` returns
    what was found. A line that others print on the terminal must come after `clear`.
    """

    def __init__(
        self,
        position: Callable[[], tuple[int, int | None]],
        label: Callable[[], str],
    ) -> None:
        self._position = position
        self._label = label
        self._stream = sys.stderr
        self._begun = time.monotonic()
        self._due = self._begun + _FIRST_S
        self._drawn = False
        if not is_terminal(self._stream) or os.environ.get("TERM", "dumb") == "dumb":
            self._due = float("inf")

    def tick(self) -> None:
        """Draw the line if it is due; call it as often as you like."""
        if (now := time.monotonic()) < self._due:
            return
        self._due = now + _EVERY_S
        text = progress_words(*self._position(), self._label(), now - self._begun)
        if not (self._stream.encoding or "").lower().startswith("utf"):
            text = text.replace(" ·", ",")
        self._draw(text)

    def _draw(self, text: str) -> None:
        room = width_of(self._stream) - 1
        self._stream.write(f"\r{text[:room]}\x1b[K")
        self._stream.flush()
        self._drawn = True

    def note(self, text: str) -> None:
        """Draw another text in place of the line, at once."""
        if self._due != float("inf"):
            self._draw(text)

    def clear(self) -> None:
        """Remove the line."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False


def progress_of_logs(logs: Sequence[OpenLog]) -> tuple[int, int | None]:
    """Return how many bytes of the logs are read, and of how many; None if one of them is a pipe."""
    places = [progress_of(log.log) for log in logs]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        return sum(log.cut.bytes for log in logs), None
    return sum(read for read, _ in known), sum(size for _, size in known)


def progress_words(read: int, whole: int | None, label: str, seconds: float) -> str:
    """Return the progress of a reading after `seconds`, and the time left at this speed."""
    if whole is None or whole < read:
        return f"{_size(read, read)} · {label} · {seconds:.0f} s"
    left = (whole - read) * seconds / read if read else None
    tail = "" if left is None else f" · {max(1, round(left))} s left"
    return f"{_size(read, whole, unit=False)} of {_size(whole, whole)} · {label}{tail}"


def _size(size: int, like: int, *, unit: bool = True) -> str:
    """Return a size in the unit that suits `like`, with one decimal."""
    power = 1
    while power < len(_UNITS) and like >= 1000 << (10 * power):
        power += 1
    text = f"{size / (1 << (10 * power)):.1f}"
    return f"{text} {_UNITS[power - 1]}" if unit else text
