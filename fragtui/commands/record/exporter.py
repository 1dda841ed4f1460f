"""The state of the exporter between scrapes, and its collector for prometheus-client."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fragtui import __version__
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_counts import FailureCounts, count_by_cause
from fragtui.model.failures.kernel_log_status import KernelLogStatus
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import Sight, SourceState
from fragtui.model.node.verdict import COSTLY_ORDER, Thresholds, judge_node
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.remedy.remedy_history import episodes
from fragtui.model.state.node_state import node_state
from fragtui.model.state.waiting_pods import waiting_pods
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.render.metrics import (
    Family,
    class_gauge,
    denied_counters,
    failure_counter,
    logged_failures,
    node_metrics,
    pod_gauge,
    remedy_counter,
)
from fragtui.render.prometheus.lean import lean_metrics, lean_orders
from fragtui.render.source_text import pods_sight
from fragtui.sources.files.host_files import pod_node_name
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.ring import read_ring

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector, CollectorRegistry


class NodeSource:
    """Samples the node at each scrape, one scrape at a time; updates may arrive on other threads.

    With `counting`, failures are counted from now on; without, the failures in the kernel's ring are reported. With
    `lean`, only `lean_metrics` are: neither logs nor pods nor the audit log are read.
    """

    def __init__(
        self,
        root: Path,
        order: int | None,
        audit: Path | None,
        thresholds: Thresholds,
        *,
        counting: bool = False,
        lean: bool = False,
    ) -> None:
        self._lock = threading.Lock()
        self.reader = NodeReader(root)
        self._order = order
        self._thresholds = thresholds
        self._audit = AuditLog(audit_path(audit, root))
        self._lean = lean
        self._counts = FailureCounts(time.time()) if counting else None
        self._failed_order: int | None = None
        self._log = KernelLogStatus()
        self._node = pod_node_name() if self.reader.live else None
        self._pods: PodUpdate | None = None
        self._trace: TraceTally | None = None

    def kernel_log(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log."""
        with self._lock:
            self._log.take(update)
            if self._counts is not None:
                self._counts.take(update, time.monotonic())
            for incident in update.incidents:
                if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.order:
                    self._failed_order = incident.order

    def pod_update(self, update: PodUpdate) -> None:
        """Take an update of the pods."""
        with self._lock:
            self._pods = update

    def trace(self, batch: TraceBatch) -> None:
        """Take what a trace brought."""
        with self._lock:
            if self._trace is None:
                self._trace = TraceTally(batch.time)
            self._trace.take(batch)

    def families(self) -> Iterator[Family]:
        """Sample the node and yield all metrics; unknown values have no sample. In a pod each names its node."""
        with self._lock:
            for family in self._lean_families() if self._lean else self._families():
                yield family if self._node is None else family.labelled("node", self._node)

    def _families(self) -> Iterator[Family]:
        if self._counts is None:
            yield from self._logged()
        wanted = self._order if self._order is not None else self._failed_order
        order = COSTLY_ORDER if wanted is None else wanted
        snapshot = self.reader.sample_for(order)
        judgement = judge_node(snapshot, order, self._thresholds)
        record = self._audit.read()
        audit = SourceState("audit log", "live" if record.entries or not record.problems else "absent", "")
        seen = self._pods is not None and _can_tell(self._pods)
        pods = waiting_pods(self._pods.stuck) if self._pods is not None and seen else None
        logs = (self._log.state, audit) if self._counts is not None or self.reader.live else (audit,)
        yield from node_metrics(
            snapshot,
            node_state(snapshot, judgement, pods=pods),
            __version__,
            (*logs, *(self._pods.sources if self._pods is not None else ())),
        )
        if self._counts is not None and self._log.state.sight is Sight.LOOKED:
            yield failure_counter(self._counts.totals(time.monotonic()))
        if self._trace is not None and self._trace.running:
            orders = max((len(zone.free_blocks) for zone in snapshot.zones or ()), default=0)
            yield from denied_counters(self._trace, orders)
        if self._pods is not None and seen:
            yield pod_gauge(self._pods.stuck)
            yield class_gauge(self._pods.stuck)
        if audit.sight is Sight.LOOKED:
            yield remedy_counter(episodes(record.entries))

    def _lean_families(self) -> tuple[Family, ...]:
        snapshot = self.reader.sample(page_types=not self.reader.live)
        orders = lean_orders(snapshot, COSTLY_ORDER if self._order is None else self._order)
        states = [node_state(snapshot, judge_node(snapshot, order, self._thresholds)) for order in orders]
        return lean_metrics(snapshot, states, __version__)

    def _logged(self) -> Iterator[Family]:
        if not self.reader.live:
            return
        update = read_ring(self.reader.root)
        self._log.take(update)
        if update.problem is None:
            for incident in update.incidents:
                if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.order:
                    self._failed_order = incident.order
            yield logged_failures(count_by_cause(update.incidents))


def _can_tell(update: PodUpdate) -> bool:
    """Return whether any source of pods works: without one, those that were stuck may have started."""
    seen = any(source.sight is Sight.LOOKED and source.name != "crictl" for source in update.sources)
    return pods_sight(update.sources) is Sight.LOOKED or (bool(update.stuck.pods) and seen)


class Exporter:
    """A collector of prometheus-client."""

    def __init__(self, source: NodeSource) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its present value."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415  # Of the extra prom.

        for family in list(self._source.families()):
            kind = CounterMetricFamily if family.counter else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=family.labels)
            for labels, value in family.samples:
                metric.add_metric(labels, value)
            yield metric


def registry_of(source: NodeSource) -> CollectorRegistry:
    """Return a registry with this source alone: metrics of the exporter's own process are not exported."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  # Of the extra prom.

    registry = CollectorRegistry()
    registry.register(cast("Collector", Exporter(source)))
    return registry
