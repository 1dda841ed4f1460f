"""Remedies step by step, gentlest first, until the target order has as many blocks as asked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks, usable_blocks
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Remedy, compact_all, compact_node, drop_caches, sync_only
from fragtui.remedies.follow_up import FollowUp
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest
from fragtui.text import counted

SETTLE_SECONDS = 1.2
"""Seconds after a step before its gain is taken: the kernel's counters lag by vm.stat_interval (1 s)."""


class EscalationStep(StrEnum):
    """The steps of the ladder, in their order; policies name them so."""

    SYNC = "sync"
    PAGE_CACHE = "drop-page-cache"
    SLAB = "drop-slab"
    COMPACT_NODE = "compact-node"
    COMPACT = "compact"


class EndReason(StrEnum):
    """Why a ladder ended."""

    REACHED = "reached"
    EXHAUSTED = "exhausted"
    ABORTED = "aborted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One rung that was taken."""

    remedy: Remedy
    expected: Gain
    outcome: Outcome
    before: int | None
    """Blocks of the target order that kernel requests may get."""
    after: int | None


@dataclass(frozen=True, slots=True)
class EscalationEnd:
    """What became of it; `skipped` has the rungs that were not taken, each with the reason."""

    end: EndReason
    escalation_steps: tuple[StepResult, ...]
    skipped: tuple[str, ...]
    why: str

    @property
    def gained(self) -> int | None:
        """Blocks won over all rungs; None if nothing ran or it could not be seen."""
        if (
            not self.escalation_steps
            or self.escalation_steps[0].before is None
            or self.escalation_steps[-1].after is None
        ):
            return None
        return self.escalation_steps[-1].after - self.escalation_steps[0].before


def escalation_steps(chosen: Iterable[EscalationStep], nodes: Sequence[int]) -> tuple[Remedy, ...]:
    """Return the remedies of the chosen rungs in the ladder's own order; one for each of `nodes` where it is by node.

    With one node alone, compacting it is compacting all, so one of the two is enough. Where a sync is allowed, it is
    done right before each compaction too: what was dirtied since the first can end it early.
    """
    wanted = set(chosen)
    synced = EscalationStep.SYNC in wanted
    found: list[Remedy] = []
    if EscalationStep.SYNC in wanted:
        found.append(sync_only())
    if EscalationStep.PAGE_CACHE in wanted:
        found.append(drop_caches(1, sync=False))
    if EscalationStep.SLAB in wanted:
        found.append(drop_caches(2, sync=False))
    if EscalationStep.COMPACT_NODE in wanted and (len(nodes) > 1 or EscalationStep.COMPACT not in wanted):
        found += [compact_node(node, sync=synced) for node in nodes]
    if EscalationStep.COMPACT in wanted:
        found.append(compact_all(sync=synced))
    return tuple(found)


class Escalation:
    """A ladder under way, advanced by snapshots: it never waits. All of it on one thread that outlives its children.

    `abort` ends the step under way and takes no other.
    """

    def __init__(
        self,
        remedies: Sequence[Remedy],
        root: Path,
        audit: AuditLog,
        order: int,
        blocks: int,
        by: str,
        disabled_reason: str | None = None,
        always: int = 0,
    ) -> None:
        """Prepare it; the first `always` steps are taken even where there are blocks enough (a periodic run)."""
        self.order = order
        self.blocks = blocks
        self.running: RemedyRun | None = None
        self.ended: EscalationEnd | None = None
        self.followups: list[FollowUp] = []
        self._left = list(remedies)
        self._always = always
        self._root = root
        self._audit = audit
        self._by = by
        self._run = os.urandom(6).hex()
        self._barred = disabled_reason
        self._aborted = threading.Event()
        self._before: Snapshot | None = None
        self._expected: Gain | None = None
        self._outcome: Outcome | None = None
        self._outcome_at = 0.0
        self._climbed: list[StepResult] = []
        self._skipped: list[str] = []

    def abort(self) -> None:
        """End it: within a step the child is killed, between steps none is begun."""
        self._aborted.set()

    def advance(self, snapshot: Snapshot) -> EscalationEnd | None:
        """Take a tick: watch the step under way, or begin the next; return the end once it has come.

        A snapshot from before the end of a step is not taken for what is there after it.
        """
        if self.ended is not None:
            return self.ended
        if self.running is not None:
            if self._aborted.is_set():
                self.running.abort()
            self._outcome = self.running.poll()
            if self._outcome is None:
                return None
            self._outcome_at = time.monotonic()
            self.running = None
        if self._outcome is not None:
            if snapshot.monotonic < self._outcome_at + SETTLE_SECONDS:
                return None
            self._take(snapshot, self._outcome)
            self._outcome = None
        self.ended = self._next(snapshot)
        return self.ended

    def _take(self, snapshot: Snapshot, outcome: Outcome) -> None:
        assert self._before is not None and self._expected is not None
        self._climbed.append(
            StepResult(
                outcome.remedy,
                self._expected,
                outcome,
                usable_blocks(self._before, self.order),
                usable_blocks(snapshot, self.order),
            )
        )
        self.followups.append(FollowUp(self._audit, outcome.id, self._before, snapshot, self.order))

    def _next(self, snapshot: Snapshot) -> EscalationEnd | None:
        """Begin the next step that may run, or return the end."""
        there = usable_blocks(snapshot, self.order)
        if self._aborted.is_set():
            return self._end(EndReason.ABORTED, "aborted")
        if there is None:
            return self._end(EndReason.REFUSED, "the free blocks can't be read, so no step's success could be told")
        if there >= self.blocks and len(self._climbed) + len(self._skipped) >= self._always:
            return self._end(
                EndReason.REACHED, f"{counted(there, 'block')} of order {self.order} there, {self.blocks} asked for"
            )
        while self._left:
            remedy = self._left.pop(0)
            if (why := disabled_because(remedy, self._root, self._barred)) is not None:
                self._skipped.append(f"{remedy.id}: {why}")
                continue
            self._expected = forecast(snapshot, self.order).gain(remedy.effect)
            asked = RunRequest(self._by, self.order, target_blocks(snapshot, self.order), self._expected, self._run)
            try:
                self.running = RemedyRun.start(remedy, self._root, self._audit, asked, self._barred)
            except RunRefused as refused:
                return self._end(EndReason.REFUSED, str(refused))
            self._before = snapshot
            return None
        if not self._climbed:
            return self._end(EndReason.REFUSED, "; ".join(self._skipped) or "no step is allowed")
        return self._end(
            EndReason.EXHAUSTED,
            f"{counted(there, 'block')} of order {self.order} after all steps, {self.blocks} asked for",
        )

    def _end(self, end: EndReason, why: str) -> EscalationEnd:
        return EscalationEnd(end, tuple(self._climbed), tuple(self._skipped), why)
