"""The fleet as a Prometheus knows it: one small query for each column, joined by node."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from fragtui.model.fleet.fleet import Counting, Fleet, FleetError, Points, ranked
from fragtui.model.fleet.series import NodeSeries
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.sources.prometheus import queries
from fragtui.sources.prometheus.client import NOW, Answer, PrometheusClient
from fragtui.sources.prometheus.gauge_blocks import GaugeBlocks
from fragtui.sources.prometheus.known_nodes import Columns, KnownNodes
from fragtui.sources.prometheus.node_series import read_node, read_node_history
from fragtui.sources.prometheus.queries import one_of, selector
from fragtui.sources.prometheus.raw_blocks import Key, RawBlocks
from fragtui.text import counted, printable

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
_SAMPLED = 50
"""Nodes whose newest sample is looked at in each reading, to twice as many."""
_GAPS = 3
"""Scrapes that the interval is measured by."""
_LATER = "being read"
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
        self._quick = False
        """Whether the last reading was."""
        self._targets = ""
        """The selector of ``up`` of the nodes."""
        self._sample = ""
        """That of some of them. Where one has no new sample and is not down, its scraper is, and has others."""
        self._known = KnownNodes()
        self._blocks: GaugeBlocks | RawBlocks | None = None
        self._kind: tuple[Counting, tuple[str, ...]] | None = None
        """What `_blocks` is for."""
        self._interval: float | None = None
        self._trends: dict[Key, float] = {}
        self._unused = ""

    def probe(self) -> Counting:
        """Return where the blocks are read from; `read` looks by itself, and again now and then.

        Raises `FleetError` if no node exports any of the metrics.
        """
        # Each has one series a node, or a NUMA node.
        series = {
            Counting.GAUGES: queries.gauge("severity", self.order, self._match),
            Counting.RULES: f"max by (instance, job) ({queries.Blocks(self.order, self._match).recorded()})",
            Counting.RAW: " or ".join(
                selector("node_buddyinfo_blocks", 'size="0"', 'zone="Normal"', f'{label}="0"', self._match)
                for label in queries.NUMA.split(", ")
            ),
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
        self._unused = f"the verdict of fragtui itself on {counted(ours, 'node')} is not used: the others have none"
        if not ours or chosen is Counting.GAUGES:
            self._unused = ""
        self._targets = selector("up", one_of("job", sorted(jobs[chosen])), self._match)
        self._counting = chosen
        return chosen

    def read(self, *, quick: bool = False) -> Fleet:
        """Return all nodes now; `quick` reads only what ranks them: see `FleetSource`."""
        started = time.monotonic()
        if quick:
            self._blocks = None
        if quick or self._quick:  # A quick reading leaves only names to the next one, which may fail.
            self._readings = 0
            self._known.forget()
        self._quick = quick
        if renewed := self._readings % _RENEWED == 0:
            self._renew()
        if renewed or self._interval is None:
            self._interval = self._read_interval()
        targets = len(self._known.targets)
        self._readings += 1
        assert self._counting is not None
        assert self._blocks is not None
        known, by = self._known, ", ".join(self._known.by)
        failed = selector("fragtui_allocation_failures_total", self._match)
        denied = selector("fragtui_stuck_pods", 'memory="refused"', self._match)
        answers = self._client.query_all(
            (
                NOW,
                f"min(timestamp({self._sample}))",
                f"sum by ({by}) (increase({failed}[15m]))",
                f"sum by ({by}) ({denied})",
                *((f"{self._targets} == 0",) if not quick else ()),
            )
        )
        clock, oldest, failures, stuck, *lost = answers
        now = self._client.time_of(clock)
        # The targets have just been read, with the same failures.
        down = known.failing if quick else known.column(lost[0].values)
        up = [key for key in known.targets if key not in down]
        blocks, notes = self._blocks.read(self._client.query_all, up, quick=quick)
        strangers = [] if quick else known.strangers(down)
        for some in queries.chunks(strangers[:_MAX_STRANGERS], 2, self._match):
            self._introduce(some)
        late = self._late(now, clock, oldest)
        failed_by, stuck_by = known.column(failures.values), known.column(stuck.values)
        columns = Columns(blocks, down, late, self._trends, failed_by, stuck_by)
        nodes = ranked(known.joined(now, self._interval, columns))
        if len(known.targets) > targets:  # The labels of the new ones are not known.
            self._readings = 0
        notes = (*(note for answer in answers for note in answer.notes), *notes)
        if known.merged:
            notes = (f"{known.merged} of the targets have the labels of another one and are counted with it", *notes)
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
            quick=quick,
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
        if not keys or self._blocks is None:
            return {}
        now = self._client.time_of(self._client.query(NOW))
        step = max(seconds / _HISTORY_POINTS, self._interval or 15.0)
        expressions = self._blocks.histories(list(keys))
        rows = [row for each in expressions for row in self._client.query_past(each, now, seconds, step)]
        # A server may answer with more than it was asked for.
        return {
            keys[key]: row.points[-_HISTORY_POINTS - 1 :]
            for row in rows
            if (key := self._known.key(row.labels)) in keys
        }

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
        if counting is Counting.GAUGES and not self._quick:
            wanted.append(selector("fragtui_build_info", self._match))
        targets, *infos = self._client.query_all(wanted)
        self._known.renew(targets.values, [value for answer in infos for value in answer.values])
        every = list(self._known.targets)
        some = next(queries.chunks(every[:: max(1, len(every) // _SAMPLED)], 1, self._match), [])
        self._sample = selector("up", one_of("instance", (key[0] for key in some)), self._match)
        by = ", ".join(self._known.by)
        kind = (counting, self._known.by)
        if self._blocks is None or kind != self._kind:
            self._blocks, self._kind = self._new_blocks(counting), kind
        self._trends = {}
        if self._quick:
            return
        self._blocks.probe(self._client.query_all)
        if counting is not Counting.RAW:
            gauges = counting is Counting.GAUGES
            series = queries.gauge("target_blocks", self.order, self._match) if gauges else queries.recorded(self.order)
            # Recorded series may lack the labels of `match`; without it, other nodes would fill the answer.
            only = "" if gauges or not self._match else f" and on (instance, job) {selector('up', self._match)}"
            trend = f"sum by ({by}) (deriv({series}[1h]) * 3600 and {series} offset 10m{only})"
            self._trends = self._known.column(self._client.query(trend).values)

    def _read_interval(self) -> float | None:
        """Return the seconds between two scrapes of a target; None if it has been scraped once."""
        if (key := self._known.scraped) is None:
            return None
        newest = f"timestamp({selector('up', self._only(key))})"
        times: list[float] = []
        for _ in range(_GAPS + 1):
            # Just before a sample, the newest one is the one before.
            values = self._client.query(newest, times[-1] - 0.001 if times else None).values
            if not values or (times and values[0].number >= times[-1]):
                break
            times.append(values[0].number)
        return median(a - b for a, b in pairwise(times)) if len(times) > 1 else None

    def _new_blocks(self, counting: Counting) -> GaugeBlocks | RawBlocks:
        by = self._known.by
        if counting is Counting.GAUGES:
            return GaugeBlocks(self.order, self._match, by)
        recorded = counting is Counting.RULES
        return RawBlocks(self.order, self._match, by, self._thresholds, self.page_size, recorded=recorded)

    def _late(self, now: float, clock: Answer, oldest: Answer) -> dict[Key, float]:
        """Return the age of the newest sample of the targets that have none within two intervals.

        VictoriaMetrics leaves out the samples of the last 30 seconds, its -search.latencyOffset.
        """
        least = min(now, clock.values[0].number) - 2 * (self._interval or _USUAL_INTERVAL) - _SLACK
        if not oldest.values or oldest.values[0].number >= least:
            return {}
        values = self._client.query(f"timestamp({self._targets}) < {least:.3f}").values
        return {key: now - at for key, at in self._known.column(values).items()}

    def _introduce(self, keys: Sequence[Key]) -> None:
        """Have the server look for when these nodes, which are down, were seen last, and for their state then."""
        assert self._blocks is not None
        up = selector("up", one_of("instance", (key[0] for key in keys)), self._match)
        step = max(1, round(self._interval or _USUAL_INTERVAL))
        window = min(_MEMORY_SECONDS, _MEMORY_STEPS * step)
        by = ", ".join(self._known.by)
        newest = f"max by ({by}) (max_over_time((timestamp({up}) * {up})[{window}s:{step}s]))"
        seen = self._known.column(self._client.query(newest).values)
        self._known.introduce(keys, seen, self._blocks.last_known(self._client.query_all, keys, _MEMORY_SECONDS))

    def _place(self, name: str) -> str:
        """Return the matchers of a node. Raises `FleetError` if no reading had it."""
        if (key := self._known.keys.get(name)) is None:
            raise FleetError(f"{printable(name, 100)}: no node of the fleet has this name")
        return self._only(key)

    def _only(self, key: Key) -> str:
        """Return the matchers of one node; nodes that `match` does not select may have the same labels besides."""
        return ",".join(filter(None, (queries.equal(dict(zip(self._known.by, key, strict=True))), self._match)))

    def _unknown(self, columns: Columns) -> tuple[tuple[str, str], ...]:
        """Return the columns that no node has, and why."""
        found = []
        if self._quick:
            later = ("largest", "trend") if self._counting is Counting.GAUGES else ("state", "largest", "trend")
            found += [(column, _LATER) for column in later]
        elif isinstance(self._blocks, RawBlocks):
            what = "by blocks and watermark; blocks of CMA, atomic reserves and the boost are not known"
            found.append(("state", what if self._blocks.watermarks else "node_exporter needs --collector.zoneinfo"))
            found.append(("largest", "read only of nodes that run low"))
        elif not any(column.largest for column in columns.blocks.values()):
            found.append(("largest", "no node exports it"))
        if not columns.trend and not self._quick:
            raw, young = self._counting is Counting.RAW, "the series are younger than 10 minutes"
            found.append(("trend", "it needs recording rules or fragtui export" if raw else young))
        found += [
            (name, _NO_COUNT)
            for name, column in (("failures", columns.failures), ("stuck", columns.stuck))
            if not column
        ]
        return tuple(found)
