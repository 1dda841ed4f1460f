"""Run remedies step by step, gentlest first, until there are enough blocks of the target order."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks, usable_blocks
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import (
    Remedy,
    compact_all,
    compact_node,
    drop_caches,
    numa_nodes,
    read_wake,
    reclaim_cgroup,
    sync_only,
)
from fragtui.remedies.follow_up import FollowUp, PriceMeter
from fragtui.remedies.ladder import ladder
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest
from fragtui.sources.host.cgroups import read_cgroups
from fragtui.text import counted, format_block

SETTLE_SECONDS = 1.2
"""Seconds after a step before its gain is measured: the kernel's counters lag by vm.stat_interval (1 s)."""


KCOMPACTD_SECONDS = 5.0
"""Seconds more that kcompactd gets once it was woken, before a harsher step follows."""


class EscalationStep(StrEnum):
    """The steps of an escalation in their order, gentlest first; policies use these names."""

    SYNC = "sync"
    WAKE = "wake-kcompactd"
    COMPACT_NODE = "compact-node"
    RECLAIM = "reclaim-cgroup"
    PAGE_CACHE = "drop-page-cache"
    SLAB = "drop-slab"
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


def escalation_steps(
    chosen: Iterable[EscalationStep], nodes: Sequence[int], more: Mapping[EscalationStep, Remedy] | None = None
) -> tuple[Remedy, ...]:
    """Return the remedies of the chosen steps in the order of `EscalationStep`, with one per node to compact.

    `more` has those that depend on the node: to wake kcompactd, to reclaim the chosen cgroup.

    On one NUMA node, compacting it is the same as compacting all memory, so one of the two is enough. If sync is
    allowed, each compaction starts with one: pages dirtied since the first sync can end a compaction early.
    """
    wanted = set(chosen)
    synced = EscalationStep.SYNC in wanted
    by_node = len(nodes) > 1 or EscalationStep.COMPACT not in wanted
    remedies: dict[EscalationStep, Sequence[Remedy]] = {
        EscalationStep.SYNC: (sync_only(),),
        EscalationStep.COMPACT_NODE: [compact_node(node, sync=synced) for node in nodes] if by_node else (),
        EscalationStep.PAGE_CACHE: (drop_caches(1, sync=False),),
        EscalationStep.SLAB: (drop_caches(2, sync=False),),
        EscalationStep.COMPACT: (compact_all(sync=synced),),
        **{step: (remedy,) for step, remedy in (more or {}).items()},
    }
    return tuple(remedy for step in EscalationStep if step in wanted for remedy in remedies.get(step, ()))


def steps_of_node(
    chosen: Iterable[EscalationStep], root: Path, worth: Callable[[Remedy], bool] = lambda _: True
) -> tuple[Remedy, ...]:
    """Return the remedies of the chosen steps on the node under `root`; reads its cgroups if one is to be reclaimed.

    That one is the cgroup with most page cache of those that can be reclaimed, and for which `worth` is true if it is
    for any.
    """
    wanted = set(chosen)
    more: dict[EscalationStep, Remedy] = {}
    if EscalationStep.WAKE in wanted:
        more[EscalationStep.WAKE] = read_wake(root)
    if EscalationStep.RECLAIM in wanted:
        found = (reclaim_cgroup(cgroup, cgroup.path) for cgroup in read_cgroups(root).cgroups)
        if able := [remedy for remedy in found if remedy.disabled_reason is None]:
            more[EscalationStep.RECLAIM] = next(filter(worth, able), able[0])
    return escalation_steps(wanted, numa_nodes(root), more)


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
        prevented: Callable[[], str | None] | None = None,
    ) -> None:
        """Prepare it to run until there are `blocks` blocks of the order; None runs every remedy in any case.

        The first `always` steps run even if there are enough blocks (a periodic run). `typed` is what the user typed to
        confirm all of it, see `RunRequest`. `weigh` corrects the forecast of a step; `skipped` are steps left out, each
        with the reason. `enough` is one more condition that a snapshot must meet to end the run early. `prevented` is
        asked before each step and returns why it must not run, which ends the run.
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
        self._price: PriceMeter | None = None
        self._outcome: Outcome | None = None
        self._outcome_at = 0.0
        self._steps: list[StepResult] = []
        self._weigh = weigh
        self._skipped = list(skipped)
        self._enough = enough
        self._prevented = prevented

    @property
    def settled_at(self) -> float | None:
        """Monotonic time from which a snapshot shows the gain of the step that has ended, or None."""
        if self._outcome is None:
            return None
        waits = self.blocks is not None and self._outcome.remedy.effect.gentle
        return self._outcome_at + SETTLE_SECONDS + (KCOMPACTD_SECONDS if waits else 0.0)

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
        if self._outcome is not None and self.settled_at is not None:
            if snapshot.monotonic < self.settled_at:
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
        self.followups.append(FollowUp(self._audit, outcome.id, self._before, snapshot, self.order, self._price))

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
        # If only `enough` asks for more, blocks don't judge a step.
        if self.blocks is not None and free is not None and free < self.blocks and not self._always:
            self._skip(snapshot, self.blocks - free)
        while self._left:
            remedy = self._left.pop(0)
            # A remedy that runs alone is refused by its own start, with the same trial.
            why = None if self.blocks is None else disabled_because(remedy, self._root, self._disabled_reason)
            if why is not None:
                self._skipped.append(f"{remedy.id}: {why}")
                continue
            if self._prevented is not None and (why := self._prevented()) is not None:
                return self._end(EndReason.REFUSED, why)
            expected = forecast(snapshot, self.order).gain(remedy.effect)
            self._expected = expected if self._weigh is None else self._weigh(remedy, expected)
            blocks = target_blocks(snapshot, self.order)
            self._price = PriceMeter.of(remedy, self._root)
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

    def _skip(self, snapshot: Snapshot, missing: int) -> None:
        """Leave out the steps that are not expected to suffice, before one that is expected to."""
        able = [remedy for remedy in self._left if disabled_because(remedy, self._root, self._disabled_reason) is None]
        for rung in ladder(able, snapshot, forecast(snapshot, self.order), missing, self._weigh):
            if rung.skipped is None and rung.remedy.effect != Effect(sync=True):
                break
            if rung.skipped is not None:
                self._left.remove(rung.remedy)
                self._skipped.append(f"{rung.remedy.id}: {rung.skipped}")

    def _count(self, snapshot: Snapshot, free: int | None, state: str) -> str:
        size = format_block(snapshot.host.page_size, self.order)
        blocks = "an unknown number of blocks" if free is None else counted(free, "block")
        return f"{blocks} of {size} {state}" + ("" if self.blocks is None else f", {self.blocks} wanted")

    def _end(self, reason: EndReason, why: str) -> EscalationEnd:
        return EscalationEnd(reason, tuple(self._steps), tuple(self._skipped), why)
