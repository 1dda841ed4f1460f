"""Ranking, groups and filter of a fleet, and the state by counts alone."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fragtui.model.fleet.counting import ZoneCount, count_blocks, count_zones, needs_zones
from fragtui.model.fleet.fleet import FleetNode, count_states, filtered, grouped, label_of, ranked, state_key
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, MANY_BLOCKS, Severity, State
from tests.support.fleet import SyntheticNode, synthetic_node
from tests.support.host_tree import ZoneFacts

FINE, WARNING, CRITICAL, UNKNOWN = Severity
NODE = FleetNode("node", (), State.OK, FINE, 100.0, None, None, None, None, 1.0, True)


def node(name: str, **facts: Any) -> FleetNode:
    return NODE._replace(name=name, **facts)


RANKED = (
    node("no blocks", state=State.FRAGMENTED, severity=CRITICAL, blocks=0.0),
    node("a few that become fewer", state=None, severity=CRITICAL, blocks=2.0, trend=-9.0),
    node("a few", state=State.RESERVED, severity=CRITICAL, blocks=2.0),
    node("was bad", state=State.FRAGMENTED, severity=CRITICAL, blocks=5.0, stale=True),
    node("never seen", state=State.UNKNOWN, severity=UNKNOWN, blocks=None),
    node("unknown", state=State.UNKNOWN, severity=None, blocks=None, up=False, stale=True),
    node("was fine", stale=True),
    node("low", state=State.LOW, severity=WARNING, blocks=900.0),
    node("fine a"),
    node("fine b"),
    node("fine with many", blocks=9e9),
)


def test_the_worst_come_first_and_what_is_not_known_before_what_is_fine() -> None:
    shuffled = random.Random(5).sample(RANKED, len(RANKED))
    assert [found.name for found in ranked(shuffled)] == [found.name for found in RANKED]


def test_the_states_are_counted_worst_first_and_a_stale_one_is_none_of_them() -> None:
    assert list(count_states(RANKED).items()) == [
        ("fragmented", 1), ("reserved", 1), ("may_fail", 1), ("unknown", 1), ("stale", 3), ("low", 1), ("ok", 3),
    ]  # fmt: skip
    assert state_key(node("x", state=None, severity=None)) == "unknown"
    assert state_key(node("x", state=None, severity=WARNING)) == "warning"


def test_groups_begin_with_the_one_that_has_the_worst_node() -> None:
    nodes = ranked(
        (
            node("a", labels=(("pool", "x"),)),
            node("b", labels=(("pool", "y"),), severity=CRITICAL, blocks=0.0),
            node("c", labels=(("pool", "x"),), severity=WARNING),
            node("d"),
        )
    )
    found = grouped(nodes, "pool")
    assert {value: [each.name for each in members] for value, members in found.items()} == {
        "y": ["b"], "x": ["c", "a"], "": ["d"],
    }  # fmt: skip
    assert list(found) == ["y", "x", ""]
    assert label_of(nodes[0], "pool") == "y" and label_of(nodes[0], "zone") == ""


@pytest.mark.parametrize(
    ("text", "names"),
    [("", "abc"), ("node-A", "a"), ("pool=gp", "ab"), ("POOL=GP fragm", "b"), ("eu", "c"), ("zone=", "c"),
     ("nowhere", ""), ("pool=eu", ""), ("=", "abc"), ("stale", "c")],
)  # fmt: skip
def test_the_filter_finds_every_word_in_name_state_or_labels(text: str, names: str) -> None:
    nodes = (
        node("node-a", labels=(("pool", "gpu"),)),
        node("node-b", labels=(("pool", "gpu"),), state=State.FRAGMENTED),
        node("node-c", labels=(("pool", "web"), ("zone", "eu-1")), stale=True),
    )
    assert [each.name for each in filtered(nodes, text)] == [f"node-{name}" for name in names]


def zone_counts(each: SyntheticNode, order: int) -> list[ZoneCount]:
    """Return what the server would count: zones that could be above their watermark."""
    return [
        ZoneCount(
            zone.node,
            sum(count << (size - order) for size, count in enumerate(zone.free_blocks) if size >= order),
            zone.free,
            zone.free - zone.min - _reserve(zone),
        )
        for zone in each.zones
        if zone.managed > zone.min + _reserve(zone)
    ]


def _reserve(zone: ZoneFacts) -> int:
    return zone.reserve[min(2, len(zone.reserve) - 1)]


@pytest.mark.parametrize("order", [3, 4, 6, 9, 10])
def test_the_state_by_counts_is_that_of_the_model(order: int) -> None:
    seen = set()
    for number in range(100):
        each = synthetic_node(number)
        if order >= len(each.zones[0].free_blocks):
            continue
        judged = each.judged(order)
        found = count_zones(zone_counts(each, order), order, DEFAULT_THRESHOLDS)
        assert (found.state, found.severity, found.blocks) == (judged.state, judged.severity, judged.judgement.blocks)
        seen.add(judged.state)
        given: dict[int, float] = {}
        for zone in zone_counts(each, order):
            given[zone.numa_node] = given.get(zone.numa_node, 0) + zone.blocks * (zone.room > (1 << order) - 1)
        assert needs_zones(list(given.values())) or judged.state is State.OK, "what no zones are read of is OK"
    assert {State.OK, State.LOW, State.FRAGMENTED, State.RESERVED, State.OUT_OF_MEMORY} <= seen


def test_blocks_alone_never_say_why_there_are_none() -> None:
    assert count_blocks(0.0, DEFAULT_THRESHOLDS)[:2] == (None, CRITICAL)
    assert count_blocks(15.0, DEFAULT_THRESHOLDS)[:2] == (State.LOW, WARNING)
    assert count_blocks(float(MANY_BLOCKS), DEFAULT_THRESHOLDS)[:2] == (State.OK, FINE)
    assert needs_zones([MANY_BLOCKS - 1.0]) and needs_zones([9e9, 0.0]) and not needs_zones([float(MANY_BLOCKS)])
