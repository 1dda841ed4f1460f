"""A saved ``trace`` file of tracefs, as the sums of its events."""

from __future__ import annotations

from typing import IO

from fragtui.kernel.tracing.event_lines import lost_events, parse_events
from fragtui.model.tracing.trace_collector import TraceCollector
from fragtui.model.tracing.trace_tally import TraceTally

_READ_BYTES = 1 << 18


def read_trace(log: IO[bytes], *, old_migratetypes: bool = False) -> tuple[TraceTally, int]:
    """Return the sums of a trace and how many events it has. Times are those of its own clock. Raises OSError.

    Cgroups are unknown: a trace names none.
    """
    collector = TraceCollector(lambda pid, comm: "", old_migratetypes=old_migratetypes)
    tally = TraceTally(0.0, whole=True)
    rest, count = b"", 0
    while chunk := log.read(_READ_BYTES):
        data = rest + chunk
        events, read = parse_events(data)
        lost = lost_events(data[:read])
        rest = data[read:]
        if events:
            tally.since = tally.since if count else events[0].at
            count += len(events)
        if events or lost:
            collector.take(events)
            tally.take(collector.batch(events[-1].at if events else tally.until, lost))
    return tally, count
