"""A fleet in words: its states, its columns, what is not known."""

from __future__ import annotations

from collections.abc import Iterable

from fragtui.model.fleet.fleet import Counting, Fleet, FleetNode, count_states, state_key
from fragtui.text import counted, format_block, format_count, format_duration

SOURCES = {
    Counting.GAUGES: "by fragtui on each node",
    Counting.RULES: "by recording rules over node_exporter",
    Counting.RAW: "by node_exporter's blocks and watermarks",
}
_UNKNOWN = "?"
_LEAST_TREND = 0.5
"""Blocks an hour; less is none."""


def state_word(key: str) -> str:
    """Return a state of `state_key` as a badge: ``OUT OF MEMORY``."""
    return key.replace("_", " ").upper()


def state_text(node: FleetNode) -> str:
    """Return the state of a node; of a stale one with what it was: ``STALE, OK``."""
    if not node.stale:
        return state_word(state_key(node))
    was = state_key(node._replace(stale=False))
    return "STALE" if node.severity is None or was == "unknown" else f"STALE, {state_word(was)}"


def heading(fleet: Fleet) -> str:
    """Return how many nodes there are, and what they are judged for."""
    size = f"order {fleet.order}" if fleet.block_bytes is None else _block(fleet.block_bytes, fleet.order)
    return f"{counted(len(fleet.nodes), 'node')}, blocks of {size}, {SOURCES[fleet.counting]}"


def _block(size: int, order: int) -> str:
    return format_block(size >> order, order)


def states_text(nodes: Iterable[FleetNode]) -> str:
    """Return how many nodes are in each state, the worst first: ``3 FRAGMENTED, 197 OK``."""
    return ", ".join(f"{count} {state_word(key)}" for key, count in count_states(nodes).items())


def blocks_text(node: FleetNode) -> str:
    """Return the blocks in at most five cells."""
    return _UNKNOWN if node.blocks is None else format_count(int(node.blocks))


def trend_text(node: FleetNode) -> str:
    """Return the blocks gained in an hour, with a sign."""
    if node.trend is None:
        return _UNKNOWN
    if abs(node.trend) < _LEAST_TREND:
        return "0"
    return f"{'+' if node.trend > 0 else '-'}{format_count(max(1, round(abs(node.trend))))}"


def count_text(count: float | None) -> str:
    """Return a number of failures or pods; a rate that is extrapolated is at least 1."""
    return _UNKNOWN if count is None else format_count(max(1, round(count)) if count else 0)


def age_text(node: FleetNode) -> str:
    """Return how old the newest sample is."""
    return _UNKNOWN if node.age is None else format_duration(node.age)


def unknown_lines(fleet: Fleet) -> tuple[str, ...]:
    """Return a line for each reason why columns are not known of any node, and the notes."""
    reasons: dict[str, list[str]] = {}
    for column, why in fleet.unknown:
        reasons.setdefault(why, []).append(column)
    # The state is known, but not from everything.
    lines = [
        why if columns == ["state"] else f"{' and '.join(columns)} unknown: {why}" for why, columns in reasons.items()
    ]
    return (*lines, *fleet.notes)
