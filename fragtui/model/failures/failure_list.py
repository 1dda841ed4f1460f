"""The kernel's failures: those of one task, size and cause together, counted, the newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.kernel_log_status import KernelLogStatus
from fragtui.model.node.source_state import SourceState

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.model.failures.groups import GroupKey
    from fragtui.model.failures.incident import Incident
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate

MAX_KEPT_INCIDENTS = 2000
"""Most incidents kept; older ones leave the list, not the counts."""
_OLD = MAX_KEPT_INCIDENTS // 4
"""Of the oldest incidents, how many are searched for one to drop that is no denial of the node's memory."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Incidents of one kind, task, size and cause, oldest first."""

    incidents: tuple[Incident, ...]
    of_anyone: bool = False
    """Whether they are of any task."""

    @property
    def key(self) -> GroupKey:
        """What they have in common."""
        return _key_of(self.last, of_anyone=self.of_anyone)

    @property
    def who(self) -> tuple[str | None, int]:
        """The task or pod, else the program, of most of them, None if unknown; and how many others there are."""
        programs: Counter[str | None] = Counter()
        names: dict[str | None, set[str | None]] = {}
        for incident in reversed(self.incidents):
            program = _key_of(incident).who
            programs[program] += incident.failures
            names.setdefault(program, set()).add(incident.comm or incident.pod)
        most = programs.most_common(1)[0][0]
        return next(iter(names[most])) if len(names[most]) == 1 else most, len(programs) - 1

    @property
    def last(self) -> Incident:
        """The newest of them."""
        return self.incidents[-1]

    @property
    def count(self) -> int:
        """Lower bound of the failures that these incidents represent."""
        return sum(incident.failures for incident in self.incidents)

    @property
    def suppressed(self) -> int:
        """Reports that the kernel's rate limit hid just before one of these."""
        return sum(incident.suppressed or 0 for incident in self.incidents)


class FailureList:
    """All reported incidents of the kernel log, and how complete they are."""

    def __init__(self) -> None:
        self.lost_records = 0
        self.unlisted = 0
        """Incidents that were dropped because the list was full."""
        self.unread_lines = 0
        self._log = KernelLogStatus()
        self.wanted = ""
        """Only incidents that contain this text are listed; case does not matter."""
        self._incidents: dict[str, Incident] = {}
        self._rows: tuple[FailureGroup, ...] | None = None
        self._last_refusal: Incident | None = None
        self.forgotten: Counter[str] = Counter()
        """Failures of the dropped incidents, by kind."""
        self.forgotten_suppressed = 0
        """Reports that the kernel's rate limit hid before those."""

    def take(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log."""
        for incident in (*update.incidents, *update.updated):
            self._incidents[incident.id] = incident
        self._forget()
        self.lost_records += update.lost_records
        self.unread_lines += update.unread_lines
        self._log.take(update)
        self._changed()

    @property
    def source(self) -> str | None:
        """The log, None before the first update."""
        return self._log.source

    @property
    def problem(self) -> str | None:
        """See `KernelLogStatus`."""
        return self._log.problem

    @property
    def state(self) -> SourceState:
        """The state of the kernel log."""
        return self._log.state

    def _forget(self) -> None:
        more = len(self._incidents) - MAX_KEPT_INCIDENTS
        if more <= 0:
            return
        old = list(islice(self._incidents.values(), _OLD + more))
        old.sort(key=lambda incident: incident.memory is not False)  # Stable: the oldest first of each.
        for incident in old[:more]:
            del self._incidents[incident.id]
            self.unlisted += 1
            self.forgotten[incident.kind] += incident.failures
            self.forgotten_suppressed += incident.suppressed or 0

    def clear(self) -> None:
        """Remove all incidents; the filter stays."""
        self._incidents.clear()
        self.forgotten.clear()
        self.forgotten_suppressed = 0
        self.lost_records = self.unlisted = self.unread_lines = 0
        self._log = KernelLogStatus()
        self._changed()

    def filter(self, wanted: str) -> None:
        """List only incidents that contain this text."""
        self.wanted = wanted
        self._changed()

    def incident(self, incident_id: str) -> Incident | None:
        """Return the incident of that id, or None if it is not kept."""
        return self._incidents.get(incident_id)

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All kept incidents by time; those without a time come first."""
        return tuple(sorted(self._incidents.values(), key=lambda incident: incident.time or 0.0))

    @property
    def rows(self) -> tuple[FailureGroup, ...]:
        """The listed incidents in groups, the one with the newest incident first; the same object until it changes."""
        if self._rows is None:
            wanted = self.wanted.casefold()
            shown = (incident for incident in self.incidents if not wanted or wanted in _text(incident).casefold())
            self._rows = combined(shown)[::-1]
        return self._rows

    @property
    def failures(self) -> int:
        """Lower bound of failures of all kinds."""
        return self.forgotten.total() + sum(incident.failures for incident in self._incidents.values())

    @property
    def listed(self) -> int:
        """The failures that are listed: of the remembered ones those that contain the wanted text."""
        return sum(group.count for group in self.rows)

    @property
    def last_denied(self) -> Incident | None:
        """The newest allocation failure above order 0: what the target order follows."""
        return self._last_refusal

    def _changed(self) -> None:
        self._rows = None
        refusals = [
            incident
            for incident in self._incidents.values()
            if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.order
        ]
        self._last_refusal = max(reversed(refusals), key=lambda incident: incident.time or 0.0, default=None)


def combined(incidents: Iterable[Incident]) -> tuple[FailureGroup, ...]:
    """Return the incidents in groups, in the order of the newest of each; many groups by size and cause only."""
    # It takes 2 ms of CPU, which the first bars would wait for.
    from fragtui.model.failures.groups import are_many  # noqa: PLC0415

    listed = tuple(incidents)
    groups = _grouped(listed)
    if listed and are_many(groups):
        groups = _grouped(listed, of_anyone=True)
        return tuple(FailureGroup(tuple(members), of_anyone=True) for members in groups.values())
    return tuple(FailureGroup(tuple(members)) for members in groups.values())


def _grouped(incidents: Iterable[Incident], *, of_anyone: bool = False) -> dict[GroupKey, list[Incident]]:
    groups: dict[GroupKey, list[Incident]] = {}
    for incident in incidents:
        key = _key_of(incident, of_anyone=of_anyone)
        members = groups.pop(key, [])
        members.append(incident)
        groups[key] = members
    return groups


def _key_of(incident: Incident, *, of_anyone: bool = False) -> GroupKey:
    from fragtui.model.failures import groups  # noqa: PLC0415  # See `combined`.

    key = groups.key_of(incident)
    return groups.of_anyone(key) if of_anyone else key


def _text(incident: Incident) -> str:
    words = (
        incident.comm,
        incident.cause,
        incident.kind,
        incident.explanation,
        incident.pod,
        incident.namespace,
        f"order {incident.order}" if incident.order is not None else None,
        *(incident.gfp or ()),
        incident.victim.comm if incident.victim else None,
    )
    return " ".join(word for word in words if word)
