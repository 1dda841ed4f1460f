"""What is asked of nodes by the hundred."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Severity
from fragtui.sources.prometheus.client import Answer, Value
from fragtui.sources.prometheus.raw_blocks import RawBlocks

NAMES = [f"worker-{number:04d}.a-cluster.example.internal:9100" for number in range(900)]


def test_no_query_is_longer_than_victoria_metrics_takes() -> None:
    asked: list[str] = []

    def run(expressions: Sequence[str]) -> list[Answer]:
        asked.extend(expressions)
        low = [Value({"instance": name, "job": "n", "node": "0", "zone": "Normal"}, 1.0, 1.0) for name in NAMES]
        return [Answer(low if "instance=~" not in expression else low[:50]) for expression in expressions]

    for recorded in (False, True):
        blocks = RawBlocks(3, "", ("instance", "job"), DEFAULT_THRESHOLDS, 4096, recorded=recorded)
        blocks.probe(run)
        columns, _ = blocks.read(run, [(name, "n") for name in NAMES])
        assert len(columns) == len(NAMES)
        assert all(column.severity is not Severity.FINE for column in columns.values())
        asked += blocks.histories([(name, "n") for name in NAMES[:50]])
    assert len(asked) > 20 and max(map(len, asked)) < 16_384
    for name in (NAMES[0], NAMES[-1]):
        assert any(name.replace(".", r"\\.") in expression for expression in asked)
