"""The denied requests of a trace that the kernel log does not have, as incidents to list beside those that it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_list import FailureGroup, combined
from fragtui.model.failures.incident import Incident
from fragtui.model.tracing.trace_tally import DeniedGroup, TraceTally

NOT_LOGGED = "not logged"
"""The cause of such an incident: its stack, from which a cause is known, is in no log."""
_SILENT = "__GFP_NOWARN"
_FALLBACK = ("__GFP_NORETRY", _SILENT)


def not_logged(tally: TraceTally, incidents: Iterable[Incident]) -> tuple[FailureGroup, ...]:
    """Return the denied requests of the trace without those that the log reports since it began, in groups.

    A report has task and order, and never the flag of silence; it takes its request from those alike.
    """
    logged = Counter(
        {
            (incident.comm, incident.order): incident.failures
            for incident in incidents
            if incident.kind is ReportKind.ALLOCATION_FAILURE and (incident.time or 0.0) >= tally.since
        }
    )
    found = []
    for group in sorted(tally.groups, key=lambda group: group.last):
        count, asked = group.times, (group.task.comm, group.order)
        if _SILENT not in group.flags:
            taken = min(count, logged[asked])
            logged[asked] -= taken
            count -= taken
        if count:
            found.append(_incident(group, count))
    return combined(found)[::-1]


def _incident(group: DeniedGroup, count: int) -> Incident:
    key = f"trace {group.task.comm} {group.task.cgroup} {group.order} {group.flags} {group.migratetype}"
    report = KernelReport(
        0, ReportKind.ALLOCATION_FAILURE, complete=True, time=group.last, comm=group.task.comm, order=group.order,
        cpuset=group.task.cgroup)  # fmt: skip
    fallback = any(flag in group.flags for flag in _FALLBACK)
    return Incident(
        report,
        id=key,
        time=group.last,
        gfp=tuple(group.flags.split("|")) if group.flags else None,
        gfp_from="printed",
        cause=NOT_LOGGED,
        repeated=count - 1,
        explanation=f"The trace has {count:,} of these requests; the kernel log has none of them. "
        + ("Such a request mostly has a fallback: the caller takes smaller blocks." if fallback
           else "The kernel logs at most one failure in 10 s."),
    )  # fmt: skip
