"""How often a costly file may be read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """Keep the measured time of reading a file under a share of all time, and never read it more often than `least`.

    For /proc/pagetypeinfo the time of the read is an upper bound of the time for which a zone lock is held with
    interrupts off.
    """

    share: float
    """Largest part of time that reading may take, 0..1."""
    least: float = 0.0
    """Shortest time between two readings, seconds."""
    _next: float = field(default=float("-inf"), init=False)

    def due(self, now: float) -> bool:
        """Tell whether the file may be read at `now` (monotonic seconds)."""
        return now >= self._next

    def took(self, now: float, seconds: float) -> None:
        """Note a reading that ended at `now` and took `seconds`; what was read before its turn is paid for too."""
        self._next = max(now + self.least, max(now, self._next) + seconds / self.share)
