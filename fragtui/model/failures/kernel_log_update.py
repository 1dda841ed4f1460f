"""What the follower of the kernel log reports to the screen."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.reports.report import ExternalDrop
from fragtui.model.failures.incident import Incident

MAX_MERGED_INCIDENTS = 2000
"""Most incidents, and most external drops, of updates merged while they wait: as many as the screen remembers."""


@dataclass(frozen=True, slots=True)
class KernelLogUpdate:
    """What the kernel log brought since the previous update.

    `incidents` are new, `updated` are known ones (by id) that are now more complete. `lost_records` counts records that
    were overwritten in the ring or skipped since the previous update. `external_drops` are drops of caches by other
    tools. `source` is where the log was read, `problem` why it was not read from a better source.
    """

    incidents: tuple[Incident, ...]
    updated: tuple[Incident, ...]
    lost_records: int
    external_drops: tuple[ExternalDrop, ...]
    source: str
    problem: str | None
    unread_lines: int = 0
    """Lines since the previous update that no parser could read."""
    proof: str | None = None
    """What the source delivered so far, empty before it did; None if that was not counted."""
    remedy: str = ""
    """What the user can do if the log can't be read, see `SourceState`."""

    @property
    def matters(self) -> bool:
        """Whether it holds anything to show."""
        return bool(
            self.incidents
            or self.updated
            or self.lost_records
            or self.external_drops
            or self.problem
            or self.unread_lines
        )

    def after(self, earlier: KernelLogUpdate) -> KernelLogUpdate:
        """Return both as one update.

        Of more than `MAX_MERGED_INCIDENTS` incidents the oldest are left out and counted as lost records.
        """
        incidents = {incident.id: incident for incident in earlier.incidents}
        updated = {incident.id: incident for incident in earlier.updated}
        for incident in self.updated:
            (incidents if incident.id in incidents else updated)[incident.id] = incident
        incidents |= {incident.id: incident for incident in self.incidents}
        # A problem is reported once and holds as long as the source is the same.
        still_valid = self.problem is None and self.source == earlier.source
        return KernelLogUpdate(
            tuple(incidents.values())[-MAX_MERGED_INCIDENTS:],
            tuple(updated.values())[-MAX_MERGED_INCIDENTS:],
            earlier.lost_records + self.lost_records + max(0, len(incidents) - MAX_MERGED_INCIDENTS),
            (*earlier.external_drops, *self.external_drops)[-MAX_MERGED_INCIDENTS:],
            self.source,
            earlier.problem if still_valid else self.problem,
            earlier.unread_lines + self.unread_lines,
            earlier.proof if self.proof is None else self.proof,
            self.remedy,
        )
