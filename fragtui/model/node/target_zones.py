"""The blocks that count: those of the target order, in the zones that a GFP_KERNEL request may be served from."""

from __future__ import annotations

from fragtui.model.node.indices import blocks_of, free_pages
from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.model.node.watermark import RequestKind, Verdict, ZoneState, surely_enough, zone_verdict
from fragtui.model.node.zonelist import TINY_ZONE, may_serve_kernel, rule_for, zone_states

UNCOUNTED_BLOCKS = 10_000
"""Blocks from which on their number is given roughly."""


def is_target(zone: Zone, state: ZoneState, page_size: int) -> bool:
    """Return whether GFP_KERNEL could be served from the zone if all of it were free.

    ZONE_DMA's few large blocks survive every fragmentation and the lowmem reserve keeps them: counting them would be
    false good news. If the reserve could not be read, a zone named DMA with at most 16 MiB free is left out.
    """
    if not may_serve_kernel(zone):
        return False
    info = zone.info
    # Kernels before 3.10 do not print managed pages.
    pages = (info.present if info.managed is None else info.managed) if info else None
    if pages is not None and state.mark is not None:
        return pages > state.mark + state.reserve
    return zone.name != "DMA" or free_pages(zone.free_blocks) * page_size > TINY_ZONE


def has_order(snapshot: Snapshot, order: int) -> bool:
    """Return whether the zones are known and have a column for `order`."""
    return any(order < len(zone.free_blocks) for zone in snapshot.zones or ())


def target_zones(snapshot: Snapshot) -> tuple[Zone, ...]:
    """Return the zones whose blocks count for kernel requests; empty if the zones are unknown."""
    states = zone_states(snapshot)
    size = snapshot.host.page_size
    return tuple(zone for zone in snapshot.zones or () if is_target(zone, states[zone.key], size))


def own_blocks(zone: Zone, state: ZoneState, order: int) -> int:
    """Return the zone's blocks of `order` that GFP_KERNEL may take (not HighAtomic, CMA, Isolate).

    Hidden pages that are surely on those lists count as if they were in blocks of that order.
    """
    return _blocks_without(zone, state, order, state.hidden.known)


def sure_blocks(zone: Zone, state: ZoneState, order: int) -> int:
    """Return the fewest blocks of `order` that GFP_KERNEL may take, whatever blocks the hidden pages are in.

    0 if the watermark may keep them.
    """
    return 0 if not surely_enough(state, order) else _blocks_without(zone, state, order, state.hidden.possible)


def _blocks_without(zone: Zone, state: ZoneState, order: int, hidden_pages: int) -> int:
    foreign = blocks_of(state.foreign_blocks, order) if state.foreign_blocks else 0
    return max(0, blocks_of(zone.free_blocks, order) - foreign - (hidden_pages >> order))


def needs_page_types(snapshot: Snapshot, order: int) -> bool:
    """Return whether the free lists by migratetype could change what is said of requests of `order`.

    They can't if each NUMA node surely has the block, together many more than are ever counted one by one, and the
    largest free block is surely one that GFP_KERNEL may take.
    """
    zones, states, rule = target_zones(snapshot), zone_states(snapshot), rule_for(snapshot)

    def sure(zone: Zone, wanted: int) -> int:
        state = states[zone.key]
        verdict = zone_verdict(state, wanted, RequestKind.GFP_KERNEL, rule)
        return sure_blocks(zone, state, wanted) if verdict is Verdict.AVAILABLE else 0

    largest = max((k for zone in zones for k, count in enumerate(zone.free_blocks) if count), default=0)
    by_node: dict[int, int] = {}
    for zone in zones:
        by_node[zone.node] = by_node.get(zone.node, 0) + sure(zone, order)
    plenty = sum(by_node.values()) >= UNCOUNTED_BLOCKS and min(by_node.values()) > 0
    return not plenty or not any(sure(zone, largest) for zone in zones)


def target_blocks(snapshot: Snapshot, order: int) -> int | None:
    """Return the blocks of `order` in all target zones, ignoring watermarks; None if the zones are unknown.

    None also for an order above the kernel's largest: no kernel has such a block, so none is missing.
    """
    if not has_order(snapshot, order):
        return None
    states = zone_states(snapshot)
    return sum(own_blocks(zone, states[zone.key], order) for zone in target_zones(snapshot))


def usable_by_node(snapshot: Snapshot, order: int) -> dict[int, int] | None:
    """Return the blocks of `order` that GFP_KERNEL gets now, by NUMA node: those of target zones above their watermark.

    Blocks count that may be kept for atomic requests, if that is unknown. None if the zones are unknown, or have no
    such order.
    """
    if not has_order(snapshot, order):
        return None
    states, rule = zone_states(snapshot), rule_for(snapshot)
    found: dict[int, int] = {}
    for zone in target_zones(snapshot):
        verdict = zone_verdict(states[zone.key], order, RequestKind.GFP_KERNEL, rule)
        gives = verdict in (Verdict.AVAILABLE, Verdict.UNKNOWN)
        found[zone.node] = found.get(zone.node, 0) + (own_blocks(zone, states[zone.key], order) if gives else 0)
    return found


def usable_blocks(snapshot: Snapshot, order: int) -> int | None:
    """Return the blocks of `order` that GFP_KERNEL gets now on all NUMA nodes; None if that is unknown."""
    by_node = usable_by_node(snapshot, order)
    return None if by_node is None else sum(by_node.values())
