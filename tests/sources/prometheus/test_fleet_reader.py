"""A fleet of synthetic nodes in a real Prometheus and a real VictoriaMetrics: the same order as by the model."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from fragtui.commands.cli.parser import main
from fragtui.model.fleet.fleet import Counting, Fleet, FleetError, FleetNode
from fragtui.model.node.verdict import Severity, State
from fragtui.render.prometheus.recording_rules import recording_rules
from fragtui.sources.prometheus.client import Access, Answer, PrometheusClient
from fragtui.sources.prometheus.fleet_reader import FleetReader
from tests.bench.bench_fleet import synthetic_server
from tests.support.fleet import (
    HOSTILE,
    Engine,
    FleetServer,
    SyntheticNode,
    needs_prometheus,
    needs_victoria,
    prometheus,
    synthetic_node,
    targets,
    victoria_metrics,
)

NODES = [synthetic_node(number) for number in range(200)]
BY_NAME = {node.name: node for node in NODES}
ORDER = 9
PPC64LE, DMA_ALONE, LARGE_ORDERS, HOSTILE_POOL = "node-0011", "node-0016", "node-0031", "node-0002"
pytestmark = pytest.mark.slow


class Running(NamedTuple):
    engine: Engine
    server: FleetServer


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Every node serves node_exporter's metrics and fragtui's lean ones; rules count order 9."""
    texts = [node.raw + node.gauges(ORDER) for node in NODES]
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        FleetServer(texts).running() as server,
        prometheus(folder, targets(NODES, server.port), "1s", recording_rules(ORDER)) as engine,
    ):
        engine.wait_for(f"count(count_over_time(up[1m]) > 1) == {len(NODES)}")
        engine.wait_for(f'count(instance:node_free_blocks_above_watermark:sum{{order="9"}}) == {len(NODES)}')
        yield Running(engine, server)


def reader(engine: Engine, order: int = ORDER, counting: Counting | None = None, match: str = "") -> FleetReader:
    return FleetReader(PrometheusClient(Access(engine.url)), order, counting=counting, match=match)


def wanted(order: int, nodes: Sequence[SyntheticNode] = NODES) -> list[tuple[str, State, Severity, int | None]]:
    """Return the nodes as `judge_node` has them, ranked."""
    ranks = {Severity.CRITICAL: 0, Severity.UNKNOWN: 1, Severity.WARNING: 2, Severity.FINE: 3}
    rows = []
    for node in nodes:
        state = node.judged(order)
        blocks = None if state.state is State.UNKNOWN else state.judgement.blocks
        rows.append((node.name, state.state, state.severity, blocks))
    return sorted(rows, key=lambda row: (ranks[row[2]], -1 if row[3] is None else row[3], row[0]))


def rows_of(fleet: Fleet) -> list[tuple[str, State | None, Severity | None, float | None]]:
    return [(node.name, node.state, node.severity, node.blocks) for node in fleet.nodes]


def named(nodes: Sequence[FleetNode], name: str) -> FleetNode:
    return next(node for node in nodes if node.name == name)


@needs_prometheus
@pytest.mark.parametrize(
    ("counting", "order"),
    [(Counting.GAUGES, 9), (Counting.GAUGES, 4), (Counting.RULES, 9), (Counting.RAW, 9), (Counting.RAW, 4)],
)
def test_the_ranking_is_that_of_the_model(fleet: Running, counting: Counting, order: int) -> None:
    found = reader(fleet.engine, order, counting).read()
    states = {state for _, state, _, _ in wanted(order)}
    assert {State.OK, State.LOW, State.FRAGMENTED, State.RESERVED, State.OUT_OF_MEMORY} <= states
    if counting is Counting.GAUGES and order != ORDER:
        # Only of the exporter's own target the state is a metric; of the others the severity.
        assert [row[:1] + row[2:] for row in rows_of(found)] == [row[:1] + row[2:] for row in wanted(order)]
    else:
        assert rows_of(found) == wanted(order)
    assert found.counting is counting and found.interval == pytest.approx(1.0, abs=0.2)
    assert all(node.up and not node.stale and node.age is not None and node.age < 2.5 for node in found.nodes)


@needs_prometheus
@pytest.mark.parametrize("counting", Counting)
def test_a_quick_reading_ranks_by_blocks_and_leaves_nothing_to_the_next(fleet: Running, counting: Counting) -> None:
    source = reader(fleet.engine, ORDER, counting)
    quick = source.read(quick=True)
    assert quick.quick and {node.name for node in quick.nodes} == set(BY_NAME)
    assert dict(quick.unknown)["largest"] == dict(quick.unknown)["trend"] == "being read"
    if counting is Counting.GAUGES:
        assert rows_of(quick) == wanted(ORDER)
    else:
        assert dict(quick.unknown)["state"] == "being read"
        assert dict(quick.unknown)["failures"] == "fragtui export without --lean counts them"
        blocks = [node.blocks for node in quick.nodes if node.blocks is not None]
        assert len(blocks) > len(NODES) * 0.9
        severities = {name: severity for name, _, severity, _ in wanted(ORDER)}
        known = [node for node in quick.nodes if node.severity is not Severity.UNKNOWN]
        assert [node.severity for node in known] == [severities[node.name] for node in known], "proven, or unknown"
        assert bool(known) == (counting is Counting.RULES)
        if counting is Counting.RAW:
            assert blocks == sorted(blocks)
    complete = source.read()
    assert rows_of(complete) == wanted(ORDER) and not complete.quick
    assert "being read" not in dict(complete.unknown).values()


@needs_prometheus
def test_a_node_of_a_quick_reading_can_be_opened_if_the_next_one_fails(fleet: Running) -> None:
    class Failing(PrometheusClient):
        fails = False

        def query_all(self, expressions: Sequence[str]) -> list[Answer]:
            if self.fails:
                raise FleetError("no answer")
            return super().query_all(expressions)

    client = Failing(Access(fleet.engine.url))
    source = FleetReader(client, ORDER)
    source.read(quick=True)
    client.fails = True
    with pytest.raises(FleetError, match="no answer"):
        source.read()
    assert source.node(NODES[0].name).zones and source.history([NODES[0].name], 10)
    client.fails = False
    assert rows_of(source.read()) == wanted(ORDER)


@needs_prometheus
def test_no_architecture_is_lost(fleet: Running) -> None:
    for counting in Counting:
        nodes = reader(fleet.engine, ORDER, counting).read().nodes
        assert len(nodes) == len(NODES)
        assert named(nodes, PPC64LE).state is State.UNKNOWN, "its largest order is 8"
        dma, large = named(nodes, DMA_ALONE), named(nodes, LARGE_ORDERS)
        assert dma.blocks == BY_NAME[DMA_ALONE].judged(ORDER).judgement.blocks and dma.blocks
        assert large.blocks and large.blocks % 16 == 0, "blocks of order 13 are 16 of order 9"


@needs_prometheus
def test_it_takes_what_most_nodes_have_and_prefers_the_verdict_of_the_nodes(fleet: Running) -> None:
    assert reader(fleet.engine, 9).probe() is Counting.GAUGES
    assert reader(fleet.engine, 4).probe() is Counting.GAUGES
    assert reader(fleet.engine, 6).probe() is Counting.RAW, "no node exports order 6"
    assert set(dict(reader(fleet.engine, 6).read().unknown)) == {"state", "trend", "largest", "failures", "stuck"}


@needs_prometheus
def test_a_matcher_selects_nodes_in_every_way(fleet: Running) -> None:
    gpu = [row for row in wanted(ORDER) if BY_NAME[row[0]].pool == "gpu"]
    for counting in Counting:
        assert rows_of(reader(fleet.engine, ORDER, counting, '{pool="gpu"}').read()) == gpu, counting
    with pytest.raises(FleetError, match=r'that {pool="none"} selects'):
        reader(fleet.engine, ORDER, None, 'pool="none"').read()
    with pytest.raises(FleetError, match="HTTP 400: "):
        reader(fleet.engine, ORDER, None, "pool=").read()


@needs_prometheus
def test_the_labels_are_harmless_and_one_node_is_read_by_zone(fleet: Running) -> None:
    source = reader(fleet.engine, ORDER, Counting.RAW)
    nodes = source.read().nodes
    assert ("pool", "[/red]\\x1b]0;x") in named(nodes, HOSTILE_POOL).labels and HOSTILE not in str(nodes)
    for name in (LARGE_ORDERS, PPC64LE, "node-0003"):
        series = source.node(name)
        assert [
            (zone.numa_node, zone.zone, zone.free_blocks, zone.free_pages, zone.min_pages) for zone in series.zones
        ] == [(zone.node, zone.name, zone.free_blocks, zone.free, zone.min) for zone in BY_NAME[name].zones]
    assert [zone.reserve_pages for zone in source.node("node-0003").zones] == [29000, 21071, 0, 0]
    past = source.node_history("node-0003", 10)
    assert past and past == tuple(sorted(past, key=lambda moment: moment.time))
    assert past[-1].zones == source.node("node-0003").zones
    with pytest.raises(FleetError, match="no node of the fleet"):
        source.node("node-9999")


@needs_prometheus
def test_the_history_has_the_blocks_of_some_nodes(fleet: Running) -> None:
    for counting in Counting:
        source = reader(fleet.engine, ORDER, counting)
        assert source.history(["node-0003"], 60) == {}, "no reading had a node"
        source.read()
        found = source.history(["node-0003", "node-0007", "unknown"], 5)
        assert set(found) == {"node-0003", "node-0007"}
        assert {blocks for _, blocks in found["node-0003"]} == {BY_NAME["node-0003"].judged(ORDER).judgement.blocks}
        assert {blocks for _, blocks in found["node-0007"]} == {0.0}


@needs_prometheus
def test_the_command_prints_a_table_of_80_columns_without_a_terminal(
    fleet: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    words = ["fleet", "--prometheus", fleet.engine.url, "--once", "--order", str(ORDER), "--group-by", "pool"]
    assert main(words) == 1, "a node is not OK"
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and all(line.isprintable() for line in lines)
    assert sum(line.startswith("node-") for line in lines) == len(NODES)
    assert "pool=[/red]\\x1b]0;x: 1 node, 1 OK" in lines
    assert main([*words[:-2], "--match", '{instance="node-0000"}']) == 0, "this one is OK"
    assert main([*words[:-2], "--match", f'{{instance="{PPC64LE}"}}']) == 3, "this one is unknown"


@needs_prometheus
def test_a_killed_node_is_stale_within_two_intervals(fleet: Running) -> None:
    sources = {counting: reader(fleet.engine, ORDER, counting) for counting in Counting}
    for source in sources.values():
        source.read()
    name, blocks = "node-0003", BY_NAME["node-0003"].judged(ORDER).judgement.blocks
    text, fleet.server.texts[3] = fleet.server.texts[3], None
    killed = time.time()
    try:
        for counting, source in sources.items():
            while not (node := named((found := source.read()).nodes, name)).stale:
                assert found.time < killed + 3, "two intervals, and the scrape"
                time.sleep(0.1)
            assert node.state is State.OK and node.blocks == blocks, "as it was"
            assert node.age is not None and 0 < node.age <= found.time - killed + 1.5
            severities = [Severity.UNKNOWN if each.stale else each.severity for each in found.nodes]
            place = found.nodes.index(node)
            assert Severity.CRITICAL not in severities[place:] and Severity.FINE not in severities[:place]
            # Who looks only now learns from the server what was.
            new = reader(fleet.engine, ORDER, counting)
            quick = named(new.read(quick=True).nodes, name)
            assert quick.stale and quick.up is False and quick.severity is Severity.UNKNOWN
            late = named((found := new.read()).nodes, name)
            assert late.stale and late.up is False and late.age is not None
            assert late.age <= found.time - killed + 2.5
            if counting is Counting.GAUGES:
                assert late.state is State.OK and late.blocks == blocks
            else:
                assert late.state is State.UNKNOWN and late.blocks is None
    finally:
        fleet.server.texts[3] = text
    restarted = time.time()
    for source in sources.values():
        while named((found := source.read()).nodes, name).stale:
            assert found.time < restarted + 3
            time.sleep(0.1)


@needs_prometheus
def test_no_node_is_stale_because_the_server_leaves_out_the_newest_samples(fleet: Running) -> None:
    class Behind(PrometheusClient):
        def query(self, expression: str, at: float | None = None) -> Answer:
            now = time.time()
            answer = super().query(expression, now - 5 if at is None else at)
            return answer._replace(values=[value._replace(time=now) for value in answer.values])

    fleet.engine.wait_for(f"count(sum_over_time(up[12s]) > 10) == {len(NODES)}")
    found = FleetReader(Behind(Access(fleet.engine.url)), ORDER).read()
    assert found.interval == pytest.approx(1.0, abs=0.2)
    assert len(found.nodes) == len(NODES) and not any(node.stale for node in found.nodes)


@needs_victoria
def test_victoria_metrics_gives_the_same(tmp_path: Path) -> None:
    nodes = NODES[:60]
    texts = [node.raw + node.gauges(ORDER) for node in nodes]
    with (
        FleetServer(texts).running() as server,
        victoria_metrics(tmp_path, targets(nodes, server.port)) as engine,
    ):
        engine.wait_for(f"count(up == 1) == {len(nodes)}")
        for counting in (Counting.GAUGES, Counting.RAW):
            source = reader(engine, ORDER, counting)
            assert rows_of(source.read()) == wanted(ORDER, nodes)
            assert source.node("node-0003").zones and source.history(["node-0003"], 5)
        server.texts[3] = None
        killed = time.time()
        while not named((found := source.read()).nodes, "node-0003").stale:
            assert found.time < killed + 4
            time.sleep(0.1)


@needs_prometheus
@pytest.mark.by_hand
@pytest.mark.timeout(900)
def test_five_thousand_nodes_are_ranked_in_time(tmp_path: Path) -> None:
    """Needs 2 GB and two cores that have nothing else to do."""
    nodes = [synthetic_node(number) for number in range(5000)]
    with (
        synthetic_server(len(nodes)) as port,
        prometheus(tmp_path, targets(nodes, port), "60s") as engine,
    ):
        engine.wait_for(f"count(count_over_time(up[3m]) > 1) == {len(nodes)}", 300)
        gc.freeze()  # The texts of the nodes are hundreds of megabytes.
        for counting, seconds in ((Counting.GAUGES, 0.3), (Counting.RAW, 1.0)):
            source = reader(engine, ORDER, counting)
            time.sleep(2)
            quick = source.read(quick=True)
            assert quick.took <= seconds
            assert rows_of(source.read()) == wanted(ORDER, nodes)
            costs = []
            for _ in range(5):
                time.sleep(2)
                cpu = time.process_time()
                costs.append((source.read().took, time.process_time() - cpu))
            took, own = (min(column) for column in zip(*costs, strict=True))
            assert took <= seconds and (own <= 0.040 or counting is Counting.RAW), costs
