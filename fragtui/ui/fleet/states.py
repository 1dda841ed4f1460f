"""The words and the colours of the states of nodes, as on the main screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fragtui.model.fleet.fleet import STATE_KEYS, FleetNode, state_key
from fragtui.model.node.verdict import Severity, State

_ROLES = {
    None: "badge-unknown",
    Severity.FINE: "good",
    Severity.WARNING: "badge-low",
    Severity.CRITICAL: "badge-bad",
    Severity.UNKNOWN: "badge-unknown",
}
TONES = {
    "badge-bad": "bad",
    "badge-low": "warn",
    "badge-recovering": "key",
    "badge-unknown": "unknown",
    "good": "good",
}
"""The role of words by that of the badge."""


def role_of(node: FleetNode) -> str:
    """Return the role of a node's badge: ``good``, which has no ground, ``badge-low``, ``badge-bad``, ..."""
    if node.stale:
        return "badge-unknown"
    return "badge-recovering" if node.state is State.RECOVERING else _ROLES[node.severity]


def counts_of(nodes: Iterable[FleetNode]) -> list[tuple[str, str, int]]:
    """Return the states that occur, the worst first, with the role of the badge and how many nodes are in each.

    A state that is worse on some nodes than on others is there once for each.
    """
    counts = Counter((state_key(node), role_of(node)) for node in nodes)
    roles = list(TONES)
    order = sorted(counts, key=lambda pair: (STATE_KEYS.index(pair[0]), roles.index(pair[1])))
    return [(key, role, counts[key, role]) for key, role in order]
