"""Forecasts, against zones as they were on a 24 GB machine with 6.18 before and after each remedy."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, TypeBlocks, ZonePageblocks
from fragtui.kernel.procfs.pressure import Pressure, Stall
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.snapshot import Host, PageTypeReading, Snapshot, Zone
from fragtui.model.node.target_zones import target_blocks, target_zones, usable_blocks
from fragtui.model.remedy.block_probability import CLUSTERED, SCATTERED, TOGETHER, p_free_block, p_recovered
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.model.remedy.recommendation import Choice, Recommendation, effect_of, recommend, with_sync
from fragtui.model.remedy.risk import NodeConditions, risks
from fragtui.model.remedy.zone_capacity import droppable, zone_capacities
from fragtui.render.remedy.forecast_text import error_sentence, forecast_text

KB = 1024
DROP_1, COMPACT = Effect(page_cache=True), Effect(compact=True)
DROP_3 = Effect(sync=True, page_cache=True, slab=True)


def node(
    buddy: tuple[int, ...],
    movable: tuple[int, ...],
    pageblocks: tuple[int, int, int],
    file: int,
    meminfo: dict[str, int],
    capped: frozenset[int] = frozenset(),
    release: str = "6.18.44",
    both_capped: bool = False,
) -> Snapshot:
    """Build a node of one Normal zone, and the DMA zone that must not count."""
    others = tuple(max(0, total - mine) for total, mine in zip(buddy, movable, strict=True))
    stopped = 100_000 if both_capped else 0
    unmovable = tuple(stopped if order in capped else count for order, count in enumerate(others))
    dma = ZoneBlocks(0, "DMA", (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3))
    normal = ZoneBlocks(0, "Normal", buddy)
    free = sum(count << order for order, count in enumerate(buddy))
    infos = (
        ZoneInfo(
            0, "DMA", free=3840, min=10, low=12, high=15, present=3998, managed=3840, protection=(0, 24090, 24090)
        ),
        ZoneInfo(0, "Normal", free=free, min=14690, present=5505024, managed=5394266, file=file, protection=(0, 0, 0)),
    )
    types = PageTypeInfo(
        9,
        512,
        (
            TypeBlocks(0, "Normal", "Unmovable", unmovable, capped if both_capped else frozenset()),
            TypeBlocks(0, "Normal", "Movable", movable, capped),
        ),
        (ZonePageblocks(0, "Normal", tuple(zip(("Unmovable", "Movable", "Reclaimable"), pageblocks, strict=True))),),
    )
    return Snapshot(
        time=0.0,
        monotonic=100.0,
        host=Host("node", release, parse_version(release), 4096),
        zones=(Zone(dma, infos[0]), Zone(normal, infos[1])),
        zone_infos=infos,
        page_types=PageTypeReading(types, 99.0, 0.01),
        meminfo=meminfo,
    )


# Every second page of 20 GB of page cache dropped; buddyinfo after drop_caches 1 and after compact_memory beside it.
CACHE = node(
    buddy=(2179103, 887, 608, 361, 265, 196, 116, 41, 14, 0, 0),
    movable=(100000, 375, 15, 0, 0, 0, 0, 0, 0, 0, 0),
    capped=frozenset({0}),
    pageblocks=(147, 10471, 134),
    file=2756167,
    meminfo={
        "Active": 747576 * KB,
        "Inactive": 10653632 * KB,
        "Unevictable": 14504 * KB,
        "Active(file)": 746040 * KB,
        "Inactive(file)": 10640736 * KB,
        "Dirty": 92 * KB,
        "Mapped": 15856 * KB,
        "SReclaimable": 259744 * KB,
    },
)
CACHE_AFTER_DROP = (240243, 3927, 2201, 1390, 819, 591, 346, 182, 101, 88, 4469)
# The same again, then compacted.
CACHE_2 = node(
    buddy=(2085828, 106017, 1157, 692, 436, 308, 189, 73, 23, 1, 0),
    movable=(100000, 100000, 158, 2, 0, 0, 0, 0, 0, 0, 0),
    capped=frozenset({0, 1}),
    pageblocks=(147, 10485, 120),
    file=2625696,
    meminfo={
        "Active": 10604 * KB,
        "Inactive": 10903772 * KB,
        "Unevictable": 14504 * KB,
        "Active(file)": 9568 * KB,
        "Inactive(file)": 10889836 * KB,
        "Dirty": 144 * KB,
        "Mapped": 15828 * KB,
        "SReclaimable": 218080 * KB,
    },
)
CACHE_2_AFTER_COMPACT = (522936, 1546, 1236, 905, 630, 477, 334, 174, 92, 57, 1656)
# Every second page of 18 GB of pipe buffers drained: compact_memory took 4 ms and changed nothing.
UNMOVABLE = node(
    buddy=(2285594, 2740, 169, 366, 43, 0, 0, 0, 0, 0, 0),
    movable=(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    pageblocks=(10407, 244, 101),
    file=5740,
    meminfo={
        "Active": 13240 * KB,
        "Inactive": 31536 * KB,
        "Unevictable": 14584 * KB,
        "Active(file)": 12200 * KB,
        "Inactive(file)": 10836 * KB,
        "Dirty": 28 * KB,
        "Mapped": 15616 * KB,
        "SReclaimable": 0,
    },
)


def gained(before: Snapshot, after: tuple[int, ...], order: int) -> int:
    old = before.zone((0, "Normal"))
    assert old is not None
    return sum(
        (new - was) << (i - order)
        for i, (new, was) in enumerate(zip(after, old.free_blocks, strict=True))
        if i >= order
    )


@pytest.mark.parametrize("order", range(2, 11))
def test_dropping_page_cache_gains_what_was_forecast_within_a_factor_of_two(order: int) -> None:
    gain = forecast(CACHE, order).gain(DROP_1)
    real = gained(CACHE, CACHE_AFTER_DROP, order)
    assert gain.blocks is not None and gain.low is not None and gain.high is not None
    assert real / 2 <= gain.blocks <= real * 2
    assert gain.low <= real <= gain.high


@pytest.mark.parametrize("order", range(2, 11))
def test_compaction_gains_what_was_forecast_within_a_factor_of_two(order: int) -> None:
    gain = forecast(CACHE_2, order).gain(COMPACT)
    real = gained(CACHE_2, CACHE_2_AFTER_COMPACT, order)
    assert gain.blocks is not None and real / 2 <= gain.blocks <= real * 2


@pytest.mark.parametrize("order", range(1, 11))
def test_between_unmovable_pages_compaction_is_forecast_not_to_help(order: int) -> None:
    seen = forecast(UNMOVABLE, order)
    assert seen.gain(COMPACT).blocks == 0
    assert seen.bound is not None and seen.bound > 0.99
    said = forecast_text(UNMOVABLE, seen, COMPACT)
    assert "not expected" in said.headline and "unmovable" in said.headline
    assert any(risk.useless for risk in risks(UNMOVABLE, seen, COMPACT))


# Pipe buffers in Movable pageblocks, and 2.5 GB of free pages on per-CPU lists: no page between them is movable.
STUCK = node(
    buddy=(1216025, 10530, 6698, 4280, 2759, 1680, 1064, 659, 433, 395, 1534),
    movable=(100000, 10083, 6634, 4272, 2754, 1676, 1027, 630, 425, 395, 1533),
    capped=frozenset({0}),
    both_capped=True,
    pageblocks=(4878, 5835, 39),
    file=4700,
    meminfo={
        "Active": 18664 * KB,
        "Inactive": 57528 * KB,
        "Unevictable": 13904 * KB,
        "Active(file)": 17640 * KB,
        "Inactive(file)": 1168 * KB,
        "Mapped": 15628 * KB,
        "SReclaimable": 29248 * KB,
    },
)
STUCK_AFTER_COMPACT = (1196189, 9832, 6356, 4069, 2643, 1622, 1024, 640, 419, 396, 1574)


@pytest.mark.parametrize("order", range(2, 11))
def test_mostly_unmovable_memory_gives_a_low_forecast(order: int) -> None:
    gain = forecast(STUCK, order).gain(COMPACT)
    real = gained(STUCK, STUCK_AFTER_COMPACT, order)
    assert gain.blocks is not None and gain.high is not None
    assert real <= gain.high
    seen = forecast(STUCK, order)
    assert not seen.worth(gain)
    assert forecast_text(STUCK, seen, COMPACT).headline.startswith("Hardly helps: should give about")
    assert any("Hardly worth" in risk.sentence and risk.useless for risk in risks(STUCK, seen, COMPACT))


LADDER = (Choice.DROP_CACHES, Choice.COMPACT, Choice.DROP_THEN_COMPACT)


def recommended(snapshot: Snapshot) -> Recommendation | str | None:
    return recommend(snapshot, forecast(snapshot, 9), LADDER)


def test_the_recommendation_names_what_helps() -> None:
    drop = recommended(CACHE)
    assert isinstance(drop, Recommendation)
    assert (drop.choice, drop.enough, drop.wanted) == (Choice.DROP_CACHES, True, 64)
    assert drop.gain == forecast(CACHE, 9).gain(effect_of(CACHE, Choice.DROP_CACHES))
    assert recommended(UNMOVABLE) is None
    assert recommended(STUCK) is None
    no_cache = CACHE._replace(meminfo={**CACHE.meminfo, "Active(file)": 0, "Inactive(file)": 0, "SReclaimable": 0})
    compact = recommended(no_cache)
    assert isinstance(compact, Recommendation)
    assert (compact.choice, compact.price) == (Choice.COMPACT, 0)


def test_few_blocks_on_one_numa_node_make_a_gain_worth_it() -> None:
    """A node with blocks on one NUMA node alone is not told that nothing helps because of those."""
    seen = replace(forecast(CACHE, 9), blocks=17_000, fewest=17_000)
    assert seen.worth(Gain(0, 5_670)) is False
    bare = replace(seen, fewest=0)
    assert bare.worth(Gain(0, 5_670)) and bare.worth(Gain(0, 64)) and bare.worth(Gain(0, 8))
    assert bare.worth(Gain(0, 7)) is False
    low = replace(seen, fewest=100)
    assert low.worth(Gain(0, 64)) and low.worth(Gain(0, 49)) is False
    assert seen.worth(Gain(0, None)) is None


def test_dirty_pages_put_a_sync_before_a_drop_and_before_a_compaction() -> None:
    much = CACHE_2._replace(meminfo={**CACHE_2.meminfo, "Dirty": 65 << 20})
    little = CACHE_2._replace(meminfo={**CACHE_2.meminfo, "Dirty": 1 << 20})
    for snapshot, effect, sync in ((much, DROP_1, True), (little, DROP_1, False), (little, COMPACT, True)):
        assert with_sync(snapshot, effect).sync is sync
    old = little._replace(host=little.host._replace(version=parse_version("6.8.0")))
    assert with_sync(old, COMPACT).sync is False


def test_a_dirty_page_may_end_compaction_where_large_folios_move_and_a_sync_prevents_it() -> None:
    dirty = CACHE_2._replace(meminfo={**CACHE_2.meminfo, "Dirty": 8 << 20})
    seen = forecast(dirty, 9)
    plain, synced = seen.gain(COMPACT), seen.gain(replace(COMPACT, sync=True))
    assert plain.low == 0 and synced.low is not None and synced.low > 0
    assert plain.blocks == synced.blocks
    assert any("dirty large folio" in reason for reason in forecast_text(dirty, seen, COMPACT).reasons)
    assert any("sync first" in risk.sentence for risk in risks(dirty, seen, COMPACT))
    assert not any("sync first" in risk.sentence for risk in risks(dirty, seen, replace(COMPACT, sync=True)))
    old = dirty._replace(host=dirty.host._replace(version=parse_version("6.8.0")))
    assert forecast(old, 9).gain(COMPACT).low == synced.low


def test_huge_pages_block_no_other_block() -> None:
    infos = (CACHE_2.zone_infos[0], CACHE_2.zone_infos[1]._replace(lru=2_700_000))
    zones = tuple(Zone(zone.blocks, info) for zone, info in zip(CACHE_2.zones or (), infos, strict=True))
    known = CACHE_2._replace(zone_infos=infos, zones=zones)
    room = forecast(known, 9).zone_capacities[0]
    pooled = forecast(known._replace(meminfo={**known.meminfo, "Hugetlb": 200_000 << 12}), 9).zone_capacities[0]
    assert pooled.movable.pages == room.movable.pages - 200_000
    assert room.stuck is not None and pooled.stuck == room.stuck - 200_000
    thp = forecast(known._replace(meminfo={**known.meminfo, "AnonHugePages": 50_000 << 12}), 9).zone_capacities[0]
    assert thp.movable.pages == room.movable.pages - 50_000 and thp.stuck == room.stuck
    older = {**known.meminfo, "HugePages_Total": 10, "Hugepagesize": 2 << 20}
    assert forecast(known._replace(meminfo=older), 9).zone_capacities[0].movable.pages == room.movable.pages - 5120


def test_counts_stopped_at_100000_are_filled_up_from_buddyinfo() -> None:
    room = forecast(CACHE, 9).zone_capacities[0]
    assert room.movable.free == 2179103 + 2 * 375 + 4 * 15
    assert room.unmovable.small == sum(
        count << order for order, count in enumerate((0, 512, 593, 361, 265, 196, 116, 41, 14))
    )


def test_dirty_pages_go_only_after_a_sync() -> None:
    dirty = CACHE._replace(meminfo={**CACHE.meminfo, "Dirty": 4 << 30})
    seen = forecast(dirty, 9)
    without, with_sync = seen.gain(DROP_1), seen.gain(replace(DROP_1, sync=True))
    assert without.bytes is not None and with_sync.bytes is not None
    assert with_sync.bytes - without.bytes == pytest.approx(4 << 30, rel=0.04)
    assert any("stay" in risk.sentence for risk in risks(dirty, seen, DROP_1))
    assert any("reach the disk first" in risk.sentence for risk in risks(dirty, seen, DROP_3))


def test_below_the_min_watermark_there_is_nothing_to_compact_into() -> None:
    infos = tuple(info._replace(min=info.free) for info in CACHE.zone_infos)
    low = CACHE._replace(
        zone_infos=infos, zones=tuple(Zone(z.blocks, i) for z, i in zip(CACHE.zones or (), infos, strict=True))
    )
    gain = forecast(low, 9).gain(COMPACT)
    assert gain.blocks == 0 and gain.why is not None and "min watermark" in gain.why
    assert any("0/Normal" in risk.sentence for risk in risks(low, forecast(low, 9), COMPACT))


def test_an_unreadable_value_makes_the_forecast_unknown_not_zero() -> None:
    silent = CACHE._replace(meminfo={})
    gain = forecast(silent, 9).gain(DROP_1)
    assert gain.bytes is None and gain.blocks is None and gain.why
    assert "unknown" in forecast_text(silent, forecast(silent, 9), DROP_1).headline
    assert isinstance(recommended(silent), str)
    blind = CACHE._replace(zones=None)
    assert forecast(blind, 9).gain(COMPACT).blocks is None
    assert forecast(blind, 9).blocks is None
    untyped = forecast(CACHE._replace(page_types=None), 9)
    assert untyped.bound is None
    assert any("this is optimistic" in reason for reason in forecast_text(CACHE, untyped, COMPACT).reasons)


def test_the_dma_zone_is_no_target() -> None:
    assert [zone.name for zone in target_zones(CACHE)] == ["Normal"]
    assert target_blocks(CACHE, 9) == 0
    assert target_blocks(CACHE._replace(zones=None), 9) is None


def test_blocks_below_the_watermark_are_free_but_not_available() -> None:
    infos = tuple(info._replace(min=info.free) for info in CACHE.zone_infos)
    low = CACHE._replace(
        zone_infos=infos, zones=tuple(Zone(z.blocks, i) for z, i in zip(CACHE.zones or (), infos, strict=True))
    )
    assert target_blocks(low, 4) == target_blocks(CACHE, 4) != 0
    assert usable_blocks(CACHE, 4) == target_blocks(CACHE, 4)
    assert usable_blocks(low, 4) == 0


def test_the_warning_states_the_cost_on_this_node() -> None:
    pressed = CACHE._replace(pressure=Pressure(Stall(12.5, 3.0, 1.0, 100), None))
    costs = " ".join(forecast_text(pressed, forecast(pressed, 9), DROP_3).costs)
    for part in ("92K of dirty pages", "10.9G of page cache", "254M of dentries", "12.5 %"):
        assert part in costs
    assert any("already wait for memory" in risk.sentence for risk in risks(pressed, forecast(pressed, 9), COMPACT))


def test_slab_on_old_kernels_with_many_cgroups_is_risky() -> None:
    old = CACHE._replace(host=CACHE.host._replace(version=parse_version("4.18.0-305.el8")))
    found = risks(old, forecast(old, 9), DROP_3, NodeConditions(memory_cgroups=8000, zfs_arc=8 << 30, ksm_sharing=10))
    text = " ".join(risk.sentence for risk in found)
    assert "can't be aborted" in text and "8000 memory cgroups" in text and "ZFS" in text and "KSM" not in text


def test_swap_in_is_the_difference_of_two_ticks() -> None:
    first, second = CACHE._replace(vmstat={"pswpin": 0}), CACHE._replace(monotonic=102.0, vmstat={"pswpin": 100_000})
    assert any("thrashing" in risk.sentence for risk in risks(second, forecast(second, 9), COMPACT, previous=first))
    assert not any("thrashing" in risk.sentence for risk in risks(second, forecast(second, 9), COMPACT))


@pytest.mark.parametrize(
    ("expected", "real", "words"),
    [
        (100, 98, "Forecast 100, gained 98."),
        (100, 40, "2.5 times too high"),
        (40, 100, "2.5 times too low"),
        (0, 7, "Forecast none, gained 7 blocks."),
        (7, 0, "gained none"),
    ],
)
def test_the_error_of_a_forecast_is_reported(expected: int, real: int, words: str) -> None:
    assert words in error_sentence(expected, real)


@given(
    before=st.floats(0, 1),
    after=st.floats(0, 1),
    order=st.integers(0, 13),
    clustered=st.sampled_from((CLUSTERED, SCATTERED, TOGETHER)),
)
def test_chances_are_chances_and_fewer_pages_in_use_never_make_them_worse(
    before: float, after: float, order: int, clustered: float
) -> None:
    low, high = sorted((before, after))
    assert 0 <= p_free_block(high, order, clustered) <= p_free_block(low, order, clustered) <= 1
    assert 0 <= p_recovered(before, after) <= 1


@given(
    file=st.integers(0, 3_000_000),
    slab=st.integers(0, 1 << 30),
    order=st.integers(1, 10),
    effect=st.sampled_from((DROP_1, DROP_3, COMPACT, Effect(slab=True), replace(DROP_3, compact=True))),
)
def test_no_more_is_promised_than_there_is(file: int, slab: int, order: int, effect: Effect) -> None:
    meminfo = {**CACHE.meminfo, "Active(file)": file << 12, "Inactive(file)": 0, "SReclaimable": slab}
    infos = (CACHE.zone_infos[0], CACHE.zone_infos[1]._replace(file=file))
    zones = tuple(Zone(zone.blocks, info) for zone, info in zip(CACHE.zones or (), infos, strict=True))
    seen = forecast(CACHE._replace(meminfo=meminfo, zone_infos=infos, zones=zones), order)
    gain = seen.gain(effect)
    assert gain.bytes is not None and gain.blocks is not None and gain.low is not None and gain.high is not None
    assert seen.blocks is not None and -seen.blocks <= gain.low <= gain.blocks <= gain.high
    assert gain.blocks * seen.block_size <= gain.bytes + seen.small_free + seen.block_size
    if not effect.compact:
        # A block that dropping makes whole had at least one page of what was dropped in it.
        assert gain.blocks <= gain.bytes // 4096 + 1


@given(
    st.dictionaries(
        st.sampled_from(("Active(file)", "Inactive(file)", "Cached", "Dirty", "Mapped", "Shmem")),
        st.integers(0, 1 << 45),
    )
)
def test_never_less_than_nothing_can_be_dropped(meminfo: dict[str, int]) -> None:
    amount = droppable(meminfo)
    assert amount is None or 0 <= amount.low <= amount.likely <= amount.high


def test_waking_kcompactd_promises_nothing_and_shows_its_score() -> None:
    gentle = Effect(gentle=True)
    seen = forecast(CACHE, 9)
    said = forecast_text(CACHE, seen, gentle)
    assert said.gain.blocks is None and not risks(CACHE, seen, gentle)
    assert any("score of NUMA node 0 is" in reason and "above 90" in reason for reason in said.reasons)


def test_a_boost_does_not_keep_compaction_from_free_pages() -> None:
    """It is for allocations: __isolate_free_page measures by the min watermark without it."""
    zones = CACHE.zones or ()
    info = zones[-1].info
    assert info is not None and info.free is not None and info.min is not None
    for boost, can in ((0, False), (info.free + 1 - info.min, True)):
        boosted = info._replace(min=info.free + 1, boost=boost)
        node = CACHE._replace(zones=(Zone(zones[-1].blocks, boosted),), zone_infos=(boosted,))
        assert [room.compactable for room in zone_capacities(node, 4)] == [can]
