"""The fleet as a Prometheus knows it: one small query for each column, joined by node."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from fragtui.model.fleet.fleet import Counting, Fleet, FleetError, Points, ranked
from fragtui.model.fleet.series import NodeSeries
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Severity, State, Thresholds
from fragtui.sources.prometheus import queries
from fragtui.sources.prometheus.client import NOW, Answer, PrometheusClient, Value
from fragtui.sources.prometheus.known_nodes import Columns, KnownNodes
from fragtui.sources.prometheus.node_series import read_node, read_node_history
from fragtui.sources.prometheus.queries import one_of, selector
from fragtui.sources.prometheus.raw_blocks import Column, Key, RawBlocks
from fragtui.text import printable

MAX_HISTORIES = 50
_RENEWED = 10
"""Readings after which labels and trends are read again, and the metrics are looked for."""
_HISTORY_POINTS = 60
_MAX_STRANGERS = 250
_MEMORY_SECONDS, _MEMORY_STEPS = 3600, 240
"""How long ago a node that is down is looked for."""
_USUAL_INTERVAL = 30.0
_SLACK = 1.0
"""Seconds that a scrape may be late."""
_GAPS = 3
"""Scrapes that the interval is measured by."""
_BY_VALUE = {severity.value: severity for severity in Severity}
_STATES = {state.value: state for state in State}
_OF_SEVERITY = {Severity.FINE: State.OK, Severity.UNKNOWN: State.UNKNOWN}
_NO_COUNT = "fragtui export without --lean counts them"


class FleetReader:
    """Reads a fleet; see `FleetSource` of the model. Every method raises only `FleetError`."""

    def __init__(
        self,
        client: PrometheusClient,
        order: int,
        *,
        match: str = "",
        page_size: int = 4096,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        counting: Counting | None = None,
    ) -> None:
        """`match` are matchers of labels: ``cluster="x",pool=~"gpu.*"``, with or without braces.

        `counting` is where the blocks are to be read from; None: where most nodes are. Raises `FleetError` for an order
        that no kernel has.
        """
        if order > queries.HIGHEST:
            raise FleetError(f"no kernel has blocks of order {order}; the highest is {queries.HIGHEST}")
        self._client = client
        self.order = order
        self.page_size = page_size
        self._match = match.strip().removeprefix("{").removesuffix("}").strip(" ,")
        self._thresholds = thresholds
        self._asked = counting
        self._counting: Counting | None = None
        self._readings = 0
        self._targets = ""
        """The selector of ``up`` of the nodes."""
        self._known = KnownNodes()
        self._raw: RawBlocks | None = None
        self._interval: float | None = None
        self._trends: dict[Key, float] = {}
        self._largest: dict[Key, float] = {}
        self._bad: set[str] = set()
        """Instances that were not OK at the last reading."""
        self._of_order = f'order="{order}"'
        self._unused = ""

    def probe(self) -> Counting:
        """Return where the blocks are read from; `read` looks by itself, and again now and then.

        Raises `FleetError` if no node exports any of the metrics.
        """
        # Each has one series a node, or a NUMA node.
        series = {
            Counting.GAUGES: selector("fragtui_severity", self._of_order, self._match),
            Counting.RULES: f"max by (instance, job) ({queries.Blocks(self.order, self._match).recorded()})",
            Counting.RAW: selector("node_buddyinfo_blocks", 'size="0"', 'zone="Normal"', 'node="0"', self._match),
        }
        found = self._by_job(series.values())
        if not any(found):
            found[-1:] = self._by_job([selector("node_buddyinfo_blocks", 'size="0"', self._match)])
        jobs = dict(zip(series, found, strict=True))
        counts = {way: sum(numbers.values()) for way, numbers in jobs.items()}
        # The first of those with the most nodes: a few nodes with fragtui must not hide the others.
        chosen = self._asked or max(counts, key=lambda way: counts[way])
        if not counts[chosen]:
            raise FleetError(self._nothing())
        ours = int(counts[Counting.GAUGES])
        self._unused = f"the verdict of fragtui itself on {ours} nodes is not used: the others have none"
        if not ours or chosen is Counting.GAUGES:
            self._unused = ""
        self._targets = selector("up", one_of("job", sorted(jobs[chosen])), self._match)
        self._counting = chosen
        return chosen

    def read(self) -> Fleet:
        """Return all nodes now."""
        started = time.monotonic()
        if renew := self._readings % _RENEWED == 0:
            self._renew()
        targets = len(self._known.targets)
        self._readings += 1
        assert self._counting is not None
        known, by = self._known, ", ".join(self._known.by)
        failed = selector("fragtui_allocation_failures_total", self._match)
        denied = selector("fragtui_stuck_pods", 'memory="refused"', self._match)
        late = 2 * (self._interval or _USUAL_INTERVAL) + _SLACK
        expressions = [
            NOW,
            f"{self._targets} == 0 or (time() - timestamp({self._targets}) > {late:.3f})",
            f"sum by ({by}) (increase({failed}[15m]))",
            f"sum by ({by}) ({denied})",
        ]
        if self._counting is Counting.GAUGES:
            expressions += [
                queries.packed(self.order, by, self._match),
                queries.unknown(self.order, self._match),
                queries.states(self.order, by, self._match),
            ]
            # Of nodes that are OK, now and then does.
            bad = "" if renew else one_of("instance", self._bad)
            expressions.append(f"max by ({by}) ({selector('fragtui_largest_free_bytes', bad, self._match)})")
        answers = self._client.query_all(expressions)
        clock, lost, failures, stuck, *own = answers
        now = self._client.time_of(clock)
        ages = known.column(lost.values)
        downs = [key for key, age in ages.items() if not age]
        notes = [note for answer in answers for note in answer.notes]
        if self._raw is None:
            blocks = self._gauges(*own[:3])
            self._largest |= known.column(own[3].values)
        else:
            up = [key for key in known.targets if ages.get(key) != 0]
            blocks, raw_notes = self._raw.read(self._client.query_all, up)
            notes += raw_notes
            self._largest = {
                key: float(self.page_size << column.largest)
                for key, column in blocks.items()
                if column.largest is not None
            }
        if strangers := known.strangers(downs)[:_MAX_STRANGERS]:
            self._introduce(strangers)
        columns = Columns(
            blocks,
            downs,
            {key: age for key, age in ages.items() if age},
            self._largest,
            self._trends,
            known.column(failures.values),
            known.column(stuck.values),
        )
        nodes = ranked(known.joined(now, self._interval, columns))
        worst = [node.name for node in nodes[:_MAX_STRANGERS] if node.severity is not Severity.FINE]
        self._bad = {known.keys[name][0] for name in worst if name in known.keys}
        if len(known.targets) > targets:  # The labels of new ones are not known.
            self._readings = 0
        return Fleet(
            time=now,
            order=self.order,
            block_bytes=self.page_size << self.order,
            counting=self._counting,
            nodes=nodes,
            unknown=self._unknown(columns),
            notes=tuple(dict.fromkeys(filter(None, (self._unused, *notes)))),
            took=time.monotonic() - started,
            interval=self._interval,
        )

    def node(self, name: str) -> NodeSeries:
        """Return the free blocks of one node now."""
        return read_node(self._client, name, self._place(name))

    def node_history(self, name: str, seconds: float) -> tuple[NodeSeries, ...]:
        """Return the free blocks of one node in the last seconds, oldest first."""
        return read_node_history(self._client, name, self._place(name), seconds, self._interval)

    def history(self, names: Sequence[str], seconds: float) -> dict[str, Points]:
        """Return the blocks of at most `MAX_HISTORIES` nodes in the last seconds."""
        keys = {key: name for name in names[:MAX_HISTORIES] if (key := self._known.keys.get(name)) is not None}
        if not keys:
            return {}
        if self._raw is None:
            instances = one_of("instance", {key[0] for key in keys})
            blocks = selector("fragtui_target_blocks", self._of_order, instances, self._match)
            expression = f"max by ({', '.join(self._known.by)}) ({blocks})"
        else:
            expression = self._raw.history(list(keys))
        now = self._client.time_of(self._client.query(NOW))
        step = max(seconds / _HISTORY_POINTS, self._interval or 15.0)
        rows = self._client.query_past(expression, now, seconds, step)
        return {keys[key]: row.points for row in rows if (key := self._known.key(row.labels)) in keys}

    def _by_job(self, expressions: Iterable[str]) -> list[dict[str, float]]:
        """Return how many series there are, by the label ``job``."""
        answers = self._client.query_all([f"count by (job) ({expression})" for expression in expressions])
        return [{value.labels.get("job", ""): value.number for value in answer.values} for answer in answers]

    def _nothing(self) -> str:
        orders = self._client.query(f"count by (order) ({selector('fragtui_severity', self._match)})").values
        if orders:
            names = sorted((value.labels.get("order", "") for value in orders), key=lambda name: (len(name), name))
            return f"no node exports order {self.order}; they export {printable(', '.join(names), 100)}"
        where = f" that {{{printable(self._match, 100)}}} selects" if self._match else ""
        return f"no node{where} exports metrics of fragtui, or of node_exporter with --collector.buddyinfo"

    def _newest(self) -> str:
        """Return the expression of the time of each target's newest sample; 0 if the last scrape failed."""
        return f"timestamp({self._targets}) * {self._targets}"

    def _renew(self) -> None:
        """Look for metrics and targets, and read what changes slowly."""
        counting = self.probe()
        wanted = [self._newest()]
        if counting is Counting.GAUGES:
            wanted.append(selector("fragtui_build_info", self._match))
        targets, *infos = self._client.query_all(wanted)
        self._known.renew(targets.values, [value for answer in infos for value in answer.values])
        by = ", ".join(self._known.by)
        series = selector("fragtui_target_blocks", self._of_order, self._match)
        if counting is Counting.GAUGES:
            self._raw = None
        else:
            recorded = counting is Counting.RULES
            if self._raw is None or self._raw.by != self._known.by or self._raw.recorded != recorded:
                self._raw = RawBlocks(self.order, self._match, self._known.by, self._thresholds, recorded=recorded)
            self._raw.probe(self._client.query_all)
            series = queries.recorded(self.order)
        self._trends, self._largest = {}, {}
        if counting is not Counting.RAW:
            trend = f"sum by ({by}) (deriv({series}[1h]) * 3600 and {series} offset 10m)"
            self._trends = self._known.column(self._client.query(trend).values)
        self._interval = self._read_interval(targets.values)

    def _read_interval(self, targets: Sequence[Value]) -> float | None:
        """Return the seconds between two scrapes of a target; None if it has been scraped once."""
        up = next((value for value in targets if value.number), None)
        if up is None:
            return None
        names = {label: up.labels[label] for label in self._known.by if label in up.labels}
        newest = f"timestamp({selector('up', queries.equal(names))})"
        times = [up.number]
        for _ in range(_GAPS):
            # Just before a sample, the newest one is the one before.
            values = self._client.query(newest, times[-1] - 0.001).values
            if not values or values[0].number >= times[-1]:
                break
            times.append(values[0].number)
        return median(b - a for b, a in pairwise(times)) if len(times) > 1 else None

    def _introduce(self, keys: Sequence[Key]) -> None:
        """Have the server look for when these nodes, which are down, were seen last, and for their state then."""
        by, instances = ", ".join(self._known.by), one_of("instance", {key[0] for key in keys})
        up = selector("up", instances, self._match)
        step = max(1, round(self._interval or _USUAL_INTERVAL))
        window = min(_MEMORY_SECONDS, _MEMORY_STEPS * step)
        wanted = [f"max by ({by}) (max_over_time((timestamp({up}) * {up})[{window}s:{step}s]))"]
        if self._counting is Counting.GAUGES:
            match = ",".join(filter(None, (instances, self._match)))
            wanted.append(queries.packed(self.order, by, match, f"{_MEMORY_SECONDS}s"))
        newest, *packed = self._client.query_all(wanted)
        seen = self._known.column(newest.values)
        self._known.introduce(keys, seen, self._gauges(packed[0], Answer([]), Answer([])) if packed else {})

    def _gauges(self, packed: Answer, unknown: Answer, bad: Answer) -> dict[Key, Column]:
        states = {self._known.key(value.labels): _STATES.get(value.labels.get("state", "")) for value in bad.values}
        found = dict.fromkeys(self._known.column(unknown.values), Column(State.UNKNOWN, Severity.UNKNOWN, None))
        for key, number in self._known.column(packed.values).items():
            value, blocks = queries.unpacked(number)
            severity = _BY_VALUE[value]
            found[key] = Column(states.get(key) or _OF_SEVERITY.get(severity), severity, blocks)
        return found

    def _place(self, name: str) -> str:
        """Return the matchers of a node. Raises `FleetError` if no reading had it."""
        if (key := self._known.keys.get(name)) is None:
            raise FleetError(f"{printable(name, 100)}: no node of the fleet has this name")
        return queries.equal(dict(zip(self._known.by, key, strict=True)))

    def _unknown(self, columns: Columns) -> tuple[tuple[str, str], ...]:
        """Return the columns that no node has, and why."""
        found = []
        if self._raw is not None:
            what = "by blocks and watermark; blocks of CMA, atomic reserves and the boost are not known"
            found.append(("state", what if self._raw.watermarks else "node_exporter needs --collector.zoneinfo"))
        if not columns.trend:
            raw = self._raw is not None and not self._raw.recorded
            young = "the series are younger than 10 minutes"
            found.append(("trend", "it needs recording rules or fragtui export" if raw else young))
        if self._raw is not None:
            found.append(("largest", "read only of nodes that run low"))
        elif not columns.largest:
            found.append(("largest", "no node exports it"))
        found += [
            (name, _NO_COUNT)
            for name, column in (("failures", columns.failures), ("stuck", columns.stuck))
            if not column
        ]
        return tuple(found)
