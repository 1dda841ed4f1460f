"""A snapshot of one node from its series: what the panels of the node's own screen draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile, zip_longest

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.fleet.series import NodeSeries, ZoneSeries
from fragtui.model.node.history import History
from fragtui.model.node.snapshot import Host, Snapshot, Unreadable, Zone

UNKNOWN_OF_SERIES = "CMA, atomic reserves, boost and migratetypes"
"""What no series has; such blocks are taken to be free for requests."""
_COLUMNS = 200
"""Columns of the widest chart."""
_MAX_GAP = 0.06
"""Share of a chart over which a reading holds."""


def snapshot_of(series: NodeSeries, page_size: int | None) -> Snapshot:
    """Return the node at that time; its monotonic clock is the server's wall clock.

    A zone that lacks an order below another one is left out, with the reason.
    """
    whole = [zone for zone in series.zones if _blocks(zone) is not None]
    unreadable = [
        Unreadable("buddyinfo", f"N{zone.numa_node} {zone.zone}: an order has no sample")
        for zone in series.zones
        if zone not in whole
    ]
    if not whole:
        unreadable.append(Unreadable("buddyinfo", series.why or "no zone has a sample of each order"))
    if any(zone.min_pages is None or zone.free_pages is None for zone in whole):
        unreadable.append(Unreadable("zoneinfo", "no series of its watermarks"))
    unreadable += [Unreadable(name, "no series has it") for name in ("pagetypeinfo", "pressure/memory")]
    host = Host(series.name, None, None, page_size or 4096, page_size_assumed=page_size is None)
    infos = {(info.node, info.zone): info for info in _infos(whole)}
    zones = tuple(
        Zone(ZoneBlocks(zone.numa_node, zone.zone, blocks), infos.get((zone.numa_node, zone.zone)))
        for zone in whole
        if (blocks := _blocks(zone)) is not None
    )
    return Snapshot(series.time, series.time, host, zones or None, tuple(infos.values()), unreadable=tuple(unreadable))


def history_of(readings: Sequence[NodeSeries], seconds: float) -> History:
    """Return the history of the node; a time without a zone is a gap.

    Charts have more columns than a range query has points: a reading holds until the next one, if that comes soon.
    """
    history = History()
    for series, after in zip_longest(readings, readings[1:]):
        counts = {(zone.numa_node, zone.zone): _blocks(zone) for zone in series.zones}
        blocks = {key: found for key, found in counts.items() if found is not None} or None
        gap = 0.0 if after is None else after.time - series.time
        held = int(gap / seconds * _COLUMNS) if gap <= seconds * _MAX_GAP else 0
        for part in range(held + 1):
            history.note(series.time + gap * part / (held + 1), blocks)
    return history


def _blocks(zone: ZoneSeries) -> tuple[int, ...] | None:
    """Return the free blocks of each order that the zone has; None if one below them has no sample."""
    counts = tuple(takewhile(lambda count: count is not None, zone.free_blocks))
    rest = zone.free_blocks[len(counts) :]
    whole = counts and all(count is None for count in rest)
    return tuple(count for count in counts if count is not None) if whole else None


def _infos(zones: Sequence[ZoneSeries]) -> Iterator[ZoneInfo]:
    """Yield the zones whose watermarks are known, as zoneinfo would have them without what no series has."""
    known = [zone for zone in zones if zone.min_pages is not None and zone.free_pages is not None]
    of_node = Counter(zone.numa_node for zone in known)
    for zone in known:
        # The reserve is against kernel requests already: the same entry for each zone that they may begin at.
        reserve = None if zone.reserve_pages is None else (zone.reserve_pages,) * of_node[zone.numa_node]
        yield ZoneInfo(
            zone.numa_node,
            zone.zone,
            free=zone.free_pages,
            min=zone.min_pages,
            free_cma=0,
            free_highatomic=0,
            protection=reserve,
        )
