"""Records of a log -> incidents in the log's order: kernel reports, failed sandboxes, and the links between them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from fragtui.cluster.attempts import Attempt, AttemptAssembler
from fragtui.cluster.pod_log import PodLogReader
from fragtui.kernel.gatherer import Gatherer
from fragtui.kernel.gfp import GfpTable
from fragtui.kernel.report import KernelReport
from fragtui.logs.record import LogRecord
from fragtui.logs.syslog_line import KERNEL_PROGRAMS
from fragtui.model.correlation import tie
from fragtui.model.incident import Incident, IncidentKind
from fragtui.model.incident_of_report import incident_of

_HELD = 256
"""Incidents held back for what may still be tied to them."""
_SETTLED_S = 180.0
_FAR_LINES = 2_000


class LogDigest:
    """Feed it records in order; it gives back incidents that nothing more is expected of."""

    def __init__(self, source: str = "", running: GfpTable | None = None, kernel: str | None = None) -> None:
        self._source = source
        self._running = running
        self._kernel = kernel
        self._gatherer = Gatherer()
        self._pods = PodLogReader()
        self._attempts = AttemptAssembler(f"{source}pod")
        self._open: dict[str, Attempt] = {}
        self._held: deque[Incident] = deque()
        self._time: float | None = None

    @property
    def busy(self) -> bool:
        """Whether the next record may belong to something open."""
        return self._gatherer.busy

    def feed(self, record: LogRecord) -> list[Incident]:
        """Take a record; return the incidents that are settled."""
        for report in self._gatherer.feed(record):
            self._hold(report)
        if not record.from_kernel and record.program not in KERNEL_PROGRAMS:
            for sighting in self._pods.feed(record):
                if (attempt := self._attempts.add(sighting)) is not None:
                    for gone in attempt.absorbed:
                        self._open.pop(gone, None)
                    self._open[attempt.id] = attempt
        if record.time is not None:
            self._time = record.time
        if len(self._held) + len(self._open) > _HELD:
            return self._settle(record)
        return []

    def finish(self) -> list[Incident]:
        """Return all that is left."""
        for report in self._gatherer.finish():
            self._hold(report)
        for sighting in self._pods.finish():
            if (attempt := self._attempts.add(sighting)) is not None:
                for gone in attempt.absorbed:
                    self._open.pop(gone, None)
                self._open[attempt.id] = attempt
        return self._release(list(self._open.values()), len(self._held))

    def _hold(self, report: KernelReport) -> None:
        self._held.append(incident_of(report, self._source, self._running, self._kernel))

    def _settle(self, record: LogRecord) -> list[Incident]:
        """Release the older half, and the attempts that got no word for long."""
        line = record.line or 0
        over = [
            attempt
            for attempt in self._open.values()
            if (
                attempt.last_time is not None and self._time is not None and self._time - attempt.last_time > _SETTLED_S
            )
            or (attempt.lines is not None and line - attempt.lines[1] > _FAR_LINES)
        ]
        count = len(self._held) // 2 if self._held else 0
        return self._release(over, count)

    def _release(self, attempts: list[Attempt], count: int) -> list[Incident]:
        kernel = list(self._held)
        links: dict[str, list[str]] = {}
        done: list[Incident] = []
        for attempt in attempts:
            self._open.pop(attempt.id, None)
            tied = []
            for incident in kernel:
                rivals = sum(other is not attempt for other in attempts if _same_second(other, attempt))
                if tie(attempt, incident, rivals) is not None:
                    tied.append(incident.id)
                    links.setdefault(incident.id, []).append(attempt.id)
            done.append(incident_of_attempt(attempt, tuple(tied)))
        if links:
            self._held = deque(
                replace(each, linked=(*each.linked, *links[each.id])) if each.id in links else each for each in kernel
            )
        done.extend(self._held.popleft() for _ in range(count))
        done.sort(key=lambda each: each.lines[0] if each.lines else 0)
        return done


def incident_of_attempt(attempt: Attempt, linked: tuple[str, ...] = ()) -> Incident:
    """Return the incident that a failed attempt to start a sandbox or container is."""
    named = str(attempt.pod)
    return Incident(
        kind=IncidentKind.SANDBOX_FAILURE,
        time=attempt.first_time,
        pid=attempt.pids[0] if len(attempt.pids) == 1 else None,
        cause=attempt.reason_class.name,
        memory=attempt.reason_class.memory,
        repeated=attempt.count,
        namespace=attempt.pod.namespace,
        pod=attempt.pod.name,
        pod_uid=attempt.pod.uid,
        sandbox_id=attempt.sandbox_id,
        container_id=attempt.container_id,
        reason=attempt.reason or None,
        explanation=f"{named} did not start: {attempt.reason_class.words}. {attempt.reason_class.advice}",
        lines=attempt.lines,
        linked=linked,
        id=attempt.id,
    )


def _same_second(one: Attempt, other: Attempt) -> bool:
    return one.first_time is not None and other.first_time is not None and abs(one.first_time - other.first_time) <= 1.0
