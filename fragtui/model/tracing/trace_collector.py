"""Events of a trace -> rows: one event after the other, flat memory for any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from fragtui.kernel.tracing.event_lines import TraceEvent
from fragtui.model.tracing.trace_batch import DeniedRequests, Fragmentation, Task, TraceBatch, Wait, Waits
from fragtui.text import bounded_int

MAX_ROWS = 128
"""Rows of each kind in a batch; of more, those of further tasks are one row."""
MAX_OPEN = 4096
"""Tasks that are waited for; beyond it the oldest begin is forgotten."""
OTHERS = Task("(other tasks)")
_MAX_ORDER = 64
_ASKED_SECONDS = 1.0
"""Seconds after an attempt at direct compaction within which the task's next compaction belongs to it."""
_MIGRATETYPES = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate")
_OLD_MIGRATETYPES = ("Unmovable", "Reclaimable", "Movable", "Reserve", "CMA", "Isolate")
"""Up to 4.3: include/linux/mmzone.h."""

K = TypeVar("K")
V = TypeVar("V")
CgroupOf = Callable[[int, str], str | None]
"""Returns the cgroup of a task by its pid and name; None if it is not known."""


class _Asked(NamedTuple):
    """A wait, or an attempt at direct compaction: seconds of the trace, and the order."""

    at: float
    order: int | None
    waited: bool = True
    """Whether it counts as a wait, as compact_stall of vmstat does: it compacted, or the kernel put that off.

    An attempt that finds no zone to compact is neither (mm/page_alloc.c, __alloc_pages_direct_compact, 4.x to 6.18).
    """


class _Known(NamedTuple):
    """A row, for events with the same fields; these stay the same object as long as they are kept here."""

    fields: dict[str, str]
    row: list[int]
    mixed: int


class TraceCollector:
    """Counts events until `batch` takes the counts. Waits last from one batch to the next."""

    def __init__(self, cgroup_of: CgroupOf, *, old_migratetypes: bool = False) -> None:
        """`old_migratetypes`: the kernel is older than 4.4 and numbers them in another way."""
        self._cgroup_of = cgroup_of
        self._names = _OLD_MIGRATETYPES if old_migratetypes else _MIGRATETYPES
        self._denied: dict[tuple[Task, int | None, str, str], list[int]] = {}
        self._fragmented: dict[tuple[Task, str, str], list[int]] = {}
        self._waited: dict[tuple[Task, int | None, Wait], list[float]] = {}
        self._begun: dict[tuple[int, Wait], _Asked] = {}
        self._asked: dict[int, _Asked] = {}
        self._same: dict[tuple[int, str, int, bool], _Known] = {}
        """The rows of events by task and the identity of their fields, which the parser shares."""

    def take(self, events: Iterable[TraceEvent]) -> None:
        """Count events in their order; unknown ones are ignored."""
        same = self._same
        for event in events:
            known = same.get((event.pid, event.comm, id(event.fields), event.no_page))
            if known is not None:
                known.row[0] += 1
                known.row[1] += known.mixed
            elif (taker := _TAKERS.get(event.name)) is not None:
                taker(self, event)

    def batch(self, time: float, lost: int = 0, parts: tuple[str, ...] = ()) -> TraceBatch:
        """Return what was counted since the last batch."""
        batch = TraceBatch(
            time,
            tuple(DeniedRequests(*key, counts[0]) for key, counts in self._denied.items()),
            tuple(Fragmentation(*key, *counts) for key, counts in self._fragmented.items()),
            tuple(Waits(*key, int(count), seconds, most) for key, (count, seconds, most) in self._waited.items()),
            lost,
            parts,
        )
        self._denied, self._fragmented, self._waited = {}, {}, {}
        self._same.clear()
        return batch

    def _know(self, event: TraceEvent, row: list[int], mixed: int) -> None:
        """Remember the row of an event for those alike: looking it up again would take twice the CPU."""
        if len(self._same) < MAX_OPEN:
            known = _Known(event.fields, row, mixed)
            self._same[event.pid, event.comm, id(event.fields), event.no_page] = known

    def _task(self, event: TraceEvent) -> Task:
        return Task(event.comm, self._cgroup_of(event.pid, event.comm))

    def _take_allocation(self, event: TraceEvent) -> None:
        """Count a denied request. Served ones are only in a trace of another tool."""
        if event.no_page:
            order, flags = _order(event, "order"), event.fields.get("gfp_flags", "")
            key = (self._task(event), order, flags, self._migratetype(event.fields.get("migratetype")))
            row = _row(self._denied, key, (OTHERS, order, "", ""), [0, 0])
            row[0] += 1
            self._know(event, row, 0)

    def _take_fragmentation(self, event: TraceEvent) -> None:
        fields = event.fields
        wanted = self._migratetype(fields.get("alloc_migratetype"))
        taken = self._migratetype(fields.get("fallback_migratetype"))
        order, broken = _order(event, "alloc_order") or 0, _order(event, "fallback_order") or 0
        mixed = int(fields.get("change_ownership") == "0" and fields.get("fragmenting") != "0")
        row = _row(self._fragmented, (self._task(event), wanted, taken), (OTHERS, wanted, taken), [0, 0, 0, 0])
        row[:] = row[0] + 1, row[1] + mixed, max(row[2], order), max(row[3], broken)
        self._know(event, row, mixed)

    def _take_attempt(self, event: TraceEvent) -> None:
        _put(self._asked, event.pid, _Asked(event.at, _order(event, "order"), waited=False))

    def _defer(self, event: TraceEvent) -> None:
        self._attempt(event)

    def _begin(self, event: TraceEvent, kind: Wait) -> None:
        order = _order(event, "order")
        begun = _Asked(event.at, order)
        if kind == "compaction":
            # The wait begins with the attempt, as for PSI; that for a further zone with its own event.
            if (asked := self._attempt(event)) is None:
                return
            begun = asked if not asked.waited else _Asked(event.at, asked.order)
        else:
            self._wait(event, order, kind)[0] += 1
        _put(self._begun, (event.pid, kind), begun)

    def _attempt(self, event: TraceEvent) -> _Asked | None:
        """Return the attempt at direct compaction that an event is about, counted once; None if it is about none.

        kcompactd and writes of compact_memory compact without a request that waits.
        """
        asked = self._asked.get(event.pid)
        if asked is None or not 0 <= event.at - asked.at < _ASKED_SECONDS:
            return None
        if not asked.waited:
            _put(self._asked, event.pid, asked._replace(waited=True))
            self._wait(event, asked.order, "compaction")[0] += 1
        return asked

    def _end(self, event: TraceEvent, kind: Wait) -> None:
        if (begun := self._begun.pop((event.pid, kind), None)) is None or event.at < begun.at:
            return
        row = self._wait(event, begun.order, kind)
        row[1:] = row[1] + event.at - begun.at, max(row[2], event.at - begun.at)
        if kind == "compaction":
            _put(self._asked, event.pid, _Asked(event.at, begun.order))

    def _wait(self, event: TraceEvent, order: int | None, kind: Wait) -> list[float]:
        return _row(self._waited, (self._task(event), order, kind), (OTHERS, order, kind), [0.0, 0.0, 0.0])

    def _migratetype(self, number: str | None) -> str:
        at = bounded_int(number, len(self._names) - 1)
        return "unknown" if at is None else self._names[at]


def _order(event: TraceEvent, name: str) -> int | None:
    return bounded_int(event.fields.get(name), _MAX_ORDER)


def _row(table: dict[K, V], key: K, others: K, empty: V) -> V:
    """Return the row of a key, which is made if there is room for it; else that of all others."""
    if key in table or len(table) < MAX_ROWS:
        return table.setdefault(key, empty)
    return table.setdefault(others, empty)


def _put(table: dict[K, _Asked], key: K, value: _Asked) -> None:
    table.pop(key, None)
    table[key] = value
    if len(table) > MAX_OPEN:
        del table[next(iter(table))]


_Taker = Callable[[TraceCollector, TraceEvent], None]
_TAKERS: dict[str, _Taker] = {
    "mm_page_alloc": TraceCollector._take_allocation,
    "mm_page_alloc_extfrag": TraceCollector._take_fragmentation,
    "mm_compaction_try_to_compact_pages": TraceCollector._take_attempt,
    "mm_compaction_deferred": TraceCollector._defer,
    "mm_compaction_begin": lambda collector, event: collector._begin(event, "compaction"),
    "mm_compaction_end": lambda collector, event: collector._end(event, "compaction"),
    "mm_vmscan_direct_reclaim_begin": lambda collector, event: collector._begin(event, "reclaim"),
    "mm_vmscan_direct_reclaim_end": lambda collector, event: collector._end(event, "reclaim"),
}
