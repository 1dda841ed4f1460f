"""The page on `r`: the verdict first, columns that never run together, what happened in order."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fragtui.cluster.failure_reason import UNKNOWN_REASON
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.model.node.cgroup_memory import CgroupMemory, CgroupPrice
from fragtui.model.node.snapshot import Host, Snapshot, Zone
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.remedy.recovery import Checkpoint, GainDecay, Success, compare
from fragtui.model.remedy.remedy_history import Result
from fragtui.remedies.catalogue import compact_all, drop_caches, reclaim_cgroup
from fragtui.remedies.outcome import Outcome, StepDone
from fragtui.remedies.service import RemedyResult
from fragtui.render.remedy.before_after import events, kept_phrases, pods_phrase, verdict
from fragtui.render.remedy.cost_line import cost_line
from fragtui.ui.pages.recovery_page import recovery_lines, summary
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit_clauses
from fragtui.ui.widgets.palette import colours_of
from tests.support.screen import texts_of

BARE = (731_000, 65_600, 385, 78, 42, 106, 0, 0, 0, 0, 0)
GAINED = (35_800, 8915, 1878, 1603, 1181, 854, 493, 327, 199, 134, 1255)
AT = 1_700_000_000.0


def node(at: float, *zones: tuple[int, ...]) -> Snapshot:
    return Snapshot(
        time=AT + at,
        monotonic=at,
        host=Host("node-7", None, None, 4096),
        zones=tuple(Zone(ZoneBlocks(number, "Normal", free), None) for number, free in enumerate(zones)),
    )


def result(before: Snapshot, after: Snapshot, ended: Result = Result.DONE, order: int = 10) -> RemedyResult:
    remedy = drop_caches(3, sync=False)
    recovery = compare(before, after, order)
    decay = None
    if recovery.before is not None and recovery.after is not None:
        decay = GainDecay(after.monotonic, recovery.before, recovery.after)
    outcome = Outcome(remedy, "a1", ended, 0.5, (), f"{remedy.title}: {ended.value} in 0.5s.")
    return RemedyResult(outcome, recovery, None, decay, asked_at=AT + before.monotonic)


def session(snapshot: Snapshot) -> Session:
    found = Session(manual_order=10)
    found.accept(snapshot)
    return found


def test_the_verdict_is_the_first_word() -> None:
    none = node(0, BARE)
    worked = verdict(result(none, node(2, GAINED)))
    assert worked == ("✓ IT WORKED", "good", "4M blocks went from 0 to 1255 in 0.5 s.")
    few = verdict(result(none, node(2, (*BARE[:10], 20))))
    assert few[:2] == ("! HELPED A LITTLE", "warn")
    same = verdict(result(none, node(2, BARE)))
    assert same == ("✗ NO EFFECT", "bad", "4M blocks: 0 before and after.")
    fewer = verdict(result(node(0, GAINED), node(2, (*GAINED[:10], 1200))))
    assert fewer[:2] == ("✗ NO EFFECT", "bad")
    assert verdict(result(node(0), node(2, GAINED)))[:2] == ("? UNKNOWN", "unknown")


def test_the_line_of_a_result_has_its_numbers_on_every_screen() -> None:
    text = summary(result(node(0, BARE), node(2, GAINED)))
    assert text.startswith("Blocks of 4M (order 10): 0 → 1255") and text.endswith("done in 0.5s.")
    assert fit_clauses(text, 42).rstrip().endswith("0 → 1255."), "what a replay at 80 columns has room for"


def test_blocks_that_were_there_before_are_little_help() -> None:
    plenty = (*GAINED[:10], 90_000)
    found = verdict(result(node(0, plenty), node(2, (*GAINED[:10], 96_000))))
    assert found.word == "! HELPED A LITTLE"
    assert found.sentence.endswith("Most of them were free before.")


def test_a_node_that_stays_bare_is_little_help() -> None:
    before, after = node(0, BARE, BARE), node(2, GAINED, BARE)
    assert compare(before, after, 10).success is Success.LITTLE
    assert compare(before, node(2, GAINED, GAINED), 10).success is Success.WORKED
    rich = node(0, (*GAINED[:10], 17_000), BARE)
    assert compare(rich, node(2, (*GAINED[:10], 17_000), GAINED), 10).success is Success.WORKED


@pytest.mark.parametrize("ended", [Result.FAILED, Result.DIED])
def test_a_remedy_that_failed_is_not_praised_for_blocks_that_came_back(ended: Result) -> None:
    found = verdict(result(node(0, BARE), node(2, GAINED), ended))
    assert found.word == "? UNKNOWN"
    assert "Something else may have freed them." in found.sentence
    assert verdict(result(node(0, BARE), node(2, BARE), ended)).word == "✗ NO EFFECT"


def test_how_long_the_gain_lasted() -> None:
    found = result(node(0, BARE), node(2, GAINED))
    assert found.gain_decay is not None
    decay = found.gain_decay
    for at, blocks in ((30.0, 1255), (64.0, 1217), (310.0, 1142)):
        decay = decay.see(at, blocks)
    found = replace(found, gain_decay=decay)
    assert verdict(found).sentence.endswith("After 5 min 1142 are left: 91 % of the gain.")
    assert kept_phrases(found.recovery, found) == ["97 % after 60 s: 1217 blocks", "91 % after 5 min: 1142 blocks"]
    half = replace(found, gain_decay=decay.see(400.0, 300).see(900.0, 200))
    assert verdict(half).sentence.endswith("Half of it was gone after 7 min.")


def pod(name: str, started: float | None, memory: bool = True) -> StuckPod:
    return StuckPod(
        PodRef("default", name), AT - 10, UNKNOWN_REASON, memory, "", "sandbox", 1, AT - 4, AT, started=started
    )


def test_the_pods_that_started_and_those_that_still_wait() -> None:
    pods = StuckPods(
        pods=(pod("b", None), pod("c", None, memory=False)), started=(pod("a", AT + 52), pod("old", AT - 1))
    )
    assert pods_phrase(pods, AT) == ("! 1 of 2 pods started: default/a after 52 s; still waiting: default/b", "warn")
    assert pods_phrase(StuckPods(started=(pod("a", AT + 52),)), AT)[0] == "✓ 1 of 1 pod started: default/a after 52 s"
    assert pods_phrase(StuckPods(), AT) == ("✓ no pod waits for memory", "good")


def test_what_happened_is_in_order() -> None:
    found = events(result(node(0, BARE), node(2, GAINED)), (), StuckPods(started=(pod("a", AT + 52),)), AT + 60, 4096)
    assert [event.at for event in found] == sorted(event.at for event in found)
    assert [event.text for event in found] == [
        "default/a did not start",
        "drop page cache and slab requested",
        "done in 0.5s",
        "default/a started",
    ]


def test_what_a_reclaimed_cgroup_paid_has_a_section_of_its_own() -> None:
    found = result(node(0, BARE), node(2, GAINED))
    assert not any(
        "reclaimed cgroup" in row for row in texts_of(list(recovery_lines(found, session(node(9, GAINED)), 76)))
    )
    cgroup = CgroupMemory("/a", "sys/fs/cgroup/a", 2, 1, 2, 1 << 30, 0, None)
    reclaimed = replace(found, outcome=replace(found.outcome, remedy=reclaim_cgroup(cgroup, "shop/web-0")))
    text = "\n".join(texts_of(list(recovery_lines(reclaimed, session(node(9, GAINED)), 76))))
    assert "What it costs the reclaimed cgroup" in text and "after 1, 5 and 30 minutes" in text
    look = Checkpoint(60.0, 1200, found.recovery.cost, CgroupPrice(12, 8 << 20, None))
    text = "\n".join(
        texts_of(list(recovery_lines(replace(reclaimed, checkpoints=(look,)), session(node(70, GAINED)), 116)))
    )
    assert "60 s after: 12 refaults, 8M read from disk, stalls unknown (cgroup v1 has no PSI)" in text


@pytest.mark.parametrize("width", [54, 56, 76, 116])
def test_columns_never_run_together(width: int) -> None:
    large = tuple(99_999_999 for _ in BARE)
    rows = texts_of(list(recovery_lines(result(node(0, large), node(2, BARE)), session(node(9, GAINED)), width)))
    assert all(len(row) <= width for row in rows), rows
    head = next(
        index for index, row in enumerate(rows) if row.split()[:5] == ["size", "before", "after", "now", "change"]
    )
    for row in rows[head + 1 : head + 12]:
        size, *counts = row.split()[:5]
        assert re.fullmatch(r"▾?\d+[KM]", size), row
        assert all(re.fullmatch(r"[+-]?[\d.]+[kM]?", count) for count in counts), row


def test_small_sizes_that_fell_are_the_aim() -> None:
    rows = texts_of(list(recovery_lines(result(node(0, BARE), node(2, GAINED)), session(node(9, GAINED)), 116)))
    assert "Small sizes fell because their blocks were merged into larger ones: that is the aim." in rows
    assert rows[0].startswith("✓ IT WORKED  4M blocks went from 0 to 1255")
    assert rows[1].startswith("Pods     ? unknown")
    same = texts_of(list(recovery_lines(result(node(0, BARE), node(2, BARE)), session(node(9, BARE)), 116)))
    assert not any("that is the aim" in row for row in same)


def test_what_was_not_counted_is_unknown() -> None:
    rows = texts_of(list(recovery_lines(result(node(0), node(2, BARE)), session(node(9, BARE)), 76)))
    assert rows[0].startswith("? UNKNOWN")
    assert "Blocks of each size: unknown, they could not be read before or after." in rows
    assert "  There is no gain to measure." in rows


def test_every_role_is_in_the_palette() -> None:
    for before, after in ((BARE, GAINED), (GAINED, BARE), (BARE, BARE)):
        rows = recovery_lines(result(node(0, before), node(2, after)), session(node(9, after)), 116)
        assert {style for row in rows for _, style in row.spans} <= set(colours_of("dark"))


def test_the_cost_fits_any_width_and_says_what_is_unknown() -> None:
    before = node(0, BARE)._replace(vmstat={"pgpgin": 100}, meminfo={"MemTotal": 1})
    after = node(2, GAINED)._replace(vmstat={"pgpgin": 200})
    now = node(60, GAINED)._replace(vmstat={"pgpgin": 20_580})
    found = result(before, after)
    whole = cost_line(found, before, now, 100)
    assert re.fullmatch(r"cost: 0\.5 s, stalls unknown, [\d.]+G freed, 20M read from disk since", whole)
    for width in range(100):
        text = cost_line(found, before, now, width)
        assert len(text) <= width and whole.startswith(text)
    later = node(90, BARE)
    assert "since" not in cost_line(found, later, now, 100), "another baseline: what was read is unknown"
    assert "since" not in cost_line(found, None, now, 100)
    stalled = replace(found.recovery, cost=replace(found.recovery.cost, stalled=1.2))
    assert ", processes waited 1.2 s, " in cost_line(replace(found, recovery=stalled), before, now, 100)
    quiet = replace(found.recovery, cost=replace(found.recovery.cost, stalled=0.0))
    assert ", no process waited, " in cost_line(replace(found, recovery=quiet), before, now, 100)


def test_the_cost_of_a_compaction_has_the_pages_that_it_moved_and_its_cpu() -> None:
    before, after = (node(at, BARE)._replace(vmstat={"pgmigrate_success": count}) for at, count in ((0, 5), (9, 1260)))
    found = result(before, after)
    outcome = replace(found.outcome, remedy=compact_all(), seconds=9.0, steps=(StepDone(0, 9.0, 8.04, None),))
    text = cost_line(replace(found, outcome=outcome), None, after, 100)
    assert text == "cost: 9.0 s, stalls unknown, 1255 pages moved, 8.0 s of CPU"
