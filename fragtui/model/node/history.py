"""The last minutes of every zone's free blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fragtui.model.node.snapshot import Snapshot, ZoneKey
from fragtui.model.node.verdict import State, Thresholds, state_of_counts

TICKS = 1200
_SERIES = 64
"""Series kept up to date at once: those on screen and some recent ones."""


Blocks = dict[ZoneKey, tuple[int, ...]]


class Run(NamedTuple):
    """The ticks up to the newest one that have the same state, by free blocks alone."""

    state: State
    start: float
    """Monotonic seconds of the first of them."""
    whole: bool
    """Whether it is the oldest tick that is known: the state may have begun earlier."""


class History:
    """Free blocks of each zone at the last ticks; a tick that could not be read is a gap, not a zero."""

    def __init__(self, ticks: int = TICKS) -> None:
        self._ticks: deque[tuple[float, Blocks | None]] = deque(maxlen=ticks)
        self._noted = 0
        self._largest: dict[ZoneKey, int] = {}
        self._series: dict[tuple[object, ...], _Series] = {}
        self._runs: _Runs | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Add one snapshot."""
        zones = snapshot.zones
        self.note(snapshot.monotonic, {zone.key: zone.free_blocks for zone in zones} if zones is not None else None)

    def note(self, monotonic: float, blocks: Blocks | None) -> None:
        """Add the free blocks of one tick; None if they could not be read."""
        # What every repaint needs is computed once per tick.
        made = None if blocks is None else {key: _blocks_made(counts) for key, counts in blocks.items()}
        self._ticks.append((monotonic, made))
        for key, counts in (blocks or {}).items():
            self._largest[key] = max(self._largest.get(key, 0), *counts)
        self._noted += 1

    def largest(self, key: ZoneKey) -> int:
        """Return the most blocks of any one order that this zone ever had, 0 if it was never read."""
        return self._largest.get(key, 0)

    def series(self, keys: Iterable[ZoneKey], order: int, seconds: float, points: int) -> tuple[int | None, ...]:
        """Return the blocks of `order` in these zones over the last `seconds`, oldest first, one value per point.

        A point covers an equal span of time (see `place_in`) and holds its lowest value: a short shortage must
        not be averaged away. A span without a reading is None.
        """
        if not self._ticks or points <= 0:
            return (None,) * max(0, points)
        zones = tuple(keys)
        wanted = (zones, order, seconds, points)
        if wanted not in self._series:
            if len(self._series) >= _SERIES:
                self._series.clear()
            self._series[wanted] = _Series(zones, order, seconds / points)
        series = self._series[wanted]
        fresh = min(self._noted - series.taken, len(self._ticks))
        for place in range(len(self._ticks) - fresh, len(self._ticks)):
            series.take(*self._ticks[place])
        series.taken = self._noted
        return series.last(points)

    def run(self, keys: Iterable[ZoneKey], order: int, thresholds: Thresholds) -> Run | None:
        """Return since when these zones have had the state that the newest tick shows for `order`; None if unknown.

        Watermarks are not remembered: blocks that the kernel keeps count as free. A tick without a reading is skipped.
        """
        zones = tuple(keys)
        if self._runs is None or (self._runs.zones, self._runs.order, self._runs.thresholds) != (
            zones,
            order,
            thresholds,
        ):
            self._runs = _Runs(zones, order, thresholds)
        runs = self._runs
        fresh = min(self._noted - runs.taken, len(self._ticks))
        for place in range(len(self._ticks) - fresh, len(self._ticks)):
            runs.take(*self._ticks[place])
        runs.taken = self._noted
        return runs.run


class _Runs:
    """The run of one order, extended at each tick."""

    def __init__(self, zones: tuple[ZoneKey, ...], order: int, thresholds: Thresholds) -> None:
        self.taken = 0
        self.zones = zones
        self.order = order
        self.thresholds = thresholds
        self.run: Run | None = None

    def take(self, at: float, made: Blocks | None) -> None:
        counts: dict[int, list[int]] = {}
        for zone in self.zones:
            row = made.get(zone) if made else None
            if row is not None and self.order < len(row):
                of_node = counts.setdefault(zone[0], [0, 0])
                of_node[0] += row[self.order]
                of_node[1] += row[0]
        if not counts:
            return
        nodes = [(blocks, pages) for blocks, pages in counts.values()]
        state = state_of_counts(self.order, nodes, self.thresholds)
        if self.run is None or self.run.state is not state:
            self.run = Run(state, at, self.run is None)


class _Series:
    """One drawn series, extended at each tick: going through all ticks at each repaint took half of a tick's time."""

    def __init__(self, zones: tuple[ZoneKey, ...], order: int, span: float) -> None:
        self.taken = 0
        self._zones = zones
        self._order = order
        self._span = span
        self._lowest: dict[int, int] = {}
        self._newest = 0

    def take(self, at: float, made: Blocks | None) -> None:
        self._newest = place = int(at // self._span)
        there = [made[zone] for zone in self._zones if zone in made] if made else ()
        if there:
            value = sum(counts[self._order] for counts in there if self._order < len(counts))
            self._lowest[place] = min(value, self._lowest.get(place, value))

    def last(self, points: int) -> tuple[int | None, ...]:
        first = self._newest - points + 1
        if len(self._lowest) > 2 * points:
            self._lowest = {place: value for place, value in self._lowest.items() if place >= first}
        return tuple(map(self._lowest.get, range(first, self._newest + 1)))


def place_in(at: float, now: float, seconds: float, points: int) -> int | None:
    """Return the point of a series that a time falls into, None before its first; both in monotonic seconds.

    Spans start at whole multiples of their length, so that the drawing moves one point at a time.
    """
    span = seconds / points
    place = int(at // span) - (int(now // span) - points + 1)
    return min(place, points - 1) if place >= 0 else None


def _blocks_made(free_blocks: Sequence[int]) -> tuple[int, ...]:
    """Return, for each order, how many blocks of it the free blocks of that and higher orders give."""
    made: list[int] = []
    above = 0
    for count in reversed(free_blocks):
        above = 2 * above + count
        made.append(above)
    return tuple(reversed(made))
