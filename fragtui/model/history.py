"""The last minutes of every zone's free blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from fragtui.model.snapshot import Snapshot, ZoneKey

TICKS = 1200


Blocks = dict[ZoneKey, tuple[int, ...]]


class History:
    """The free blocks of each zone at the last ticks; a tick that could not be read is a gap, not a zero."""

    def __init__(self, ticks: int = TICKS) -> None:
        self._ticks: deque[tuple[float, Blocks | None]] = deque(maxlen=ticks)

    def add(self, snapshot: Snapshot) -> None:
        """Note one snapshot."""
        zones = snapshot.zones
        self.note(snapshot.monotonic, {zone.key: zone.free_blocks for zone in zones} if zones is not None else None)

    def note(self, monotonic: float, blocks: Blocks | None) -> None:
        """Note the free blocks of one tick; None where they could not be read."""
        # What is asked for at every repaint is reckoned once a tick.
        made = None if blocks is None else {key: _blocks_made(counts) for key, counts in blocks.items()}
        self._ticks.append((monotonic, made))

    def series(self, keys: Iterable[ZoneKey], order: int, seconds: float, points: int) -> tuple[int | None, ...]:
        """Return the blocks of `order` in these zones over the last `seconds`, oldest first, one value a point.

        A point covers an equal span and holds the lowest value in it (a short famine must not be averaged away);
        a span without a reading is None.
        """
        if not self._ticks or points <= 0:
            return (None,) * max(0, points)
        end = self._ticks[-1][0]
        span = seconds / points
        wanted = tuple(keys)
        lowest: list[int | None] = [None] * points
        for at, blocks in self._recent(end - seconds):
            index = min(points - 1, int((at - (end - seconds)) / span))
            there = [blocks[key] for key in wanted if key in blocks] if blocks else ()
            if there:
                value = sum(made[order] for made in there if order < len(made))
                before = lowest[index]
                lowest[index] = value if before is None else min(before, value)
        return tuple(lowest)

    def _recent(self, since: float) -> Iterator[tuple[float, Blocks | None]]:
        for tick in reversed(self._ticks):
            if tick[0] < since:
                return
            yield tick


def _blocks_made(free_blocks: Sequence[int]) -> tuple[int, ...]:
    """Return for each order how many blocks of it the free blocks of that and higher orders make."""
    made: list[int] = []
    above = 0
    for count in reversed(free_blocks):
        above = 2 * above + count
        made.append(above)
    return tuple(reversed(made))
