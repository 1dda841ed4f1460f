"""The one table of states: what a node, its denials, pods and remedies make of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fragtui.model.node.history import History
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import Severity, State, Thresholds, judge_node, severity_of
from fragtui.model.remedy.recommendation import Choice
from fragtui.model.state.denials import denials_of
from fragtui.model.state.node_state import (
    NO_HISTORY,
    LastRemedy,
    NextStep,
    NodeState,
    Question,
    Since,
    Unseen,
    node_state,
)
from fragtui.model.state.since import since_of
from fragtui.model.state.waiting_pods import WaitingPods, waiting_pods
from fragtui.render.card.state_text import badge, badge_role
from tests.support.node_states import MEMORY, NO_IMAGE, NOW, VAGUE, denial, node, stuck, stuck_pods

OK = (5000, 4000, 3000, 2500, 2000, 1800, 1600, 1400, 1200, 1000, 800)
LOW = (300_000, 80_000, 5_000, 5, 0, 0, 0, 0, 0, 0, 0)
LOW_BY_SHARE = (300_000, 80_000, 5_000, 40, 0, 0, 0, 0, 0, 0, 0)
FRAGMENTED = (300_000, 80_000, 5_000, 0, 0, 0, 0, 0, 0, 0, 0)
FOR_CMA = (30_000, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0)
DRAINED = (3_000, 1_000, 20, 0, 0, 0, 0, 0, 0, 0, 0)
KEPT = (3_000, 1_000, 200, 50, 20, 10, 5, 1, 0, 0, 0)
FINE, WARNING, CRITICAL, UNKNOWN = Severity
STUCK = waiting_pods(stuck_pods([stuck("api")]))
HEALED = LastRemedy(NOW - 45, "you dropped caches")


NO_PODS = WaitingPods()


@dataclass(frozen=True)
class Case:
    """A node as it is seen at one order, and what it is."""

    name: str
    snapshot: Snapshot
    order: int
    state: State
    severity: Severity
    badge: str
    step: NextStep
    pods: WaitingPods | None = NO_PODS
    remedy: LastRemedy | None = None
    since: Since = NO_HISTORY
    unseen: tuple[Unseen, ...] = ()


BLIND = (Unseen(Question.DENIALS, "not root"), Unseen(Question.PODS, "not root"))
BACK = Since(NOW - 44)
TABLE = [
    Case("ok", node(OK), 3, State.OK, FINE, "OK", NextStep.NOTHING),
    Case("few", node(LOW), 3, State.LOW, WARNING, "LOW", NextStep.REMEDY),
    Case("few, by share", node(LOW_BY_SHARE), 3, State.LOW, WARNING, "LOW", NextStep.REMEDY),
    Case("a request waits", node(FRAGMENTED), 3, State.FRAGMENTED, WARNING, "FRAGMENTED", NextStep.REMEDY),
    Case("no cache", node(FRAGMENTED, cache=0), 3, State.FRAGMENTED, CRITICAL, "FRAGMENTED", NextStep.REMEDY),
    Case("costly", node(FRAGMENTED), 4, State.FRAGMENTED, CRITICAL, "FRAGMENTED", NextStep.REMEDY),
    Case("for CMA", node(FOR_CMA, cma=FOR_CMA, least=1), 3, State.OUT_OF_MEMORY, CRITICAL, "OUT OF MEMORY",
         NextStep.REMEDY),
    Case("rule of 3.10", node((400_000, 0, 0, 100, *(0,) * 7), release="3.10.0-1160.el7.x86_64"), 3, State.RESERVED,
         CRITICAL, "RESERVED", NextStep.REMEDY),
    Case("short", node(DRAINED, cache=0), 3, State.OUT_OF_MEMORY, CRITICAL, "OUT OF MEMORY", NextStep.FIND_CONSUMER),
    Case("not a page", node(KEPT, cache=0), 3, State.OUT_OF_MEMORY, CRITICAL, "OUT OF MEMORY", NextStep.FIND_CONSUMER),
    Case("short, cache", node(DRAINED), 3, State.OUT_OF_MEMORY, CRITICAL, "OUT OF MEMORY", NextStep.REMEDY),
    Case("1 of 4 bare", node(OK, OK, OK, FRAGMENTED), 6, State.LOW, WARNING, "LOW 1/4", NextStep.REMEDY),
    Case("2 of 4 bare", node(OK, OK, FRAGMENTED, FRAGMENTED), 6, State.FRAGMENTED, CRITICAL, "FRAGMENTED 2/4",
         NextStep.REMEDY),
    Case("3 of 4 bare, request waits", node(OK, *[FRAGMENTED] * 3), 3, State.FRAGMENTED, WARNING, "FRAGMENTED 3/4",
         NextStep.REMEDY),
    Case("all bare", node(FRAGMENTED, FRAGMENTED), 6, State.FRAGMENTED, CRITICAL, "FRAGMENTED", NextStep.REMEDY),
    Case("pods wait", node(OK), 3, State.RECOVERING, WARNING, "RECOVERING", NextStep.WAIT, pods=STUCK),
    Case("pods wait for images", node(OK), 3, State.OK, FINE, "OK", NextStep.NOTHING,
         pods=waiting_pods(stuck_pods([stuck("web", False, NO_IMAGE), stuck("db", None)]))),
    Case("remedy", node(OK), 3, State.RECOVERING, WARNING, "RECOVERING", NextStep.WAIT, remedy=HEALED, since=BACK),
    Case("remedy on a healthy node", node(OK), 3, State.OK, FINE, "OK", NextStep.NOTHING, remedy=HEALED,
         since=Since(NOW - 900, at_least=True)),
    Case("blocks came back long before", node(OK), 3, State.OK, FINE, "OK", NextStep.NOTHING, remedy=HEALED,
         since=Since(NOW - 80)),
    Case("old remedy", node(OK), 3, State.OK, FINE, "OK", NextStep.NOTHING, remedy=LastRemedy(NOW - 301, "x"),
         since=Since(NOW - 300)),
    Case("low in spite of a remedy", node(LOW), 3, State.LOW, WARNING, "LOW", NextStep.REMEDY, remedy=HEALED,
         pods=STUCK),
    Case("blind", node(OK), 3, State.OK, FINE, "OK, PARTLY BLIND", NextStep.UNBLIND, pods=None, unseen=BLIND),
    Case("fragmented, blind", node(FRAGMENTED), 4, State.FRAGMENTED, CRITICAL, "FRAGMENTED", NextStep.REMEDY, pods=None,
         unseen=BLIND),
    Case("not looked", node(OK), 3, State.OK, FINE, "OK", NextStep.NOTHING, pods=None,
         unseen=(Unseen(Question.PODS, "not looked at", blind=False),)),
    Case("unknown", node(), 3, State.UNKNOWN, UNKNOWN, "UNKNOWN", NextStep.UNBLIND),
    Case("no such order", node(OK), 11, State.UNKNOWN, UNKNOWN, "UNKNOWN", NextStep.NOTHING),
]  # fmt: skip


def state_of(case: Case) -> NodeState:
    return node_state(
        case.snapshot,
        judge_node(case.snapshot, case.order),
        denials=None if Question.DENIALS in {unseen.question for unseen in case.unseen} else denials_of([]),
        pods=case.pods,
        since=case.since,
        remedy=case.remedy,
        unseen=case.unseen,
    )


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_each_node_has_its_state(case: Case) -> None:
    state = state_of(case)
    assert (state.state, state.severity, state.advice.step) == (case.state, case.severity, case.step)
    assert badge(state) == case.badge
    assert (badge_role(state) == "good") == (state.severity is FINE and not state.partly_blind)


def test_every_state_is_in_the_table() -> None:
    assert {case.state for case in TABLE} == set(State)
    assert {severity_of(state) for state in State} == set(Severity)


def test_the_gentlest_remedy_is_tried_before_blocks_run_out_and_memory_is_freed_if_there_is_none() -> None:
    chosen = {
        case.name: state.advice.recommendation.choice
        for case in TABLE
        if (state := state_of(case)).advice.recommendation is not None
    }
    assert chosen["few"] is Choice.DROP_PAGE_CACHE
    assert chosen["costly"] is Choice.DROP_CACHES
    assert chosen["no cache"] is Choice.COMPACT
    assert chosen["short, cache"] is Choice.DROP_CACHES


def test_a_state_begins_when_the_blocks_of_its_size_changed() -> None:
    history = History()
    seen = [FRAGMENTED, OK, OK, FRAGMENTED, FRAGMENTED, FRAGMENTED]
    for tick, blocks in enumerate(seen):
        snapshot = node(blocks)._replace(monotonic=100.0 + tick, time=NOW + tick)
        history.add(snapshot)
    judged = judge_node(snapshot, 4)
    assert since_of(history, snapshot, judged) == Since(NOW + 3)
    assert since_of(history, snapshot, judge_node(snapshot, 2)) == Since(NOW, at_least=True), "16K was free all along"
    assert since_of(history, snapshot, judge_node(snapshot, 4)) == Since(NOW + 3), "asked again"
    history.note(106.0, None)
    assert since_of(history, snapshot, judged).at == NOW + 3, "a reading that failed ends nothing"
    kept = node(KEPT, cache=0)
    history.add(kept)
    assert since_of(history, kept, judge_node(kept, 3)).why == "the history has no watermarks"
    assert since_of(History(), snapshot, judged).at is None


def test_denials_are_summed_up() -> None:
    many = denials_of(
        [
            denial("vhost", 6, 60, suppressed=100, repeated=2),
            denial("vhost", 6, 50),
            denial("runc", 4, 5, cause="netns"),
            denial("page", 0, 1),
        ]
    )
    assert (many.requests, many.suppressed, many.window) == (6, 100, 55.0)
    assert many.most == ("vhost", 6, 4)
    assert many.last is not None
    assert (many.last.comm, many.last.purpose) == ("runc", "a new network namespace"), "a page is no block"
    assert denials_of([]).last is None
    assert denials_of([denial(None, 3, None)]).window is None


def test_pods_by_memory_come_by_confidence_then_by_age() -> None:
    pods = waiting_pods(
        stuck_pods(
            [
                stuck("image", False, NO_IMAGE, ago=900),
                stuck("likely", ago=500),
                stuck("certain", True, MEMORY, ago=10),
                stuck("older", ago=700),
                stuck("vague", None, VAGUE),
            ]
        )
    )
    assert [pod.name for pod in pods.by_memory] == ["certain", "older", "likely"]
    assert pods.confidence == "likely"
    assert ([pod.name for pod in pods.unknown], [pod.name for pod in pods.others]) == (["vague"], ["image"])
    assert pods.total == 5


@pytest.mark.parametrize(
    ("free_blocks", "thresholds", "state"),
    [
        (LOW, Thresholds(), State.LOW),
        (LOW, Thresholds(low_blocks=5, low_share=100), State.OK),
        (LOW, Thresholds(low_blocks=6, low_share=100), State.LOW),
        (LOW_BY_SHARE, Thresholds(low_share=100), State.OK),
        (LOW_BY_SHARE, Thresholds(low_blocks=1), State.OK),
        (LOW_BY_SHARE, Thresholds(low_blocks=3), State.LOW),
        (LOW_BY_SHARE, Thresholds(low_blocks=41, low_share=100), State.LOW),
        (OK, Thresholds(low_blocks=10_000), State.OK),
        (FRAGMENTED, Thresholds(low_blocks=1, low_share=100), State.FRAGMENTED),
    ],
)
def test_thresholds_say_where_low_begins_now_and_in_the_history(
    free_blocks: tuple[int, ...], thresholds: Thresholds, state: State
) -> None:
    snapshot = node(free_blocks)
    judgement = judge_node(snapshot, 3, thresholds)
    assert node_state(snapshot, judgement).state is state
    history = History()
    history.add(snapshot)
    assert since_of(history, snapshot, judgement).at == snapshot.time


@pytest.mark.parametrize(("seconds", "state"), [(300.0, State.RECOVERING), (46.0, State.RECOVERING), (45.0, State.OK)])
def test_recovering_lasts_as_long_as_the_threshold(seconds: float, state: State) -> None:
    snapshot = node(OK)
    judgement = judge_node(snapshot, 3, Thresholds(recovering_seconds=seconds))
    assert node_state(snapshot, judgement, pods=NO_PODS, remedy=HEALED).state is state
