"""The state on screen: worse at once, better after five seconds; on numbers and a clock of the test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.node.verdict import State, judge_node
from fragtui.model.state.node_state import LastRemedy, NodeState, node_state
from fragtui.model.state.steady import SHOWN_SECONDS, WORSE_LAST, SteadyState
from fragtui.model.state.waiting_pods import waiting_pods
from tests.support.node_states import NOW, node, stuck, stuck_pods

OK = (5000, 4000, 3000, 2500, 2000, 1800, 1600, 1400, 1200, 1000, 800)
BLOCKS = {
    State.OK: OK,
    State.LOW: (300_000, 80_000, 5_000, 5, 0, 0, 0, 0, 0, 0, 0),
    State.FRAGMENTED: (300_000, 80_000, 5_000, 0, 0, 0, 0, 0, 0, 0, 0),
    State.OUT_OF_MEMORY: (3_000, 1_000, 20, 0, 0, 0, 0, 0, 0, 0, 0),
    State.UNKNOWN: None,
}


def found(state: State, order: int = 3, remedy: LastRemedy | None = None) -> NodeState:
    blocks = BLOCKS[State.OK if state is State.RECOVERING else state]
    snapshot = node() if blocks is None else node(blocks)
    pods = waiting_pods(stuck_pods([stuck("api")] if state is State.RECOVERING and remedy is None else []))
    result = node_state(snapshot, judge_node(snapshot, order), pods=pods, remedy=remedy)
    assert result.state is state
    return result


STATES = {state: found(state) for state in (*BLOCKS, State.RECOVERING)}
K, L, F, M, U, R = *BLOCKS, State.RECOVERING


def shown(*states: State, every: float = 1.0) -> list[State]:
    steady = SteadyState()
    return [steady.take(STATES[state], 100.0 + place * every).state for place, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "every", "expected"),
    [
        ([K, L, F, M], 1.0, [K, L, F, M]),
        ([L, K, K, K, K, K], 1.0, [L, L, L, L, L, K]),
        ([K, L, K, L, K, L, K, L, K, L, K], 1.0, [K, L, L, L, L, L, L, L, L, L, L]),
        ([F, F, F, F, F, F, L, K], 1.0, [F, F, F, F, F, F, L, L]),
        ([F, K, K, K, K, K], 1.0, [F, F, F, F, F, K]),
        ([R, K, R, K, K, K, K, K, K], 1.0, [R, R, R, R, R, R, R, K, K]),
        ([F, L, M, L, L, L, L, L], 1.0, [F, F, M, M, M, M, M, L]),
        ([L, K, K], 5.0, [L, K, K]),
        ([L, K, K], 4.9, [L, L, K]),
        ([F, U, K, K], 1.0, [F, U, K, K]),
        ([U, K], 1.0, [U, K]),
    ],
)
def test_worse_comes_at_once_and_better_after_five_seconds(
    states: list[State], every: float, expected: list[State]
) -> None:
    assert shown(*states, every=every) == expected


@given(st.lists(st.sampled_from(list(STATES)), max_size=40), st.sampled_from([0.25, 1.0, 2.0]))
def test_no_state_is_shown_for_less_unless_a_worse_or_an_unknown_one_comes(states: list[State], every: float) -> None:
    seen = shown(*states, every=every)
    ranks = {state: (STATES[state].severity, place) for place, state in enumerate(WORSE_LAST) if state in STATES}
    began = 0
    for place in range(1, len(seen)):
        before, after = seen[place - 1], seen[place]
        if after is before:
            continue
        lasted = (place - began) * every
        assert ranks[after] > ranks[before] or before is U or lasted >= SHOWN_SECONDS, seen
        began = place
    assert all(ranks[now] >= ranks[real] or U in (now, real) for now, real in zip(seen, states, strict=True))


def test_a_remedys_gain_and_another_size_are_shown_at_once() -> None:
    steady = SteadyState()
    assert steady.take(STATES[F], 0.0).state is F
    healed = found(State.RECOVERING, remedy=LastRemedy(NOW - 1, "you dropped caches"))
    assert steady.take(healed, 1.0).state is R
    steady = SteadyState()
    assert steady.take(STATES[F], 0.0).state is F
    assert steady.take(found(State.OK, order=2), 1.0).state is K


def test_a_state_that_is_held_has_new_pods_and_denials() -> None:
    steady = SteadyState()
    steady.take(STATES[L], 0.0)
    now = STATES[K]._replace(pods=waiting_pods(stuck_pods([stuck("late")])))
    held = steady.take(now, 1.0)
    assert (held.state, held.pods, held.judgement) == (L, now.pods, STATES[L].judgement)


def test_a_clock_that_goes_back_holds_nothing() -> None:
    steady = SteadyState()
    steady.take(STATES[L], 100.0)
    assert steady.take(STATES[K], 50.0).state is K
