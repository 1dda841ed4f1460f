"""The blocks of all nodes by node_exporter's metrics: a cheap count of all, the zones of those that run low."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from fragtui.model.fleet.counting import ZoneCount, count_blocks, count_zones, needs_zones
from fragtui.model.node.verdict import Severity, State, Thresholds
from fragtui.sources.prometheus.client import Answer, Value
from fragtui.sources.prometheus.queries import LARGE_ZONES, Blocks, selector
from fragtui.text import bounded_int

Key = tuple[str, ...]
"""A node: the values of the labels that tell the nodes apart; the first is ``instance``."""
Run = Callable[[Sequence[str]], list[Answer]]
"""Runs expressions, returns their answers in order."""
MAX_DETAILED = 1000
"""Nodes whose zones are read at a refresh."""
_CHUNK = 250
"""Nodes of one query. With more nodes whose zones are exceptions, all zones are joined with their watermarks."""
_LARGE = f'zone=~"{LARGE_ZONES}"'


class Column(NamedTuple):
    """What the metrics say of one node."""

    state: State | None
    severity: Severity
    blocks: float | None
    largest: int | None = None
    """The highest order that has a free block; None if it was not read."""


_UNKNOWN = Column(State.UNKNOWN, Severity.UNKNOWN, None)


class RawBlocks:
    """Counts the blocks of an order."""

    def __init__(self, order: int, match: str, by: Sequence[str], thresholds: Thresholds, *, recorded: bool) -> None:
        """`by` are the labels of a `Key`; with `recorded`, recording rules count the blocks of all nodes."""
        self._blocks = Blocks(order, match)
        self.by = tuple(by)
        self._thresholds = thresholds
        self.recorded = recorded
        self._top = 10
        self._careful = False
        """Whether the server joins all zones with their watermarks: twice the cost, right for every fleet."""
        self.watermarks = True
        """Whether node_exporter's zoneinfo is collected on any node."""
        self._silent: set[Key] = set()
        """Nodes that export nothing of all this, until the next probe."""

    def probe(self, run: Run) -> None:
        """Look which orders there are, and whether each zone that has blocks has its watermark and lowmem reserve."""
        match = self._blocks.match
        tops = selector("node_buddyinfo_blocks", 'size=~"[89]|1[0-7]"', _LARGE, match)
        zones = selector("node_buddyinfo_blocks", 'size="0"', _LARGE, match)
        # Of a kernel without DMA and DMA32, Normal comes earlier in the list of reserves.
        ways = [self._blocks._replace(protections=protections) for protections in ((2,), (2, 1, 0))]
        sizes, all_zones, *marked = run(
            (f"count by (size) ({tops})", f"count({zones})", *(f"count({way.room(LARGE_ZONES)})" for way in ways))
        )
        self._silent.clear()
        self._top = _usual_top(sizes.values)
        wanted, first, every = (answer.values[0].number if answer.values else 0.0 for answer in (all_zones, *marked))
        self._blocks = ways[0] if first == every else ways[1]
        self._careful = self._careful or every != wanted
        self.watermarks = bool(every) or not wanted

    def read(self, run: Run, nodes: Iterable[Key]) -> tuple[dict[Key, Column], tuple[str, ...]]:
        """Return what is known of these nodes and of those that the metrics have besides, and notes."""
        if not self.watermarks:
            return self._without_watermarks(run, nodes)
        answers = run(self._counting())
        counts = self._counts(answers[:2])
        self._silent.difference_update(counts)
        exceptions = {self._key(value.labels) for answer in answers[2:] for value in answer.values}
        if len(exceptions) > _CHUNK:
            self._careful = True
        low = [key for key, numa in counts.items() if key in exceptions or needs_zones(list(numa.values()))]
        low.sort(key=lambda key: sum(counts[key].values()))
        lost = [key for key in nodes if key not in counts and key not in self._silent]
        columns = {key: _column(sum(numa.values()), self._thresholds) for key, numa in counts.items()}
        columns |= dict.fromkeys(lost, _UNKNOWN)
        detailed = (low + lost)[:MAX_DETAILED]
        for start in range(0, len(detailed), _CHUNK):
            columns |= self._details(run, detailed[start : start + _CHUNK])
        for key in self._silent.intersection(lost):
            del columns[key]
        notes = tuple(note for answer in answers for note in answer.notes)
        left = len(low) + len(lost) - len(detailed)
        return columns, (*notes, f"the zones of {left} more nodes that run low are not read") if left else notes

    def history(self, keys: Sequence[Key]) -> str:
        """Return the expression of the available blocks of some nodes."""
        by = ", ".join(self.by)
        one = self._blocks.of(key[0] for key in keys)
        return f"sum by ({by}) ({one.recorded() if self.recorded else one.available_joined(by)})"

    def _counting(self) -> tuple[str, ...]:
        by = ", ".join(self.by)
        blocks = self._blocks
        if self.recorded:
            return (blocks.recorded(),)
        if self._careful:
            return (blocks.available(by, self._top), blocks.available_joined(by, self._top + 1))
        numa = f"{by}, node"
        return (blocks.summed(numa, self._top), blocks.joined(numa, self._top + 1), blocks.exceptions())

    def _without_watermarks(self, run: Run, nodes: Iterable[Key]) -> tuple[dict[Key, Column], tuple[str, ...]]:
        """Return the blocks alone: whether the watermark keeps them is unknown, so a node that has some is not OK."""
        numa = f"{', '.join(self.by)}, node"
        answers = run((self._blocks.summed(numa, self._top), self._blocks.joined(numa, self._top + 1)))
        columns = dict.fromkeys(nodes, _UNKNOWN)
        for key, found in self._counts(answers).items():
            blocks = sum(found.values())
            columns[key] = _UNKNOWN._replace(blocks=blocks) if blocks else _column(blocks, self._thresholds)
        return columns, tuple(note for answer in answers for note in answer.notes)

    def _counts(self, answers: Sequence[Answer]) -> dict[Key, dict[str, float]]:
        """Return the blocks by NUMA node; the answers are added."""
        found: dict[Key, dict[str, float]] = {}
        for answer in answers:
            for labels, number, _ in answer.values:
                numa = found.setdefault(self._key(labels), {})
                name = labels.get("node", "")
                numa[name] = numa.get(name, 0.0) + number
        return found

    def _details(self, run: Run, keys: Sequence[Key]) -> dict[Key, Column]:
        one = self._blocks.of(key[0] for key in keys)
        by = ", ".join(self.by)
        blocks, rooms, free, largest = run(
            (one.joined(f"{by}, node, zone"), one.target_room(), one.free(), one.largest(f"{by}, node, zone"))
        )
        counts, pages = ({self._zone(value): value.number for value in answer.values} for answer in (blocks, free))
        tops = {self._zone(value): int(value.number) for value in largest.values}
        exporting = {key for key, _, _ in tops}
        ordered = {key for key, _, _ in counts}
        zones: dict[Key, list[ZoneCount]] = {}
        orders: dict[Key, int] = {}
        for value in rooms.values:
            place = key, numa, _ = self._zone(value)
            orders[key] = max(orders.get(key, 0), tops.get(place, 0))
            if key in ordered and (number := bounded_int(numa)) is not None and place in pages:
                zones.setdefault(key, []).append(ZoneCount(number, counts.get(place, 0.0), pages[place], value.number))
        columns = {}
        for key in keys:
            if key in zones:
                columns[key] = Column(*count_zones(zones[key], one.order, self._thresholds), orders.get(key))
            elif key in exporting:  # The order does not exist there, or no watermark does.
                columns[key] = _UNKNOWN._replace(largest=orders.get(key))
            elif self.recorded and not blocks.values:
                continue  # Only the recorded series are kept here.
            else:
                self._silent.add(key)
        return columns

    def _key(self, labels: Mapping[str, str]) -> Key:
        return tuple(labels.get(label, "") for label in self.by)

    def _zone(self, value: Value) -> tuple[Key, str, str]:
        return self._key(value.labels), value.labels.get("node", ""), value.labels.get("zone", "")


def _column(blocks: float, thresholds: Thresholds) -> Column:
    return Column(*count_blocks(blocks, thresholds))


def _usual_top(sizes: Iterable[Value]) -> int:
    """Return the highest order of most zones, by how many have each order."""
    counts = {size: value.number for value in sizes if (size := bounded_int(value.labels.get("size"), 17)) is not None}
    return max(counts, key=lambda size: (counts[size] - counts.get(size + 1, 0.0), size), default=10)
