"""The words and the colours of the states of nodes, as on the main screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter

from fragtui.model.fleet.fleet import STATE_KEYS, FleetNode, state_key
from fragtui.model.node.verdict import Severity, State
from fragtui.render.fleet.words import state_word

_DECIDES = attrgetter("stale", "state", "severity")
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


def was_text(node: FleetNode) -> str:
    """Return what a stale node was: ``was OK``; empty if that is unknown, or if it is not stale."""
    was = state_key(node._replace(stale=False))
    return "" if not node.stale or was == State.UNKNOWN else f"was {state_word(was)}"


def counts_of(nodes: Iterable[FleetNode]) -> list[tuple[str, str, int]]:
    """Return the states that occur, the worst first, with the role of the badge and how many nodes are in each.

    A state that is worse on some nodes than on others is there once for each.
    """
    # 5,000 nodes are counted by what decides, then named: 1 ms in place of 8.
    decided = [*map(_DECIDES, nodes := tuple(nodes))]
    counts: Counter[tuple[str, str]] = Counter()
    examples = dict(zip(decided, nodes, strict=True))
    for what, count in Counter(decided).items():
        counts[state_key(examples[what]), role_of(examples[what])] += count
    roles = list(TONES)
    order = sorted(counts, key=lambda pair: (STATE_KEYS.index(pair[0]), roles.index(pair[1])))
    return [(key, role, counts[key, role]) for key, role in order]
