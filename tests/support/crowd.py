"""Many failures and many pods, as on a node of 8 NUMA nodes that has been fragmented for an hour."""

from __future__ import annotations

from fragtui.cluster.failure_reason import UNKNOWN_REASON, classify
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import PodLink, StuckPod, StuckPods
from tests.support.incidents import kernel_incident

FAILURES, PODS, BY_MEMORY = 131, 26, 7
TASKS = ("runc:[1:CHILD]", "[/red]evil[b]", "日本語プロセス", "dockerd", "x" * 15)
LONG = "payments-production-eu-central/checkout-recommendation-service-canary-deployment-02-7f9c6d5b8-x"


def failure(number: int, began: float = 1_700_000_000.0) -> Incident:
    """Return one of many failures, 22 s after the one before."""
    return kernel_incident(
        ReportKind.OOM if number == 60 else ReportKind.ALLOCATION_FAILURE,
        time=began + 22 * number,
        comm=TASKS[number % 5],
        order=4 + number % 3,
        cause="vhost" if number % 2 else None,
        id=f"k{number}",
    )


def failures(count: int = FAILURES) -> KernelLogUpdate:
    """Return an update with that many failures."""
    return KernelLogUpdate(tuple(failure(number) for number in range(count)), (), 0, (), "kern.log", None)


def pod(name: str, since: float | None, confidence: str | None, incident: str = "k130") -> StuckPod:
    """Return a pod that is stuck with a link of that confidence; None for an image that could not be pulled."""
    namespace, _, short = name.rpartition("/")
    links = (PodLink(incident, confidence, "runc requested it"),) if confidence else ()
    reason = UNKNOWN_REASON if confidence else classify('failed to pull image "pause:3.9": dial tcp: i/o timeout')
    memory = True if confidence in ("proven", "likely") else None if confidence else False
    return StuckPod(
        PodRef(namespace, short),
        since,
        reason,
        memory,
        "",
        "sandbox",
        6,
        since,
        since,
        links=links,
        sources=("kubelet",),
    )


def pods(count: int = PODS) -> PodUpdate:
    """Return an update with that many pods, the first seven of them by memory, in no order."""
    confidences = ("likely", "proven", "likely", "proven", "possible", "likely", "likely", *[None] * count)
    stuck = [pod(f"{LONG}{n:03d}z", 1_700_000_000.0 + n % 5, confidences[n]) for n in range(count)]
    return PodUpdate(StuckPods(tuple(reversed(stuck))), (SourceState("kubelet log", "live", ""),))
