"""What the guard learns, on numbers and a fake clock: the ten minutes on a guest whose memory no remedy helps."""

from dataclasses import replace

import pytest

from fragtui.model.node.cgroup_memory import CgroupMemory
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.model.remedy.remedy_history import EndEntry, Episode, EvidenceEntry, IntentEntry, Result
from fragtui.remedies.catalogue import Remedy, compact_all, drop_caches, reclaim_cgroup
from fragtui.remedies.escalation import EndReason, EscalationEnd, EscalationStep, StepResult, escalation_steps
from fragtui.remedies.guard.lessons import LIFETIME, against, is_worth_its_cost, learnt, weighed
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import Clocks, GuardState, nothing_left, run_ended, state_from_history, worth_trying
from fragtui.remedies.outcome import Outcome

POLICY = Policy(order=5, blocks=60, give_up=2)
DROP, COMPACT = drop_caches(1, sync=False), compact_all()
UNREAD = Snapshot(time=0.0, monotonic=0.0, host=Host("node", None, None, 4096), zones=None)
FORECAST = Gain(300 << 20, 310, 100, 320)


def step(remedy: Remedy, before: int, after: int, expected: Gain = FORECAST) -> StepResult:
    outcome = Outcome(remedy, "id", Result.DONE, 1.0, (), f"{remedy.title}: done in 1.0s.")
    return StepResult(remedy, expected, outcome, before, after)


def end(*steps: StepResult) -> EscalationEnd:
    return EscalationEnd(EndReason.EXHAUSTED, steps, (), "25 blocks of 128K (order 5) after all steps, 60 wanted")


@pytest.mark.parametrize(
    ("gained", "expected", "missing", "page_cache", "worth_it"),
    [
        (5, 310, 37, True, False),  # What counted as worth it before: 5 of 310 forecast, for all page cache.
        (5, 310, 37, False, False),
        (16, 310, 37, True, True),
        (7, 20, 37, True, False),
        (7, 20, 37, False, True),
        (3, 3, 3, True, True),
        (0, None, 1, False, False),
        (-4, 0, 10, False, False),
        (4, None, 60, False, False),
    ],
)
def test_a_run_is_worth_its_cost_if_it_gains_enough_of_its_forecast_and_of_what_is_missing(
    gained: int, expected: int | None, missing: int, page_cache: bool, worth_it: bool
) -> None:
    assert is_worth_its_cost(gained, expected, missing, page_cache=page_cache) is worth_it


def test_page_cache_is_not_dropped_again_for_two_blocks() -> None:
    lessons = learnt({}, [step(DROP, 23, 25), step(COMPACT, 25, 25)], POLICY.blocks, 100.0)
    assert against(lessons, DROP, FORECAST, 160.0) == "drop-caches-1: gained 2 blocks of 310 forecast last time"
    assert against(lessons, COMPACT, FORECAST, 160.0) is None
    lessons = learnt(lessons, [step(COMPACT, 25, 25)], POLICY.blocks, 160.0)
    assert "too few 2 times in a row" in (against(lessons, COMPACT, FORECAST, 220.0) or "")


def reclaim(name: str, version: int = 2) -> Remedy:
    folder = f"sys/fs/cgroup/{'memory/' if version == 1 else ''}kubepods/{name}"
    return reclaim_cgroup(CgroupMemory(f"/kubepods/{name}", folder, version, 30, 77, 900 << 20, 0, None), name)


def test_a_useless_reclaim_says_nothing_of_another_cgroups() -> None:
    lessons = learnt({}, [step(reclaim("a"), 23, 23)], POLICY.blocks, 100.0)
    why = "reclaim-cgroup of /kubepods/a: gained no block of 310 forecast last time"
    assert against(lessons, reclaim("a"), FORECAST, 160.0) == why
    assert against(lessons, reclaim("b"), FORECAST, 160.0) is None
    assert weighed(lessons, reclaim("b"), FORECAST, 160.0) == FORECAST
    lessons = learnt(lessons, [step(reclaim("b"), 23, 60)], POLICY.blocks, 200.0)
    assert against(lessons, reclaim("a"), FORECAST, 260.0) == why, "and b's success nothing of a"


def test_a_lesson_ends_with_its_state_or_after_an_hour() -> None:
    lessons = learnt({}, [step(DROP, 23, 25)], POLICY.blocks, 100.0)
    assert against(lessons, DROP, FORECAST, 100.0 + LIFETIME) and not against(lessons, DROP, FORECAST, 101.0 + LIFETIME)
    assert against(lessons, DROP, Gain(700 << 20, 310), 160.0) is None
    assert against(lessons, DROP, Gain(500 << 20, 310), 160.0)
    helped = learnt(lessons, [step(DROP, 23, 333)], POLICY.blocks, 200.0)
    assert against(helped, DROP, FORECAST, 210.0) is None and weighed(helped, DROP, FORECAST, 210.0) == FORECAST


def test_the_forecast_is_weighed_by_what_the_last_run_gained() -> None:
    lessons = learnt({}, [step(COMPACT, 25, 30)], POLICY.blocks, 100.0)
    assert weighed(lessons, COMPACT, FORECAST, 160.0) == Gain(300 << 20, 10, 10, 320)
    assert weighed(lessons, DROP, FORECAST, 160.0) == FORECAST
    nothing = weighed(learnt({}, [step(COMPACT, 25, 20)], POLICY.blocks, 100.0), COMPACT, FORECAST, 160.0)
    assert (nothing.blocks, nothing.low, nothing.why) == (0, 0, "it gained none last time")
    unknown = Gain(None, None, why="unknown")
    assert weighed(lessons, COMPACT, unknown, 160.0) == unknown


def test_a_run_with_enough_blocks_and_one_that_was_killed_teach_nothing() -> None:
    assert not learnt({}, [step(DROP, 60, 60)], POLICY.blocks, 100.0)
    killed = step(DROP, 0, 0)
    killed = replace(killed, outcome=replace(killed.outcome, result=Result.ABORTED))
    assert not learnt({}, [killed], POLICY.blocks, 100.0)


def test_two_runs_under_a_twentieth_of_their_forecast_end_the_guard() -> None:
    state = run_ended(POLICY, GuardState(0), end(step(DROP, 23, 25), step(COMPACT, 25, 28)), 100.0)
    assert state.misses == 1 and state.stopped is None
    state = run_ended(POLICY, state, end(step(COMPACT, 28, 28, Gain(0, 6, 0, 300))), 160.0)
    assert state.stopped == (
        "gave up: 2 runs in a row gained nothing worth it; the last one gained no block of 32 missing, forecast 6 "
        "(25 blocks of 128K (order 5) after all steps, 60 wanted)"
    )


def logged(
    name: str, remedy: str, ago: float, gained: int, by: str = "guard", boot: str | None = "b", path: str = ""
) -> Episode:
    intent = IntentEntry(
        id=name, time=5000.0 - ago, remedy=remedy, steps=(), paths=("", path), by=by, pid=1, uid=0, boot=boot, order=5,
        blocks=23, expected_blocks=310, expected_bytes=300 << 20, boottime=5000.0 - ago,
    )  # fmt: skip
    after = EvidenceEntry(id=name, time=intent.time + 2, after=0.0, order=5, blocks=23 + gained)
    return Episode(intent, EndEntry(name, intent.time + 1, Result.DONE, 1.0), (after,))


def test_a_guard_that_starts_again_knows_from_the_audit_log_what_failed() -> None:
    clocks = Clocks(monotonic=900.0, wall=5000.0, boot="b", boottime=5000.0)
    history = [
        logged("1", "drop-caches-1", 300, 2),
        logged("2", "compact", 200, 0),
        logged("3", "sync-compact", 200, 40),
        logged("4", "drop-caches-2", 100, 0, by="command"),
        logged("6", "sync-reclaim-cgroup", 150, 0, path="/host/sys/fs/cgroup/memory/kubepods/a/memory.force_empty"),
        logged("5", "sync-drop-caches-3", 100, 0, boot="another"),
    ]
    lessons = state_from_history(POLICY, history, clocks).lessons
    assert {name: (lesson.gained, lesson.at, lesson.misses) for name, lesson in lessons.items()} == {
        "drop-caches-1": (2, 600.0, 1),
        "compact": (0, 700.0, 1),
        "sync-compact": (40, 700.0, 0),
        "sync-reclaim-cgroup of /memory/kubepods/a": (0, 750.0, 1),
    }
    known, other = (replace(reclaim(name, 1), id="sync-reclaim-cgroup") for name in "ab")
    assert against(lessons, known, FORECAST, 900.0) is not None and against(lessons, other, FORECAST, 900.0) is None
    assert against(lessons, DROP, FORECAST, 900.0) is not None
    assert not state_from_history(replace(POLICY, order=4), history, clocks).lessons


def test_steps_that_failed_are_left_out_and_so_is_a_sync_with_no_drop_after_it() -> None:
    remedies = escalation_steps((EscalationStep.SYNC, EscalationStep.PAGE_CACHE, EscalationStep.COMPACT), (0,))
    compact = remedies[-1]
    view = forecast(UNREAD, POLICY.order)
    assert worth_trying(GuardState(0), remedies, view, 100.0) == (remedies, ())
    state = run_ended(POLICY, GuardState(0), end(step(DROP, 23, 25), step(compact, 25, 25)), 100.0)
    left, out = worth_trying(state, remedies, view, 160.0)
    assert left == (compact,) and out == ("drop-caches-1: gained 2 blocks of 310 forecast last time",)
    state = run_ended(replace(POLICY, give_up=9), state, end(step(compact, 25, 25)), 160.0)
    assert state.stopped is None
    left, out = worth_trying(state, remedies, view, 220.0)
    assert left == () and len(out) == 2
    stopped = nothing_left(state, out).stopped
    assert stopped is not None and stopped.startswith("gave up: after 2 runs without a gain worth it no allowed step")
