"""The free blocks of one node by zone, from the series that a Prometheus has of it."""

from __future__ import annotations

from typing import NamedTuple


class ZoneSeries(NamedTuple):
    """One zone at one time."""

    numa_node: int
    zone: str
    free_blocks: tuple[int | None, ...]
    """Free blocks by order; None for an order without a sample."""
    free_pages: int | None = None
    min_pages: int | None = None
    """The min watermark."""
    reserve_pages: int | None = None
    """The lowmem reserve against kernel requests."""


class NodeSeries(NamedTuple):
    """One node at one time."""

    name: str
    time: float
    """Seconds since the epoch."""
    zones: tuple[ZoneSeries, ...]
    """By NUMA node, then from the lowest zone up."""
    why: str | None = None
    """Why no zone is known; None if some are."""
