"""The free blocks of one node by zone: fragtui's full metrics or node_exporter's, now or in the past."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fragtui.model.fleet.fleet import MAX_NAME
from fragtui.model.fleet.series import NodeSeries, ZoneSeries
from fragtui.sources.prometheus.client import NOW, PrometheusClient, Row
from fragtui.sources.prometheus.queries import HIGHEST, numa_node, selector
from fragtui.text import bounded_int, epoch_seconds, printable

MAX_TIMES = 240
"""Moments of a history."""
_MAX_ZONES = 64
_MOST = 1 << 52
_WHY = "no free blocks by order; fragtui export without --lean has them, node_exporter with --collector.buddyinfo"
_LOWEST_FIRST = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
_NAMES = (
    "fragtui_free_blocks|node_buddyinfo_blocks|node_zoneinfo_nr_free_pages|node_zoneinfo_min_pages|"
    "node_zoneinfo_protection_[012]"
)


class _Zone(NamedTuple):
    blocks: dict[int, int]
    pages: dict[str, int]


_Zones = dict[tuple[int, str], _Zone]


def read_node(client: PrometheusClient, name: str, match: str) -> NodeSeries:
    """Return the free blocks now of the node that `match` selects. Raises `FleetError`."""
    values = client.query(_expression(match)).values
    rows = [Row(labels, ((at, number),)) for labels, number, at in values if epoch_seconds(at) is not None]
    found = _by_time(name, rows)
    return found[-1] if found else NodeSeries(name, client.time_of(client.query(NOW)), (), _WHY)


def read_node_history(
    client: PrometheusClient, name: str, match: str, seconds: float, interval: float | None
) -> tuple[NodeSeries, ...]:
    """Return the free blocks in the last seconds, at most `MAX_TIMES` times, oldest first. Raises `FleetError`."""
    now = client.time_of(client.query(NOW))
    step = max(seconds / MAX_TIMES, interval or 15.0)
    return tuple(_by_time(name, client.query_past(_expression(match), now, seconds, step)))


def _expression(match: str) -> str:
    return selector("", f'__name__=~"{_NAMES}"', match)


def _by_time(name: str, rows: Iterable[Row]) -> list[NodeSeries]:
    times: dict[float, _Zones] = {}
    own = any(row.labels.get("__name__") == "fragtui_free_blocks" for row in rows)
    for row in rows:
        labels = row.labels
        metric = labels.get("__name__", "")
        if metric == ("node_buddyinfo_blocks" if own else "fragtui_free_blocks"):
            continue
        own_label = metric == "fragtui_free_blocks"
        numa = bounded_int(labels.get("numa_node") if own_label else numa_node(labels), 1 << 16)
        order = bounded_int(labels.get("size", labels.get("order")), HIGHEST)
        if numa is None or (order is None and not metric.startswith("node_zoneinfo")):
            continue
        key = (numa, printable(labels.get("zone", ""), MAX_NAME))
        for at, number in row.points:
            if at not in times and len(times) > MAX_TIMES:
                continue
            zones = times.setdefault(at, {})
            if (key not in zones and len(zones) >= _MAX_ZONES) or not 0 <= number < _MOST:
                continue
            zone = zones.setdefault(key, _Zone({}, {}))
            if order is not None:
                zone.blocks[order] = int(number)
            else:
                zone.pages[metric.removeprefix("node_zoneinfo_")] = int(number)
    series = ((at, _zones(zones)) for at, zones in sorted(times.items()))
    return [NodeSeries(name, at, zones) for at, zones in series if zones]


def _zones(found: _Zones) -> tuple[ZoneSeries, ...]:
    zones = []
    for (numa, zone), (blocks, pages) in sorted(found.items(), key=lambda item: _place(item[0])):
        if not blocks:
            continue
        reserves = (pages.get(f"protection_{index}") for index in (2, 1, 0))
        zones.append(
            ZoneSeries(
                numa,
                zone,
                tuple(blocks.get(order) for order in range(max(blocks) + 1)),
                pages.get("nr_free_pages"),
                pages.get("min_pages"),
                next((reserve for reserve in reserves if reserve is not None), None),
            )
        )
    return tuple(zones)


def _place(key: tuple[int, str]) -> tuple[int, int, str]:
    numa, zone = key
    return numa, _LOWEST_FIRST.index(zone) if zone in _LOWEST_FIRST else len(_LOWEST_FIRST), zone
