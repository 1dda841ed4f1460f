"""The blocks of all nodes by node_exporter's metrics: a cheap count of all, the zones of those that run low."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from fragtui.model.fleet.counting import ZoneCount, count_blocks, count_zones, needs_zones
from fragtui.model.node.verdict import Severity, State, Thresholds
from fragtui.sources.prometheus.client import MAX_ROWS, Answer, Value
from fragtui.sources.prometheus.queries import HIGHEST, LARGE_ZONES, NUMA, ZONE, Blocks, chunks, numa_node, selector
from fragtui.text import bounded_int

Key = tuple[str, ...]
"""A node: the values of the labels that tell the nodes apart; the first is ``instance``."""
Run = Callable[[Sequence[str]], list[Answer]]
"""Runs expressions, returns their answers in order."""
MAX_DETAILED = 1000
"""Nodes whose zones are read at a refresh. With more exceptions, all zones are joined with their watermarks."""
_MAX_NAMED = 200
"""Nodes that an expression names: each of their zones is a row, and there may be a hundred of a node."""
_MAX_LARGEST = 250
"""Nodes whose largest block is read at a refresh, the worst."""
_ISA_PAGES = 4096
"""Pages of x86's ZONE_DMA, which is not for kernel requests: 16 MiB (arch/x86/include/asm/dma.h)."""
_BOOSTED = 4
"""A boost raises the min watermark to at most so many times itself: watermark_boost_factor is 150 % of the high one."""


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
        self._floors = (0.0, 0.0)
        """The highest floor of the zones of the fleet, and the lowest of those named DMA; pages."""
        self._careful = False
        """Whether the server joins all zones with their watermarks: twice the cost, right for every fleet."""
        self.watermarks = True
        """Whether node_exporter's zoneinfo is collected on any node."""
        self._silent: set[Key] = set()
        """Nodes that export nothing of all this, until the next probe."""

    def probe(self, run: Run) -> None:
        """Look whether each zone that has blocks has its watermark and lowmem reserve."""
        zones = selector("node_buddyinfo_blocks", 'size="0"', f'zone=~"{LARGE_ZONES}"', self._blocks.match)
        # Of a kernel without DMA and DMA32, Normal comes earlier in the list of reserves.
        ways = [self._blocks._replace(protections=protections) for protections in ((2,), (2, 1, 0))]
        all_zones, first, every, highest, lowest = (
            answer.values
            for answer in run(
                (
                    f"count({zones})",
                    *(f"count({way.room(LARGE_ZONES)})" for way in ways),
                    f"max({ways[1].floor(LARGE_ZONES, _BOOSTED)})",
                    f"min({ways[1].floor('DMA')})",
                )
            )
        )
        self._silent.clear()
        marked = every[0].number if every else 0.0
        self._blocks = ways[0] if first and first[0].number == marked else ways[1]
        self._careful = self._careful or marked != (all_zones[0].number if all_zones else 0.0)
        self._floors = (highest[0].number if highest else 0.0, lowest[0].number if lowest else 0.0)
        self.watermarks = bool(marked) or not all_zones

    def read(self, run: Run, nodes: Iterable[Key], *, quick: bool = False) -> tuple[dict[Key, Column], tuple[str, ...]]:
        """Return what is known of these nodes and of those that the metrics have besides, and notes.

        If `quick`, the blocks alone, which say nothing of the state unless recording rules count none or many.
        """
        if not self.watermarks or (quick and not self.recorded):
            return self._without_watermarks(run, nodes, quick)
        counting, near = self._counting()
        answers = run([*counting, *near])
        counts = self._whole(answers[: len(counting)])
        self._silent.difference_update(counts)
        # A dict, because it keeps the order.
        lost = {key: None for key in nodes if key not in counts and key not in self._silent}
        columns = {key: _column(sum(numa.values()), self._thresholds) for key, numa in counts.items()}
        columns |= dict.fromkeys(lost, _UNKNOWN)
        notes = [note for answer in answers for note in answer.notes]
        low = sorted((key for key, numa in counts.items() if needs_zones(list(numa.values()))), key=_sum_of(counts))
        if quick:  # A NUMA node without blocks may make a node critical that has thousands.
            columns |= {key: _UNKNOWN._replace(blocks=columns[key].blocks) for key in low if columns[key].blocks}
            return columns, tuple(notes)
        found = [self._key(value.labels) for answer in answers[len(counting) :] for value in answer.values]
        if not near:
            found = low
        exceptions, pages = self._near_watermark(run, list(dict.fromkeys([*found, *lost])), low)
        for key in low[:MAX_DETAILED]:
            if key not in exceptions:
                columns[key] = self._open_node(counts[key], pages.get(key))
        detailed = [*exceptions, *(key for key in lost if key not in exceptions)]
        if len(exceptions) > MAX_DETAILED:
            self._careful = True
        columns |= self._details(run, detailed[:MAX_DETAILED], lost.keys())
        for key in self._silent.intersection(lost):
            del columns[key]
        self._add_largest(run, columns)
        left = max(0, len(low) - MAX_DETAILED) + max(0, len(detailed) - MAX_DETAILED)
        if left:
            notes.append(f"the zones of {left} more nodes that run low are not read")
        return columns, tuple(notes)

    def _near_watermark(self, run: Run, near: list[Key], low: list[Key]) -> tuple[dict[Key, None], dict[Key, float]]:
        """Return those whose zones are exceptions, and the free pages of those that run low."""
        by, whole = ", ".join(self.by), self._blocks
        parts = self._parts(near, whole.times) if len(near) <= MAX_DETAILED else [whole]
        found, pages = _values(
            run,
            [part.exceptions() for part in parts],
            [f"sum by ({by}) ({part.free(LARGE_ZONES)})" for part in self._parts(low[:MAX_DETAILED])],
        )
        return (
            dict.fromkeys(self._key(value.labels) for value in found),
            {self._key(value.labels): value.number for value in pages},
        )

    def _parts(self, keys: Iterable[Key], times: int = 1) -> list[Blocks]:
        """Return the expressions for some nodes, as many in each as it may name so many times."""
        whole, every = self._blocks, list(keys)
        some = (every[start : start + _MAX_NAMED] for start in range(0, len(every), _MAX_NAMED))
        return [whole.of(key[0] for key in chunk) for part in some for chunk in chunks(part, times, whole.match)]

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
        zone = f"{', '.join(self.by)}, {ZONE}"
        largest, rooms = _values(
            run,
            [part.largest(zone) for part in self._parts(bad[:_MAX_LARGEST])],
            [part.target_room() for part in self._parts(bad[:_MAX_LARGEST], self._blocks.times)],
        )
        targets = {self._zone(value) for value in rooms}
        for value in largest:
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
        by, parts = ", ".join(self.by), self._parts(keys, self._blocks.times)
        return [f"sum by ({by}) ({part.recorded() if self.recorded else part.available(by)})" for part in parts]

    def _counting(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the expressions that count blocks, and that of the zones that may be exceptions, if there is one."""
        by = ", ".join(self.by)
        if self.recorded:
            return (self._blocks.recorded(),), ()
        if self._careful:
            return (self._blocks.available(by),), ()
        return self._blocks.halves(f"{by}, {NUMA}", LARGE_ZONES), (self._blocks.near(*self._floors),)

    def _without_watermarks(
        self, run: Run, nodes: Iterable[Key], quick: bool
    ) -> tuple[dict[Key, Column], tuple[str, ...]]:
        """Return the blocks alone: whether the watermark keeps them is unknown, so a node that has some is not OK."""
        numa = f"{', '.join(self.by)}, {NUMA}"
        answers = run(self._blocks.halves(numa, LARGE_ZONES))
        counts = {key: sum(found.values()) for key, found in self._whole(answers).items()}
        if not quick and (none := [key for key, blocks in counts.items() if not blocks]):
            more = run([part.summed(numa, "DMA") for part in self._parts(none)])
            in_dma = {key: sum(found.values()) for key, found in self._counts(more).items()}
            answers = [*answers, *more]
            # Where DMA is not x86's, it is like Normal. A node of the same instance is in the answers too.
            size = 1 << self._blocks.order
            counts |= {key: in_dma[key] for key in none if in_dma.get(key, 0.0) * size > _ISA_PAGES}
        columns = dict.fromkeys(nodes, _UNKNOWN)
        for key, blocks in counts.items():
            columns[key] = _UNKNOWN._replace(blocks=blocks) if blocks or quick else _column(blocks, self._thresholds)
        return columns, tuple(note for answer in answers for note in answer.notes)

    def _whole(self, halves: Sequence[Answer]) -> dict[Key, dict[str, float]]:
        """Return the blocks by NUMA node; not of nodes that are cut off one half only: its blocks would be none."""
        counts = self._counts(halves)
        if any(len(half.values) >= MAX_ROWS for half in halves):
            rows = Counter(
                (self._key(value.labels), numa_node(value.labels)) for half in halves for value in half.values
            )
            for (key, _), number in rows.items():
                if number < len(halves):
                    counts.pop(key, None)
        return counts

    def _counts(self, answers: Iterable[Answer]) -> dict[Key, dict[str, float]]:
        """Return the blocks by NUMA node; the answers are added."""
        found: dict[Key, dict[str, float]] = {}
        for answer in answers:
            for labels, number, _ in answer.values:
                numa = found.setdefault(self._key(labels), {})
                name = numa_node(labels)
                numa[name] = numa.get(name, 0.0) + number
        return found

    def _details(self, run: Run, keys: Sequence[Key], lost: Set[Key]) -> dict[Key, Column]:
        """Return the state of nodes by their zones; those of `lost` have none of the order, or export nothing."""
        zone = f"{', '.join(self.by)}, {ZONE}"
        blocks, rooms, free, exported = _values(
            run,
            [part.summed(zone) for part in self._parts(keys)],
            [part.target_room() for part in self._parts(keys, self._blocks.times)],
            [part.free() for part in self._parts(keys)],
            [
                selector("node_buddyinfo_blocks", 'size="0"', part.match)
                for part in self._parts(key for key in keys if key in lost)
            ],
        )
        counts, pages = ({self._zone(value): value.number for value in values} for values in (blocks, free))
        exporting = {self._key(value.labels) for value in exported}
        ordered = {key for key, _, _ in counts}
        zones: dict[Key, list[ZoneCount]] = {}
        for value in rooms:
            place = key, numa, _ = self._zone(value)
            if key in ordered and (number := bounded_int(numa)) is not None and place in pages:
                zones.setdefault(key, []).append(ZoneCount(number, counts.get(place, 0.0), pages[place], value.number))
        columns = {}
        for key in keys:
            if key in zones:
                columns[key] = Column(*count_zones(zones[key], self._blocks.order, self._thresholds))
            elif key in exporting or key not in lost:  # The order does not exist there, or no watermark does.
                columns[key] = _UNKNOWN
            elif not self.recorded or exporting:  # Else only the recorded series are kept here.
                self._silent.add(key)
        return columns

    def _zone(self, value: Value) -> tuple[Key, str, str]:
        return self._key(value.labels), numa_node(value.labels), value.labels.get("zone", "")


def _values(run: Run, *kinds: Sequence[str]) -> list[list[Value]]:
    """Return the values of each kind of expressions; all are asked at once."""
    answers = iter(run([expression for kind in kinds for expression in kind]))
    return [[value for _ in kind for value in next(answers).values] for kind in kinds]


def _sum_of(counts: Mapping[Key, Mapping[str, float]]) -> Callable[[Key], float]:
    return lambda key: sum(counts[key].values())


def _column(blocks: float, thresholds: Thresholds) -> Column:
    return Column(*count_blocks(blocks, thresholds))
