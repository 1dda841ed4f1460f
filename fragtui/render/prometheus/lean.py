"""The lean set of metrics: at most `MAX_SERIES` a node, from files that every user may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import COSTLY_ORDER, State
from fragtui.model.state.node_state import NodeState
from fragtui.render.metrics import Family, Sample, node_metrics

MAX_SERIES = 24
_ORDERS = (COSTLY_ORDER, 4, 9)
"""Orders that every node exports: the costly limit, the first above it, and huge pages with pages of 4 KiB."""
_SOURCES = ("buddyinfo", "zoneinfo")
_FIXED = 5
"""Series besides those by order and by zone: version, state, bare NUMA nodes, and a source each."""


def lean_orders(snapshot: Snapshot, target: int) -> tuple[int, ...]:
    """Return the orders to judge: the target first, then the others that this kernel has, with its largest."""
    orders = max((len(zone.free_blocks) for zone in snapshot.zones or ()), default=0)
    others = sorted({order for order in (*_ORDERS, orders - 1) if 0 <= order < orders} - {target})
    return (target, *others)


def lean_metrics(snapshot: Snapshot, states: Sequence[NodeState], version: str) -> tuple[Family, ...]:
    """Return the metrics of one sample; `states` are those of `lean_orders`."""
    target = states[0]
    full = {family.name: family for family in node_metrics(snapshot, target, version)}
    by_order = [(str(state.judgement.order), state) for state in states]
    severities = tuple(((order,), float(state.severity)) for order, state in by_order)
    blocks = tuple(
        ((order,), float(state.judgement.blocks))
        for order, state in by_order
        if state.judgement.blocks is not None and state.state is not State.UNKNOWN
    )
    left = MAX_SERIES - _FIXED - len(severities) - len(blocks)
    state, sources = full["fragtui_state"], full["fragtui_source_up"]
    families = [
        full["fragtui_build_info"],
        replace(full["fragtui_severity"], samples=severities),
        replace(state, samples=tuple(sample for sample in state.samples if sample[1])),
        full["fragtui_bare_numa_nodes"],
        replace(sources, samples=tuple(sample for sample in sources.samples if sample[0][0] in _SOURCES)),
        replace(full["fragtui_largest_free_bytes"], samples=_largest(full["fragtui_largest_free_bytes"], target, left)),
    ]
    if "fragtui_target_blocks" in full:
        families.append(replace(full["fragtui_target_blocks"], samples=blocks))
    return tuple(families)


def _largest(family: Family, state: NodeState, most: int) -> tuple[Sample, ...]:
    """Return the largest free block of each zone but x86's ZONE_DMA; of all NUMA nodes if these are too many."""
    closed = {
        (str(zone.zone.node), zone.zone.name)
        for zone in state.judgement.zones
        if zone.serves_kernel and not zone.target
    }
    samples = tuple(sample for sample in family.samples if sample[0] not in closed)
    if len(samples) <= most:
        return samples
    # An empty label is none: the zone of any NUMA node.
    by_name: dict[str, float] = {}
    for (_, name), size in samples:
        by_name[name] = max(by_name.get(name, 0.0), size)
    return tuple((("", name), size) for name, size in by_name.items())
