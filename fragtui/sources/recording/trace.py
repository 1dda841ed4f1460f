"""A trace in a recording: its batches as JSON values and back.

They are events of kind ``P``, of which versions without a trace ignore what they don't know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fragtui.model.tracing.trace_batch import DeniedRequests, Fragmentation, Task, TraceBatch, Waits
from fragtui.model.tracing.trace_collector import MAX_ROWS
from fragtui.sources.recording.reader import RecordedEvent
from fragtui.text import epoch_seconds, printable

_NAME = "trace"
_MAX_ROWS = 4 * MAX_ROWS
_MAX_COUNT = 1 << 53
_MAX_ORDER = 64
_MAX_TEXT = 1000
_KINDS = ("compaction", "reclaim")


def trace_facts(batch: TraceBatch) -> list[object]:
    """Return the facts of the event."""
    return [
        _NAME,
        round(batch.time, 3),
        [[*row.task, *row[1:]] for row in batch.denied],
        [[*row.task, *row[1:]] for row in batch.fragmented],
        [[*row.task, *row[1:4], round(row.seconds, 6), round(row.longest, 6)] for row in batch.waited],
        batch.lost,
        list(batch.parts),
        batch.ended,
    ]


def recorded_trace(event: RecordedEvent) -> TraceBatch | None:
    """Return the batch of an event; None if it is another one or invalid."""
    if event.kind != "P" or event.facts[:1] != (_NAME,):
        return None
    try:
        time, denied, fragmented, waited, lost, parts, ended = event.facts[1:]
        return TraceBatch(
            epoch_seconds(_number(time)) or 0.0,
            tuple(_denied(*row) for row in _rows(denied)),
            tuple(_fragmented(*row) for row in _rows(fragmented)),
            tuple(_waited(*row) for row in _rows(waited)),
            _count(lost),
            tuple(_text(part) for part in _rows(parts)),
            None if ended is None else _text(ended),
        )
    except (ValueError, TypeError):
        return None


def _denied(comm: Any, cgroup: Any, order: Any, flags: Any, migratetype: Any, count: Any) -> DeniedRequests:
    return DeniedRequests(_task(comm, cgroup), _order(order), _text(flags), _text(migratetype), _count(count))


def _fragmented(*row: Any) -> Fragmentation:
    comm, cgroup, wanted, taken, count, mixed, order, broken = row
    orders = min(_count(order), _MAX_ORDER), min(_count(broken), _MAX_ORDER)
    return Fragmentation(_task(comm, cgroup), _text(wanted), _text(taken), _count(count), _count(mixed), *orders)


def _waited(*row: Any) -> Waits:
    comm, cgroup, order, kind, count, seconds, longest = row
    if kind not in _KINDS:
        raise ValueError("a wait of no known kind")
    spans = max(0.0, _number(seconds)), max(0.0, _number(longest))
    return Waits(_task(comm, cgroup), _order(order), kind, _count(count), *spans)


def _task(comm: Any, cgroup: Any) -> Task:
    return Task(_text(comm), None if cgroup is None else _text(cgroup))


def _rows(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > _MAX_ROWS:
        raise TypeError("rows")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return printable(value, _MAX_TEXT)


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        raise ValueError("a count")
    return value


def _order(value: Any) -> int | None:
    return None if value is None else min(_count(value), _MAX_ORDER)


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or not abs(value) <= _MAX_COUNT:
        raise ValueError("a number")
    return float(value)
