from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pressure import Pressure, Stall
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.failures.external_drops import drops_between
from fragtui.model.node.snapshot import Host, Snapshot, Zone
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.recovery import CHECKPOINT_SECONDS, GainDecay, compare
from fragtui.model.remedy.remedy_history import (
    EndEntry,
    Entry,
    EvidenceEntry,
    IntentEntry,
    Result,
    describe_episode,
    describe_unknown,
    episodes,
    repeats,
    unknown_outcomes,
)
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.follow_up import FollowUp
from fragtui.render.remedy.forecast_text import checkpoint_sentence, decay_sentence, early_end_sentence


def tick(at: float, *zones: tuple[int, str, tuple[int, ...]], stall: int = 0, **vmstat: int) -> Snapshot:
    return Snapshot(
        time=at,
        monotonic=at,
        host=Host("node", None, None, 4096),
        zones=tuple(Zone(ZoneBlocks(*zone), None) for zone in zones),
        vmstat=vmstat,
        pressure=Pressure(Stall(0, 0, 0, stall), None),
    )


def test_before_and_after_by_zone_and_order() -> None:
    before = tick(10, (0, "Normal", (4000, 0, 0, 1)), stall=500_000, pgpgin=10, workingset_refault_file=5)
    after = tick(
        14,
        (0, "Normal", (100, 2, 1, 500)),
        stall=2_000_000,
        pgpgin=110,
        workingset_refault_file=9,
        pgmigrate_success=3,
        compact_stall=1,
    )
    found = compare(before, after, 3)
    assert (found.before, found.after, found.gained) == (1, 500, 499)
    zone = found.zones[0]
    assert [zone.gained(order) for order in range(4)] == [-3900, 2, 1, 499]
    assert zone.blocks(2) == (2, 1001)
    assert found.free_bytes == (100 + 4 + 4 + 4000 - 4000 - 8) * 4096
    assert found.unusable == (998, 26)
    cost = found.cost
    assert (cost.seconds, cost.stalled, cost.stalled_full) == (4, 1.5, None)
    assert (cost.read, cost.refaults, cost.migrated) == (100 * 1024, 4, None)


def test_counters_of_another_boot_are_no_cost() -> None:
    """A smaller count means that the node was restarted meanwhile: no stall of minus an hour, no negative pages."""
    names = ("pgpgin", "workingset_refault_file", "pgmigrate_success", "compact_stall")
    before = tick(10, (0, "Normal", (1, 1)), stall=9_000_000, **dict.fromkeys(names, 500))
    after = tick(14, (0, "Normal", (1, 1)), stall=5, **dict.fromkeys(names, 7))
    cost = compare(before, after, 1).cost
    assert (cost.stalled, cost.read, cost.refaults, cost.migrated, cost.direct_stalls) == (None,) * 5
    assert drops_between(tick(0, drop_pagecache=3, drop_slab=1), tick(1, drop_pagecache=0, drop_slab=0)) is None


def test_a_compaction_that_gave_up_is_recognised_by_few_scanned_pages() -> None:
    def side(at: float, scanned: int) -> Snapshot:
        seen = tick(at, (0, "Normal", (400, 0, 0, 0)), compact_migrate_scanned=scanned, compact_free_scanned=0)
        zones = tuple(zone._replace(info=ZoneInfo(0, "Normal", managed=2000)) for zone in seen.zones or ())
        return seen._replace(zones=zones, meminfo={"Hugetlb": 500 * 4096})

    # 1,600 pages in use and 400 free blocks; 500 pages lie in the pool of huge pages.
    early, whole = compare(side(0, 0), side(1, 150), 3), compare(side(0, 0), side(1, 1500), 3)
    assert early.looked_at == 0.1 and early.ended_early and not whole.ended_early
    said = early_end_sentence(early, Effect(compact=True))
    assert said is not None and "10 % of the pages in use" in said and "sync first" in said
    assert early_end_sentence(whole, Effect(compact=True)) is None
    assert early_end_sentence(early, Effect(page_cache=True)) is None
    assert early_end_sentence(early, Effect(compact=True, node=0)) is None, "one node's share is not known"
    assert compare(tick(0), tick(1), 3).looked_at is None


def test_the_rest_of_a_gain_is_one_sentence() -> None:
    assert decay_sentence(None) is None
    assert decay_sentence(fold(GainDecay(0, 10, 110), (60, 90))) == "80 % of the gain left 1m00s later."
    assert decay_sentence(fold(GainDecay(0, 10, 110), (30, 20), (60, 20))) == "Half of the gain was gone after 30s."
    assert decay_sentence(fold(GainDecay(0, 110, 10), (60, 90))) is None


def test_a_zone_that_comes_or_goes_is_shown_with_one_side_unknown() -> None:
    before = tick(0, (0, "Normal", (10, 1)), (1, "Normal", (5, 5)))
    after = tick(1, (0, "Normal", (10, 1)), (2, "Normal", (7, 7)))
    sides = {zone.key: (zone.before, zone.after, zone.gained(1)) for zone in compare(before, after, 1).zones}
    assert sides == {
        (0, "Normal"): ((10, 1), (10, 1), 0),
        (1, "Normal"): ((5, 5), None, None),
        (2, "Normal"): (None, (7, 7), None),
    }


def test_unknown_zones_make_the_gain_unknown() -> None:
    known = tick(0, (0, "Normal", (10, 1)))
    found = compare(known, known._replace(zones=None, pressure=None), 1)
    assert found.gained is None and found.free_bytes is None and found.unusable is None
    assert found.cost.stalled is None and found.cost.read is None


def fold(gain_decay: GainDecay, *ticks: tuple[float, int]) -> GainDecay:
    for at, blocks in ticks:
        gain_decay = gain_decay.see(at, blocks)
    return gain_decay


def test_the_half_life_is_the_time_from_which_half_of_the_gain_stays_gone() -> None:
    start = GainDecay(at=100, before=10, after=110)
    assert fold(start, (101, 108)).share == 0.98
    assert fold(start, (101, 108), (110, 61)).half_life is None
    gone = fold(start, (101, 108), (130, 60), (140, 20))
    assert gone.half_life == 30 and gone.share == 0.1 and gone.age == 40
    assert fold(gone, (150, 100)).half_life is None
    assert fold(gone, (150, 100), (160, 5)).half_life == 60


def test_marks_are_taken_at_the_first_tick_past_each() -> None:
    seen = fold(GainDecay(0, 0, 100), (59, 90), (61, 80), (299, 70), (2000, 60))
    assert seen.marks == ((60.0, 80), (300.0, 60), (1800.0, 60))


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(0, 500), st.integers(0, 1000))
def test_a_share_is_never_negative_and_without_a_gain_there_is_none(later: list[int], before: int, after: int) -> None:
    seen = fold(GainDecay(0, before, after), *((float(i * 100), b) for i, b in enumerate(later)))
    assert (seen.share is None) == (after <= before)
    assert seen.share is None or seen.share >= 0
    assert [mark for mark, _ in seen.marks] == list(CHECKPOINT_SECONDS[: len(seen.marks)])
    assert after > before or seen.half_life is None


def intent(name: str, time: float, blocks: int | None = 10) -> IntentEntry:
    return IntentEntry(name, time, "compact", ("writes '1'",), ("/x",), "screen", 7, 0, order=3, blocks=blocks)


def run(name: str, time: float, gained: int, half_life: float | None) -> tuple[Entry, ...]:
    return (
        intent(name, time),
        EndEntry(name, time + 2, Result.DONE, 2.0),
        EvidenceEntry(name, time + 2, 0, 3, 10 + gained),
        EvidenceEntry(name, time + 302, 300, 3, 10 + gained // 3, half_life=half_life),
    )


def test_an_intent_without_an_end_has_an_unknown_outcome() -> None:
    history = episodes([*run("a", 0, 5, None), intent("b", 100)])
    assert [e.intent.id for e in unknown_outcomes(history)] == ["b"]
    assert "compact by screen (pid 7) did not report back" in describe_unknown(history[1])
    assert history[1].gained is None and history[1].lasted is None


def test_the_duration_of_a_gain_is_reported() -> None:
    short, held = episodes([*run("a", 0, 90, 200.0), *run("b", 1000, 90, None)])
    assert (short.gained, short.lasted, short.short_lived) == (90, "half of it gone after 3m20s", True)
    assert (held.lasted, held.short_lived) == ("33 % of it left after 5m00s", False)


def test_the_third_remedy_of_a_day_that_does_not_last_is_reported() -> None:
    lost = [*run("a", 0, 90, 200.0), *run("b", 10_000, 90, 60.0), *run("c", 20_000, 90, 90.0)]
    said = repeats(episodes(lost), now=21_000)
    assert said is not None and said.startswith("The third remedy in 24 hours")
    assert repeats(episodes(lost[:8]), now=21_000) is None
    assert repeats(episodes(lost), now=200_000) is None
    held = [*run("a", 0, 90, None), *run("b", 10_000, 90, None), *run("c", 20_000, 90, None)]
    assert repeats(episodes(held), now=21_000) is None


@pytest.mark.parametrize("blocks", [None, 10])
def test_evidence_of_another_order_is_ignored(blocks: int | None) -> None:
    (found,) = episodes([intent("a", 0, blocks), EvidenceEntry("a", 1, 0, 4, 99)])
    assert found.gained is None


def test_each_checkpoint_has_the_cost_until_then(tmp_path: Path) -> None:
    def side(at: float, blocks: int, refaults: int) -> Snapshot:
        return tick(at, (0, "Normal", (5, 0, 0, blocks)), workingset_refault_file=refaults, pgpgin=refaults * 4)

    audit = AuditLog(tmp_path / "audit.jsonl")
    audit.append(replace(intent("a", 0.0, 1), order=3))
    followup = FollowUp(audit, "a", side(0, 1, 0), side(10, 101, 0), 3)
    for at, blocks, refaults in ((40, 90, 10), (70, 80, 100), (310, 20, 1000), (640, 20, 1000)):
        followup.see(side(at, blocks, refaults))
    assert [(look.after, look.blocks, look.cost.refaults) for look in followup.checkpoints] == [
        (60, 80, 100),
        (300, 20, 1000),
    ]
    said = checkpoint_sentence(followup.checkpoints[1], followup.recovery)
    assert said.startswith("After 5m00s: 20 blocks of 32K (order 3), 1000 refaults, ") and "read from disk" in said
    (episode,) = episodes(audit.read().entries)
    assert [look.after for look in episode.evidence] == [0, 60, 300, 630]
    text = describe_episode(episode, unknown=False)
    assert "half of it gone after 5m00s" in text and "1000 refaults" in text and "in the 10m30s after" in text


def test_the_steps_of_one_run_are_one_remedy_of_the_day() -> None:
    def step(name: str, at: float, gained: int) -> tuple[Entry, ...]:
        return run(name, at, gained, None)

    ladder = [*step("a", 100, 0), *step("b", 104, 0), *step("c", 108, 0), *step("d", 112, 0)]
    assert repeats(episodes(ladder), 200) is None, "one run of four steps"
    later = [*ladder, *step("e", 5000, 0), *step("f", 9000, 0)]
    assert (repeats(episodes(later), 9100) or "").startswith("The third remedy in 24 hours")
    held = [*step("a", 100, 0), *step("b", 104, 500), *step("c", 5000, 400), *step("d", 9000, 300)]
    assert repeats(episodes(held), 9100) is None, "the sync brought nothing, the step after it did"
