"""Whatever a server answers, the reader returns a fleet or one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.json_line import json_line
from fragtui.model.fleet.fleet import Counting, FleetError, count_states, filtered, grouped
from fragtui.model.node.verdict import Severity
from fragtui.render.fleet.fleet_json import fleet_fields
from fragtui.render.fleet.table import fleet_lines
from fragtui.render.terminal_text import cells, painted
from fragtui.sources.prometheus import gauge_blocks
from fragtui.sources.prometheus.client import NOW, Access, Answer, PrometheusClient, Row, Value
from fragtui.sources.prometheus.fleet_reader import FleetReader
from fragtui.sources.prometheus.gauge_blocks import GaugeBlocks
from fragtui.sources.prometheus.node_series import MAX_TIMES, read_node, read_node_history

NUMBERS = st.sampled_from(
    ["0", "1", "2", "3", "-1", "0.5", "7", "160", "1e9", "-1e18", "1e18", "1e300", "1e-300", "NaN", "+Inf", "17", "64"]
)
WORDS = ("a", "b", "", "0", "1", "9", "10", "ok", "low", "Normal", "DMA", "[/red]\x1b]0;x")
TEXTS = st.one_of(st.sampled_from(WORDS), st.text())
NAMES = ("instance", "job", "node", "zone", "size", "state", "order", "cluster", "__name__", "numa_node")
LABELS = st.sampled_from(NAMES)
NORMAL = {"instance": "a", "job": "b", "node": "0", "zone": "Normal"}
ROWS = st.lists(
    st.builds(
        lambda labels, number: {"metric": labels, "value": [1000.0, number]},
        st.dictionaries(LABELS, TEXTS, max_size=5) | st.just(NORMAL),
        NUMBERS,
    ),
    max_size=4,
)


class Hostile(PrometheusClient):
    """Answers each query with one of the given rows."""

    def __init__(self, answers: list[list[dict[str, Any]]]) -> None:
        super().__init__(Access("http://localhost"))
        self._answers = answers
        self._asked = 0
        self.expressions: list[str] = []

    def _post(self, path: str, body: bytes) -> bytes:
        fields = parse_qs(body.decode())
        self._asked += 1
        self.expressions += fields["query"]
        rows = self._answers[self._asked % len(self._answers)]
        kind = "vector"
        if path == "query_range":
            kind = "matrix"
            rows = [{"metric": row["metric"], "values": [row["value"]] * 2} for row in rows]
        elif fields["query"] == [NOW]:
            rows = [{"metric": {}, "value": [1000.0 + self._asked, str(1000.0 + self._asked)]}]
        return json.dumps({"data": {"resultType": kind, "result": rows}}).encode()

    def query_all(self, expressions: Any) -> Any:
        return [self.query(expression) for expression in expressions]


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12), st.sampled_from([None, *Counting]), st.sampled_from([0, 4, 9, 17]))
def test_the_reader_raises_only_its_own_error(
    answers: list[list[dict[str, Any]]], counting: Counting | None, order: int
) -> None:
    source = FleetReader(Hostile(answers), order, counting=counting)
    for _ in range(3):
        try:
            fleet = source.read()
        except FleetError as error:
            assert str(error).isprintable()
            continue
        lines = [painted(line, colour=False) for line in fleet_lines(fleet, 80, "node")]
        assert all(line.isprintable() for line in lines)
        assert json.loads(json_line(fleet_fields(fleet)))["schema"] == 1
        assert sum(count_states(fleet.nodes).values()) == len(fleet.nodes) == len({node.name for node in fleet.nodes})
        assert sum(map(len, grouped(fleet.nodes, "node").values())) == len(fleet.nodes)
        assert filtered(fleet.nodes, "a=b c") is not None and max(map(cells, lines)) <= 200
        names = [node.name for node in fleet.nodes]
        assert set(source.history(names, 600)) <= set(names)
        for name in names:
            source.node(name)
            source.node_history(name, 600)


def test_thousands_of_nodes_whose_names_look_the_same_are_told_apart_in_time() -> None:
    rows = [
        {"metric": {"instance": "x" * 120 + str(number), "job": "j"}, "value": [1.0, "2"]} for number in range(3000)
    ]
    fleet = FleetReader(Hostile([rows]), 4, counting=Counting.GAUGES).read()
    assert len({node.name for node in fleet.nodes}) == len(fleet.nodes) >= 3000
    assert max(len(node.name) for node in fleet.nodes) < 110


class Counted(Hostile):
    """Counts nodes even if all rows are 0."""

    def query(self, expression: str, at: float | None = None) -> Answer:
        answer = super().query(expression, at)
        if not expression.startswith("count by"):
            return answer
        return Answer([value._replace(number=2.0) for value in answer.values])


def test_one_node_whose_verdict_is_not_used_is_one_node() -> None:
    class One(Counted):
        def query(self, expression: str, at: float | None = None) -> Answer:
            return Answer([value._replace(number=1.0) for value in super().query(expression, at).values])

    rows = [{"metric": {"instance": "a", "job": "j", "node": "0"}, "value": [1.0, "1"]}]
    notes = FleetReader(One([rows]), 4, counting=Counting.RAW).read().notes
    assert "the verdict of fragtui itself on 1 node is not used: the others have none" in notes


@pytest.mark.parametrize("counting", list(Counting))
@pytest.mark.parametrize("number", ["0", "2"])
def test_no_query_is_longer_than_victoria_metrics_takes(counting: Counting, number: str) -> None:
    rows = [
        {
            "metric": {"instance": f"ip-10-20-30-{node}.eu-central-1.compute.internal:9100", "job": "j", "node": "0"},
            "value": [1.0, number],
        }
        for node in range(400)
    ]
    client = Counted([rows])
    source = FleetReader(client, 4, counting=counting, match='cluster="production",pool=~"general|storage|gpu"')
    for _ in range(2):
        fleet = source.read()
    source.history([node.name for node in fleet.nodes], 600)
    assert 10_000 < max(map(len, client.expressions)) < 16_384


def test_labels_that_no_expression_may_name_unquoted_do_not_tell_nodes_apart() -> None:
    rows = [
        {"metric": {"instance": "a", "job": "j", "k8s.node.name": str(node), "x) or vector(1": str(node)},
         "value": [1.0, "2"]}
        for node in range(3)
    ]  # fmt: skip
    client = Hostile([rows])
    fleet = FleetReader(client, 4, counting=Counting.GAUGES).read()
    assert not [text for text in client.expressions if "k8s" in text or "x)" in text]
    assert "2 of the targets have the labels of another one and are counted with it" in fleet.notes


def test_a_server_can_not_have_nodes_told_apart_by_ever_more_labels() -> None:
    rows = [
        {"metric": {"instance": "a", "job": "j", f"l{node}": "x"}, "value": [1.0, "2"]} for node in range(400)
    ]  # fmt: skip
    client = Hostile([rows])
    FleetReader(client, 4, counting=Counting.GAUGES).read()
    assert max(text.count(", l") for text in client.expressions) == 6


def test_negative_blocks_are_unknown() -> None:
    rows = [{"metric": {"instance": "a", "job": "j"}, "value": [1000.0, "-7"]}]
    (node,) = FleetReader(Hostile([rows]), 4, counting=Counting.GAUGES).read().nodes
    assert node.blocks is None


class Answering(PrometheusClient):
    """Answers a query with rows, and another one with rows that have a history."""

    def __init__(self, values: list[Value], rows: list[Row]) -> None:
        super().__init__(Access("http://localhost"))
        self._values, self._rows = values, rows

    def query(self, expression: str, at: float | None = None) -> Answer:
        return Answer([Value({}, 1.0, 9000.0)] if expression == NOW else self._values)

    def query_past(self, expression: str, now: float, seconds: float, step: float) -> list[Row]:
        return self._rows


def test_the_times_of_a_node_are_those_of_a_calendar_and_not_too_many() -> None:
    labels = {"__name__": "node_buddyinfo_blocks", "node": "0", "zone": "Normal", "size": "0"}
    values = [Value(labels, 7.0, at) for at in (float("nan"), float("inf"), -5.0, 1e300, 9000.0)]
    rows = [Row(labels, tuple((float(at), 1.0) for at in range(9000)))]
    client = Answering(values, rows)
    assert read_node(client, "a", "").time == 9000.0
    assert len(read_node_history(client, "a", "", 3600.0, 15.0)) == MAX_TIMES + 1


@pytest.mark.parametrize("counting", list(Counting))
def test_each_query_reads_the_selected_nodes_only(counting: Counting) -> None:
    rows = [{"metric": {"instance": "a", "job": "j", "node": "0", "zone": "Normal"}, "value": [1000.0, "2"]}]
    client = Hostile([rows])
    source = FleetReader(client, 4, counting=counting, match='{cluster="x"}')
    source.read()
    source.history(["a"], 600)
    assert {text for text in client.expressions if 'cluster="x"' not in text} == {NOW}


class Lacking(Hostile):
    """Node a has a severity and no blocks, node b has blocks and no severity."""

    def query(self, expression: str, at: float | None = None) -> Answer:
        number, names = 0.0, ""
        if expression == NOW or expression.startswith("count"):
            number, names = 1.0, "a"
        elif expression.startswith("timestamp(up"):
            number, names = 990.0, "ab"
        elif expression.startswith("max") and "target_blocks" in expression:
            number, names = 40.0, "b"
        elif expression.startswith("fragtui_severity") and "> 0" not in expression:
            names = "a"
        return Answer([Value({"instance": name, "job": "j"}, number, 1000.0) for name in names])


def test_a_node_with_blocks_and_without_a_severity_is_not_ok() -> None:
    fleet = FleetReader(Lacking([[]]), 4, counting=Counting.GAUGES).read()
    assert {node.name: (node.severity, node.blocks) for node in fleet.nodes} == {
        "a": (Severity.FINE, None), "b": (Severity.UNKNOWN, 40.0),
    }  # fmt: skip


def test_a_node_whose_severity_was_cut_off_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauge_blocks, "MAX_ROWS", 2)

    def run(expressions: Sequence[str]) -> list[Answer]:
        names = {"max by (instance) (fragtui_target_blocks": "abcd", "fragtui_severity": "ab"}
        found = [next((nodes for head, nodes in names.items() if text.startswith(head)), "") for text in expressions]
        return [Answer([Value({"instance": name}, 2.0, 1000.0) for name in nodes]) for nodes in found]

    blocks = GaugeBlocks(4, "", ("instance",))
    blocks.probe(run)
    columns, _ = blocks.read(run, ())
    assert {key[0]: column.severity for key, column in columns.items()} == {
        "a": Severity.CRITICAL, "b": Severity.CRITICAL, "c": Severity.UNKNOWN, "d": Severity.UNKNOWN,
    }  # fmt: skip
