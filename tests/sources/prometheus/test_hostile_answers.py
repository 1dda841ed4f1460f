"""Whatever a server answers, the reader returns a fleet or one line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.json_line import json_line
from fragtui.model.fleet.fleet import Counting, FleetError, count_states, filtered, grouped
from fragtui.render.fleet.fleet_json import fleet_fields
from fragtui.render.fleet.table import fleet_lines
from fragtui.render.terminal_text import cells, painted
from fragtui.sources.prometheus.client import Access, PrometheusClient
from fragtui.sources.prometheus.fleet_reader import FleetReader

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

    def _post(self, path: str, body: bytes) -> bytes:
        fields = parse_qs(body.decode())
        self._asked += 1
        rows = self._answers[self._asked % len(self._answers)]
        kind = "vector"
        if path == "query_range":
            kind = "matrix"
            rows = [{"metric": row["metric"], "values": [row["value"]] * 2} for row in rows]
        elif fields["query"] == ["vector(1)"]:
            rows = [{"metric": {}, "value": [1000.0 + self._asked, "1"]}]
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
