"""A trace as JSON: the object of `explain --json` for a saved trace, and `trace` of `report --json`."""

from __future__ import annotations

from typing import Any

from fragtui.model.failures.incident import iso_utc
from fragtui.model.tracing.trace_batch import Task
from fragtui.model.tracing.trace_tally import TraceTally

_MOST = 100


def trace_fields(tally: TraceTally, *, saved: bool = False) -> dict[str, Any]:
    """Return the object. Of a saved trace the times are null: its clock began with the machine."""
    return {
        "kind": "trace",
        "since": None if saved else iso_utc(tally.since),
        "seconds": round(tally.until - tally.since, 3),
        "lost": tally.lost,
        "off": list(tally.parts),
        "denied": tally.denied,
        "denied_by_order": [
            {"order": order, "count": count} for order, count in sorted(tally.denied_by_order.items(), key=_known_first)
        ],
        "requests": [
            {
                **_task(group.task),
                "order": group.order,
                "gfp": group.flags.split("|") if group.flags else None,
                "migratetype": group.migratetype or None,
                "count": group.times,
            }
            for group in sorted(tally.groups, key=lambda group: group.times, reverse=True)[:_MOST]
        ],
        "fragmenters": [
            {
                **_task(row.task),
                "asked": row.wanted,
                "taken_from": row.taken,
                "count": row.times,
                "mixed": row.mixed,
                "max_order": row.order,
                "max_broken_order": row.broken,
            }
            for row in tally.fragmenters(_MOST)
        ],
        "waits": [
            {
                **_task(wait.task),
                "order": wait.order,
                "for": wait.kind,
                "count": wait.times,
                "seconds": round(wait.seconds, 6),
                "longest": round(wait.longest, 6),
            }
            for wait in tally.waits(_MOST)
        ],
    }


def _task(task: Task) -> dict[str, Any]:
    return {"comm": task.comm, "cgroup": task.cgroup or None}


def _known_first(item: tuple[int | None, int]) -> int:
    return -1 if item[0] is None else item[0]
