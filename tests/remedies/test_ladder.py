"""The order of remedies by forecast: the gentlest that suffices runs, what does not reach is skipped and said."""

from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.model.node.cgroup_memory import CgroupMemory
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.model.remedy.remedy_history import EndEntry, Episode, EvidenceEntry, IntentEntry, Result, describe_episode
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import (
    RECLAIM,
    Remedy,
    compact_all,
    drop_caches,
    logged_reclaim,
    reclaim_cgroup,
    sync_only,
    wake_kcompactd,
)
from fragtui.remedies.escalation import EscalationStep, escalation_steps, steps_of_node
from fragtui.remedies.guard import loop as guard_module
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.ladder import gentlest, ladder
from fragtui.remedies.outcome import StepDone, describe_outcome
from fragtui.remedies.replay import title_of
from fragtui.render.remedy.forecast_text import forecast_text
from fragtui.sources.host.reader import NodeReader
from tests.support.cgroup_tree import OTHER_PODS, put_v2
from tests.support.host_tree import FRAGMENTED, HostTree

MIB = 1 << 20
CGROUP = CgroupMemory("/kubepods/x", "sys/fs/cgroup/kubepods/x", 2, 30, 77, 900 * MIB, 20 * MIB, None)
STEPS = (sync_only(), reclaim_cgroup(CGROUP, "shop/web"), drop_caches(1, sync=False), drop_caches(2, sync=False))


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    HostTree.small(tmp_path, FRAGMENTED)
    return NodeReader(tmp_path).sample(page_types=True)


def judged(snapshot: Snapshot, gains: dict[str, int | None], missing: int) -> list[tuple[str, bool]]:
    """Return each step and whether it runs, with these gains in place of the forecast."""

    def weigh(remedy: Remedy, gain: Gain) -> Gain:
        return Gain(0, gains[remedy.id]) if remedy.id in gains else gain

    rungs = ladder(STEPS, snapshot, forecast(snapshot, 6), missing, weigh)
    return [(rung.remedy.id, rung.skipped is None) for rung in rungs]


@pytest.mark.parametrize(
    ("gains", "runs"),
    [
        ((70, 900, 10), [True, True, True]),
        ((10, 900, 10), [False, True, True]),
        ((None, 900, 10), [False, True, True]),
        ((10, 20, 64), [False, False, True]),
        ((10, 20, 30), [True, True, True]),
    ],
    ids=["the first suffices", "it does not", "it is unknown", "the last alone", "none alone"],
)
def test_what_does_not_reach_is_skipped_if_a_later_step_does(
    gains: tuple[int | None, ...], runs: list[bool], snapshot: Snapshot
) -> None:
    names = (RECLAIM, "drop-caches-1", "drop-caches-2")
    found = judged(snapshot, dict(zip(names, gains, strict=True)), 64)
    assert found == [("sync", True), *zip(names, runs, strict=True)]


def test_the_gentlest_and_the_next_are_named_with_the_reason_for_each_skip(snapshot: Snapshot) -> None:
    gains = {RECLAIM: 10, "drop-caches-1": 900, "drop-caches-2": 10, "compact": 2000}
    steps = (*STEPS, compact_all())
    rungs = ladder(
        steps, snapshot, forecast(snapshot, 6), 64, lambda remedy, gain: Gain(0, gains.get(remedy.id, gain.blocks))
    )
    chosen, after = gentlest(rungs)
    assert chosen is not None and after is not None
    assert (chosen.remedy.id, after.remedy.id) == ("drop-caches-1", "compact")
    assert rungs[1].skipped == "forecast 10 blocks, 64 missing"
    assert gentlest(ladder(steps[:2], snapshot, forecast(snapshot, 6), 1 << 40)) == (None, None)


def test_kcompactd_is_woken_only_if_it_would_compact(snapshot: Snapshot, tmp_path: Path) -> None:
    def why(remedy: Remedy, at: Snapshot) -> str | None:
        return ladder([remedy], at, forecast(at, 6), 64)[0].skipped

    version = snapshot.host.version
    assert why(wake_kcompactd(20, version), snapshot) is None, "all of its free memory is in small blocks"
    assert "proactiveness is 0" in (why(wake_kcompactd(0, version), snapshot) or "")
    HostTree.small(tmp_path, (*[0] * 10, 900))
    whole = NodeReader(tmp_path).sample(page_types=True)
    assert "would not compact: its score is 0" in (why(wake_kcompactd(20, version), whole) or "")


def test_the_steps_come_gentlest_first_with_those_of_the_node() -> None:
    more = {
        EscalationStep.WAKE: wake_kcompactd(20, None),
        EscalationStep.RECLAIM: reclaim_cgroup(CGROUP, "shop/web"),
    }
    found = [remedy.id for remedy in escalation_steps(EscalationStep, (0, 1), more)]
    assert found == [
        "sync",
        "nudge-kcompactd",
        "sync-compact-node-0",
        "sync-compact-node-1",
        RECLAIM,
        "drop-caches-1",
        "drop-caches-2",
        "sync-compact",
    ]


def test_a_policy_reclaims_the_cgroup_with_most_page_cache_only_if_it_names_that_step(tmp_path: Path) -> None:
    put_v2(tmp_path, "small", MIB)
    put_v2(tmp_path, OTHER_PODS, 90 * MIB)
    (remedy,) = steps_of_node([EscalationStep.RECLAIM], tmp_path)
    assert remedy.steps[0].path == f"sys/fs/cgroup/{OTHER_PODS}/memory.reclaim"
    assert [each.id for each in steps_of_node([EscalationStep.PAGE_CACHE], tmp_path)] == ["drop-caches-1"]
    assert steps_of_node([EscalationStep.RECLAIM], tmp_path / "nothing") == ()
    (small,) = steps_of_node([EscalationStep.RECLAIM], tmp_path, lambda other: other != remedy)
    assert small.title.endswith("/small"), "the next one, if the largest is not worth it"
    assert steps_of_node([EscalationStep.RECLAIM], tmp_path, lambda _: False) == (remedy,)


def test_each_version_is_written_as_its_kernel_takes_it(tmp_path: Path) -> None:
    v2 = reclaim_cgroup(CGROUP, "shop/web", 100 * MIB)
    assert [(step.path, step.text, step.cgroup) for step in v2.steps] == [
        ("sys/fs/cgroup/kubepods/x/memory.reclaim", str(100 * MIB), (30, 77))
    ]
    assert v2.effect == Effect(page_cache=True, reclaim=100 * MIB)
    v1 = reclaim_cgroup(replace(CGROUP, version=1), "shop/web", 100 * MIB, sync=True)
    assert [(step.path, step.text) for step in v1.steps][1:] == [("sys/fs/cgroup/kubepods/x/memory.force_empty", "0")]
    assert v1.effect.reclaim == 880 * MIB, "it takes no amount"
    assert v1.id == "sync-reclaim-cgroup" and v1.title == "Sync, then reclaim the page cache of shop/web"
    odd = reclaim_cgroup(replace(CGROUP, folder="sys/fs/cgroup/\x1b[2J"), "x")
    assert odd.disabled_reason is not None and "can't be shown" in odd.disabled_reason
    assert reclaim_cgroup(replace(CGROUP, cache=0), "x").disabled_reason == "it has no clean page cache"


def test_a_logged_reclaim_keeps_its_cgroup_and_can_not_be_run_again() -> None:
    logged = logged_reclaim(["", "/sys/fs/cgroup/kubepods/x/memory.reclaim"], sync=True)
    assert logged.title == "Reclaim the page cache of /sys/fs/cgroup/kubepods/x"
    assert (logged.id, len(logged.steps), logged.disabled_reason) == ("sync-reclaim-cgroup", 2, "it is logged")
    intent = IntentEntry("x", 0.0, logged.id, ("",), ("", "/sys/fs/cgroup/kubepods/x/memory.reclaim"), "guard", 1, 0)
    assert title_of(intent) == logged.title
    last = EvidenceEntry("x", 60.0, 60.0, 3, 9, refaults=5, read=8 << 20, cgroup_read=6 << 20)
    text = describe_episode(Episode(intent, EndEntry("x", 1.0, Result.DONE, 0.5, error="EAGAIN"), (last,)), False)
    assert "by guard    on /sys/fs/cgroup/kubepods/x; done (EAGAIN) in 0.5s" in text
    assert "8M read, 6M of it by that cgroup" in text


def test_less_reclaimed_than_asked_is_done_and_said() -> None:
    remedy = reclaim_cgroup(CGROUP, "shop/web")
    text = describe_outcome(remedy, Result.DONE, 0.5, (StepDone(0, 0.5, 0.1, None, partial=True),), None)
    assert text.endswith("done in 0.5s, but less was reclaimed than asked (EAGAIN).")


def test_a_cgroups_forecast_is_its_share_of_the_nodes_and_its_range_is_no_narrower(snapshot: Snapshot) -> None:
    view = forecast(snapshot, 6)
    assert view.cache is not None
    clean = view.cache - view.dirty
    whole, half, none = (view.gain(Effect(page_cache=True, reclaim=amount)) for amount in (clean, clean // 2, 0))
    node = view.gain(Effect(page_cache=True))
    assert whole == node, "one cgroup that holds all of it"
    assert none.bytes == 0 and none.blocks == 0
    assert node.bytes is not None and half.bytes is not None and abs(half.bytes * 2 - node.bytes) < node.bytes // 100
    assert half.low is not None and half.blocks is not None and half.high is not None and node.blocks is not None
    assert half.low <= half.blocks <= half.high and half.blocks < node.blocks


def test_an_amount_is_the_least_that_surely_gives_enough(snapshot: Snapshot) -> None:
    view = forecast(snapshot, 4)
    clean = (view.cache or 0) - view.dirty
    least = view.least_reclaim(clean, 1)
    low = view.gain(Effect(page_cache=True, reclaim=least)).low
    assert low is not None and (low >= 1 or least == clean)
    assert view.least_reclaim(clean, 1 << 40) == clean


def test_the_question_says_what_it_costs_that_cgroup(snapshot: Snapshot) -> None:
    effect = Effect(page_cache=True, reclaim=200 * MIB)
    swapping = snapshot._replace(meminfo={**snapshot.meminfo, "SwapFree": 100 * MIB})
    words = forecast_text(swapping, forecast(swapping, 6), effect)
    assert "200M of this cgroup's page cache" in words.costs[0] and "other cgroups keep theirs" in words.costs[0]
    assert "100M free" in words.costs[1] and "swapped out" in words.costs[1]
    assert "no file shows in which zones" in words.reasons[0]
    quiet = forecast_text(snapshot._replace(meminfo={**snapshot.meminfo, "SwapFree": 0}), forecast(snapshot, 6), effect)
    assert not any("swap" in cost for cost in quiet.costs)


def test_a_guard_that_may_only_reclaim_says_why_it_can_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "lock_directories", lambda root, audit: (tmp_path,))
    policy = Policy(steps=(EscalationStep.RECLAIM,))
    for cache, why in ((0, "no cgroup has page cache"), (90 * MIB, "not a file of this kernel")):
        folder = put_v2(tmp_path, OTHER_PODS, cache)
        (folder / "memory.reclaim").write_text("")
        guard = Guard(policy, tmp_path, AuditLog(tmp_path / "audit.jsonl"), 0.0)
        assert why in (guard.disabled_because or "")
        guard.close()
