"""What is left of a remedy's gain: measured right after it and at 1, 5 and 30 minutes, and logged each time."""

from __future__ import annotations

from pathlib import Path

from fragtui.model.node.cgroup_memory import CgroupPrice
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks
from fragtui.model.remedy.recovery import Checkpoint, GainDecay, Recovery, compare, cost_between
from fragtui.model.remedy.remedy_history import EvidenceEntry
from fragtui.remedies.audit.log import AuditError, AuditLog
from fragtui.remedies.catalogue import Remedy
from fragtui.sources.host.cgroups import read_price


class PriceMeter:
    """Measures the cost of a reclaim to a cgroup from now on."""

    def __init__(self, root: Path, folder: str) -> None:
        """Take the directory of the cgroup below `root`, and read its counters."""
        self._root = root
        self._folder = folder
        self._before = read_price(root, folder)

    @classmethod
    def of(cls, remedy: Remedy, root: Path) -> PriceMeter | None:
        """Return the meter of the cgroup that the remedy reclaims, None if it reclaims none."""
        step = next((step for step in remedy.steps if step.cgroup is not None), None)
        return None if step is None else cls(root, step.path.rpartition("/")[0])

    def read(self) -> CgroupPrice:
        """Return the cost so far; unknown if the cgroup was removed."""
        return read_price(self._root, self._folder).since(self._before)


class FollowUp:
    """The evidence of one remedy, from every tick after it. Nothing depends on it: a full log costs evidence only.

    `problem` is why the last measurement is not in the audit log.
    """

    def __init__(
        self,
        audit: AuditLog,
        remedy_id: str,
        before: Snapshot,
        after: Snapshot,
        order: int,
        price: PriceMeter | None = None,
    ) -> None:
        """`price` measures the cost to the reclaimed cgroup; None if none was reclaimed."""
        self.price = price
        self.recovery: Recovery = compare(before, after, order)
        self.gain_decay: GainDecay | None = None
        self.problem: str | None = None
        self.checkpoints: tuple[Checkpoint, ...] = ()
        self._audit = audit
        self._id = remedy_id
        self._before = before
        self._half_logged = False
        if self.recovery.before is not None and self.recovery.after is not None:
            self.gain_decay = GainDecay(after.monotonic, self.recovery.before, self.recovery.after)
            self._record(after, 0.0, self.recovery.after)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to measure."""
        return self.gain_decay is None or len(self.gain_decay.marks) == 3

    def see(self, snapshot: Snapshot) -> None:
        """Take a tick."""
        if self.gain_decay is None or (blocks := target_blocks(snapshot, self.recovery.order)) is None:
            return
        seen = len(self.gain_decay.marks)
        self.gain_decay = self.gain_decay.see(snapshot.monotonic, blocks)
        for mark, blocks_then in self.gain_decay.marks[seen:]:
            self.checkpoints += (
                Checkpoint(mark, blocks_then, cost_between(self._before, snapshot), self._price_now()),
            )
            self._record(snapshot, mark, blocks_then)
        # Log the half-life after as long again, so that a dip does not count as the end.
        half, age = self.gain_decay.half_life, self.gain_decay.age
        if half is not None and age is not None and not self._half_logged and age >= 2 * half:
            self._half_logged = True
            self._record(snapshot, age, blocks)

    def _price_now(self) -> CgroupPrice | None:
        return self.price.read() if self.price is not None else None

    def _record(self, snapshot: Snapshot, after: float, blocks: int) -> None:
        cost = cost_between(self._before, snapshot)
        price = self._price_now() or CgroupPrice()
        half_life = self.gain_decay.half_life if self.gain_decay and (self._half_logged or after) else None
        try:
            self._audit.append(
                EvidenceEntry(
                    id=self._id,
                    time=snapshot.time,
                    after=round(after, 3),
                    order=self.recovery.order,
                    blocks=blocks,
                    stalled=cost.stalled,
                    refaults=cost.refaults,
                    read=cost.read,
                    half_life=half_life,
                    cgroup_refaults=price.refaults,
                    cgroup_read=price.read,
                    cgroup_stalled=price.stalled,
                )
            )
            self.problem = None
        except AuditError as error:
            self.problem = str(error)
