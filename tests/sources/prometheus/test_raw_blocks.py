"""What is asked of nodes by the hundred."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Severity
from fragtui.sources.prometheus.client import MAX_ROWS, Answer, Value
from fragtui.sources.prometheus.raw_blocks import RawBlocks

NAMES = [f"worker-{number:04d}.a-cluster.example.internal:9100" for number in range(900)]
MOST_ZONES = 100
"""DMA, DMA32 and Normal of 33 NUMA nodes."""


@pytest.mark.parametrize(
    "names", [NAMES, [f"数数数数数数数数{name}" for name in NAMES], [f"n{number}" for number in range(900)]]
)
def test_no_query_is_longer_than_victoria_metrics_takes(names: list[str]) -> None:
    asked: list[str] = []

    def run(expressions: Sequence[str]) -> list[Answer]:
        asked.extend(expressions)
        low = [Value({"instance": name, "job": "n", "node": "0", "zone": "Normal"}, 1.0, 1.0) for name in names]
        return [Answer(low if "instance=~" not in expression else low[:50]) for expression in expressions]

    for recorded in (False, True):
        blocks = RawBlocks(3, "", ("instance", "job"), DEFAULT_THRESHOLDS, 4096, recorded=recorded)
        blocks.probe(run)
        columns, _ = blocks.read(run, [(name, "n") for name in names])
        assert len(columns) == len(names)
        assert all(column.severity is not Severity.FINE for column in columns.values())
        asked += blocks.histories([(name, "n") for name in names[:50]])
    assert len(asked) > 20 and max(len(expression.encode()) for expression in asked) < 16_384
    for name in (names[0], names[-1]):
        assert any(name.replace(".", r"\\.") in expression for expression in asked)

    named = (re.findall(r'instance=~"([^"]*)"', expression) for expression in asked)
    assert max(each.count("|") + 1 for found in named for each in found) * MOST_ZONES <= MAX_ROWS


def row(number: float, **labels: str) -> Value:
    return Value({"job": "n", "node": "0"} | labels, number, 1.0)


def test_a_node_that_is_cut_off_one_half_of_the_answer_is_not_critical() -> None:
    def run(expressions: Sequence[str]) -> list[Answer]:
        return [Answer(rows(expression)) for expression in expressions]

    def rows(expression: str) -> list[Value]:
        if expression.startswith("sum by") and "instance=~" not in expression:
            low = 'size=~"4|' in expression
            numbers = range(MAX_ROWS) if low else range(1, MAX_ROWS + 1)
            return [row(0.0 if low else 500.0, instance=f"n{number}") for number in numbers]
        exports = expression.startswith('node_buddyinfo_blocks{size="0"')
        return [row(9.0, instance=name, zone="Normal") for name in ("n0", f"n{MAX_ROWS}")] if exports else []

    blocks = RawBlocks(4, "", ("instance", "job"), DEFAULT_THRESHOLDS, 4096, recorded=False)
    blocks.probe(run)
    columns, _ = blocks.read(run, [(f"n{number}", "n") for number in range(MAX_ROWS + 1)])
    found = {key[0]: column.severity for key, column in columns.items()}
    assert len(found) == MAX_ROWS + 1
    assert {name for name, severity in found.items() if severity is not Severity.FINE} == {"n0", f"n{MAX_ROWS}"}
    assert found["n0"] is found[f"n{MAX_ROWS}"] is Severity.UNKNOWN


def test_without_watermarks_zone_dma_counts_only_for_nodes_without_other_blocks() -> None:
    def run(expressions: Sequence[str]) -> list[Answer]:
        return [Answer(rows(expression)) for expression in expressions]

    def rows(expression: str) -> list[Value]:
        if expression.startswith("count(node_buddyinfo"):
            return [row(2.0)]
        found = (300.0, 300.0) if 'zone=~"DMA",' in expression else (500.0, 0.0) if 'size=~"4|' in expression else ()
        return [row(number, instance="twin", cluster=f"c{place}") for place, number in enumerate(found)]

    blocks = RawBlocks(4, "", ("instance", "cluster"), DEFAULT_THRESHOLDS, 4096, recorded=False)
    blocks.probe(run)
    assert not blocks.watermarks
    columns, _ = blocks.read(run, [("twin", "c0"), ("twin", "c1")])
    assert [column.blocks for column in columns.values()] == [500.0, 300.0]
    assert {column.severity for column in columns.values()} == {Severity.UNKNOWN}
