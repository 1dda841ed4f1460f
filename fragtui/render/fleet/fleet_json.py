"""The object that `fragtui fleet -o json` prints; its keys and their meaning are stable."""

from __future__ import annotations

from typing import Any

from fragtui.model.fleet.fleet import Fleet, FleetNode, count_states


def fleet_fields(fleet: Fleet) -> dict[str, Any]:
    """Return the object; the nodes are ranked, the worst first; unknown is null, with the reason in `unknown`."""
    return {
        "time": fleet.time,
        "order": fleet.order,
        "block_bytes": fleet.block_bytes,
        "counting": fleet.counting.value,
        "took_s": round(fleet.took, 3),
        "interval_s": fleet.interval,
        "counts": count_states(fleet.nodes),
        "nodes": [_node(node) for node in fleet.nodes],
        "unknown": dict(fleet.unknown),
        "notes": list(fleet.notes),
    }


def _node(node: FleetNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "labels": dict(node.labels),
        "state": None if node.state is None else node.state.value,
        "severity": None if node.severity is None else int(node.severity),
        "blocks": node.blocks,
        "largest_bytes": node.largest,
        "trend_per_hour": node.trend,
        "failures_15m": node.failures,
        "stuck_pods": node.stuck,
        "age_s": node.age,
        "up": node.up,
        "stale": node.stale,
    }
