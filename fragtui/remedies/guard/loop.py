"""The guard: runs remedies by a policy; one guard at a time on a node."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.remedy_history import episodes
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.escalation import Escalation, EscalationEnd, EscalationStep, steps_of_node
from fragtui.remedies.follow_up import FollowUp
from fragtui.remedies.guard.lessons import against, weighed
from fragtui.remedies.guard.policy import Policy, local_time
from fragtui.remedies.guard.rules import (
    Clocks,
    Decision,
    GuardAction,
    decide,
    free_enough,
    nothing_left,
    observed,
    run_ended,
    run_started,
    state_from_history,
    watched_gap,
    worth_trying,
)
from fragtui.remedies.lock import NodeLock, lock_directories
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.site_policy import unconfirmed_because
from fragtui.sources.host.identity import boot_id


class Guard:
    """Takes every tick; never waits. Use it from one thread, which must outlive the remedies that it starts.

    Both ``fragtui guard`` and the switch on the screen use it. `decision` is the last one, `last_end` how the last run
    ended.
    """

    def __init__(
        self,
        policy: Policy,
        root: Path,
        audit: AuditLog,
        now: float,
        disabled_reason: str | None = None,
        interval: float = 1.0,
    ) -> None:
        """Take the guard's lock: raise LockBusy if another guard has it, OSError if no lock can be taken.

        A dry run writes nothing, so it also works without a lock. `now` is in monotonic seconds.
        """
        self.policy = policy
        self.interval = interval
        """Seconds between two ticks as scheduled."""
        boot, boottime = boot_id(root), time.clock_gettime(time.CLOCK_BOOTTIME)
        clocks = Clocks(now, time.time(), boot, boottime)
        self.state = state_from_history(policy, episodes(audit.read().entries), clocks)
        self.escalation: Escalation | None = None
        self.decision: Decision | None = None
        self.last_end: EscalationEnd | None = None
        self._root = root
        self._audit = audit
        self._disabled_reason = disabled_reason
        self._followups: list[FollowUp] = []
        self._remedies = steps_of_node(policy.steps, root)
        directories = lock_directories(root, audit.path)
        try:
            self._lock = NodeLock.take("guard", directories, f"a guard with pid {os.getpid()}")
        except OSError:
            if not policy.dry_run:
                raise
            self._lock = NodeLock(())

    @property
    def disabled_because(self) -> str | None:
        """Why no step of the policy can run here, or None if one can."""
        if (unasked := unconfirmed_because(self._root, None)) is not None:
            return f"{unasked}, and a guard asks nobody"
        if not self._remedies:
            return "no cgroup has page cache to reclaim"
        reasons = [disabled_because(remedy, self._root, self._disabled_reason) for remedy in self._remedies]
        return "; ".join(dict.fromkeys(filter(None, reasons))) if all(reasons) else None

    def tick(self, snapshot: Snapshot) -> Decision:
        """Take a tick: advance the run, or decide whether to start one. The tick that ends a run sets `last_end`."""
        self._followups = [followup for followup in self._followups if not followup.over]
        for followup in self._followups:
            followup.see(snapshot)
        if self.escalation is not None:
            self.decision = self._watch(self.escalation, snapshot)
            return self.decision
        self.state = observed(self.policy, self.state, snapshot, watched_gap(self.policy, self.interval))
        self.decision = decide(self.policy, self.state, snapshot, local_time(snapshot.time))
        if self.decision.action is GuardAction.RUN:
            self._begin(self.decision, snapshot)
        return self.decision

    def abort(self) -> None:
        """Abort the run; the guard stays on."""
        if self.escalation is not None:
            self.escalation.abort()

    def close(self) -> None:
        """Abort what runs and release the lock; a child that does not end in 2 s is killed with this process."""
        try:
            if self.escalation is not None and self.escalation.running is not None:
                self.escalation.running.abort()
                self.escalation.running.wait(2.0)
        finally:
            self._lock.release()

    def _begin(self, decision: Decision, snapshot: Snapshot) -> None:
        now, view = snapshot.monotonic, forecast(snapshot, self.policy.order)

        def worth(remedy: Remedy) -> bool:
            return against(self.state.lessons, remedy, view.gain(remedy.effect), now) is None

        if EscalationStep.RECLAIM in self.policy.steps:
            # Which cgroup has most page cache changes; for a moment none may have any, or none can be read.
            self._remedies = steps_of_node(self.policy.steps, self._root, worth) or self._remedies
        steps: tuple[Remedy, ...] = self._remedies
        left_out: tuple[str, ...] = ()
        if not decision.periodic:
            steps, left_out = worth_trying(self.state, self._remedies, view, now)
        if not steps:
            self.state = nothing_left(self.state, left_out)
            self.decision = Decision(GuardAction.STOPPED, "stopped", self.state.stopped or "")
            return
        self.state = run_started(self.state, now)
        if self.policy.dry_run:
            self.state = run_ended(self.policy, self.state, None, now)
            return
        always = sum(1 for remedy in self._remedies if not remedy.effect.compact) if decision.periodic else 0
        self.escalation = Escalation(
            steps,
            self._root,
            self._audit,
            self.policy.order,
            self.policy.blocks,
            "guard",
            self._disabled_reason,
            always,
            weigh=None if decision.periodic else partial(weighed, self.state.lessons, now=now),
            skipped=left_out,
            enough=lambda later: bool(free_enough(self.policy, later)),
        )
        self._advance(self.escalation, snapshot)

    def _watch(self, escalation: Escalation, snapshot: Snapshot) -> Decision:
        self._advance(escalation, snapshot)
        if escalation.running is not None:
            remedy = escalation.running.remedy
            return Decision(GuardAction.RUNNING, f"running {remedy.id}", remedy.title)
        if escalation.ended is None:
            return Decision(GuardAction.RUNNING, "settling", "measuring the result of the step")
        return Decision(GuardAction.RUNNING, "over", escalation.ended.why)

    def _advance(self, escalation: Escalation, snapshot: Snapshot) -> None:
        end = escalation.advance(snapshot)
        if end is None:
            return
        self.last_end = end
        self.escalation = None
        # Follow only the last step: the gain of each earlier one is the base of the next.
        self._followups += escalation.followups[-1:]
        self.state = run_ended(self.policy, self.state, end, snapshot.monotonic)
