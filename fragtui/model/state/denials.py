"""The denied requests of a node, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.causes import CAUSES
from fragtui.model.failures.incident import Incident
from fragtui.model.state.not_logged import not_logged
from fragtui.model.tracing.trace_tally import TraceTally

_PURPOSES = {cause.key: cause.title for cause in CAUSES}
_NONE: Mapping[str, int] = MappingProxyType({})


class Denial(NamedTuple):
    """One denied request; None for an unknown value."""

    comm: str | None
    order: int | None
    time: float | None
    """Seconds since the epoch."""
    purpose: str | None
    """What the block was for, as a noun: ``a new network namespace``."""


class Denials(NamedTuple):
    """All denied requests that a log reports; counts are lower bounds."""

    requests: int = 0
    suppressed: int = 0
    """Requests that the kernel's rate limit kept out of the log."""
    first: float | None = None
    """Time of the first one, seconds since the epoch."""
    last: Denial | None = None
    """The newest above order 0, else the newest; None if there is none."""
    most: tuple[str, int | None, int] | None = None
    """The task and order that were denied most often, and how often; None if no task is named."""
    others: tuple[tuple[str, int], ...] = ()
    """How many reports that are no denied request the log has, by kind: OOM kills, stalls."""
    proof: str = ""
    """What the log delivered, such as ``1,204 records since boot``; empty if that is unknown."""
    traced: int = 0
    """Requests that were denied since the trace began, logged or not; 0 unless one runs."""
    unlogged: int | None = None
    """Those of them that the log lacks; None unless a trace runs."""
    exact: bool = True
    """Whether the trace lost no event."""

    @property
    def window(self) -> float | None:
        """Seconds from the first to the last one; None if unknown."""
        if self.first is None or self.last is None or self.last.time is None:
            return None
        return max(0.0, self.last.time - self.first)


def denials_of(
    incidents: Iterable[Incident],
    proof: str = "",
    forgotten: Mapping[str, int] = _NONE,
    hidden: int = 0,
    trace: TraceTally | None = None,
) -> Denials:
    """Return the denied requests among the incidents, summed up; `proof` is what the log delivered.

    `forgotten` counts incidents that are no longer kept, by kind, and `hidden` those that the rate limit hid before
    them. A `trace` that runs adds those that the log lacks.
    """
    if trace is not None and trace.running:
        incidents = tuple(incidents)
        unlogged = sum(group.count for group in not_logged(trace, incidents))
        denials = denials_of(incidents, proof, forgotten, hidden)
        return denials._replace(traced=trace.denied, unlogged=unlogged, exact=trace.exact)
    denied: list[Incident] = []
    counts = Counter(forgotten)
    for incident in incidents:
        counts[incident.kind] += incident.failures
        if incident.kind is ReportKind.ALLOCATION_FAILURE:
            denied.append(incident)
    requests = counts.pop(ReportKind.ALLOCATION_FAILURE, 0)
    others = tuple(sorted((str(kind), count) for kind, count in counts.items()))
    if not denied:
        return Denials(requests, hidden, others=others, proof=proof)
    last = max(denied, key=lambda incident: (bool(incident.order), incident.time or 0.0))
    names: Counter[tuple[str, int | None]] = Counter()
    for incident in denied:
        if incident.comm:
            names[incident.comm, incident.order] += 1 + (incident.repeated or 0)
    most = names.most_common(1)
    return Denials(
        requests=requests,
        suppressed=hidden + sum(incident.suppressed or 0 for incident in denied),
        first=min((incident.time for incident in denied if incident.time is not None), default=None),
        last=Denial(last.comm, last.order, last.time, _PURPOSES.get(last.cause or "")),
        most=(*most[0][0], most[0][1]) if most else None,
        others=others,
        proof=proof,
    )
