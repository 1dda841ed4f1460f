"""All remedies of a screen, on one thread that outlives their children and may wait for a disk: the screen never does.

One remedy, the ladder, the guard and the evidence after them are fed with the same snapshots; what is known of them
is handed back as one frozen `RemedyState` whenever it changes.
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
from fragtui.model.node.target_zones import target_blocks
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.model.remedy.recovery import Checkpoint, GainDecay, Recovery
from fragtui.model.remedy.remedy_history import describe_episode, describe_unknown, repeats
from fragtui.model.remedy.tuning_advice import Advice, advise
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.escalation import SETTLE_SECONDS, Escalation, EscalationEnd
from fragtui.remedies.follow_up import FollowUp
from fragtui.remedies.guard.guard import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import Decision
from fragtui.remedies.lock import LockBusy
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest
from fragtui.sources.files.own_files import os_reason
from fragtui.sources.host.vm_settings import read_vm_settings

_POLL = 0.05


@dataclass(frozen=True, slots=True)
class RemedyResult:
    """A remedy (or a ladder, by its last step) that is over, with what was seen before and after."""

    outcome: Outcome
    recovery: Recovery
    expected: Gain | None
    gain_decay: GainDecay | None
    checkpoints: tuple[Checkpoint, ...] = ()
    """After 1, 5 and 30 minutes, as far as they have passed."""
    escalation_end: EscalationEnd | None = None
    """The ladder that it ends, or None."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The remedies on record in words, the oldest first, and advice for the node as it is."""

    episodes: tuple[str, ...]
    repeats: str | None
    advice: tuple[Advice, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemedyState:
    """What is known now; None where there is nothing of the kind."""

    running: str | None = None
    """Title of the remedy under way."""
    started: float = 0.0
    """Its start, monotonic seconds."""
    aborting: bool = False
    settling: bool = False
    """It is over, and a snapshot a moment later is waited for."""
    refused: str | None = None
    """Why what was last asked for did not start, or did not begin to climb."""
    remedy_result: RemedyResult | None = None
    guard: Policy | None = None
    """The policy of the guard while it is on."""
    decision: Decision | None = None
    guard_end: EscalationEnd | None = None
    past: tuple[str, ...] = ()
    """What the audit log tells at the start: outcomes that nobody knows, gains that do not last."""

    @property
    def busy(self) -> bool:
        """Whether a remedy is under way or just over."""
        return self.running is not None or self.settling


def _look_again() -> None:
    """Nothing but what wakes the one who waits to be asked."""


class RemedyService:
    """Runs what it is asked for; `on_change` is called on its thread, also with a traceback where it failed."""

    def __init__(
        self, root: Path, audit: AuditLog, disabled_reason: str | None, on_change: Callable[[RemedyState | str], None]
    ) -> None:
        self.root = root
        self.audit = audit
        self._barred = disabled_reason
        self._on_change = on_change
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._snapshot: Snapshot | None = None
        self._seen: Snapshot | None = None
        self._interval = 1.0
        self._stopping = threading.Event()
        self._abort = threading.Event()
        self._state = self._told = RemedyState()
        self._run: tuple[RemedyRun, Snapshot, int, Gain] | None = None
        self._over: tuple[Outcome, Snapshot, int, Gain, float] | None = None
        self._ladder: Escalation | None = None
        self._ladder_from: Snapshot | None = None
        self._guard: Guard | None = None
        self._followup: tuple[FollowUp, RemedyResult] | None = None
        self._thread = threading.Thread(target=self._work, name="remedies", daemon=True)

    def start(self) -> None:
        """Begin; the audit log is read first."""
        self._asked.put(self._tell_past)
        self._thread.start()

    def see(self, snapshot: Snapshot, interval: float = 1.0) -> None:
        """Hand over a tick; only the newest is looked at, and only if something depends on it.

        The next one is expected after `interval` seconds.
        """
        self._snapshot = snapshot
        self._interval = interval
        if self._watches:
            self._asked.put(_look_again)

    def treat(self, remedy: Remedy, before: Snapshot, order: int) -> None:
        """Run one remedy."""
        self._asked.put(lambda: self._begin(remedy, before, order))

    def climb(self, remedies: Sequence[Remedy], before: Snapshot, order: int, blocks: int) -> None:
        """Run remedies one after another until there are so many blocks of the order."""
        self._asked.put(lambda: self._begin_ladder(remedies, before, order, blocks))

    def guard(self, policy: Policy | None) -> None:
        """Switch the guard on with a policy, or off."""
        self._asked.put(lambda: self._switch(policy))

    def recall(self, snapshot: Snapshot, order: int, on_told: Callable[[HistoryView], None]) -> None:
        """Read the remedies on record and reckon advice; `on_told` is called on this thread."""
        self._asked.put(lambda: on_told(self._recall(snapshot, order)))

    def abort(self) -> None:
        """End what is under way."""
        self._abort.set()

    def close(self, seconds: float) -> None:
        """Abort what runs and wait at most so long for its end to be on record."""
        self._abort.set()
        self._stopping.set()
        self._asked.put(_look_again)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            try:
                self._turn()
            except Exception:
                self._on_change(traceback.format_exc())
            if self._stopping.is_set() and self._run is None and self._ladder is None:
                if self._guard is not None:
                    self._guard.close()
                return

    def _turn(self) -> None:
        guarding = self._guard is not None and self._guard.ladder is not None
        busy = guarding or self._run is not None or self._over is not None or self._ladder is not None
        with contextlib.suppress(queue.Empty):
            asked = self._asked.get(timeout=_POLL if busy or self._stopping.is_set() else None)
            asked()
        if self._run is not None:
            self._watch(*self._run)
        snapshot = self._snapshot
        if snapshot is not None and (snapshot is not self._seen or self._stopping.is_set()):
            self._seen = snapshot
            self._look(snapshot)
        elif self._ladder is not None and snapshot is not None:
            self._advance(self._ladder, snapshot)
        elif guarding and snapshot is not None:
            self._tick(snapshot)
        self._tell()

    @property
    def _watches(self) -> bool:
        """Whether something hangs on ticks."""
        followed = self._followup is not None and not self._followup[0].over
        return followed or self._over is not None or self._ladder is not None or self._guard is not None

    def _look(self, snapshot: Snapshot) -> None:
        """Take a tick in all that hangs on ticks."""
        if self._over is not None and snapshot.monotonic >= self._over[4] + SETTLE_SECONDS:
            outcome, before, order, expected, _ = self._over
            self._over = None
            self._follow(FollowUp(self.audit, outcome.id, before, snapshot, order), outcome, expected, None)
        elif self._followup is not None and not self._followup[0].over:
            followup, remedy_result = self._followup
            followup.see(snapshot)
            self._state = replace(
                self._state,
                remedy_result=replace(remedy_result, gain_decay=followup.gain_decay, checkpoints=followup.checkpoints),
            )
        if self._ladder is not None:
            self._advance(self._ladder, snapshot)
        self._tick(snapshot)

    def _tick(self, snapshot: Snapshot) -> None:
        """Let the guard take a tick, unless a remedy that was asked for is under way."""
        if self._guard is None or self._state.busy:
            return
        if self._guard.ladder is not None and self._abort.is_set():
            self._abort.clear()
            self._guard.abort()
        self._guard.interval = self._interval
        decision = self._guard.tick(snapshot)
        self._state = replace(self._state, decision=decision, guard_end=self._guard.last_end)

    def _begin(self, remedy: Remedy, before: Snapshot, order: int) -> None:
        if self._state.busy:
            return
        self._abort.clear()
        expected = forecast(before, order).gain(remedy.effect)
        asked = RunRequest("screen", order, target_blocks(before, order), expected)
        try:
            running = RemedyRun.start(remedy, self.root, self.audit, asked, self._barred)
        except RunRefused as refused:
            self._state = replace(self._state, refused=str(refused))
            return
        self._run = (running, before, order, expected)
        self._state = replace(self._state, running=remedy.title, started=running.started, refused=None)

    def _watch(self, running: RemedyRun, before: Snapshot, order: int, expected: Gain) -> None:
        if self._abort.is_set() and not running.aborting:
            running.abort()
            self._state = replace(self._state, aborting=True)
        if (outcome := running.poll()) is not None:
            self._run = None
            self._over = (outcome, before, order, expected, time.monotonic())
            self._state = replace(self._state, running=None, aborting=False, settling=True)

    def _begin_ladder(self, remedies: Sequence[Remedy], before: Snapshot, order: int, blocks: int) -> None:
        if self._state.busy:
            return
        self._abort.clear()
        self._ladder = Escalation(remedies, self.root, self.audit, order, blocks, "screen", self._barred)
        self._ladder_from = before
        self._state = replace(self._state, running="Step by step", started=time.monotonic(), refused=None)
        self._advance(self._ladder, before)

    def _advance(self, ladder: Escalation, snapshot: Snapshot) -> None:
        if self._abort.is_set():
            ladder.abort()
            self._state = replace(self._state, aborting=True)
        end = ladder.advance(snapshot)
        if end is None:
            if ladder.running is not None:
                self._state = replace(self._state, running=f"Step by step: {ladder.running.remedy.title.lower()}")
            return
        self._ladder = None
        self._state = replace(self._state, running=None, aborting=False)
        if not end.escalation_steps or self._ladder_from is None:
            self._state = replace(self._state, refused=end.why)
            return
        last = end.escalation_steps[-1]
        followup = FollowUp(self.audit, last.outcome.id, self._ladder_from, snapshot, ladder.order)
        self._follow(followup, last.outcome, None, end)

    def _follow(self, followup: FollowUp, outcome: Outcome, expected: Gain | None, end: EscalationEnd | None) -> None:
        remedy_result = RemedyResult(outcome, followup.recovery, expected, followup.gain_decay, escalation_end=end)
        self._followup = (followup, remedy_result)
        self._state = replace(self._state, remedy_result=remedy_result, settling=False)

    def _switch(self, policy: Policy | None) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None
        self._state = replace(self._state, guard=None, decision=None)
        if policy is None:
            return
        try:
            self._guard = Guard(policy, self.root, self.audit, time.monotonic(), self._barred)
        except LockBusy as busy:
            self._state = replace(self._state, refused=f"another guard is on: {busy}")
        except OSError as error:
            self._state = replace(self._state, refused=f"no lock for a guard: {os_reason(error, error.filename)}")
        else:
            self._state = replace(self._state, guard=policy, refused=None)

    def _recall(self, snapshot: Snapshot, order: int) -> HistoryView:
        past = read_history(self.audit, self.root)
        unknown = {episode.intent.id for episode in past.unknown}
        return HistoryView(
            tuple(describe_episode(episode, episode.intent.id in unknown) for episode in past.history),
            repeats(past.history, time.time()),
            advise(snapshot, order, read_vm_settings(self.root, snapshot.host.page_size)),
            past.problems,
        )

    def _tell_past(self) -> None:
        past = read_history(self.audit, self.root)
        told = [describe_unknown(episode) for episode in past.unknown[-3:]]
        if (said := repeats(past.history, time.time())) is not None:
            told.append(said)
        self._state = replace(self._state, past=tuple(told))

    def _tell(self) -> None:
        if self._state != self._told:
            self._told = self._state
            self._on_change(self._state)
