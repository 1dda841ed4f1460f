"""Fleets that are not of one kind: nodes of the same name, without zoneinfo, without anything, no targets any more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fragtui.model.fleet.fleet import Counting, FleetError
from fragtui.model.node.verdict import Severity, State
from fragtui.sources.prometheus.client import Access, PrometheusClient
from fragtui.sources.prometheus.fleet_reader import FleetReader
from tests.support.fleet import (
    Engine,
    FleetServer,
    SyntheticNode,
    needs_prometheus,
    prometheus,
    synthetic_node,
    targets,
)

FINE, THIN, FRAGMENTED = synthetic_node(0), synthetic_node(5), synthetic_node(7)
BARE = synthetic_node(30)
LARGE_DMA = synthetic_node(46)
"""Its Normal zone has no block of the order, its DMA zone, as large as any, has many."""
ORDER = 4
pytestmark = [pytest.mark.slow, needs_prometheus]


def without_zoneinfo(node: SyntheticNode) -> bytes:
    return b"\n".join(line for line in node.raw.splitlines() if b"zoneinfo" not in line) + b"\n"


class Odd(NamedTuple):
    engine: Engine
    folder: Path
    targets: list[dict[str, object]]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    folder = tmp_path_factory.mktemp("odd")
    texts = (
        FINE.raw, FRAGMENTED.raw, THIN.raw, BARE.raw, without_zoneinfo(FINE), without_zoneinfo(FRAGMENTED),
        without_zoneinfo(LARGE_DMA), b"node_load1 1\n", BARE.raw, FINE.raw,
    )  # fmt: skip
    names = ("twin", "twin", "thin", "bare", "blind", "blind-bad", "blind-dma", "silent", "relabelled", "leaving")
    with FleetServer(texts).running() as server:
        found = targets([synthetic_node(number) for number in range(len(texts))], server.port)
        for number, (name, target) in enumerate(zip(names, found, strict=True)):
            labels = target["labels"]
            assert isinstance(labels, dict)
            labels |= {"instance": name, "cluster": f"c{number % 2}"} | (
                {"node": "worker-1"} if name == "relabelled" else {}
            )
        with prometheus(folder, found) as engine:
            engine.wait_for(f"count(up == 1) == {len(texts)}")
            yield Odd(engine, folder, found)


def test_each_node_is_told_apart_and_none_is_taken_for_fine(odd: Odd) -> None:
    source = FleetReader(PrometheusClient(Access(odd.engine.url)), ORDER)
    fleet = source.read()
    assert fleet.counting is Counting.RAW
    found = {node.name: (node.state, node.severity, node.blocks) for node in fleet.nodes}
    judged = {name: node.judged(ORDER) for name, node in (("f", FINE), ("b", FRAGMENTED), ("t", THIN), ("n", BARE))}
    known = {key: (state.state, state.severity, state.judgement.blocks) for key, state in judged.items()}
    unknown = (State.UNKNOWN, Severity.UNKNOWN, None)
    assert found == {
        "twin (node, c0)": known["f"], "twin (node, c1)": known["b"], "thin": known["t"], "bare": known["n"],
        "blind": unknown, "blind-bad": unknown, "blind-dma": unknown, "silent": unknown,
        "worker-1": known["n"], "leaving": known["f"],
    }  # fmt: skip
    assert known["n"][0] is State.LOW, "one of its four NUMA nodes is bare"
    assert source.read().nodes[0].name == "twin (node, c1)"
    assert source.node("twin (node, c1)").zones[-1].free_blocks == FRAGMENTED.zones[-1].free_blocks
    assert {zone.numa_node for zone in source.node("worker-1").zones} == {0, 1, 2, 3}
    assert set(source.history(["twin (node, c0)", "twin (node, c1)"], 5)) == {"twin (node, c0)", "twin (node, c1)"}


def test_one_node_is_read_without_its_twin_that_is_not_matched(odd: Odd) -> None:
    odd.engine.wait_for('count(count_over_time(up{instance="twin"}[1m]) > 3) == 2')
    source = FleetReader(PrometheusClient(Access(odd.engine.url)), ORDER, match='cluster="c0"')
    assert "twin" in {node.name for node in source.read().nodes}
    asked = [source.node("twin"), *source.node_history("twin", 2)]
    assert all(
        [zone.free_blocks for zone in series.zones] == [zone.free_blocks for zone in FINE.zones] for series in asked
    )
    assert source._interval == pytest.approx(1.0, abs=0.05), "between scrapes of one target, not of two"


def test_a_fleet_without_zoneinfo_is_not_called_fine(odd: Odd) -> None:
    fleet = FleetReader(PrometheusClient(Access(odd.engine.url)), ORDER, match='instance=~"blind.*"').read()
    fine, bad, dma = (
        next(node for node in fleet.nodes if node.name == name) for name in ("blind", "blind-bad", "blind-dma")
    )
    assert fine.state is State.UNKNOWN and fine.blocks, "blocks, but the watermark may keep them"
    assert dma.state is State.UNKNOWN and dma.blocks
    assert bad.severity is Severity.CRITICAL and bad.blocks == 0
    assert dict(fleet.unknown)["state"] == "node_exporter needs --collector.zoneinfo"


def test_a_node_that_is_no_target_any_more_is_stale_and_not_gone(odd: Odd) -> None:
    source = FleetReader(PrometheusClient(Access(odd.engine.url)), ORDER)
    source.read()
    (odd.folder / "targets.json").write_text(json.dumps(odd.targets[:-1]))
    end = time.monotonic() + 15
    while not (node := next(node for node in source.read().nodes if node.name == "leaving")).stale:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert node.state is State.OK and node.age is not None
    assert "leaving" not in {
        node.name for node in FleetReader(PrometheusClient(Access(odd.engine.url)), ORDER).read().nodes
    }


def test_without_any_metric_the_reason_is_one_line(odd: Odd) -> None:
    with pytest.raises(FleetError, match=r'no node that {instance="silent"} selects exports metrics of fragtui'):
        FleetReader(PrometheusClient(Access(odd.engine.url)), ORDER, match='instance="silent"').read()
    with pytest.raises(FleetError, match="no kernel has blocks of order 18"):
        FleetReader(PrometheusClient(Access(odd.engine.url)), 18)
