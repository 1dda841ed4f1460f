"""The last minutes of every zone's free blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from fragtui.model.fragmentation import blocks_of
from fragtui.model.snapshot import Snapshot, ZoneKey

TICKS = 1200


class History:
    """The free blocks of each zone at the last ticks; a tick that could not be read is a gap, not a zero."""

    def __init__(self, ticks: int = TICKS) -> None:
        self._ticks: deque[tuple[float, dict[ZoneKey, tuple[int, ...]] | None]] = deque(maxlen=ticks)

    def add(self, snapshot: Snapshot) -> None:
        """Note one snapshot."""
        zones = snapshot.zones
        self.note(snapshot.monotonic, {zone.key: zone.free_blocks for zone in zones} if zones is not None else None)

    def note(self, monotonic: float, blocks: dict[ZoneKey, tuple[int, ...]] | None) -> None:
        """Note the free blocks of one tick; None where they could not be read."""
        self._ticks.append((monotonic, blocks))

    def series(self, key: ZoneKey, order: int, seconds: float, points: int) -> tuple[int | None, ...]:
        """Return the blocks of `order` that the zone had over the last `seconds`, oldest first, one value a point.

        A point covers an equal span and holds the lowest value in it (a short famine must not be averaged away);
        a span without a reading is None.
        """
        if not self._ticks or points <= 0:
            return (None,) * max(0, points)
        end = self._ticks[-1][0]
        span = seconds / points
        lowest: list[int | None] = [None] * points
        for at, blocks in self._recent(end - seconds):
            index = min(points - 1, int((at - (end - seconds)) / span))
            counts = blocks.get(key) if blocks else None
            if counts is not None:
                value = blocks_of(counts, order)
                before = lowest[index]
                lowest[index] = value if before is None else min(before, value)
        return tuple(lowest)

    def _recent(self, since: float) -> Iterator[tuple[float, dict[ZoneKey, tuple[int, ...]] | None]]:
        for tick in reversed(self._ticks):
            if tick[0] < since:
                return
            yield tick
