"""The table and the JSON of a fleet."""

from __future__ import annotations

import json

import pytest

from fragtui.json_line import json_line
from fragtui.model.fleet.fleet import Counting, Fleet, FleetNode
from fragtui.model.node.verdict import Severity, State
from fragtui.render.fleet.fleet_json import fleet_fields
from fragtui.render.fleet.table import fleet_lines
from fragtui.render.fleet.words import trend_text
from fragtui.render.terminal_text import cells, painted

NODES = (
    FleetNode(
        "bad", (("pool", "gpu"),), State.OUT_OF_MEMORY, Severity.CRITICAL, 0.0, 65536, -12.4, 3.2, 2.0, 9.0, True
    ),
    FleetNode("failing", (), None, Severity.CRITICAL, 3.0, None, 0.2, 0.1, 0.0, 1.0, True),
    FleetNode("w" * 100, (), State.RESERVED, Severity.CRITICAL, None, 1 << 22, None, None, None, None, False, True),
    FleetNode("gone", (), State.UNKNOWN, Severity.UNKNOWN, None, None, None, None, None, None, False, True),
    FleetNode("日本-1", (("pool", "web"),), State.OK, Severity.FINE, 123_456.0, 1 << 22, 7e9, 0.0, 0.0, 3.0, True),
)
FLEET = Fleet(1.0, 9, 2 << 20, Counting.GAUGES, NODES, (), ("3 rows are cut",), 0.25, 30.0)


def text(fleet: Fleet, width: int = 80, label: str | None = None) -> list[str]:
    return [painted(line, colour=False) for line in fleet_lines(fleet, width, label)]


def test_the_table_has_a_line_a_node_and_every_column() -> None:
    assert text(FLEET, 94) == [
        "5 nodes, blocks of 2M (order 9), by fragtui on each node: 1 OUT OF MEMORY, 1 MAY FAIL,",
        "2 STALE, 1 OK",
        "",
        "NODE                            STATE            BLOCKS  LARGEST  TREND/H  FAILED  STUCK  AGE",
        "bad                             OUT OF MEMORY         0      64K      -12       3      2  9.0s",
        "failing                         MAY FAIL              3        ?        0       1      0  1.0s",
        f"{'w' * 17}…{'w' * 12}  STALE, RESERVED       ?       4M        ?       ?      ?  ?",
        "gone                            STALE                 ?        ?        ?       ?      ?  ?",
        "日本-1                          OK                 123k       4M    +7.0G       0      0  3.0s",
        "",
        "3 rows are cut",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = [*text(FLEET, width), *text(FLEET, width, "pool")]
    assert max(map(cells, lines)) <= width
    assert any("OUT OF MEMORY  " in line and "9.0s" in line for line in lines)


def test_a_column_that_is_unknown_of_all_nodes_is_left_out_and_its_reason_is_given() -> None:
    nodes = tuple(node._replace(trend=None, failures=None, stuck=None) for node in NODES)
    unknown = (
        ("state", "by blocks alone"),
        ("trend", "young"),
        ("failures", "not counted"),
        ("stuck", "not counted"),
    )
    lines = text(FLEET._replace(nodes=nodes, unknown=unknown, counting=Counting.RAW))
    assert not any(title in line for line in lines for title in ("TREND", "FAILED", "STUCK"))
    assert lines[-4:] == [
        "by blocks alone", "trend unknown: young", "failures and stuck unknown: not counted", "3 rows are cut",
    ]  # fmt: skip


def test_groups_have_a_heading_each() -> None:
    lines = text(FLEET, 80, "pool")
    assert [line for line in lines if ":" in line][1:] == [
        "pool=gpu: 1 node, 1 OUT OF MEMORY", "without pool: 3 nodes, 1 MAY FAIL, 2 STALE", "pool=web: 1 node, 1 OK",
    ]  # fmt: skip


def test_a_fleet_without_nodes_is_no_error() -> None:
    assert text(FLEET._replace(nodes=(), block_bytes=None))[0].startswith("0 nodes, blocks of order 9")


def test_unknown_is_null_in_json() -> None:
    found = json.loads(json_line(fleet_fields(FLEET)))
    assert found["schema"] == 1 and found["order"] == 9 and found["block_bytes"] == 2 << 20
    assert found["counts"] == {"out_of_memory": 1, "may_fail": 1, "stale": 2, "ok": 1}
    assert [node["name"] for node in found["nodes"]] == [node.name for node in NODES]
    bad, failing, reserved = found["nodes"][:3]
    assert bad["state"] == "out_of_memory" and bad["severity"] == 2 and bad["labels"] == {"pool": "gpu"}
    assert bad["largest_bytes"] == 65536 and bad["up"] is True and bad["stale"] is False
    assert failing["state"] is None and failing["largest_bytes"] is None
    assert reserved["stale"] and reserved["blocks"] is None and reserved["age_s"] is None
    assert set(bad) == {
        "name", "labels", "state", "severity", "blocks", "largest_bytes", "trend_per_hour", "failures_15m",
        "stuck_pods", "age_s", "up", "stale",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trend", "words"),
    [(None, "?"), (0.0, "0"), (-0.4, "0"), (0.5, "+1"), (-0.5, "-1"), (0.6, "+1"), (-2.5, "-2"), (1e17, "+100P")],
)
def test_a_trend_is_never_a_zero_with_a_sign(trend: float | None, words: str) -> None:
    assert trend_text(NODES[0]._replace(trend=trend)) == words
