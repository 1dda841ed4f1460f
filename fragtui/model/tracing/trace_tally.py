"""The sums of a trace: exact in total and by order, by task as far as tasks are remembered."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fragtui.model.tracing.trace_batch import DeniedRequests, Fragmentation, Task, TraceBatch, Waits
from fragtui.model.tracing.trace_collector import OTHERS

WINDOW = 300.0
"""Seconds of the rates and of the top tables: five minutes."""
MAX_SECONDS = 1200
"""Batches that are remembered: 20 minutes at one a second."""
MAX_ROWS_KEPT = 20_000
"""Rows of them, about 5 MB: of a flood of tasks fewer batches are remembered."""
MAX_KEYS = 512
"""Groups of denied requests that are remembered; of more, those of the smallest count as of other tasks."""
MAX_MARKS = 256
BATCH_SECONDS = 1.0
"""Seconds between two batches while there are events."""


class DeniedGroup(NamedTuple):
    """Denied requests of one task, order, flags and migratetype since the trace began."""

    task: Task
    order: int | None
    flags: str
    migratetype: str
    times: int
    last: float
    """Seconds since the epoch, of the batch that brought the last one."""


class Stalled(NamedTuple):
    """The waits in a span of time."""

    seconds: float
    times: int
    most: Waits | None
    """The task and order that waited longest; None if none waited."""


@dataclass(slots=True)
class TraceTally:
    """Adds up the batches of one trace."""

    since: float
    """Seconds since the epoch of the first batch, when the trace began."""
    whole: bool = False
    """Whether tables and rates are over the whole trace, as of a saved one, and not over the last minutes."""
    until: float = 0.0
    """That of the last batch."""
    ended: str | None = None
    """Why it has ended, empty if it was switched off; None while it runs."""
    parts: tuple[str, ...] = ()
    """Why parts of it are off on this kernel."""
    lost: int = 0
    """Events that the kernel dropped: with any, all counts are lower bounds."""
    denied_by_order: Counter[int | None] = field(default_factory=Counter)
    marks: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_MARKS))
    """When requests were denied, seconds since the epoch."""
    _denied: dict[tuple[Task, int | None, str, str], DeniedGroup] = field(default_factory=dict)
    _batches: deque[TraceBatch] = field(default_factory=deque)
    _rows: int = 0
    """Rows of these batches."""

    @property
    def running(self) -> bool:
        """Whether the trace has not ended."""
        return self.ended is None

    @property
    def exact(self) -> bool:
        """Whether no event was lost."""
        return not self.lost

    @property
    def denied(self) -> int:
        """Requests that were denied since the trace began."""
        return self.denied_by_order.total()

    def take(self, batch: TraceBatch) -> None:
        """Add a batch."""
        self.until, self.ended, self.parts = batch.time, batch.ended, batch.parts or self.parts
        self.lost += batch.lost
        for row in batch.denied:
            self._take_denied(row, batch.time)
        if batch.denied:
            self.marks.append(batch.time)
        if batch.fragmented or batch.waited:
            self._batches.append(batch)
            self._rows += _rows_of(batch)
            while len(self._batches) > MAX_SECONDS or self._rows > MAX_ROWS_KEPT:
                self._rows -= _rows_of(self._batches.popleft())

    def _take_denied(self, row: DeniedRequests, time: float) -> None:
        self.denied_by_order[row.order] += row.times
        key = row[:4]
        if key not in self._denied and len(self._denied) >= MAX_KEYS:
            self._forget()
        before = self._denied[key].times if key in self._denied else 0
        self._denied[key] = DeniedGroup(*key, before + row.times, time)

    def _forget(self) -> None:
        """Merge an eighth of the groups at once: to look for the smallest at each new one takes too long."""
        for group in sorted(self._denied.values(), key=lambda group: (group.times, group.last))[: MAX_KEYS // 8]:
            del self._denied[group[:4]]
            key = (OTHERS, group.order, "", "")
            other = self._denied.get(key)
            count, last = (other.times, other.last) if other else (0, 0.0)
            self._denied[key] = DeniedGroup(*key, count + group.times, max(last, group.last))

    def copy(self) -> TraceTally:
        """Return the sums as they are now."""
        return replace(
            self, denied_by_order=self.denied_by_order.copy(), marks=self.marks.copy(), _denied=self._denied.copy(),
            _batches=self._batches.copy())  # fmt: skip

    @property
    def groups(self) -> tuple[DeniedGroup, ...]:
        """The denied requests since the trace began, the newest group first."""
        return tuple(sorted(self._denied.values(), key=lambda group: (group.last, group.times), reverse=True))

    def fragmenters(self, most: int = 10) -> tuple[Fragmentation, ...]:
        """Return who fragmented in the last `WINDOW` seconds: unmovable into movable first, then by count."""
        rows: dict[tuple[Task, str, str], Fragmentation] = {}
        for row in (row for batch in self._recent(WINDOW) for row in batch.fragmented):
            old = rows.get(row[:3])
            rows[row[:3]] = row if old is None else Fragmentation(
                *row[:3], old.times + row.times, old.mixed + row.mixed, max(old.order, row.order),
                max(old.broken, row.broken))  # fmt: skip
        return tuple(sorted(rows.values(), key=lambda row: (harm(row), row.times), reverse=True)[:most])

    def waits(self, most: int = 10) -> tuple[Waits, ...]:
        """Return who waited in the last `WINDOW` seconds, the longest in sum first."""
        return _longest(self._recent(WINDOW))[:most]

    def covers(self, begin: float, end: float) -> bool:
        """Return whether all events between two times, epoch seconds, are known."""
        return self.since <= begin and (self.running or end <= self.until)

    def stalled(self, begin: float, end: float) -> Stalled:
        """Return the waits between two times, epoch seconds: each counts when it was read, up to a second later."""
        rows = _longest(batch for batch in self._batches if begin <= batch.time <= end + BATCH_SECONDS)
        return Stalled(sum(row.seconds for row in rows), sum(row.times for row in rows), rows[0] if rows else None)

    @property
    def window(self) -> float:
        """Seconds that the rates are over: `WINDOW`, or since the trace began; at least one."""
        return max(1.0, self.until - self.since if self.whole else min(WINDOW, self.until - self.since))

    def _recent(self, seconds: float) -> Iterator[TraceBatch]:
        return (batch for batch in self._batches if self.whole or batch.time > self.until - seconds)


def _rows_of(batch: TraceBatch) -> int:
    return len(batch.fragmented) + len(batch.waited)


def harm(row: Fragmentation) -> int:
    """Return 2 for unmovable pages in blocks of movable ones, which stay there, 1 for reclaimable ones, else 0."""
    if row.taken != "Movable" or row.wanted == "Movable":
        return 0
    return 2 if row.wanted == "Unmovable" else 1


def _longest(batches: Iterable[TraceBatch]) -> tuple[Waits, ...]:
    rows: dict[tuple[Task, int | None, str], Waits] = {}
    for row in (row for batch in batches for row in batch.waited):
        old = rows.get(row[:3])
        rows[row[:3]] = row if old is None else Waits(
            *row[:3], old.times + row.times, old.seconds + row.seconds, max(old.longest, row.longest))  # fmt: skip
    return tuple(sorted(rows.values(), key=lambda row: (row.seconds, row.times), reverse=True))
