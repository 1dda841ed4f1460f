"""The blocks of all nodes by node_exporter's metrics: a cheap count of all, the zones of those that run low."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from fragtui.model.fleet.counting import ZoneCount, count_blocks, count_zones, needs_zones
from fragtui.model.node.verdict import Severity, State, Thresholds
from fragtui.sources.prometheus.client import Answer, Value
from fragtui.sources.prometheus.queries import HIGHEST, LARGE_ZONES, Blocks, chunks, selector
from fragtui.text import bounded_int

Key = tuple[str, ...]
"""A node: the values of the labels that tell the nodes apart; the first is ``instance``."""
Run = Callable[[Sequence[str]], list[Answer]]
"""Runs expressions, returns their answers in order."""
MAX_DETAILED = 1000
"""Nodes whose zones are read at a refresh. With more exceptions, all zones are joined with their watermarks."""
_MAX_LARGEST = 250
"""Nodes whose largest block is read at a refresh, the worst."""
_BOOSTED = 4
"""A boost raises the min watermark to at most so many times itself: watermark_boost_factor is 150 % of the high one."""
_LARGE = f'zone=~"{LARGE_ZONES}"'


def key_function(by: Sequence[str]) -> Callable[[Mapping[str, str]], Key]:
    """Return what gives the key of a series: thousands are read at each refresh."""
    if len(by) == 2:
        first, second = by
        return lambda labels: (labels.get(first, ""), labels.get(second, ""))
    return lambda labels: tuple([labels.get(label, "") for label in by])


class Column(NamedTuple):
    """What the metrics say of one node."""

    state: State | None
    severity: Severity
    blocks: float | None
    largest: int | None = None
    """Bytes of the largest free block; None if it was not read."""


_UNKNOWN = Column(State.UNKNOWN, Severity.UNKNOWN, None)


class RawBlocks:
    """Counts the blocks of an order."""

    def __init__(
        self, order: int, match: str, by: Sequence[str], thresholds: Thresholds, page_size: int, *, recorded: bool
    ) -> None:
        """`by` are the labels of a `Key`; with `recorded`, recording rules count the blocks of all nodes."""
        self._blocks = Blocks(order, match)
        self.by = tuple(by)
        self._key = key_function(by)
        self._thresholds = thresholds
        self._page_size = page_size
        self.recorded = recorded
        self._top = 10
        self._floors = (0.0, 0.0)
        """The highest floor of the zones of the fleet, and the lowest of those named DMA; pages."""
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
        sizes, all_zones, first, every, highest, lowest = (
            answer.values
            for answer in run(
                (
                    f"count by (size) ({tops})",
                    f"count({zones})",
                    *(f"count({way.room(LARGE_ZONES)})" for way in ways),
                    f"max({ways[1].floor(LARGE_ZONES, _BOOSTED)})",
                    f"min({ways[1].floor('DMA')})",
                )
            )
        )
        self._silent.clear()
        self._top = _usual_top(sizes)
        marked = every[0].number if every else 0.0
        self._blocks = ways[0] if first and first[0].number == marked else ways[1]
        self._careful = self._careful or marked != (all_zones[0].number if all_zones else 0.0)
        self._floors = (highest[0].number if highest else 0.0, lowest[0].number if lowest else 0.0)
        self.watermarks = bool(marked) or not all_zones

    def read(self, run: Run, nodes: Iterable[Key]) -> tuple[dict[Key, Column], tuple[str, ...]]:
        """Return what is known of these nodes and of those that the metrics have besides, and notes."""
        if not self.watermarks:
            return self._without_watermarks(run, nodes)
        answers = run(self._counting())
        counts = self._counts(answers[:2])
        self._silent.difference_update(counts)
        # A dict, because it keeps the order.
        lost = {key: None for key in nodes if key not in counts and key not in self._silent}
        low = sorted((key for key, numa in counts.items() if needs_zones(list(numa.values()))), key=_sum_of(counts))
        columns = {key: _column(sum(numa.values()), self._thresholds) for key, numa in counts.items()}
        columns |= dict.fromkeys(lost, _UNKNOWN)
        near = [self._key(value.labels) for answer in answers[2:] for value in answer.values]
        exceptions, pages = self._near_watermark(
            run, [*dict.fromkeys([*near, *([] if answers[2:] else low), *lost])], low
        )
        for key in low[:MAX_DETAILED]:
            if key not in exceptions:
                columns[key] = self._open_node(counts[key], pages.get(key))
        detailed = [*exceptions, *(key for key in lost if key not in exceptions)]
        if len(exceptions) > MAX_DETAILED:
            self._careful = True
        for chunk in chunks(detailed[:MAX_DETAILED], 20, self._blocks.match):
            columns |= self._details(run, chunk, lost.keys())
        for key in self._silent.intersection(lost):
            del columns[key]
        self._add_largest(run, columns)
        left = max(0, len(low) - MAX_DETAILED) + max(0, len(detailed) - MAX_DETAILED)
        notes = [note for answer in answers for note in answer.notes]
        if left:
            notes.append(f"the zones of {left} more nodes that run low are not read")
        return columns, tuple(notes)

    def _near_watermark(self, run: Run, near: list[Key], low: list[Key]) -> tuple[dict[Key, None], dict[Key, float]]:
        """Return those whose zones are exceptions, and the free pages of those that run low."""
        by, whole = ", ".join(self.by), self._blocks
        parts = [whole.of(key[0] for key in chunk) for chunk in chunks(near, 8, self._blocks.match)]
        expressions = [part.exceptions() for part in (parts if len(near) <= MAX_DETAILED else [whole])]
        some = (whole.of(key[0] for key in chunk) for chunk in chunks(low[:MAX_DETAILED], 1, self._blocks.match))
        sums = [f"sum by ({by}) ({part.free(LARGE_ZONES)})" for part in some]
        answers = run([*expressions, *sums])
        found = [value for answer in answers[: len(expressions)] for value in answer.values]
        pages = [value for answer in answers[len(expressions) :] for value in answer.values]
        return (
            dict.fromkeys(self._key(value.labels) for value in found),
            {self._key(value.labels): value.number for value in pages},
        )

    def _open_node(self, numa: Mapping[str, float], pages: float | None) -> Column:
        """Return the state of a node whose zones are above their watermarks, but for ZONE_DMA."""
        if pages is None:
            return _column(sum(numa.values()), self._thresholds)
        order = self._blocks.order
        # Its free pages are needed in total only.
        zones = [
            ZoneCount(number, blocks, pages if not number else 0.0, float(1 << order))
            for number, blocks in enumerate(numa.values())
        ]
        return Column(*count_zones(zones, order, self._thresholds))

    def _add_largest(self, run: Run, columns: dict[Key, Column]) -> None:
        """Add the largest block of the worst nodes, of the zones that count."""
        bad = [
            key for key, column in columns.items() if column.severity is not Severity.FINE and key not in self._silent
        ]
        bad.sort(key=lambda key: columns[key].blocks or 0.0)
        for chunk in chunks(bad[:_MAX_LARGEST], 20, self._blocks.match):
            one = self._blocks.of(key[0] for key in chunk)
            largest, rooms = run((one.largest(f"{', '.join(self.by)}, node, zone"), one.target_room()))
            targets = {self._zone(value) for value in rooms.values}
            for value in largest.values:
                key, _, _ = place = self._zone(value)
                if place in targets and key in columns and 0 <= value.number <= HIGHEST:
                    column = columns[key]
                    size = self._page_size << int(value.number)
                    columns[key] = column._replace(largest=max(column.largest or 0, size))

    def last_known(self, _: Run, __: Sequence[Key], ___: int) -> dict[Key, Column]:
        """Return nothing: what node_exporter exported last is not worth its cost."""
        return {}

    def histories(self, keys: Sequence[Key]) -> list[str]:
        """Return expressions of the available blocks of some nodes."""
        by = ", ".join(self.by)
        parts = (self._blocks.of(key[0] for key in chunk) for chunk in chunks(keys, 24, self._blocks.match))
        return [f"sum by ({by}) ({one.recorded() if self.recorded else one.available_joined(by)})" for one in parts]

    def _counting(self) -> tuple[str, ...]:
        by = ", ".join(self.by)
        blocks = self._blocks
        if self.recorded:
            return (blocks.recorded(),)
        if self._careful:
            return (blocks.available(by, self._top), blocks.available_joined(by, self._top + 1))
        numa = f"{by}, node"
        return (blocks.summed(numa, self._top), blocks.joined(numa, self._top + 1), blocks.near(*self._floors))

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

    def _details(self, run: Run, keys: Sequence[Key], lost: Set[Key]) -> dict[Key, Column]:
        """Return the state of nodes by their zones; those of `lost` have none of the order, or export nothing."""
        one = self._blocks.of(key[0] for key in keys)
        expressions = [one.joined(f"{', '.join(self.by)}, node, zone"), one.target_room(), one.free()]
        if not lost.isdisjoint(keys):
            expressions.append(selector("node_buddyinfo_blocks", 'size="0"', one.match))
        blocks, rooms, free, *exported = run(expressions)
        counts, pages = ({self._zone(value): value.number for value in answer.values} for answer in (blocks, free))
        exporting = {self._key(value.labels) for answer in exported for value in answer.values}
        ordered = {key for key, _, _ in counts}
        zones: dict[Key, list[ZoneCount]] = {}
        for value in rooms.values:
            place = key, numa, _ = self._zone(value)
            if key in ordered and (number := bounded_int(numa)) is not None and place in pages:
                zones.setdefault(key, []).append(ZoneCount(number, counts.get(place, 0.0), pages[place], value.number))
        columns = {}
        for key in keys:
            if key in zones:
                columns[key] = Column(*count_zones(zones[key], one.order, self._thresholds))
            elif key in exporting or key not in lost:  # The order does not exist there, or no watermark does.
                columns[key] = _UNKNOWN
            elif not self.recorded or exporting:  # Else only the recorded series are kept here.
                self._silent.add(key)
        return columns

    def _zone(self, value: Value) -> tuple[Key, str, str]:
        return self._key(value.labels), value.labels.get("node", ""), value.labels.get("zone", "")


def _sum_of(counts: Mapping[Key, Mapping[str, float]]) -> Callable[[Key], float]:
    return lambda key: sum(counts[key].values())


def _column(blocks: float, thresholds: Thresholds) -> Column:
    return Column(*count_blocks(blocks, thresholds))


def _usual_top(sizes: Iterable[Value]) -> int:
    """Return the highest order of most zones, by how many have each order."""
    counts = {size: value.number for value in sizes if (size := bounded_int(value.labels.get("size"), 17)) is not None}
    return max(counts, key=lambda size: (counts[size] - counts.get(size + 1, 0.0), size), default=10)
