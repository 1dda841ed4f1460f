"""One node of a fleet from its series: judged as its files would be, and unknown for what has no sample."""

from __future__ import annotations

import pytest

from fragtui.model.fleet.node_snapshot import history_of, snapshot_of
from fragtui.model.fleet.series import NodeSeries, ZoneSeries
from fragtui.model.node.verdict import State, judge_node

SMALL = (9000, 4000, 2000, 0, 0, 0, 0, 0, 0, 0, 0)
LARGE = (900, 400, 200, 100, 100, 100, 100, 50, 40, 30, 20)
DMA = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3)


def zone(name: str, blocks: tuple[int | None, ...], low: int | None = 100, reserve: int | None = 0) -> ZoneSeries:
    pages = sum((count or 0) << order for order, count in enumerate(blocks))
    return ZoneSeries(0, name, blocks, pages, low, reserve)


def node(*zones: ZoneSeries, time: float = 1000.0, why: str | None = None) -> NodeSeries:
    return NodeSeries("node-1", time, zones, why)


@pytest.mark.parametrize(
    ("zones", "state"),
    [
        ((zone("Normal", LARGE),), State.OK),
        ((zone("Normal", SMALL),), State.FRAGMENTED),
        ((zone("Normal", LARGE, low=10**9),), State.OUT_OF_MEMORY),
        ((zone("DMA32", LARGE, reserve=10**9), zone("Normal", SMALL)), State.FRAGMENTED),
        ((zone("DMA32", LARGE, reserve=50), zone("Normal", SMALL)), State.OK),
        ((zone("DMA", DMA, reserve=29_000), zone("Normal", SMALL)), State.FRAGMENTED),
        ((zone("DMA", LARGE),), State.OK),
    ],
    ids=["ok", "fragmented", "short", "reserve", "no reserve", "x86 DMA", "arm64 DMA alone"],
)
def test_the_verdict_is_that_of_blocks_watermark_and_reserve(zones: tuple[ZoneSeries, ...], state: State) -> None:
    snapshot = snapshot_of(node(*zones), 4096)
    judged = judge_node(snapshot, 4)
    assert judged.state is state or (state is State.OK and judged.state is State.LOW and judged.unsure)
    assert snapshot.why("pagetypeinfo") == "no series has it"


def test_a_zone_that_lacks_an_order_in_the_middle_is_left_out_and_one_that_lacks_the_largest_is_not() -> None:
    snapshot = snapshot_of(node(zone("DMA32", (1, None, 3)), zone("Normal", (5, 4, 3, None, None))), None)
    assert snapshot.zones is not None and [found.free_blocks for found in snapshot.zones] == [(5, 4, 3)]
    assert snapshot.why("buddyinfo") == "N0 DMA32: an order has no sample"
    assert snapshot.host.page_size_assumed


def test_without_watermarks_or_zones_these_are_unknown() -> None:
    snapshot = snapshot_of(node(zone("Normal", LARGE, low=None)), 4096)
    assert snapshot.zones is not None and snapshot.zones[0].info is None
    assert snapshot.why("zoneinfo") == "no series of its watermarks"
    nothing = snapshot_of(node(why="no free blocks by order"), 4096)
    assert nothing.zones is None and nothing.why("buddyinfo") == "no free blocks by order"
    assert judge_node(nothing, 4).state is State.UNKNOWN


def test_a_reading_holds_until_the_next_one_but_not_over_a_gap() -> None:
    key = (0, "Normal")
    readings = [node(zone("Normal", LARGE), time=at) for at in (0.0, 60.0, 120.0, 3000.0)]
    history = history_of(readings, 3600.0)
    series = history.series([key], 4, 3600.0, 200)
    known = [value is not None for value in series]
    assert all(known[at] for at in range(200 - 167, 200 - 160)), "two minutes at the beginning"
    assert not any(known[200 - 155 : 199]) and known[199]
    assert history_of([node()], 3600.0).series([key], 4, 3600.0, 10) == (None,) * 10
