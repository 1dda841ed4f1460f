"""Trend, failures, stuck pods and late samples: an hour of history, given to a real Prometheus as a block."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from fragtui.model.node.verdict import Severity, State
from fragtui.sources.prometheus.client import Access, Answer, PrometheusClient, Value
from fragtui.sources.prometheus.fleet_reader import FleetReader
from fragtui.sources.prometheus.gauge_blocks import GaugeBlocks
from tests.support.fleet import needs_prometheus, prometheus

STEP = 60


def history(now: int) -> str:
    """Return the samples of three nodes, one a minute for 65 minutes; the last of "late" is 4 minutes old."""
    series: dict[str, list[str]] = {}
    for number, at in enumerate(range(now - 65 * STEP, now, STEP)):
        for name in ("falling", "steady", "late"):
            if name == "late" and at > now - 4 * STEP:
                continue
            labels = f'instance="{name}",job="fragtui"'
            values = {
                "up": 1,
                "fragtui_severity": 1 if name == "falling" else 0,
                "fragtui_target_blocks": 200 - number if name == "falling" else 300,
                "fragtui_state": 1,
                "fragtui_stuck_pods": 2 if name == "falling" else 0,
                "fragtui_allocation_failures_total": max(0, number - 60) if name == "falling" else 7,
            }
            extra = {
                "fragtui_severity": 'order="4"', "fragtui_target_blocks": 'order="4"',
                "fragtui_stuck_pods": 'memory="refused"',
                "fragtui_state": f'order="4",state="{"low" if name == "falling" else "ok"}"',
                "fragtui_allocation_failures_total": 'cause="fork"',
            }  # fmt: skip
            for metric, value in values.items():
                more = f",{extra[metric]}" if metric in extra else ""
                series.setdefault(metric, []).append(f"{metric}{{{labels}{more}}} {value} {at}")
    lines = []
    for metric, samples in series.items():
        kind = "counter" if metric.endswith("_total") else "gauge"
        lines += [f"# TYPE {metric.removesuffix('_total')} {kind}", *samples]
    return "\n".join([*lines, "# EOF", ""])


@pytest.mark.slow
@needs_prometheus
def test_an_hour_gives_trend_failures_stuck_pods_and_late_nodes(tmp_path: Path) -> None:
    (tmp_path / "past.txt").write_text(history(int(time.time())))
    words = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    with prometheus(tmp_path, []) as engine:
        engine.wait_for("up")
        source = FleetReader(PrometheusClient(Access(engine.url)), 4)
        fleet = source.read()
        nodes = {node.name: node for node in fleet.nodes}
        falling, late, steady = nodes["falling"], nodes["late"], nodes["steady"]
        assert fleet.interval == STEP and falling.state is State.LOW and falling.severity is Severity.WARNING
        assert falling.trend == pytest.approx(-60, abs=2) and steady.trend == pytest.approx(0, abs=0.1)
        assert falling.failures and 2 <= falling.failures <= 6 and steady.failures == 0
        assert falling.stuck == 2 and steady.stuck == 0
        assert not falling.stale and not steady.stale
        assert late.stale and late.up and late.age is not None and 239 <= late.age <= 320
        assert late.state is State.OK and fleet.nodes[0] is late, "what is not known may be bad"
        points = source.history(["falling"], 600)["falling"]
        assert len(points) > 8 and points[0][1] > points[-1][1] and set(dict(fleet.unknown)) == {"largest"}


def test_a_node_without_a_severity_is_not_fine() -> None:
    rows = {
        "max by (instance) (fragtui_target_blocks{": {"a": 5.0, "b": 6.0, "c": 7.0},
        "fragtui_severity{": {"b": 0.0, "c": 2.0},
        "count(fragtui_severity": {"": 2.0},
        "count(fragtui_target_blocks": {"": 3.0},
    }

    def run(expressions: object) -> list[Answer]:
        assert isinstance(expressions, list | tuple)
        answers = []
        for expression in expressions:
            found = next((found for start, found in rows.items() if expression.startswith(start)), {})
            least = 0.0 if expression.endswith("> 0") else -1.0
            values = [Value({"instance": name}, number, 1.0) for name, number in found.items() if number > least]
            answers.append(Answer(values))
        return answers

    gauges = GaugeBlocks(4, "", ["instance"])
    gauges.probe(run)
    columns, _ = gauges.read(run, ())
    assert {key[0]: (column.state, column.severity, column.blocks) for key, column in columns.items()} == {
        "a": (State.UNKNOWN, Severity.UNKNOWN, 5.0), "b": (State.OK, Severity.FINE, 6.0),
        "c": (None, Severity.CRITICAL, 7.0),
    }  # fmt: skip
