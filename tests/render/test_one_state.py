"""Every text about one node says the same: card, dialog, check, JSON, report, metrics, badge and exit status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.failures.incident import Incident
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import State, judge_node
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.model.remedy.forecast import WANTED_BLOCKS, forecast
from fragtui.model.remedy.recommendation import Choice, effect_of
from fragtui.model.state.node_state import NextStep, NodeState
from fragtui.render.card.card import card
from fragtui.render.card.fitting import plain
from fragtui.render.card.means import Means
from fragtui.render.card.state_text import badge, need, sentence
from fragtui.render.check_json import check_fields
from fragtui.render.incident_text import kind_counts
from fragtui.render.metrics import Family, node_metrics
from fragtui.render.numbers import rough
from fragtui.render.remedy.forecast_text import forecast_text
from fragtui.render.report.report_facts import ReportFacts
from fragtui.render.report.report_json import report_fields
from fragtui.render.report_page import failures_of, report_page, state_of
from fragtui.text import counted
from tests.support.examples import examples
from tests.support.node_states import DENIALS, NODES, PODS

_HELP = {"drop_caches": Choice.DROP_CACHES, "compact": Choice.COMPACT}


def metric(families: tuple[Family, ...], name: str) -> Mapping[tuple[str, ...], float]:
    return dict(next(family.samples for family in families if family.name == name))


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


@pytest.mark.slow
@examples(120)
@given(NODES, st.integers(0, 11), DENIALS, PODS, st.booleans(), st.booleans())
def test_no_two_texts_contradict_each_other(
    snapshot: Snapshot, order: int, incidents: list[Incident], pods: StuckPods, log_read: bool, pods_seen: bool
) -> None:
    judgement, view = judge_node(snapshot, order), forecast(snapshot, order)
    facts = ReportFacts(
        snapshot,
        judgement,
        view,
        tuple(incidents) if log_read else (),
        "kern.log" if log_read else None,
        pods if pods_seen else None,
        "" if pods_seen else "no kubelet log",
    )
    state = state_of(facts)
    fields = json.loads(json.dumps(check_fields(snapshot, state, view, sentence(state))))
    families = node_metrics(snapshot, state, "1")
    page = report_page(facts)
    shown = card(state, 10_000, snapshot.time, Means.COMMANDS)

    word = state.state.value
    assert fields["state"] == word and fields["exit"] == int(state.severity)
    assert metric(families, "fragtui_severity") == {(str(order),): float(state.severity)}
    assert {key[1] for key, value in metric(families, "fragtui_state").items() if value} == {word}
    assert badge(state).startswith(word.upper().replace("_", " "))
    assert (state.severity == 0) == (state.state is State.OK)
    assert (state.severity == 3) == (state.state is State.UNKNOWN)
    if judgement.kernel.value != "available":
        assert state.state not in (State.OK, State.RECOVERING, State.LOW)

    top = unescaped(page.split("| Fact |")[0])
    assert f"**{badge(state)}**: {sentence(state)}" in top
    for line in shown.lines[1:]:
        assert f"- **{line.label}**: {plain(line.text)}" in top
    whole = json.loads(json.dumps(report_fields(facts)))
    assert whole | {"unreadable": fields["unreadable"]} == whole | fields
    _report_agrees(facts, whole, page)
    assert f"Unknown: {'no kernel log' if not log_read else ''}" in page or log_read

    _denied_and_stuck_agree(state, fields, " ".join(map(str, shown.lines[1:3])))
    _advice_agrees(snapshot, state, fields, page, str(shown.lines[3]))


def _report_agrees(facts: ReportFacts, whole: Mapping[str, Any], page: str) -> None:
    assert (whole["incidents"] is None) == (whole["groups"] is None) == (facts.incidents_from is None)
    assert (whole["pods"] is None) == (facts.pods is None)
    if whole["groups"]:
        assert kind_counts(failures_of(facts).by_kind) in page
        assert sum(group["count"] for group in whole["groups"]) == failures_of(facts).count
    for group in whole["groups"] or ():
        assert group["newest"] in [incident["id"] for incident in whole["incidents"]]
    if whole["pods"]:
        stuck = [pod for pod in whole["pods"] if pod["started"] is None]
        by_memory = len(whole["stuck"]["by_memory"])
        words = f": {by_memory} by memory" if by_memory else ""
        assert f"{counted(len(stuck), 'stuck pod')}{words}" in page
        assert sum(whole["stuck"][name] for name in ("possibly", "unknown", "others")) == len(stuck) - by_memory
        assert sum(pod["memory"] is True for pod in stuck) <= by_memory
        assert sum(pod["memory"] is False for pod in stuck) <= whole["stuck"]["others"]
    if whole["stuck"] is not None:
        assert {f"default/{pod['name']}" for pod in whole["pods"]} >= set(whole["stuck"]["by_memory"])


def _denied_and_stuck_agree(state: NodeState, fields: Mapping[str, object], text: str) -> None:
    assert (fields["denied"] is None) == (state.denials is None) == (text.startswith("Denied  ? "))
    assert (fields["stuck"] is None) == (state.pods is None)
    assert {unseen["question"] for unseen in fields["unseen"]} == {  # type: ignore[attr-defined]
        question for question, value in (("denials", state.denials), ("pods", state.pods)) if value is None
    }
    if "none in the kernel log" in text:
        assert state.denials is not None and state.denials.requests == 0
    if "✓ no pod" in text:
        assert state.pods is not None and not state.pods.by_memory
    if not state.unseen and state.state is State.OK:
        assert state.pods is not None and not state.pods.by_memory
    assert state.partly_blind == (bool(state.unseen) and state.state is not State.UNKNOWN)
    if state.partly_blind and state.state is State.OK:
        assert badge(state) == "OK, PARTLY BLIND"


def _advice_agrees(snapshot: Snapshot, state: NodeState, fields: dict[str, object], page: str, line: str) -> None:
    view = forecast(snapshot, state.judgement.order)
    gains = {choice: view.gain(effect_of(snapshot, choice)) for choice in Choice}
    told = fields["help"]
    assert isinstance(told, dict)
    for name, choice in _HELP.items():
        assert told[name]["blocks"] == gains[choice].blocks
    advice = fields["advice"]
    assert isinstance(advice, dict) and advice["step"] == state.advice.step.value
    needed = state.state in (State.LOW, State.FRAGMENTED, State.RESERVED, State.OUT_OF_MEMORY)
    if "nothing quick" in f"{line} {page}" or "find the consumer" in line:
        usable = [Choice.DROP_CACHES] if state.state is State.OUT_OF_MEMORY else list(gains)[1:]
        assert all((gains[choice].blocks or 0) < WANTED_BLOCKS for choice in usable)
    for choice, gain in gains.items():
        text, _ = need(state.judgement, 4096, view.worth(gain))
        assert ("Not needed" in text) == (state.state in (State.OK, State.RECOVERING))
        assert ("Needed" in text) == needed
        if needed and (gain.blocks or 0) >= WANTED_BLOCKS:
            assert text == "✓ Needed."
            assert "Hardly helps" not in forecast_text(snapshot, view, effect_of(snapshot, choice)).headline
    recommendation = state.advice.recommendation
    assert (recommendation is not None) == (state.advice.step is NextStep.REMEDY) == (advice["remedy"] is not None)
    if recommendation is None:
        assert "about" not in line or not needed
        return
    assert needed
    number = rough(recommendation.gain.blocks or 0)
    assert recommendation.gain == gains[recommendation.choice]
    assert advice["expected"]["blocks"] == recommendation.gain.blocks
    assert f": about {number} blocks of " in line
    assert f"about {number} more block" in forecast_text(snapshot, view, recommendation.effect).headline
    assert f"about {number} blocks of " in page
