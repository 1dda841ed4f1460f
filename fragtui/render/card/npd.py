"""The answer for node-problem-detector's custom plugin monitor: a status, and a line that becomes a condition."""

from __future__ import annotations

from fragtui.model.node.verdict import Severity
from fragtui.model.state.node_state import NodeState
from fragtui.render.card.state_text import badge, sentences

MAX_BYTES = 80
"""node-problem-detector's default of max_output_length; it cuts what is longer."""
_STATUSES = {Severity.FINE: 0, Severity.WARNING: 0, Severity.CRITICAL: 1}
"""A controller may drain a node for its condition, so few blocks left (LOW) are no problem yet."""
_UNKNOWN = 3


def npd_status(state: NodeState) -> int:
    """Return 0 for OK, 1 for a problem, 3 for unknown."""
    return _STATUSES.get(state.severity, _UNKNOWN)


def npd_line(state: NodeState) -> str:
    """Return the state in `MAX_BYTES` of ASCII: the longest of its sentences that fits, else the shortest one cut."""
    lines = [f"{badge(state)}: {text}".encode("ascii", "replace") for text in sentences(state)]
    return next((line for line in lines if len(line) <= MAX_BYTES), lines[-1][:MAX_BYTES]).decode()
