"""What the follower of the kernel log hands to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fragtui.kernel.report import ForeignRemedy
    from fragtui.model.incident import Incident


@dataclass(frozen=True, slots=True)
class KernelLogNews:
    """What the kernel log brought since the news before.

    `incidents` are new, `updated` are known ones (by id) that are now more complete. `lost_records` were overwritten in
    the ring or skipped since the news before. `source` says where it was read, `problem` why not from a better one.
    """

    incidents: tuple[Incident, ...]
    updated: tuple[Incident, ...]
    lost_records: int
    foreign_remedies: tuple[ForeignRemedy, ...]
    source: str
    problem: str | None
    unread_lines: int = 0
    """Lines since the news before that no parser could read."""

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
