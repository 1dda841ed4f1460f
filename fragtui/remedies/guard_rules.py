"""When the guard runs remedies: a pure function of policy, state and what is there now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from fragtui.model.remedy_history import Episode, runs_of
from fragtui.model.snapshot import Snapshot
from fragtui.model.target import usable_blocks
from fragtui.remedies.ladder import End, LadderEnd
from fragtui.remedies.policy import Policy
from fragtui.text import counted, format_duration

HOUR = 3600.0


class Do(StrEnum):
    """What the guard does at a tick."""

    WATCH = "watch"
    HOLD = "hold"
    """A run is due, and something speaks against it."""
    RUN = "run"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the guard does now, and why; `topic` stays the same while only numbers change."""

    do: Do
    topic: str
    why: str
    wait: float | None = None
    """Seconds until this may change by time alone; None where it hangs on the node."""
    periodic: bool = False
    """The run is due by the period: what frees memory is done whatever is there."""


@dataclass(frozen=True, slots=True)
class GuardState:
    """What the guard remembers; times are monotonic seconds."""

    since: float
    """Start of the guard: the first period counts from here."""
    short_since: float | None = None
    """Since when there are too few blocks."""
    runs: tuple[float, ...] = ()
    """Starts of the runs of the last hour."""
    last: float | None = None
    """End of the last run."""
    fruitless: int = 0
    stopped: str | None = None
    """Why it has stopped by itself."""


def recalled(history: Iterable[Episode], now: float, wall: float) -> GuardState:
    """Return the state that a guard begins with at `now`, by the runs of earlier ones in the last hour.

    A restart, which a DaemonSet makes of every end, must not begin the hour and the cooldown anew.
    """
    ran = runs_of(e for e in history if e.intent.by == "guard" and wall - HOUR < e.intent.time <= wall)
    last: float | None = None
    if ran:
        final = ran[-1][-1]
        last = now - wall + final.intent.time + (final.ended.seconds if final.ended else 0.0)
    return GuardState(since=now, runs=tuple(now - wall + run[0].intent.time for run in ran), last=last)


def look(policy: Policy, state: GuardState, snapshot: Snapshot) -> GuardState:
    """Return the state with this tick taken in: since when blocks are short, and the runs of the last hour."""
    blocks = usable_blocks(snapshot, policy.order)
    now = snapshot.monotonic
    short = state.short_since
    if blocks is not None:
        short = (now if short is None else short) if blocks < policy.blocks else None
    return replace(state, short_since=short, runs=tuple(start for start in state.runs if now - start < HOUR))


def decide(policy: Policy, state: GuardState, snapshot: Snapshot, clock: time) -> Decision:
    """Return what to do now; `clock` is the local time of day, for quiet hours. `state` has taken this tick in."""
    if state.stopped is not None:
        return Decision(Do.STOPPED, "stopped", state.stopped)
    now = snapshot.monotonic
    blocks = usable_blocks(snapshot, policy.order)
    if blocks is None:
        return Decision(Do.HOLD, "unknown", f"how many blocks of order {policy.order} there are is unknown")
    there = f"{counted(blocks, 'block')} of order {policy.order} to be had, {policy.blocks} wanted"
    due = _due_by_period(policy, state, now)
    periodic = due is not None and due <= 0
    if not periodic:
        if state.short_since is None:
            return Decision(Do.WATCH, "enough", there, due)
        held = now - state.short_since
        if held < policy.hold:
            left = policy.hold - held
            return Decision(Do.WATCH, "short", f"{there}; a run begins if that stays so for {_left(left)}", left)
    if (against := _against(policy, state, snapshot, clock)) is not None:
        return replace(against, why=f"{there}; {against.why}")
    why = f"every {format_duration(policy.period)}" if periodic and policy.period else there
    return Decision(Do.RUN, "run", why, periodic=periodic)


def began(state: GuardState, now: float) -> GuardState:
    """Return the state with a run begun at `now`."""
    return replace(state, runs=(*state.runs, now))


def ended(policy: Policy, state: GuardState, end: LadderEnd | None, now: float) -> GuardState:
    """Return the state with the run over; None where it was only said (dry run).

    A run bears fruit when it reaches the policy's blocks, or wins a tenth of those that were missing.
    """
    state = replace(state, last=now, short_since=None)
    if end is None or end.end is End.ABORTED:
        return state
    if end.end is End.REACHED:
        return replace(state, fruitless=0)
    before = end.rungs[0].before if end.rungs else None
    missing = policy.blocks - before if before is not None else policy.blocks
    if end.gained is not None and end.gained >= max(1, missing // 10):
        return replace(state, fruitless=0)
    fruitless = state.fruitless + 1
    if fruitless < policy.give_up:
        return replace(state, fruitless=fruitless)
    why = f"gave up: {counted(fruitless, 'run')} in a row brought nothing worth it ({end.why})"
    return replace(state, fruitless=fruitless, stopped=why)


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
        return Decision(Do.HOLD, "quiet", f"held back: quiet hours {quiet}")
    some = snapshot.pressure.some if snapshot.pressure else None
    if some is not None and some.avg10 >= policy.pressure:
        return Decision(
            Do.HOLD, "pressure", f"held back: memory pressure {some.avg10:.0f} %, {policy.pressure:g} % allowed"
        )
    if state.last is not None and (left := state.last + policy.cooldown - now) > 0:
        return Decision(Do.HOLD, "cooldown", f"held back: cooldown, {format_duration(left)} left", left)
    if len(state.runs) >= policy.per_hour:
        left = state.runs[-policy.per_hour] + HOUR - now
        return Decision(
            Do.HOLD, "ceiling", f"held back: {policy.per_hour} an hour, {format_duration(left)} until the next", left
        )
    return None
