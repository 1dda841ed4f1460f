"""What the follower of the kernel log hands to the screen."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.reports.report import ExternalDrop
from fragtui.model.failures.incident import Incident
from fragtui.model.node.source_state import SourceState

MERGED = 2000
"""Incidents, and foreign remedies, that news which wait may hold together: as many as the screen remembers."""


@dataclass(frozen=True, slots=True)
class KernelLogUpdate:
    """What the kernel log brought since the news before.

    `incidents` are new, `updated` are known ones (by id) that are now more complete. `lost_records` were overwritten in
    the ring or skipped since the news before. `source` says where it was read, `problem` why not from a better one.
    """

    incidents: tuple[Incident, ...]
    updated: tuple[Incident, ...]
    lost_records: int
    foreign_remedies: tuple[ExternalDrop, ...]
    source: str
    problem: str | None
    unread_lines: int = 0
    """Lines since the news before that no parser could read."""
    proof: str | None = None
    """What the source delivered so far, empty before it did; None if that was not counted."""
    remedy: str = ""
    """What the user can do if the log can't be read, see `SourceState`."""

    @property
    def matters(self) -> bool:
        """Whether there is anything in it."""
        return bool(
            self.incidents
            or self.updated
            or self.lost_records
            or self.foreign_remedies
            or self.problem
            or self.unread_lines
        )

    def after(self, earlier: KernelLogUpdate) -> KernelLogUpdate:
        """Return both as one. Of more than `MERGED` incidents the oldest are left out, and counted as lost records."""
        incidents = {incident.id: incident for incident in earlier.incidents}
        updated = {incident.id: incident for incident in earlier.updated}
        for incident in self.updated:
            (incidents if incident.id in incidents else updated)[incident.id] = incident
        incidents |= {incident.id: incident for incident in self.incidents}
        # Said once, it holds for the source.
        holds = self.problem is None and self.source == earlier.source
        return KernelLogUpdate(
            tuple(incidents.values())[-MERGED:],
            tuple(updated.values())[-MERGED:],
            earlier.lost_records + self.lost_records + max(0, len(incidents) - MERGED),
            (*earlier.foreign_remedies, *self.foreign_remedies)[-MERGED:],
            self.source,
            earlier.problem if holds else self.problem,
            earlier.unread_lines + self.unread_lines,
            earlier.proof if self.proof is None else self.proof,
            self.remedy,
        )


def kernel_log_state(source: str | None, problem: str | None, proof: str | None, remedy: str = "") -> SourceState:
    """Return the state of the kernel log by the fields of its updates; `source` is None before the first one."""
    name = "kernel log"
    if source is None:
        return SourceState(name, "connecting", "")
    if source == "none":
        state = "off" if problem is None else "waiting"
        return SourceState(name, state, problem or "switched off by --kernel-log none", remedy=remedy)
    if proof == "":
        return SourceState(name, "waiting", problem or f"{source} has no message of the kernel yet", remedy=remedy)
    return SourceState(name, "live", problem or "", proof or "", remedy)
