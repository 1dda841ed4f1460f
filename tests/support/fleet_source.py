"""A fleet that is made by rule: a `FleetSource` for the screen, without a server."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fragtui.model.fleet.fleet import Counting, Fleet, FleetError, FleetNode, Points, ranked
from fragtui.model.fleet.series import NodeSeries, ZoneSeries
from fragtui.model.node.verdict import Severity, State

HOSTILE = "[/red]�]0;x"
"""The label ``[/red]`` with an escape, after `printable()`."""
NOW = 1_795_900_000.0
_KINDS = (
    # One node in so many, its state and severity, blocks, largest block's order.
    (100, State.OUT_OF_MEMORY, Severity.CRITICAL, 0, 1),
    (50, State.FRAGMENTED, Severity.CRITICAL, 0, 3),
    (71, State.RESERVED, Severity.CRITICAL, 0, 6),
    (33, State.LOW, Severity.WARNING, 9, 5),
    (97, State.RECOVERING, Severity.WARNING, 40, 6),
    (67, None, None, None, None),
)
_UNKNOWN_OF_RAW = (
    ("failures", "node_exporter does not count failed requests"),
    ("stuck", "node_exporter knows no pods"),
)


class SyntheticFleet:
    """`count` nodes, most of them well; the same at each reading but for the time."""

    def __init__(
        self, count: int = 200, counting: Counting = Counting.GAUGES, order: int = 4, *, lean: bool = False
    ) -> None:
        self.count, self.counting, self.order = count, counting, order
        self.lean = lean
        """Whether no series has the zones of a node."""
        self.host: str | None = None
        """The label ``node`` of every node, if it is not like its name."""
        self.problem: str | None = None
        """Why nothing can be read now."""
        self.asked: list[str] = []
        """What was asked for."""
        self.time = NOW
        self.notes: tuple[str, ...] = ()
        self.left_out: set[str] = set()
        """Names of nodes that the server does not know any more."""

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.problem is not None:
            raise FleetError(self.problem)

    def read(self, *, quick: bool = False) -> Fleet:
        self._ask("fleet")
        gauges = self.counting is Counting.GAUGES
        nodes = [node for node in map(self.row, range(self.count)) if node.name not in self.left_out]
        unknown = () if gauges else _UNKNOWN_OF_RAW
        return Fleet(
            self.time, self.order, 4096 << self.order, self.counting, ranked(nodes), unknown, self.notes, 0.21, 15.0
        )

    def row(self, number: int) -> FleetNode:
        draw = random.Random(number)
        state, severity, blocks, largest = State.OK, Severity.FINE, draw.randrange(60, 60_000), 10
        for every, *kind in _KINDS:
            if number % every == every // 3:
                state, severity, blocks, largest = kind  # type: ignore[assignment]
                break
        known = severity is not None
        bad = severity is Severity.CRITICAL
        gauges = self.counting is Counting.GAUGES
        trend = None if not known else -draw.randrange(1, 400) if severity else float(draw.randrange(-40, 90))
        stale = number % 61 == 40
        labels = {
            "node": self.host or f"node-{number:04d}",
            "pool": ("general", "gpu", "storage")[number % 3],
            "zone": f"eu-{number % 4 + 1}{'abc'[number % 3]}",
            "kernel": ("6.1.0-31", "6.12.9", "6.18.2")[number % 7 % 3],
        }
        if number == 3:
            labels["pool"] = HOSTILE
        return FleetNode(
            f"node-{number:04d}:9917",
            tuple(sorted(labels.items())),
            state if known else None,
            severity,
            None if blocks is None else float(blocks),
            None if largest is None else 4096 << largest,
            trend,
            (float(draw.randrange(1, 40)) if bad else 0.0) if gauges and known else None,
            (float(draw.randrange(0, 4)) if bad else 0.0) if gauges and known else None,
            None if not known else 250.0 + number if stale else float(draw.randrange(1, 15)),
            known and not stale,
            stale,
        )

    def node(self, name: str) -> NodeSeries:
        self._ask(name)
        return self.series(name, self.time)

    def series(self, name: str, time: float) -> NodeSeries:
        number = int(name[5:9])
        row = self.row(number)
        if row.blocks is None or self.lean:
            return NodeSeries(name, time, (), "no free blocks by order; fragtui export without --lean has them")
        draw = random.Random(f"{name} {int(time) // 300}")
        # Half an hour ago every node had blocks.
        state = State.OK if time < self.time - 1500 else row.state
        pages, end = {
            State.OUT_OF_MEMORY: (300, 2),
            State.FRAGMENTED: (900_000, 4),
            State.RESERVED: (9_000, 7),
            State.LOW: (300_000, 6),
        }.get(state or State.OK, (200_000, 11))
        normal = tuple(draw.randrange(max(2, pages >> order + order // 3)) if order < end else 0 for order in range(11))
        dma32 = tuple(count // 9 if row.blocks else 0 for count in normal)
        zones = (
            ("DMA", (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3), 8, 29_000),
            ("DMA32", dma32, 1600, 26_000),
            ("Normal", normal, 15_000, 0),
        )
        return NodeSeries(
            name,
            time,
            tuple(
                ZoneSeries(0, zone, counts, sum(count << order for order, count in enumerate(counts)), low, reserve)
                for zone, counts, low, reserve in zones
            ),
        )

    def node_history(self, name: str, seconds: float) -> tuple[NodeSeries, ...]:
        self._ask(f"{name} {seconds:g}")
        return tuple(self.series(name, self.time - seconds + seconds / 60 * step) for step in range(60))

    def history(self, names: Sequence[str], seconds: float) -> dict[str, Points]:
        self._ask(f"trends {len(names)}")
        found = {}
        for name in names:
            row = self.row(int(name[5:9]))
            if row.blocks is None:
                continue
            draw = random.Random(name)
            now, then = row.blocks, row.blocks + draw.randrange(400) * (1 if row.blocks < 60 else 9)
            found[name] = tuple(
                (
                    self.time - seconds + seconds / 60 * step,
                    max(0.0, then + (now - then) * (step / 59) + draw.randrange(9) - 4),
                )
                for step in range(60)
            )
        return found
