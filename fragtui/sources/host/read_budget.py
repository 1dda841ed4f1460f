"""How often a costly file may be read."""

from __future__ import annotations


class ReadBudget:
    """Keeps the measured time of reading a file under a share of all time, and reads at most once in `least` seconds.

    For /proc/pagetypeinfo the time of the read is an upper bound of the time for which a zone lock is held with
    interrupts off.
    """

    def __init__(self, share: float, least: float = 0.0) -> None:
        """`share` (0..1) is the largest share of time for reading, `least` the seconds between readings."""
        self.share = share
        self.least = least
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """Return whether the file may be read at `now` (monotonic seconds)."""
        return now >= self._next

    def took(self, now: float, seconds: float) -> None:
        """Count a reading that ended at `now` and took `seconds`; an early reading delays the next one."""
        self._next = max(now + self.least, max(now, self._next) + seconds / self.share)
