"""The time of the view: now, or the moment of a recording that is shown."""

from __future__ import annotations

import time


class Clock:
    """One for the process, as there is one screen."""

    _shown: float | None = None

    def show(self, at: float | None) -> None:
        """Set the time to an epoch second; None for the current time."""
        self._shown = at

    def now(self) -> float:
        """Return the epoch second that ages on screen are counted from."""
        return time.time() if self._shown is None else self._shown


CLOCK = Clock()
