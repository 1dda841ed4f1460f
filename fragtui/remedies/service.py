"""All remedies of a screen, on one thread that outlives their child processes and may wait for a disk.

A remedy, an escalation, the guard and the evidence after them take the same snapshots; their state is published as one
frozen `RemedyState` whenever it changes.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.recovery import Checkpoint, GainDecay, Recovery
from fragtui.model.remedy.remedy_history import describe_episode, describe_unknown, repeats
from fragtui.model.remedy.tuning_advice import Advice, advise
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.escalation import Escalation, EscalationEnd
from fragtui.remedies.follow_up import FollowUp
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import Decision
from fragtui.remedies.lock import LockBusy
from fragtui.remedies.outcome import Outcome
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.host.vm_settings import read_vm_settings

_POLL = 0.05


@dataclass(frozen=True, slots=True)
class RemedyResult:
    """A remedy that has ended (for an escalation: its last step), with the node before and after."""

    outcome: Outcome
    recovery: Recovery
    expected: Gain | None
    gain_decay: GainDecay | None
    checkpoints: tuple[Checkpoint, ...] = ()
    """After 1, 5 and 30 minutes, as they pass."""
    escalation_end: EscalationEnd | None = None
    """The escalation that it was the last step of, or None."""
    asked_at: float | None = None
    """When it was requested, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The remedies of the audit log as text, the oldest first, and advice for the node as it is."""

    episodes: tuple[str, ...]
    repeats: str | None
    advice: tuple[Advice, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemedyState:
    """The state of all remedies; None if there is nothing of the kind."""

    running: str | None = None
    """Title of the remedy that runs."""
    started: float = 0.0
    """Its start, monotonic seconds."""
    aborting: bool = False
    settling: bool = False
    """The remedy has ended, and the service waits for the snapshot that shows its gain."""
    refused: str | None = None
    """Why the last request did not start."""
    remedy_result: RemedyResult | None = None
    guard: Policy | None = None
    """The policy of the guard, if it is on."""
    decision: Decision | None = None
    guard_end: EscalationEnd | None = None
    past: tuple[str, ...] = ()
    """Sentences from the audit log at the start: unknown outcomes, gains that do not last."""

    @property
    def busy(self) -> bool:
        """Whether a remedy runs or has just ended."""
        return self.running is not None or self.settling


def _wake() -> None:
    """Do nothing: a request that only wakes the thread."""


class RemedyService:
    """Runs remedies on request; `on_change` is called on its thread, with a traceback after an internal error."""

    def __init__(
        self, root: Path, audit: AuditLog, disabled_reason: str | None, on_change: Callable[[RemedyState | str], None]
    ) -> None:
        self.root = root
        self.audit = audit
        self._disabled_reason = disabled_reason
        self._on_change = on_change
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._snapshot: Snapshot | None = None
        self._seen: Snapshot | None = None
        self._interval = 1.0
        self._stopping = threading.Event()
        self._abort = threading.Event()
        self._state = self._published = RemedyState()
        self._escalation: Escalation | None = None
        self._before: Snapshot
        """The snapshot before its first step."""
        self._asked_at = 0.0
        self._guard: Guard | None = None
        self._followup: FollowUp | None = None
        self._thread = threading.Thread(target=self._work, name="remedies", daemon=True)

    def start(self) -> None:
        """Start the thread; it reads the audit log first."""
        self._requests.put(self._load_past)
        self._thread.start()

    def see(self, snapshot: Snapshot, interval: float = 1.0) -> None:
        """Take a tick; only the newest is used, and only if something depends on it.

        The next one is expected after `interval` seconds.
        """
        self._snapshot = snapshot
        self._interval = interval
        if self._needs_ticks:
            self._requests.put(_wake)

    def run(self, remedy: Remedy, before: Snapshot, order: int, typed: str | None = None) -> None:
        """Run one remedy; `typed` as for `RunRequest`."""
        self._requests.put(lambda: self._begin([remedy], before, order, None, typed))

    def escalate(
        self, remedies: Sequence[Remedy], before: Snapshot, order: int, blocks: int, typed: str | None = None
    ) -> None:
        """Run remedies one after another until there are `blocks` blocks of the order; `typed` as for `RunRequest`."""
        self._requests.put(lambda: self._begin(remedies, before, order, blocks, typed))

    def guard(self, policy: Policy | None) -> None:
        """Switch the guard on with a policy, or off."""
        self._requests.put(lambda: self._switch(policy))

    def load_history(self, snapshot: Snapshot, order: int, on_loaded: Callable[[HistoryView], None]) -> None:
        """Read the remedies in the audit log and compute advice; `on_loaded` is called on this thread."""
        self._requests.put(lambda: on_loaded(self._read_history(snapshot, order)))

    def abort(self) -> None:
        """Abort the remedy that runs."""
        self._abort.set()

    def close(self, seconds: float) -> None:
        """Abort the remedy that runs and wait at most so long until its end is in the audit log."""
        self._abort.set()
        self._stopping.set()
        self._requests.put(_wake)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            try:
                self._turn()
            except Exception:
                self._on_change(traceback.format_exc())
            if self._stopping.is_set() and (self._escalation is None or self._escalation.running is None):
                if self._guard is not None:
                    self._guard.close()
                return

    def _turn(self) -> None:
        guard_runs = self._guard is not None and self._guard.escalation is not None
        busy = guard_runs or self._escalation is not None
        with contextlib.suppress(queue.Empty):
            request = self._requests.get(timeout=_POLL if busy or self._stopping.is_set() else None)
            request()
        snapshot = self._snapshot
        is_new = snapshot is not None and (snapshot is not self._seen or self._stopping.is_set())
        if snapshot is not None and is_new:
            self._seen = snapshot
            self._follow_up(snapshot)
        if self._escalation is not None:
            self._advance(self._escalation, snapshot or self._before)
        if snapshot is not None and (is_new or guard_runs):
            self._tick(snapshot)
        self._publish()

    @property
    def _needs_ticks(self) -> bool:
        """Whether anything depends on ticks."""
        followed = self._followup is not None and not self._followup.over
        return followed or self._escalation is not None or self._guard is not None

    def _follow_up(self, snapshot: Snapshot) -> None:
        """Measure what is left of the last gain."""
        followup, result = self._followup, self._state.remedy_result
        if followup is not None and result is not None and not followup.over:
            followup.see(snapshot)
            result = replace(result, gain_decay=followup.gain_decay, checkpoints=followup.checkpoints)
            self._state = replace(self._state, remedy_result=result)

    def _tick(self, snapshot: Snapshot) -> None:
        """Pass a tick to the guard, unless a remedy that the user started runs."""
        if self._guard is None or self._state.busy:
            return
        if self._guard.escalation is not None and self._abort.is_set():
            self._abort.clear()
            self._guard.abort()
        self._guard.interval = self._interval
        decision = self._guard.tick(snapshot)
        self._state = replace(self._state, decision=decision, guard_end=self._guard.last_end)

    def _begin(
        self, remedies: Sequence[Remedy], before: Snapshot, order: int, blocks: int | None, typed: str | None
    ) -> None:
        if self._state.busy or self._stopping.is_set():
            return
        self._abort.clear()
        self._escalation = Escalation(
            remedies, self.root, self.audit, order, blocks, "screen", self._disabled_reason, typed=typed
        )
        self._before = before
        self._asked_at = time.time()
        self._state = replace(self._state, started=time.monotonic(), refused=None)
        self._advance(self._escalation, before)

    def _advance(self, escalation: Escalation, snapshot: Snapshot) -> None:
        if self._abort.is_set():
            escalation.abort()
        end = escalation.advance(snapshot)
        alone = escalation.blocks is None
        if end is None:
            title = escalation.running.remedy.title if escalation.running else None
            self._state = replace(
                self._state,
                running=title if alone else f"Step by step: {title.lower()}" if title else self._state.running,
                aborting=self._abort.is_set() and not (alone and title is None),
                settling=alone and title is None,
            )
            return
        self._escalation = None
        self._state = replace(self._state, running=None, aborting=False, settling=False)
        if not end.steps:
            self._state = replace(self._state, refused=end.why)
            return
        last = end.steps[-1]
        # The gain of several steps is that of the last snapshot over the one before the first step.
        price = next((followup.price for followup in escalation.followups if followup.price is not None), None)
        followup = (
            escalation.followups[-1]
            if alone
            else FollowUp(self.audit, last.outcome.id, self._before, snapshot, escalation.order, price)
        )
        self._followup = followup
        result = RemedyResult(
            last.outcome,
            followup.recovery,
            last.expected if alone else None,
            followup.gain_decay,
            escalation_end=None if alone else end,
            asked_at=self._asked_at,
        )
        self._state = replace(self._state, remedy_result=result)

    def _switch(self, policy: Policy | None) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None
        self._state = replace(self._state, guard=None, decision=None)
        if policy is None:
            return
        try:
            self._guard = Guard(policy, self.root, self.audit, time.monotonic(), self._disabled_reason)
        except LockBusy as busy:
            self._state = replace(self._state, refused=f"another guard is on: {busy}")
        except OSError as error:
            self._state = replace(self._state, refused=f"no lock for a guard: {file_problem(error, error.filename)}")
        else:
            self._state = replace(self._state, guard=policy, refused=None)

    def _read_history(self, snapshot: Snapshot, order: int) -> HistoryView:
        past = read_history(self.audit, self.root)
        unknown = {episode.intent.id for episode in past.unknown}
        return HistoryView(
            tuple(describe_episode(episode, episode.intent.id in unknown) for episode in past.history),
            repeats(past.history, time.time()),
            advise(snapshot, order, read_vm_settings(self.root, snapshot.host.page_size)),
            past.problems,
        )

    def _load_past(self) -> None:
        past = read_history(self.audit, self.root)
        sentences = [describe_unknown(episode) for episode in past.unknown[-3:]]
        if (repeated := repeats(past.history, time.time())) is not None:
            sentences.append(repeated)
        self._state = replace(self._state, past=tuple(sentences))

    def _publish(self) -> None:
        if self._state != self._published:
            self._published = self._state
            self._on_change(self._state)
