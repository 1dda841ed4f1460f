"""Failures counted by cause, each once, when its report is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.causes import CAUSES
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate

SETTLED_S = 2.0
"""Seconds after which a report counts as complete: its cause is known once its stack is."""
MAX_OPEN_COUNTS = 2048
"""Most failures that wait for the rest of their report; beyond it the oldest are counted as they are."""
UNKNOWN_CAUSE = "unknown"


@dataclass(slots=True)
class FailureCounts:
    """Counts failures after `since` (epoch seconds), each once its cause is settled: a counter must never fall."""

    since: float
    _totals: Counter[str] = field(default_factory=Counter)
    _open: dict[str, tuple[float, Incident]] = field(default_factory=dict)

    def take(self, update: KernelLogUpdate, now: float) -> None:
        """Take what the kernel log brought; `now` is on a clock that never jumps."""
        fresh = {incident.id for incident in update.incidents}
        for incident in (*update.incidents, *update.updated):
            if incident.kind is not ReportKind.ALLOCATION_FAILURE:
                continue
            if incident.time is not None and incident.time < self.since:
                continue
            if incident.id in fresh or incident.id in self._open:
                self._open[incident.id] = (now, incident)
        while len(self._open) > MAX_OPEN_COUNTS:
            self._count(next(iter(self._open)))
        self._settle(now)

    def totals(self, now: float) -> dict[str, int]:
        """Return the counts by cause, zeros included: a rate needs the zero before the first failure."""
        self._settle(now)
        return {**dict.fromkeys(known_causes(), 0), **self._totals}

    def _settle(self, now: float) -> None:
        for key in [key for key, (at, _) in self._open.items() if now - at >= SETTLED_S]:
            self._count(key)

    def _count(self, key: str) -> None:
        incident = self._open.pop(key)[1]
        self._totals[incident.cause or UNKNOWN_CAUSE] += incident.count


def count_by_cause(incidents: Iterable[Incident]) -> dict[str, int]:
    """Return the lower bound of these allocation failures by cause, causes with none included."""
    totals = Counter[str](dict.fromkeys(known_causes(), 0))
    for incident in incidents:
        if incident.kind is ReportKind.ALLOCATION_FAILURE:
            totals[incident.cause or UNKNOWN_CAUSE] += incident.count
    return dict(totals)


def known_causes() -> tuple[str, ...]:
    """Return every cause of the table."""
    return (*(cause.key for cause in CAUSES), UNKNOWN_CAUSE)
