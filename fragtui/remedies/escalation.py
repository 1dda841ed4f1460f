"""Run remedies step by step, gentlest first, until there are enough blocks of the target order."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
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
from fragtui.text import counted, format_block

SETTLE_SECONDS = 1.2
"""Seconds after a step before its gain is measured: the kernel's counters lag by vm.stat_interval (1 s)."""


class EscalationStep(StrEnum):
    """The steps of an escalation in their order, gentlest first; policies use these names."""

    SYNC = "sync"
    PAGE_CACHE = "drop-page-cache"
    SLAB = "drop-slab"
    COMPACT_NODE = "compact-node"
    COMPACT = "compact"


class EndReason(StrEnum):
    """Why an escalation ended."""

    REACHED = "reached"
    EXHAUSTED = "exhausted"
    ABORTED = "aborted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step that ran."""

    remedy: Remedy
    expected: Gain
    outcome: Outcome
    before: int | None
    """Blocks of the target order that kernel requests may get."""
    after: int | None


@dataclass(frozen=True, slots=True)
class EscalationEnd:
    """How an escalation ended; `skipped` has the steps that did not run, each with the reason."""

    reason: EndReason
    steps: tuple[StepResult, ...]
    skipped: tuple[str, ...]
    why: str

    @property
    def gained(self) -> int | None:
        """Blocks gained by all steps; None if none ran or the blocks could not be read."""
        if not self.steps or self.steps[0].before is None or self.steps[-1].after is None:
            return None
        return self.steps[-1].after - self.steps[0].before


def escalation_steps(chosen: Iterable[EscalationStep], nodes: Sequence[int]) -> tuple[Remedy, ...]:
    """Return the remedies of the chosen steps in the order of `EscalationStep`, with one per node to compact.

    On one NUMA node, compacting it is the same as compacting all memory, so one of the two is enough. If sync is
    allowed, each compaction starts with one: pages dirtied since the first sync can end a compaction early.
    """
    wanted = set(chosen)
    synced = EscalationStep.SYNC in wanted
    remedies = [
        remedy
        for step, remedy in (
            (EscalationStep.SYNC, sync_only()),
            (EscalationStep.PAGE_CACHE, drop_caches(1, sync=False)),
            (EscalationStep.SLAB, drop_caches(2, sync=False)),
        )
        if step in wanted
    ]
    if EscalationStep.COMPACT_NODE in wanted and (len(nodes) > 1 or EscalationStep.COMPACT not in wanted):
        remedies += [compact_node(node, sync=synced) for node in nodes]
    if EscalationStep.COMPACT in wanted:
        remedies.append(compact_all(sync=synced))
    return tuple(remedies)


class Escalation:
    """A run of remedies, one or several, driven by snapshots: it never waits.

    The one driver of the screen, the guard and the command line. Use it on one thread that outlives the children.
    """

    def __init__(
        self,
        remedies: Sequence[Remedy],
        root: Path,
        audit: AuditLog,
        order: int,
        blocks: int | None,
        by: str,
        disabled_reason: str | None = None,
        always: int = 0,
        typed: str | None = None,
        weigh: Callable[[Remedy, Gain], Gain] | None = None,
        skipped: Iterable[str] = (),
        enough: Callable[[Snapshot], bool] | None = None,
    ) -> None:
        """Prepare it to run until there are `blocks` blocks of the order; None runs every remedy in any case.

        The first `always` steps run even if there are enough blocks (a periodic run). `typed` is what the user typed to
        confirm all of it, see `RunRequest`. `weigh` corrects the forecast of a step; `skipped` are steps left out, each
        with the reason. `enough` is one more condition that a snapshot must meet to end the run early.
        """
        self.order = order
        self.blocks = blocks
        self.running: RemedyRun | None = None
        self.ended: EscalationEnd | None = None
        self.followups: list[FollowUp] = []
        self._left = list(remedies)
        self._always = always
        self._typed = typed
        self._root = root
        self._audit = audit
        self._by = by
        self._run_id = None if blocks is None else os.urandom(6).hex()
        self._disabled_reason = disabled_reason
        self._aborted = threading.Event()
        self._before: Snapshot | None = None
        self._expected: Gain | None = None
        self._outcome: Outcome | None = None
        self._outcome_at = 0.0
        self._steps: list[StepResult] = []
        self._weigh = weigh
        self._skipped = list(skipped)
        self._enough = enough

    @property
    def settled_at(self) -> float | None:
        """Monotonic time from which a snapshot shows the gain of the step that has ended, or None."""
        return None if self._outcome is None else self._outcome_at + SETTLE_SECONDS

    def abort(self) -> None:
        """Kill the child of the step that runs, if any, and start no other step."""
        self._aborted.set()

    def advance(self, snapshot: Snapshot) -> EscalationEnd | None:
        """Poll the step that runs or start the next; return the end once it has come.

        A snapshot from before `settled_at` is not taken for the result of a step.
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
            self._add_result(snapshot, self._outcome)
            self._outcome = None
        self.ended = self._start_next(snapshot)
        return self.ended

    def _add_result(self, snapshot: Snapshot, outcome: Outcome) -> None:
        assert self._before is not None and self._expected is not None
        self._steps.append(
            StepResult(
                outcome.remedy,
                self._expected,
                outcome,
                usable_blocks(self._before, self.order),
                usable_blocks(snapshot, self.order),
            )
        )
        self.followups.append(FollowUp(self._audit, outcome.id, self._before, snapshot, self.order))

    def _start_next(self, snapshot: Snapshot) -> EscalationEnd | None:
        """Start the next step that may run, or return the end."""
        free = usable_blocks(snapshot, self.order)
        if self._aborted.is_set():
            return self._end(EndReason.ABORTED, "aborted")
        if self.blocks is not None:
            if free is None:
                return self._end(EndReason.REFUSED, "free blocks can't be read, so no step could be judged")
            done = len(self._steps) + len(self._skipped) >= self._always
            if free >= self.blocks and done and (self._enough is None or self._enough(snapshot)):
                return self._end(EndReason.REACHED, self._count(snapshot, free, "free"))
        while self._left:
            remedy = self._left.pop(0)
            # A remedy that runs alone is refused by its own start, with the same trial.
            why = None if self.blocks is None else disabled_because(remedy, self._root, self._disabled_reason)
            if why is not None:
                self._skipped.append(f"{remedy.id}: {why}")
                continue
            expected = forecast(snapshot, self.order).gain(remedy.effect)
            self._expected = expected if self._weigh is None else self._weigh(remedy, expected)
            blocks = target_blocks(snapshot, self.order)
            request = RunRequest(self._by, self.order, blocks, self._expected, self._run_id, self._typed)
            try:
                self.running = RemedyRun.start(remedy, self._root, self._audit, request, self._disabled_reason)
            except RunRefused as refused:
                return self._end(EndReason.REFUSED, str(refused))
            self._before = snapshot
            return None
        if not self._steps:
            return self._end(EndReason.REFUSED, "; ".join(self._skipped) or "no step is allowed")
        return self._end(EndReason.EXHAUSTED, self._count(snapshot, free, "free after all steps"))

    def _count(self, snapshot: Snapshot, free: int | None, state: str) -> str:
        size = format_block(snapshot.host.page_size, self.order)
        blocks = "an unknown number of blocks" if free is None else counted(free, "block")
        return f"{blocks} of {size} {state}" + ("" if self.blocks is None else f", {self.blocks} wanted")

    def _end(self, reason: EndReason, why: str) -> EscalationEnd:
        return EscalationEnd(reason, tuple(self._steps), tuple(self._skipped), why)
