"""When the guard runs remedies: a pure function of policy, state and snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from enum import StrEnum
from math import inf

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import usable_blocks
from fragtui.model.remedy.forecast import Forecast
from fragtui.model.remedy.remedy_history import Episode, IntentEntry, runs_of
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.escalation import EndReason, EscalationEnd
from fragtui.remedies.guard.lessons import Lessons, against, is_worth_its_cost, learnt, lessons_from_history
from fragtui.remedies.guard.policy import Policy
from fragtui.text import counted, format_block, format_bytes, format_count, format_duration

HOUR = 3600.0


class GuardAction(StrEnum):
    """What the guard does at a tick."""

    WATCH = "watch"
    HOLD = "hold"
    """A run is due, but a rule forbids it now."""
    RUN = "run"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the guard does now, and why; `topic` stays the same while only numbers change."""

    action: GuardAction
    topic: str
    why: str
    wait: float | None = None
    """Seconds until this may change by time alone; None if it depends on the node."""
    periodic: bool = False
    """The run is due by the period: steps that free memory run even if there are enough blocks."""


@dataclass(frozen=True, slots=True)
class GuardState:
    """What the guard remembers; times are monotonic seconds."""

    since: float
    """Start of the guard: the first period counts from here."""
    short_since: float | None = None
    """Since when there are too few blocks."""
    seen: float | None = None
    """When the blocks were counted last."""
    runs: tuple[float, ...] = ()
    """Starts of the runs of the last hour."""
    last: float | None = None
    """End of the last run."""
    misses: int = 0
    lessons: Lessons = field(default_factory=dict)
    """What each remedy gained last."""
    stopped: str | None = None
    """Why it has given up."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks at one moment, in seconds."""

    monotonic: float
    wall: float
    """Since the epoch; it may have been set."""
    boot: str | None = None
    """boot_id of the running kernel."""
    boottime: float | None = None
    """CLOCK_BOOTTIME: since that kernel's start, suspend included."""

    def age(self, intent: IntentEntry) -> float:
        """Return how many seconds ago a remedy was requested: by the wall clock only if the boot time is unknown.

        A time in the future counts as now, but not as later than the boot that followed it.
        """
        same_boot = None if self.boot is None or intent.boot is None else intent.boot == self.boot
        if same_boot and self.boottime is not None and intent.boottime is not None:
            return max(0.0, self.boottime - intent.boottime)
        least = self.boottime if same_boot is False and self.boottime is not None else 0.0
        return max(least, self.wall - intent.time)


def state_from_history(policy: Policy, history: Iterable[Episode], clocks: Clocks) -> GuardState:
    """Return the initial state of a guard, from the runs of earlier guards in the last hour.

    A restart, as a DaemonSet does after every exit, must not reset the hourly limit, the cooldown and what was learnt.
    """
    now = clocks.monotonic
    mine = [episode for episode in history if episode.intent.by == "guard" and clocks.age(episode.intent) < 2 * HOUR]
    ran = [
        (now - clocks.age(run[0].intent), now - clocks.age(run[-1].intent) + (end.seconds if end else 0.0))
        for run in runs_of(mine)
        for end in [run[-1].ended]
    ]
    ran = sorted((start, min(end, now)) for start, end in ran if now - start < HOUR)
    recent = [(now - clocks.age(episode.intent), episode) for episode in mine]
    same_boot = [(at, episode) for at, episode in recent if episode.intent.boot == clocks.boot]
    return GuardState(
        since=now,
        runs=tuple(start for start, _ in ran),
        last=max((end for _, end in ran), default=None),
        lessons=lessons_from_history(same_boot, policy.order, policy.blocks),
    )


def watched_gap(policy: Policy, interval: float) -> float:
    """Return the longest time between two ticks, in seconds, that counts as watched.

    A guard that was stopped (SIGSTOP, a frozen cgroup) knows nothing of the time between. Ticks may come late on a node
    in trouble, but not so late that the whole `hold` time of a policy fits between two of them.
    """
    return max(2 * interval, min(5.0, policy.hold / 2))


def free_enough(policy: Policy, snapshot: Snapshot) -> bool | None:
    """Return whether as much memory is free as the policy asks for; None if that is unknown."""
    if policy.free is None:
        return True
    free = snapshot.meminfo.get("MemFree")
    return None if free is None else free >= policy.free


def is_short(policy: Policy, snapshot: Snapshot) -> bool | None:
    """Return whether there are fewer blocks, or less free memory, than the policy asks for; None if that is unknown."""
    blocks, enough = usable_blocks(snapshot, policy.order), free_enough(policy, snapshot)
    if blocks is None or (blocks >= policy.blocks and enough is None):
        return None
    return blocks < policy.blocks or not enough


def observed(policy: Policy, state: GuardState, snapshot: Snapshot, gap: float = inf) -> GuardState:
    """Return the state after this tick: since when blocks are short, and the runs of the last hour.

    If blocks were not counted for longer than `gap` seconds, they are not known to have been short meanwhile.
    """
    short_now = is_short(policy, snapshot)
    now = snapshot.monotonic
    short, seen = state.short_since, state.seen
    if short_now is not None:
        watched = seen is None or now - seen <= gap
        short = (short if short is not None and watched else now) if short_now else None
        seen = now
    runs = tuple(start for start in state.runs if now - start < HOUR)
    return replace(state, short_since=short, seen=seen, runs=runs)


def decide(policy: Policy, state: GuardState, snapshot: Snapshot, clock: time) -> Decision:
    """Return what to do now; `clock` is the local time of day, for quiet hours. `state` includes this tick."""
    if state.stopped is not None:
        return Decision(GuardAction.STOPPED, "stopped", state.stopped)
    now = snapshot.monotonic
    blocks = usable_blocks(snapshot, policy.order)
    size = format_block(snapshot.host.page_size, policy.order)
    if blocks is None:
        return Decision(GuardAction.HOLD, "unknown", f"the number of free blocks of {size} is unknown")
    count = f"{counted(blocks, 'block')} of {size} available, {policy.blocks} wanted"
    if policy.free is not None:
        free = snapshot.meminfo.get("MemFree")
        if free is None and blocks >= policy.blocks:
            return Decision(GuardAction.HOLD, "unknown", "free memory is unknown: meminfo has no MemFree")
        count += (
            f"; {'an unknown amount' if free is None else format_bytes(free)} free, {format_bytes(policy.free)} wanted"
        )
    due = _due_by_period(policy, state, now)
    periodic = due is not None and due <= 0
    if not periodic:
        if state.short_since is None:
            return Decision(GuardAction.WATCH, "enough", count, due)
        held = now - state.short_since
        if held < policy.hold:
            left = policy.hold - held
            return Decision(GuardAction.WATCH, "short", f"{count}; a run starts if that lasts {_left(left)}", left)
    if (against := _against(policy, state, snapshot, clock)) is not None:
        return replace(against, why=f"{count}; {against.why}")
    why = f"every {format_duration(policy.period)}" if periodic and policy.period else count
    return Decision(GuardAction.RUN, "run", why, periodic=periodic)


def run_started(state: GuardState, now: float) -> GuardState:
    """Return the state with a run started at `now`."""
    return replace(state, runs=(*state.runs, now))


def run_ended(policy: Policy, state: GuardState, end: EscalationEnd | None, now: float) -> GuardState:
    """Return the state after a run; `end` is None for a dry run.

    A run is worth its cost if it reaches the policy's blocks, or gains enough of the missing ones and of its forecast.
    """
    state = replace(state, last=now, short_since=None)
    if end is None:
        return state
    state = replace(state, lessons=learnt(state.lessons, end.steps, policy.blocks, now))
    if end.reason is EndReason.ABORTED:
        return state
    if end.reason is EndReason.REACHED:
        return replace(state, misses=0)
    before = end.steps[0].before if end.steps else None
    missing = policy.blocks - before if before is not None else policy.blocks
    expected = max((step.expected.blocks or 0 for step in end.steps), default=0)
    dropped = any(step.remedy.effect.page_cache for step in end.steps)
    if end.gained is not None and is_worth_its_cost(end.gained, expected, missing, page_cache=dropped):
        return replace(state, misses=0)
    misses = state.misses + 1
    if misses < policy.give_up:
        return replace(state, misses=misses)
    gained = (
        "" if end.gained is None or missing <= 0 else f"; the last one gained {_gain(end.gained)} of {missing} missing"
    )
    if gained and expected > 0:
        gained += f", forecast {format_count(expected)}"
    why = f"gave up: {counted(misses, 'run')} in a row gained nothing worth it{gained} ({end.why})"
    return replace(state, misses=misses, stopped=why)


def _gain(gained: int) -> str:
    return counted(gained, "block") if gained > 0 else "no block"


def worth_trying(
    state: GuardState, remedies: Sequence[Remedy], view: Forecast, now: float
) -> tuple[tuple[Remedy, ...], tuple[str, ...]]:
    """Return the steps that may still gain something, and those left out, each with the reason.

    A sync alone makes pages droppable, so it is left out if no drop follows.
    """
    left_out = {
        remedy.id: why
        for remedy in remedies
        if (why := against(state.lessons, remedy, view.gain(remedy.effect), now)) is not None
    }
    left = [remedy for remedy in remedies if remedy.id not in left_out]
    if left_out and not any(remedy.effect.drops for remedy in left):
        left = [remedy for remedy in left if remedy.effect.compact]
    return tuple(left), tuple(left_out.values())


def nothing_left(state: GuardState, left_out: Sequence[str]) -> GuardState:
    """Return the state of a guard that has no step left that is worth another try."""
    runs = f"after {counted(state.misses, 'run')} without a gain worth it " if state.misses else ""
    return replace(state, stopped=f"gave up: {runs}no allowed step is worth another try ({'; '.join(left_out)})")


def _left(seconds: float) -> str:
    return format_duration(max(1.0, seconds))


def _due_by_period(policy: Policy, state: GuardState, now: float) -> float | None:
    """Return the seconds until the next periodic run, or None without a period."""
    if policy.period is None:
        return None
    return max(state.since, state.last or state.since) + policy.period - now


def _against(policy: Policy, state: GuardState, snapshot: Snapshot, clock: time) -> Decision | None:
    now = snapshot.monotonic
    if (quiet := next((span for span in policy.quiet if span.covers(clock)), None)) is not None:
        return Decision(GuardAction.HOLD, "quiet", f"waiting: quiet hours {quiet}")
    some = snapshot.pressure.some if snapshot.pressure else None
    if some is not None and some.avg10 >= policy.pressure:
        return Decision(
            GuardAction.HOLD,
            "pressure",
            f"waiting: memory pressure {some.avg10:.0f} %, {policy.pressure:g} % allowed",
        )
    if state.last is not None and (left := state.last + policy.cooldown - now) > 0:
        return Decision(GuardAction.HOLD, "cooldown", f"waiting: cooldown, {format_duration(left)} left", left)
    if len(state.runs) >= policy.per_hour:
        left = state.runs[-policy.per_hour] + HOUR - now
        return Decision(
            GuardAction.HOLD,
            "ceiling",
            f"waiting: {policy.per_hour} an hour, {format_duration(left)} until the next",
            left,
        )
    return None
