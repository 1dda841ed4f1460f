"""The expressions that a fleet is read with.

`by` is the list of labels that tell the nodes apart, ``instance, job``; a `match` is a list of matchers without braces,
empty for all nodes. Those over node_exporter's metrics count GFP_KERNEL's zones: DMA, DMA32 and Normal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

HIGHEST = 17
"""The highest order of any kernel (ARCH_FORCE_MAX_ORDER)."""
_USUAL_ORDERS = 11
"""Orders of most kernels, from 0 on."""
NUMA = "node, exported_node"
"""Labels that tell NUMA nodes apart: Prometheus renames node_exporter's own if the scrape job sets a label ``node``."""
ZONE = f"{NUMA}, zone"
_RECORDED = "instance_numa:node_free_blocks_above_watermark:sum"
_ZONES = "DMA|DMA32|Normal"
LARGE_ZONES = "DMA32|Normal"
_MANAGED = "node_zoneinfo_managed_pages"
_MAX_NAMES = 13_000
"""Bytes of names in a query: VictoriaMetrics refuses one of more than 16 KiB."""
_SPECIAL = re.compile(r"[.+*?()|\[\]{}^$\\]")
_ESCAPED = r"\\\g<0>"


def selector(name: str, *matchers: str) -> str:
    """Return the series of a metric that all matchers select; empty ones select all."""
    return f"{name}{{{','.join(filter(None, matchers))}}}"


def one_of(label: str, values: Iterable[str]) -> str:
    """Return the matcher of a label that has one of the values, which may contain anything."""
    # Of only these escapes Prometheus knows that the expression is a list of names, and uses its index.
    return f"{label}=~{quoted('|'.join(_literal(value) for value in dict.fromkeys(values)))}"


def chunks(keys: Iterable[tuple[str, ...]], times: int, match: str) -> Iterator[list[tuple[str, ...]]]:
    """Yield the nodes, as many at a time as a query may name so many times, each time with `match`."""
    chunk: list[tuple[str, ...]] = []
    least = size = len(match.encode(errors="replace"))
    for key in keys:
        # Its quotes are as long as what separates two names.
        length = len(quoted(_literal(key[0])).encode(errors="replace"))
        if chunk and (size + length) * times > _MAX_NAMES:
            yield chunk
            chunk, size = [], least
        chunk.append(key)
        size += length
    if chunk:
        yield chunk


def _literal(value: str) -> str:
    return _SPECIAL.sub(_ESCAPED, value)


def equal(labels: Mapping[str, str]) -> str:
    """Return the matchers of the labels' values."""
    return ",".join(f"{name}={quoted(value)}" for name, value in labels.items())


def quoted(value: str) -> str:
    """Return a string of PromQL."""
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def numa_node(labels: Mapping[str, str]) -> str:
    """Return the NUMA node of a series of node_exporter."""
    return labels.get("exported_node") or labels.get("node", "")


# fragtui's own gauges ------------------------------------------------------------------------------------------------


def gauge(name: str, order: int, *matchers: str) -> str:
    """Return a gauge of fragtui for the order."""
    return selector(f"fragtui_{name}", f'order="{order}"', *matchers)


def recorded(order: int) -> str:
    """Return the blocks by NUMA node that recording rules count."""
    return selector(_RECORDED, f'order="{order}"')


# node_exporter's metrics ---------------------------------------------------------------------------------------------


class Blocks(NamedTuple):
    """Expressions that count the blocks of an order."""

    order: int
    match: str
    protections: tuple[int, ...] = (2,)
    """The indices of the lowmem reserve against Normal, by which nodes have; the first that a zone has counts."""

    def of(self, instances: Iterable[str]) -> Blocks:
        """Return the same for some instances."""
        return self._replace(match=",".join(filter(None, (self.match, one_of("instance", instances)))))

    def summed(self, by: str, zones: str = _ZONES, orders: Sequence[int] = ()) -> str:
        """Return the blocks of these orders, or of all from `order` on, whichever exist."""
        orders = orders or range(self.order, HIGHEST + 1)
        multiples = {order: 1 << (order - self.order) for order in orders}
        return f"sum by ({by}) ({self._sizes(orders, zones)} * {_by_size(multiples)})"

    def halves(self, by: str, zones: str) -> tuple[str, ...]:
        """Return `summed` as expressions of about the same cost, whose values are to be added: two are in work."""
        middle = max(self.order + 1, (self.order + _USUAL_ORDERS) // 2)
        parts = (range(self.order, middle), range(middle, HIGHEST + 1))
        return tuple(self.summed(by, zones, part) for part in parts if part)

    def available(self, by: str) -> str:
        """Return the blocks of zones above their watermark; 0 of the others."""
        zone = f"{by}, {ZONE}"
        return f"sum by ({by}, {NUMA}) ({self.summed(zone)} * on ({zone}) {self._open(by)})"

    def _open(self, by: str) -> str:
        """Return 1 for each zone above its watermark, 0 for the others."""
        return f"max by ({by}, {ZONE}) ({self.room()} > bool {self.least})"

    def recorded(self) -> str:
        """Return the blocks that recording rules count; `match` may name labels that these series lack."""
        series = recorded(self.order)
        return f"{series} and on (instance, job) {selector('up', self.match)}" if self.match else series

    def exceptions(self) -> str:
        """Return the zones that are not as most are: below their watermark, or named DMA and not closed for good."""
        closed = f"{self.room(LARGE_ZONES)} <= {self.least}"
        return f"({closed}) or ({self.room('DMA', _MANAGED)} > 0)"

    def near(self, highest: float, lowest: float) -> str:
        """Return the zones that may be exceptions, by the limits of the whole fleet: a third of the cost."""
        managed = selector(_MANAGED, 'zone="DMA"', self.match)
        return f"{self.free(LARGE_ZONES)} <= {highest + self.least:.0f} or {managed} > {lowest:.0f}"

    def room(self, zones: str = _ZONES, lead: str = "node_zoneinfo_nr_free_pages") -> str:
        """Return the free pages of each zone above its min watermark and lowmem reserve."""
        return f"{selector(lead, _in(zones), self.match)} - {self._least_pages(zones)} - {self._reserve(zones)}"

    def floor(self, zones: str, times: int = 1) -> str:
        """Return so many times the min watermark of each zone, and its lowmem reserve."""
        return f"{times} * {self._least_pages(zones)} + {self._reserve(zones)}"

    def _least_pages(self, zones: str) -> str:
        return selector("node_zoneinfo_min_pages", _in(zones), self.match)

    def _reserve(self, zones: str) -> str:
        names = (f"node_zoneinfo_protection_{index}" for index in self.protections)
        reserve = " or ".join(selector(name, _in(zones), self.match) for name in names)
        return reserve if len(self.protections) == 1 else f"({reserve})"

    def target_room(self) -> str:
        """Return the room of the zones that would be above their watermark if all of them were free."""
        return f"{self.room()} and {self.room(lead=_MANAGED)} > 0"

    def free(self, zones: str = _ZONES) -> str:
        """Return the free pages of each zone."""
        return selector("node_zoneinfo_nr_free_pages", _in(zones), self.match)

    def largest(self, by: str) -> str:
        """Return the highest order that has a free block."""
        orders = range(HIGHEST + 1)
        free = f"({self._sizes(orders, _ZONES)} > 0)"
        return f"max by ({by}) (0 * {free} + {_by_size({order: order for order in orders})})"

    @property
    def times(self) -> int:
        """How often an expression names its instances, at most: twice for each of `room`."""
        return 2 * (2 + len(self.protections))

    @property
    def least(self) -> int:
        """Pages that the room must exceed for a block."""
        return (1 << self.order) - 1

    def _sizes(self, orders: Iterable[int], zones: str) -> str:
        return selector("node_buddyinfo_blocks", one_of("size", map(str, orders)), _in(zones), self.match)


def _in(zones: str) -> str:
    return f'zone=~"{zones}"'


def _by_size(numbers: Mapping[int, int]) -> str:
    """Return the right side of an operation that takes a number by the ``size``, the order, of each series.

    A sum for each order costs more, names the instances for each, and a group that lacks one of the orders is lost.
    """
    terms = [f'label_replace(vector({number}), "size", "{order}", "", "")' for order, number in numbers.items()]
    return f"on (size) group_left () ({' or '.join(terms)})"
