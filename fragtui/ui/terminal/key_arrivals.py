"""When input arrived, and whether a key or a click arrived alone: pasted text and programs' input do not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

ALONE = 0.15
"""Seconds before and after a deliberate key without other input."""
AFTER_PASTE = 1.0
"""Seconds after a paste in which no key is deliberate."""


class Kind(Enum):
    """The kind of an input."""

    KEY = auto()
    DOWN = auto()
    UP = auto()
    OTHER = auto()
    """Scrolling, a report of the terminal, a part of a sequence, several things at once."""


class KeyArrival(NamedTuple):
    """One read of the terminal."""

    at: float
    """Seconds of the monotonic clock."""
    kind: Kind


class Press(NamedTuple):
    """A key, or a click from press to release of its button; seconds of the monotonic clock."""

    first: float
    last: float


class KeyArrivals:
    """The recent input. The input thread notes it, the screen's thread reads it; each change is one call of a deque."""

    def __init__(self) -> None:
        self.pasted = -math.inf
        """When a paste was last in progress, seconds of the monotonic clock."""
        self.more_waits: Callable[[], bool] = lambda: False
        """Returns whether the terminal sent something that has not been read."""
        self._lately: deque[KeyArrival] = deque(maxlen=256)

    def note(self, at: float, kind: Kind) -> None:
        """Note an input."""
        self._lately.append(KeyArrival(at, kind))

    def note_paste(self, at: float) -> None:
        """Note that a paste begins, continues or ends."""
        self.pasted = at

    def newest(self) -> Press | None:
        """Return the last key or click, None if the last input was neither."""
        lately = list(self._lately)
        if not lately or lately[-1].kind not in (Kind.KEY, Kind.UP):
            return None
        last = lately[-1].at
        if lately[-1].kind is Kind.KEY:
            return Press(last, last)
        return next((Press(one.at, last) for one in reversed(lately) if one.kind is Kind.DOWN), None)

    def is_alone(self, press: Press) -> bool:
        """Return whether nothing else arrived within `ALONE` seconds before it, or since then within as long after it.

        A button that is pressed and released in one read was not pressed by a person.
        """
        near = [one for one in list(self._lately) if press.first - ALONE < one.at < press.last + ALONE]
        wanted = [KeyArrival(press.first, Kind.KEY)]
        if press.first != press.last:
            wanted = [KeyArrival(press.first, Kind.DOWN), KeyArrival(press.last, Kind.UP)]
        return near == wanted and not self.more_waits()
