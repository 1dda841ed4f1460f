"""Metrics of the node, named by the conventions of Prometheus. An unknown value has no sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fragtui.model.node.indices import largest_order
from fragtui.model.node.snapshot import NO_PSI, Snapshot
from fragtui.model.node.source_state import Sight, SourceState
from fragtui.model.node.verdict import NodeJudgement, State, ZoneJudgement, node_verdict
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.model.pods.stuck_pods import PodCause, StuckPods
from fragtui.model.remedy.remedy_history import Episode
from fragtui.model.state.node_state import NodeState
from fragtui.model.tracing.trace_tally import TraceTally

Sample = tuple[tuple[str, ...], float]
"""Label values in the order of the family's labels, and the value."""
_Values = Callable[[ZoneJudgement], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples. The name of a counter lacks its ``_total``."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    counter: bool = False

    def labelled(self, label: str, value: str) -> Family:
        """Return the same with one more label, first, in every sample."""
        samples = tuple(((value, *values), number) for values, number in self.samples)
        return replace(self, labels=(label, *self.labels), samples=samples)


def node_metrics(
    snapshot: Snapshot, state: NodeState, version: str, sources: Sequence[SourceState] = ()
) -> tuple[Family, ...]:
    """Return the metrics of one sample; `sources` are the logs and those of pods."""
    judgement = state.judgement
    size = snapshot.host.page_size
    order = (str(judgement.order),)
    zone = ("numa_node", "zone")
    zones = judgement.zones
    gauges = [
        Family("fragtui_build_info", "Version of fragtui; always 1.", ("version",), (((version,), 1.0),)),
        Family(
            "fragtui_severity",
            "0 fine, 1 few blocks of the target order or only after a wait, 2 requests may fail, 3 unknown.",
            ("order",),
            ((order, float(state.severity)),),
        ),
        Family(
            "fragtui_state",
            "State of the node for the target order: 1 for the state that holds, 0 for the others.",
            ("order", "state"),
            tuple(((*order, name.value), float(name is state.state)) for name in State),
        ),
        Family(
            "fragtui_bare_numa_nodes",
            "NUMA nodes without a block of the target order though another one has some.",
            ("order",),
            ((order, float(len(judgement.nodes_without))),) if judgement.state is not State.UNKNOWN else (),
        ),
        Family(
            "fragtui_source_up",
            "Whether the source has delivered: 1 or 0; no sample if the node has none or it is not needed.",
            ("source",),
            (*_files_up(snapshot), *_sources_up(sources)),
        ),
        Family(
            "fragtui_free_blocks",
            "Free blocks of exactly this order.",
            (*zone, "order"),
            _per_order(zones, lambda zone: zone.zone.free_blocks),
        ),
        Family(
            "fragtui_unusable_index",
            "Share of the zone's free memory in blocks too small for the order, 0 to 1.",
            (*zone, "order"),
            _per_order(zones, lambda zone: [index / 1000 for index in zone.unusable]),
        ),
        Family(
            "fragtui_fragmentation_index",
            "Why a request would fail: towards 0 lack of memory, towards 1 fragmentation; -1 it would not fail.",
            (*zone, "order"),
            _per_order(zones, lambda zone: [index / 1000 for index in zone.fragmentation]),
        ),
        Family(
            "fragtui_zone_order_available",
            "Whether a GFP_KERNEL request of the order succeeds in the zone at once, by its watermarks: 1 or 0.",
            (*zone, "order"),
            _per_order(
                tuple(zone for zone in zones if zone.serves_kernel),
                lambda zone: [float(verdict is Verdict.AVAILABLE) for verdict in zone.kernel],
            ),
        ),
        Family(
            "fragtui_order_available",
            "Whether a request of the order succeeds at once in any zone of the node: 1 or 0.",
            ("request", "order"),
            tuple(_available(judgement)),
        ),
        Family(
            "fragtui_order_verdict",
            "Verdict on a request of the order: 1 for the verdict that holds, 0 for the others.",
            ("request", "order", "verdict"),
            tuple(_verdicts(judgement)),
        ),
        Family(
            "fragtui_largest_free_bytes",
            "Size of the largest free block, regardless of the watermarks.",
            zone,
            tuple(
                ((str(zone.zone.node), zone.zone.name), float(0 if top is None else size << top))
                for zone in zones
                for top in (largest_order(zone.zone.free_blocks),)
            ),
        ),
    ]
    if judgement.blocks is not None:
        blocks = ((order, float(judgement.blocks)),)
        gauges.append(
            Family("fragtui_target_blocks", "Blocks of the target order free for requests at once.", ("order",), blocks)
        )
    return tuple(gauges)


def failure_counter(totals: Mapping[str, int]) -> Family:
    """Return the failures since the exporter started, by cause."""
    samples = tuple(((cause,), float(count)) for cause, count in sorted(totals.items()))
    text = "Failed requests that the kernel reported since the exporter started; a lower bound."
    return Family("fragtui_allocation_failures", text, ("cause",), samples, counter=True)


def denied_counters(tally: TraceTally, orders: int) -> tuple[Family, ...]:
    """Return the denied requests since the trace began, by order, zeros included, and the events that were lost."""
    counts: dict[int | None, int] = dict.fromkeys(range(orders), 0)
    counts |= tally.denied_by_order
    samples = tuple(
        (("unknown" if order is None else str(order),), float(count))
        for order, count in sorted(counts.items(), key=lambda item: -1 if item[0] is None else item[0])
    )
    text = "Requests denied memory since the exporter began to trace, logged or not; most have a fallback."
    lost = "Events of the trace that the kernel dropped; if any, the denied requests are a lower bound."
    return (
        Family("fragtui_denied_requests", text, ("order",), samples, counter=True),
        Family("fragtui_trace_lost_events", lost, (), (((), float(tally.lost)),), counter=True),
    )


def logged_failures(totals: Mapping[str, int]) -> Family:
    """Return the failures in the log of the last day. Their number can fall, so it is a gauge."""
    samples = tuple(((cause,), float(count)) for cause, count in sorted(totals.items()))
    text = "Failed requests in the kernel log of the last day; a lower bound."
    return Family("fragtui_logged_allocation_failures", text, ("cause",), samples)


def pod_gauge(pods: StuckPods) -> Family:
    """Return the number of stuck pods, by whether the kernel denied them memory."""
    names = {PodCause.MEMORY: "refused", PodCause.OTHER: "other"}
    counts = Counter(names.get(pod.cause, "unknown") for pod in pods.pods)
    text = "Pods of this node that do not start; memory=refused: the kernel denied them memory."
    return Family(
        "fragtui_stuck_pods", text, ("memory",), tuple(((n,), float(counts[n])) for n in (*names.values(), "unknown"))
    )


def class_gauge(pods: StuckPods) -> Family:
    """Return the number of stuck pods by the class of the reason, those that occur."""
    counts = Counter(pod.reason_class.name for pod in pods.pods)
    text = "Pods of this node that do not start, by the class of the reason; sum: fragtui_stuck_pods."
    samples = tuple(((name,), float(count)) for name, count in sorted(counts.items()))
    return Family("fragtui_stuck_pods_by_class", text, ("class",), samples)


def remedy_counter(episodes: tuple[Episode, ...]) -> Family:
    """Return the remedies in the audit log, by result."""
    ends = Counter(
        (episode.intent.remedy, episode.ended.result.value if episode.ended else "unknown") for episode in episodes
    )
    samples = tuple((key, float(count)) for key, count in sorted(ends.items()))
    return Family("fragtui_remedies", "Remedies in the audit log.", ("remedy", "result"), samples, counter=True)


def _files_up(snapshot: Snapshot) -> Iterator[Sample]:
    """Yield the files that are needed: not migratetypes that were not asked for, nor the PSI that a kernel lacks."""
    for name in ("buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo", "vmstat", "pressure/memory"):
        why = snapshot.why(name)
        if name == "pagetypeinfo" and (snapshot.page_types is None if why is None else why.startswith("not read")):
            continue
        if name != "pressure/memory" or why not in NO_PSI:
            yield (name,), float(why is None)


def _sources_up(sources: Sequence[SourceState]) -> Iterator[Sample]:
    """Yield the sources that this node has and that are not switched off: one that is still waited for is not up."""
    for source in sources:
        if source.sight is not Sight.NOTHING and source.state != "off":
            yield (source.name.lower().replace(" ", "_"),), float(source.sight is Sight.LOOKED)


def _per_order(zones: tuple[ZoneJudgement, ...], values: _Values) -> tuple[Sample, ...]:
    return tuple(
        ((str(zone.zone.node), zone.zone.name, str(order)), float(value))
        for zone in zones
        for order, value in enumerate(values(zone))
    )


def _verdicts(judgement: NodeJudgement) -> list[Sample]:
    serving = [zone for zone in judgement.zones if zone.target]
    orders = max((len(zone.zone.free_blocks) for zone in serving), default=0)
    return [
        ((request.value, str(order), verdict.value), float(verdict is current))
        for request in RequestKind
        for order in range(orders)
        for current in (node_verdict(serving, request, order),)
        for verdict in Verdict
    ]


def _available(judgement: NodeJudgement) -> list[Sample]:
    serving = [zone for zone in judgement.zones if zone.target]
    orders = max((len(zone.zone.free_blocks) for zone in serving), default=0)
    return [
        (
            (request.value, str(order)),
            float(any(zone.verdict(request, order) is Verdict.AVAILABLE for zone in serving)),
        )
        for request in RequestKind
        for order in range(orders)
    ]
