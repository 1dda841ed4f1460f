"""The escalation, with steps that write this process's own coredump_filter and snapshots made up to what they bring."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.model.node.cgroup_memory import CgroupPrice
from fragtui.model.node.snapshot import Host, Snapshot, Zone
from fragtui.model.node.target_zones import usable_blocks
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.remedy_history import EndEntry, EvidenceEntry, IntentEntry, Result
from fragtui.remedies import escalation as escalation_module
from fragtui.remedies import runner as run_module
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep, reclaim_cgroup
from fragtui.remedies.escalation import (
    EndReason,
    Escalation,
    EscalationEnd,
    EscalationStep,
    escalation_steps,
)
from fragtui.remedies.follow_up import FollowUp, PriceMeter
from fragtui.remedies.guard import loop as guard_module
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import GuardAction
from fragtui.sources.host.cgroups import read_cgroups
from fragtui.sources.host.reader import NodeReader
from tests.support.cgroup_tree import put_v2
from tests.support.host_tree import FRAGMENTED, HostTree

ROOT = Path("/")
FILTER = f"proc/{os.getpid()}/coredump_filter"


def step(name: str, text: str = "0x33") -> Remedy:
    return Remedy(name, name.title(), (RemedyStep(Action.WRITE, FILTER, text),), Effect(page_cache=True), "", "")


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(run_module, "lock_directories", lambda root, audit: (tmp_path,))
    monkeypatch.setattr(guard_module, "lock_directories", lambda root, audit: (tmp_path,))
    monkeypatch.setattr(escalation_module, "SETTLE_SECONDS", 0.0)
    before = Path("/", FILTER).read_text()
    yield
    Path("/", FILTER).write_text("0x" + before)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.jsonl")


def node(blocks: int | None) -> Snapshot:
    zone = Zone(ZoneBlocks(0, "Normal", (50_000, 0, blocks or 0)), None)
    return Snapshot(
        time=time.time(),
        monotonic=time.monotonic(),
        host=Host("node", None, None, 4096),
        zones=None if blocks is None else (zone,),
    )


def run_to_end(escalation: Escalation, blocks_after: Callable[[int], int | None]) -> EscalationEnd:
    """Advance to the end; `blocks_after` returns the number of blocks after so many steps."""
    end = time.monotonic() + 30
    done = 0
    while time.monotonic() < end:
        if (over := escalation.advance(node(blocks_after(done)))) is not None:
            return over
        if escalation.running is not None:
            done = sum(isinstance(entry, IntentEntry) for entry in escalation._audit.read().entries)
        time.sleep(0.01)
    raise AssertionError("the escalation does not end")


def test_it_stops_as_soon_as_there_are_blocks_enough(log: AuditLog) -> None:
    escalation = Escalation([step("a"), step("b"), step("c")], ROOT, log, 2, 100, "screen")
    end = run_to_end(escalation, lambda done: (0, 40, 120, 999)[done])
    assert end.reason is EndReason.REACHED and [step.remedy.id for step in end.steps] == ["a", "b"]
    assert [(step.before, step.after) for step in end.steps] == [(0, 40), (40, 120)]
    assert end.gained == 120
    evidence = [entry for entry in log.read().entries if isinstance(entry, EvidenceEntry)]
    assert [(look.after, look.blocks) for look in evidence] == [(0, 40), (0, 120)]


def test_with_blocks_enough_nothing_is_run_unless_it_is_time(log: AuditLog) -> None:
    assert run_to_end(Escalation([step("a")], ROOT, log, 2, 10, "guard"), lambda _: 10).steps == ()
    assert not log.path.exists()
    end = run_to_end(Escalation([step("a"), step("b")], ROOT, log, 2, 10, "guard", always=1), lambda _: 10)
    assert end.reason is EndReason.REACHED and [step.remedy.id for step in end.steps] == ["a"]


def test_after_all_steps_it_reports_what_is_missing(log: AuditLog) -> None:
    end = run_to_end(Escalation([step("a")], ROOT, log, 2, 10, "screen"), lambda done: done)
    assert end.reason is EndReason.EXHAUSTED and "1 block of 16K (order 2) free after all steps, 10 wanted" in end.why


def test_steps_that_cannot_run_here_are_skipped_and_reported(log: AuditLog) -> None:
    gone = Remedy("gone", "Gone", (RemedyStep(Action.WRITE, "proc/sys/vm/nothing", "1"),), Effect(), "", "")
    end = run_to_end(Escalation([gone, step("a")], ROOT, log, 2, 10, "screen"), lambda done: done * 10)
    assert end.reason is EndReason.REACHED and [step.remedy.id for step in end.steps] == ["a"]
    assert end.skipped == ("gone: /proc/sys/vm/nothing does not exist",)
    end = run_to_end(Escalation([gone], ROOT, log, 2, 1 << 40, "screen"), lambda _: 0)
    assert end.reason is EndReason.REFUSED and "gone" in end.why


def test_an_abort_within_a_step_ends_the_escalation(log: AuditLog) -> None:
    long = Remedy("long", "Long", (RemedyStep(Action.SYNC),) * 4000, Effect(), "", "")
    escalation = Escalation([long, step("never")], ROOT, log, 2, 10, "screen")
    assert escalation.advance(node(0)) is None and escalation.running is not None
    escalation.abort()
    end = run_to_end(escalation, lambda _: 0)
    assert end.reason is EndReason.ABORTED and end.steps[-1].outcome.result is Result.ABORTED
    results = [entry.result for entry in log.read().entries if isinstance(entry, EndEntry)]
    assert results == [Result.ABORTED]


def test_an_abort_between_steps_begins_no_other(log: AuditLog) -> None:
    escalation = Escalation([step("a"), step("b")], ROOT, log, 2, 10, "screen")
    assert escalation.advance(node(0)) is None and escalation.running is not None
    assert escalation.running.wait(20) is not None
    escalation.abort()
    end = run_to_end(escalation, lambda _: 0)
    assert (
        end.reason is EndReason.ABORTED
        and [step.remedy.id for step in end.steps] == ["a"]
        and end.steps[-1].outcome.result is not Result.ABORTED
    )


def test_a_snapshot_from_before_the_end_of_a_step_is_not_its_result(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalation_module, "SETTLE_SECONDS", 0.2)
    escalation = Escalation([step("a")], ROOT, log, 2, 10, "screen")
    old = node(0)
    escalation.advance(old)
    assert escalation.running is not None and escalation.running.wait(20) is not None
    assert escalation.advance(old) is None
    assert escalation.advance(node(50)) is None
    time.sleep(0.25)
    end = escalation.advance(node(50))
    assert end is not None and end.gained == 50


def test_kcompactd_gets_a_while_before_a_harsher_step(log: AuditLog) -> None:
    gentle = replace(step("wake"), effect=Effect(gentle=True))
    escalation = Escalation([gentle, step("b")], ROOT, log, 2, 10, "screen")
    escalation.advance(node(0))
    assert escalation.running is not None and escalation.running.wait(20) is not None
    assert escalation.advance(node(0)) is None and escalation.running is None
    later = time.monotonic() + escalation_module.KCOMPACTD_SECONDS
    assert escalation.advance(node(0)._replace(monotonic=later - 0.5)) is None and escalation.running is None
    end = escalation.advance(node(50)._replace(monotonic=later))
    assert end is not None and end.reason is EndReason.REACHED
    assert [each.remedy.id for each in end.steps] == ["wake"]


def test_without_a_log_or_with_unknown_blocks_no_step_is_taken(log: AuditLog) -> None:
    end = run_to_end(Escalation([step("a")], ROOT, AuditLog(Path("/proc/none/a")), 2, 10, "screen"), lambda _: 0)
    assert end.reason is EndReason.REFUSED and "audit log" in end.why
    end = run_to_end(Escalation([step("a")], ROOT, log, 2, 10, "screen"), lambda _: None)
    assert end.reason is EndReason.REFUSED and "can't be read" in end.why
    assert end.gained is None


def test_the_steps_are_taken_in_their_order_and_one_node_is_compacted_once() -> None:
    everything = list(reversed(EscalationStep))
    one = ["sync", "drop-caches-1", "drop-caches-2", "sync-compact"]
    assert [remedy.id for remedy in escalation_steps(everything, (0,))] == one
    two = ["sync", "sync-compact-node-0", "sync-compact-node-1", "drop-caches-1", "drop-caches-2", "sync-compact"]
    assert [remedy.id for remedy in escalation_steps(everything, (0, 1))] == two
    assert [remedy.id for remedy in escalation_steps([EscalationStep.COMPACT_NODE], (0,))] == ["compact-node-0"]


def test_what_remains_of_the_gain_is_logged(log: AuditLog) -> None:
    follow = FollowUp(log, "x", node(10), node(110), 2)
    start = time.monotonic()
    for after, blocks in ((30, 100), (61, 90), (301, 20), (700, 15), (1801, 12)):
        follow.see(node(blocks)._replace(monotonic=start + after))
    checkpoints = [entry for entry in log.read().entries if isinstance(entry, EvidenceEntry)]
    assert [(round(look.after), look.blocks) for look in checkpoints] == [
        (0, 110),
        (60, 90),
        (300, 20),
        (700, 15),
        (1800, 12),
    ]
    assert [look.half_life is not None for look in checkpoints] == [False, False, True, True, True]
    assert follow.over and follow.problem is None


def test_what_the_reclaimed_cgroup_pays_is_measured_and_logged(log: AuditLog, tmp_path: Path) -> None:
    put_v2(tmp_path, "pod", 1 << 20, refaults=5)
    meter = PriceMeter.of(reclaim_cgroup(read_cgroups(tmp_path).cgroups[0], "pod"), tmp_path)
    assert meter is not None and PriceMeter.of(step("a"), tmp_path) is None
    follow = FollowUp(log, "x", node(10), node(110), 2, meter)
    put_v2(tmp_path, "pod", 1 << 20, refaults=12)
    follow.see(node(100)._replace(monotonic=time.monotonic() + 61))
    assert [look.price for look in follow.checkpoints] == [CgroupPrice(7)]
    first, last = (entry for entry in log.read().entries if isinstance(entry, EvidenceEntry))
    assert (first.cgroup_refaults, last.cgroup_refaults, last.cgroup_read) == (0, 7, None)


@pytest.mark.parametrize(
    ("effect", "again"), [(Effect(compact=True), ["b"]), (Effect(slab=True), ["b"]), (Effect(page_cache=True), [])]
)
def test_the_guard_runs_its_escalation_and_gives_up(
    effect: Effect, again: list[str], log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It drops the page cache once, tries the others twice, and goes on from there if it starts again."""
    steps = (step("a"), replace(step("b"), effect=effect))
    monkeypatch.setattr(guard_module, "steps_of_node", lambda *_: steps)
    policy = Policy(order=2, blocks=10, hold=0, cooldown=0, per_hour=60, give_up=2)
    guard = Guard(policy, ROOT, log, time.monotonic())
    assert guard.disabled_because is None
    seen: list[str] = []
    end = time.monotonic() + 30
    while guard.state.stopped is None and time.monotonic() < end:
        decision = guard.tick(node(0))
        if decision.topic not in seen[-1:]:
            seen.append(decision.topic)
        time.sleep(0.01)
    assert guard.state.stopped is not None
    nothing = "gave up: 2 runs in a row" if again else "gave up: after 1 run without a gain worth it no allowed step"
    assert guard.state.stopped.startswith(nothing)
    assert guard.tick(node(0)).action is GuardAction.STOPPED
    intents = [entry for entry in log.read().entries if isinstance(entry, IntentEntry)]
    assert [intent.remedy for intent in intents] == ["a", "b", *again]
    assert {intent.by for intent in intents} == {"guard"}
    assert "running a" in seen and "over" in seen
    guard.close()
    later = Guard(policy, ROOT, log, time.monotonic())
    assert later.tick(node(0)).action is GuardAction.STOPPED
    assert later.state.stopped == (
        "gave up: no allowed step is worth another try (a: gained no block last time; b: gained no block "
        + ("last time, too few 2 times in a row)" if again else "last time)")
    )
    later.close()


def test_a_guard_does_not_give_up_because_no_cgroup_can_be_read_for_a_moment(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(step("a"),), ()]
    monkeypatch.setattr(guard_module, "steps_of_node", lambda *_: found.pop(0))
    policy = Policy(order=2, blocks=10, hold=0, steps=(EscalationStep.RECLAIM,))
    guard = Guard(policy, ROOT, log, time.monotonic())
    end = time.monotonic() + 30
    while guard.escalation is None and guard.state.stopped is None and time.monotonic() < end:
        guard.tick(node(0))
    assert not found and guard.state.stopped is None and guard.escalation is not None
    guard.close()


def test_if_only_memory_is_missing_no_step_is_left_out_for_its_blocks(log: AuditLog, tmp_path: Path) -> None:
    """The forecast of page cache is unknown here, that of compaction is many blocks: alone these would leave it out."""
    tree = HostTree.small(tmp_path / "host", FRAGMENTED)
    (tree.root / "proc/meminfo").unlink()
    snapshot = NodeReader(tree.root).sample(page_types=True)
    there = usable_blocks(snapshot, 3)
    assert there
    for wanted, ran in ((there, "drop"), (there + 100, "compact")):
        compact = replace(step("compact"), effect=Effect(compact=True))
        run = Escalation([step("drop"), compact], ROOT, log, 3, wanted, "guard", enough=lambda _: False)
        assert run.advance(snapshot) is None and run.running is not None
        assert run.running.remedy.id == ran
        run.running.wait(20)
