"""The answer for node-problem-detector, for any node."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import Severity, judge_node
from fragtui.model.state.node_state import node_state
from fragtui.render.card.npd import MAX_BYTES, npd_line, npd_status
from tests.support.examples import examples
from tests.support.node_states import NODES


@pytest.mark.slow
@examples(120)
@given(NODES, st.integers(0, 30))
def test_the_line_fits_and_only_what_fails_requests_is_a_problem(snapshot: Snapshot, order: int) -> None:
    state = node_state(snapshot, judge_node(snapshot, order))
    line = npd_line(state)
    assert 0 < len(line) <= MAX_BYTES and line.isascii() and line.isprintable()
    assert (npd_status(state) == 1) == (state.severity is Severity.CRITICAL)
    assert (npd_status(state) not in (0, 1)) == (state.severity is Severity.UNKNOWN)
