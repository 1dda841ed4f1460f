"""The guard's rules, and its verb as far as it goes without running anything."""

import argparse
import os
import signal
import subprocess
import sys
import time as clock
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.commands.cli.parser import common_options
from fragtui.commands.fix import guard as verb
from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pressure import Pressure, Stall
from fragtui.model.node.snapshot import Host, Snapshot, Zone
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import compact_all
from fragtui.remedies.escalation import EndReason, EscalationEnd, StepResult
from fragtui.remedies.guard import loop as guard_module
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy, QuietHours, parse_policy
from fragtui.remedies.guard.rules import (
    HOUR,
    Clocks,
    Decision,
    GuardAction,
    GuardState,
    decide,
    observed,
    run_ended,
    run_started,
    watched_gap,
)
from fragtui.remedies.lock import LockBusy
from fragtui.remedies.outcome import Outcome
from tests.support.examples import examples
from tests.support.host_tree import FRAGMENTED, HostTree

NOON = time(12)
POLICY = Policy(order=2, blocks=10, hold=5, cooldown=100, per_hour=2, give_up=2)
NOTHING = EscalationEnd(EndReason.EXHAUSTED, (), (), "0 blocks of order 2 after all steps, 10 asked for")


def tick(at: float, blocks: int | None, pressure: float | None = None) -> Snapshot:
    zone = Zone(ZoneBlocks(0, "Normal", (50_000, 0, blocks or 0)), None)
    return Snapshot(
        time=at,
        monotonic=at,
        host=Host("node", None, None, 4096),
        zones=None if blocks is None else (zone,),
        pressure=None if pressure is None else Pressure(Stall(pressure, 0, 0, 0), None),
    )


def see(
    state: GuardState, snapshot: Snapshot, policy: Policy = POLICY, now: time = NOON
) -> tuple[GuardState, Decision]:
    state = observed(policy, state, snapshot)
    return state, decide(policy, state, snapshot, now)


def test_it_runs_only_when_blocks_have_been_short_for_as_long_as_asked() -> None:
    state, decision = see(GuardState(0), tick(0, 50))
    assert (decision.action, decision.topic) == (GuardAction.WATCH, "enough")
    state, decision = see(state, tick(10, 9))
    assert (decision.action, decision.wait) == (GuardAction.WATCH, 5)
    state, decision = see(state, tick(13, 30))
    assert state.short_since is None
    state, decision = see(state, tick(14, 9))
    state, decision = see(state, tick(19, 9))
    assert decision.action is GuardAction.RUN and "9 blocks of 16K (order 2)" in decision.why and not decision.periodic


def short(state: GuardState, at: float) -> GuardState:
    return replace(state, short_since=at - 60)


@pytest.mark.parametrize(
    ("state", "snapshot", "policy", "topic"),
    [
        (GuardState(0), tick(1000, 0), replace(POLICY, quiet=(QuietHours(time(11), time(13)),)), "quiet"),
        (GuardState(0), tick(1000, 0, pressure=40), POLICY, "pressure"),
        (GuardState(0, last=950), tick(1000, 0), POLICY, "cooldown"),
        (GuardState(0, runs=(100, 200), last=300), tick(1000, 0), POLICY, "ceiling"),
        (GuardState(0), tick(1000, None), POLICY, "unknown"),
    ],
)
def test_each_reason_against_a_run_delays_it(state: GuardState, snapshot: Snapshot, policy: Policy, topic: str) -> None:
    _, decision = see(short(state, 1000), snapshot, policy)
    assert (decision.action, decision.topic) == (GuardAction.HOLD, topic)


def test_the_hourly_limit_reports_when_the_next_run_is_allowed() -> None:
    _, decision = see(short(GuardState(0, runs=(100, 200), last=300), 1000), tick(1000, 0))
    assert decision.wait == 100 + HOUR - 1000


def test_a_period_is_due_with_enough_blocks_too_and_counts_from_the_last_run() -> None:
    policy = replace(POLICY, period=3600)
    state, decision = see(GuardState(0), tick(3599, 500), policy)
    assert decision.action is GuardAction.WATCH and decision.wait == 1
    state, decision = see(state, tick(3600, 500), policy)
    assert decision.action is GuardAction.RUN and decision.periodic and decision.why == "every 1h00m"
    state = run_ended(policy, run_started(state, 3600), EscalationEnd(EndReason.REACHED, (), (), ""), 3610)
    assert see(state, tick(7000, 500), policy)[1].wait == 210


def escalation_end(before: int, after: int) -> EscalationEnd:
    remedy = compact_all()
    outcome = Outcome(remedy, "id", Result.DONE, 1.0, (), "Compact all memory: done in 1.0s.")
    return EscalationEnd(EndReason.EXHAUSTED, (StepResult(remedy, Gain(0, 5), outcome, before, after),), (), "too few")


def test_it_stops_by_itself_when_remedies_gain_nothing() -> None:
    state = run_ended(POLICY, GuardState(0), NOTHING, 10)
    assert state.misses == 1 and state.stopped is None
    worth_it = run_ended(POLICY, state, escalation_end(0, 4), 20)
    assert worth_it.misses == 0
    state = run_ended(POLICY, state, escalation_end(0, 0), 20)
    assert state.stopped is not None and state.stopped.startswith("gave up: 2 runs in a row gained nothing")
    assert see(state, tick(5000, 0))[1].action is GuardAction.STOPPED


def test_an_aborted_run_and_a_dry_one_count_for_the_cooldown_alone() -> None:
    for end in (None, EscalationEnd(EndReason.ABORTED, (), (), "aborted")):
        state = run_ended(POLICY, run_started(GuardState(0), 5), end, 10)
        assert (state.misses, state.last, state.runs) == (0, 10, (5,))


@examples(200, deadline=200)
@given(
    steps=st.lists(
        st.tuples(st.floats(0.1, 900), st.integers(0, 20), st.none() | st.floats(0, 100), st.floats(0, 300)),
        max_size=120,
    ),
    period=st.none() | st.floats(60, 4000),
    cooldown=st.floats(1, 1000),
    per_hour=st.integers(1, 4),
)
def test_no_run_ever_breaks_the_policy(
    steps: list[tuple[float, int, float | None, float]], period: float | None, cooldown: float, per_hour: int
) -> None:
    policy = replace(POLICY, period=period, cooldown=cooldown, per_hour=per_hour, give_up=1000)
    policy = replace(policy, quiet=(QuietHours(time(6), time(9)),))
    state, now = GuardState(0), 0.0
    starts: list[float] = []
    last_end: float | None = None
    for gap, blocks, pressure, took in steps:
        now += gap
        of_day = time(int(now / 3600) % 24, int(now / 60) % 60)
        state, decision = see(state, tick(now, blocks, pressure), policy, of_day)
        if decision.action is not GuardAction.RUN:
            continue
        assert not time(6) <= of_day < time(9)
        assert pressure is None or pressure < policy.pressure
        assert last_end is None or now - last_end >= cooldown - 1e-6
        assert blocks < policy.blocks or (period is not None and now >= period)
        starts.append(now)
        state = run_started(state, now)
        assert sum(now - start < HOUR for start in starts) <= per_hour
        now += took
        state = run_ended(policy, state, escalation_end(0, 0), now)
        last_end = now


@pytest.fixture
def lock_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(guard_module, "lock_directories", lambda root, audit: (tmp_path,))
    return tmp_path


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(parents=[common_options()])
    verb.configure(parser)
    return parser.parse_args(words)


def test_the_second_guard_refuses(lock_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = AuditLog(lock_here / "audit.jsonl")
    first = Guard(POLICY, Path("/"), audit, 0)
    with pytest.raises(LockBusy):
        Guard(POLICY, Path("/"), audit, 0)
    assert verb.run(parsed("--dry-run", "--audit", str(audit.path))) == 3
    assert f"another guard runs here: a guard with pid {os.getpid()}" in capsys.readouterr().err
    first.close()
    Guard(POLICY, Path("/"), audit, 0).close()


def test_a_dry_run_decides_and_writes_nothing(lock_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = lock_here / "audit.jsonl"
    status = verb.run(parsed("--dry-run", "--once", "--blocks", str(1 << 40), "--order", "3", "--audit", str(audit)))
    said = capsys.readouterr().out
    assert status == 0 and "would run: " in said and "(dry run)" in said
    assert not audit.exists()


def test_with_enough_blocks_nothing_runs(lock_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = lock_here / "audit.jsonl"
    status = verb.run(parsed("--dry-run", "--once", "--blocks", "1", "--order", "0", "--audit", str(audit)))
    assert status == 0 and "watch: " in capsys.readouterr().out


def test_read_only_is_no_guard(lock_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.run(parsed("--read-only", "--audit", str(lock_here / "a"))) == 3
    assert "--read-only" in capsys.readouterr().err


def test_a_wrong_policy_is_one_line(lock_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = lock_here / "guard.toml"
    file.write_text("order = 3\ncooldown = 'x'\n")
    assert verb.run(parsed("--policy", str(file))) == 2
    assert capsys.readouterr().err.startswith(f"fragtui: {file}: line 2: cooldown: expected a time")
    assert verb.run(parsed("--steps", "reboot")) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert verb.run(parsed("--for", "soon")) == 2
    assert capsys.readouterr().err.startswith("fragtui: --for: expected a time")


def test_the_printed_policy_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.run(parsed("--print-policy", "--blocks", "5", "--quiet", "22:00-06:00")) == 0
    policy = parse_policy(capsys.readouterr().out)
    assert policy.blocks == 5 and policy.quiet == (QuietHours(time(22), time(6)),)
    assert verb.run(parsed("--print-unit")) == 0
    assert "ExecStart=/usr/bin/env fragtui guard --policy" in capsys.readouterr().out


def test_a_restart_does_not_reset_the_hourly_limit(lock_here: Path) -> None:
    audit = AuditLog(lock_here / "audit.jsonl")
    wall = clock.time()
    for name, ago, by in (("a", 4000, "guard"), ("b", 1000, "guard"), ("c", 998, "guard"), ("d", 500, "guard"),
                          ("e", 100, "screen")):  # fmt: skip
        audit.append(IntentEntry(name, wall - ago, "drop-caches-1", ("s",), ("/x",), by, 1, 0))
        audit.append(EndEntry(name, wall - ago + 1, Result.DONE, 1.0))
    guard = Guard(replace(POLICY, hold=0, per_hour=2, cooldown=1), Path("/"), audit, 10_000)
    assert [round(start) for start in guard.state.runs] == [9000, 9500] and round(guard.state.last or 0) == 9501
    assert guard.tick(tick(10_001, 0)).topic == "ceiling"
    guard.close()


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def boottime() -> float:
    return clock.clock_gettime(clock.CLOCK_BOOTTIME)


def asked(name: str, time: float, ago: float | None, boot: str | None, run: str | None = None) -> IntentEntry:
    """An intent of the guard; `ago` by the boot's own clock, None for one of an earlier version."""
    since_boot = None if ago is None else boottime() - ago
    return IntentEntry(
        name, time, "drop-caches-1", ("s",), ("/x",), "guard", 1, 0, boot=boot, boottime=since_boot, run=run
    )


@pytest.mark.parametrize("set_by", [-400 * 86_400, -7200, 7200, 400 * 86_400])
def test_a_clock_that_was_set_does_not_reset_the_hourly_limit(set_by: float, lock_here: Path) -> None:
    audit = AuditLog(lock_here / "audit.jsonl")
    for name, ago in (("a", 1000), ("b", 500)):
        audit.append(asked(name, clock.time() - ago - set_by, ago, boot_id(), name))
        audit.append(EndEntry(name, clock.time() - ago - set_by + 1, Result.DONE, 1.0))
    guard = Guard(replace(POLICY, hold=0, per_hour=2, cooldown=1), Path("/"), audit, 10_000)
    assert [round(start) for start in guard.state.runs] == [9000, 9500] and round(guard.state.last or 0) == 9501
    assert guard.tick(tick(10_001, 0)).topic == "ceiling"
    guard.close()


def test_an_intent_in_the_future_has_age_zero(lock_here: Path) -> None:
    audit = AuditLog(lock_here / "audit.jsonl")
    for name in "ab":
        audit.append(asked(name, clock.time() + 86_400, None, None, name))
    guard = Guard(replace(POLICY, hold=0, per_hour=2, cooldown=1), Path("/"), audit, 10_000)
    assert [round(start) for start in guard.state.runs] == [10_000, 10_000] and guard.state.last == 10_000
    assert guard.tick(tick(10_002, 0)).topic == "ceiling"
    guard.close()


@pytest.mark.parametrize(
    ("intent", "age"),
    [
        (asked("same boot", 0.0, 100, "here"), 100),
        (asked("same boot, set back", 1e12, 100, "here"), 100),
        (asked("an earlier boot", 4900.0, 100, "earlier"), 100),
        (asked("an earlier boot, in the future", 9999.0, 100, "earlier"), 70),
        (asked("an earlier boot, by its clock after this one's start", 4980.0, 100, "earlier"), 70),
        (asked("an earlier version", 4900.0, None, "here"), 100),
        (asked("no boot", 4900.0, 100, None), 100),
        (asked("no boot, in the future", 9999.0, 100, None), 0),
    ],
    ids=lambda value: value.id if isinstance(value, IntentEntry) else None,
)
def test_the_age_of_an_intent_uses_the_boot_clock(intent: IntentEntry, age: float) -> None:
    now = replace(intent, boottime=1000.0 if intent.boottime is not None else None)
    uptime = 1100.0 if intent.boot == "here" else 70.0
    assert Clocks(10.0, 5000.0, "here", uptime).age(now) == age


def test_the_hour_counts_runs_by_their_ids_and_not_by_gaps(lock_here: Path) -> None:
    audit, now = AuditLog(lock_here / "audit.jsonl"), clock.time()
    # One run whose steps lie a minute apart, and two runs of one process within two seconds.
    for name, ago, run in (("a", 700, "1"), ("b", 640, "1"), ("c", 580, "1"), ("d", 102, "2"), ("e", 100, "3")):
        audit.append(asked(name, now - ago, ago, boot_id(), run))
    guard = Guard(POLICY, Path("/"), audit, 10_000)
    assert [round(start) for start in guard.state.runs] == [9300, 9898, 9900]
    guard.close()


def test_entries_of_earlier_versions_are_read_still() -> None:
    old = (
        '{"v": 1, "kind": "intent", "id": "a", "time": 1.0, "remedy": "compact", "steps": [], "paths": [], '
        '"by": "guard", "pid": 1, "uid": 0, "boot": "b"}'
    )
    entry = parse_entry(old)
    assert isinstance(entry, IntentEntry) and entry.boottime is None and entry.run is None


def test_time_that_was_not_watched_does_not_count_as_short(lock_here: Path) -> None:
    guard = Guard(replace(POLICY, hold=5, dry_run=True), Path("/"), AuditLog(lock_here / "a"), 0, None, 1.0)
    assert [guard.tick(tick(at, 0)).topic for at in (100, 101, 102)] == ["short"] * 3
    # It was stopped for ten minutes; or could not count for as long.
    decision = guard.tick(tick(702, 0))
    assert (decision.topic, decision.wait) == ("short", 5)
    assert [guard.tick(tick(at, None)).topic for at in range(703, 713)] == ["unknown"] * 10
    assert [guard.tick(tick(at, 0)).topic for at in range(713, 719)] == ["short"] * 5 + ["run"]
    guard.close()


@pytest.mark.parametrize(
    ("interval", "hold", "gap"), [(1, 30, 5), (1, 5, 2.5), (1, 1, 2), (60, 30, 120), (0.1, 0, 0.2)]
)
def test_ticks_may_be_late_but_never_by_the_whole_hold_time(interval: float, hold: float, gap: float) -> None:
    assert watched_gap(replace(POLICY, hold=hold), interval) == gap


@pytest.mark.by_hand
def test_a_guard_that_was_stopped_starts_counting_again(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host", FRAGMENTED)
    words = ["--dry-run", "--for", "3s", "--interval", "0.1", "--order", "9", "--audit", str(tmp_path / "a")]
    command = [sys.executable, "-m", "fragtui", "guard", "--root", str(tmp_path / "host"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as guard:
        assert guard.stdout is not None
        lines = iter(guard.stdout.readline, "")
        assert any("watch: " in line for line in lines)
        guard.send_signal(signal.SIGSTOP)
        clock.sleep(3.5)
        begun = clock.monotonic()
        guard.send_signal(signal.SIGCONT)
        assert any("would run: " in line for line in lines)
        assert clock.monotonic() - begun >= 2.5
        guard.terminate()


def test_a_guard_that_sees_no_blocks_runs_nothing(lock_here: Path) -> None:
    guard = Guard(replace(POLICY, hold=0), Path("/"), AuditLog(lock_here / "a"), 0)
    decision = guard.tick(tick(clock.monotonic(), None))
    assert decision.action is GuardAction.HOLD and guard.escalation is None
    guard.close()
