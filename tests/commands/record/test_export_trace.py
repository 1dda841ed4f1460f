"""The counters of a trace in the exporter."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.commands.cli.settings import trace_forbidden
from fragtui.commands.record.exporter import NodeSource
from fragtui.model.node.verdict import Thresholds
from fragtui.model.tracing.trace_batch import DeniedRequests, Task, TraceBatch


def denied(order: int | None, count: int) -> DeniedRequests:
    return DeniedRequests(Task("runc"), order, "GFP_KERNEL", "Unmovable", count)


def samples(source: NodeSource) -> dict[str, dict[tuple[str, ...], float]]:
    return {family.name: dict(family.samples) for family in source.families()}


def test_denied_requests_are_counted_by_order_with_zeros_and_a_trace_that_ended_has_no_sample(root: Path) -> None:
    source = NodeSource(root, None, None, Thresholds())
    assert "fragtui_denied_requests" not in samples(source), "none without a trace: unknown is no zero"
    source.trace(TraceBatch(1.0))
    assert set(samples(source)["fragtui_denied_requests"].values()) == {0.0}
    source.trace(TraceBatch(2.0, (denied(9, 200), denied(None, 1)), lost=3))
    source.trace(TraceBatch(3.0, (denied(9, 5), denied(0, 2))))
    found = samples(source)
    assert found["fragtui_denied_requests"][("9",)] == 205 and found["fragtui_denied_requests"][("unknown",)] == 1
    assert found["fragtui_denied_requests"][("0",)] == 2 and found["fragtui_denied_requests"][("4",)] == 0
    assert found["fragtui_trace_lost_events"] == {(): 3.0}
    source.trace(TraceBatch(4.0, ended="gone"))
    assert "fragtui_denied_requests" not in samples(source)


def arguments(*named: str, read_only: bool) -> argparse.Namespace:
    return argparse.Namespace(read_only=read_only, named=set(named), settings=None)


def test_read_only_forbids_a_trace_that_the_command_line_does_not_ask_for() -> None:
    assert trace_forbidden(arguments(read_only=False)) is None
    assert "--trace" in (trace_forbidden(arguments("read_only", read_only=True)) or "")
    assert trace_forbidden(arguments("read_only", "trace", read_only=True)) is None


@pytest.mark.parametrize("verb", [[], ["export"]])
def test_the_help_says_what_a_trace_needs(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*verb, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--trace trace denied requests" in text and "makes and removes a tracefs instance" in text
