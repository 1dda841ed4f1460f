"""The text of a stuck pod, the same on the screen and in the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fragtui.model.pods.pod_words import advice_words, link_words, reason_words
from fragtui.render.facts import Fact
from fragtui.text import counted, format_duration

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.model.failures.incident import Incident
    from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
    from fragtui.model.state.waiting_pods import WaitingPods

_SHORT_ID = 13
"""Characters of an id as crictl shows them."""
_DUE_SECONDS = 30.0
"""Seconds after its time for which a retry is due; then it is unknown when the kubelet tries."""
_RANK = {"proven": 0, "likely": 1, "possible": 2}


def pod_name(pod: StuckPod) -> str:
    """Return ``namespace/name``, else the uid."""
    if pod.name:
        return f"{pod.namespace or '?'}/{pod.name}"
    return f"pod {pod.uid}" if pod.uid else "unknown pod"


def memory_words(pod: StuckPod) -> str:
    """Return whether the kernel denied the pod memory, with the confidence."""
    if pod.memory is None:
        return "possibly denied" if pod.blamed else "unknown"
    if not pod.memory:
        return "not denied"
    sure = next((link.confidence for link in pod.links if link.refusal), None)
    return f"denied ({sure})" if sure in ("proven", "likely") else "denied"


def stuck_words(pods: WaitingPods) -> str:
    """Return how many pods wait for which cause: ``7 by memory, 4 possibly, 20 for other reasons``; empty if none."""
    counts = (
        (pods.by_memory, "by memory"),
        (pods.possibly, "possibly" if pods.by_memory else "possibly by memory"),
        (pods.unknown, "for an unknown reason"),
        (pods.others, "for other reasons"),
    )
    return ", ".join(f"{len(found):,} {words}" for found, words in counts if found)


def pod_reason(pod: StuckPod) -> str:
    """Return why the pod does not start, from its error and its links to kernel incidents."""
    return reason_words(pod.reason_class, pod.memory)


def state_words(pod: StuckPod, now: float) -> str:
    """Return how long the pod has been stuck at an epoch second, how often it failed and at which stage."""
    seconds = pod.stuck_seconds(now)
    state = "started" if pod.started is not None else "stuck"
    span = "for an unknown time" if seconds is None else f"for {format_duration(seconds)}"
    count = "an unknown number of attempts" if pod.attempts is None else counted(pod.attempts, "failed attempt")
    text = f"{state} {span}, {count}, at the {pod.stage}"
    if pod.started is not None:
        return text
    seconds = seconds_to_try(pod, now)
    if seconds is None:
        return f"{text}; next try unknown: no log says when"
    return f"{text}; next try {_in_words(seconds)}"


def seconds_to_try(pod: StuckPod, now: float) -> float | None:
    """Return in how many seconds the kubelet tries again, about, 0 if it is due; None if that is unknown."""
    if pod.next_try is None or pod.started is not None or now - pod.next_try > _DUE_SECONDS:
        return None
    return max(0.0, pod.next_try - now)


def retry_facts(pod: StuckPod, now: float) -> tuple[Fact, ...]:
    """Return when the kubelet tries again, none if that is unknown."""
    seconds = seconds_to_try(pod, now)
    return () if seconds is None else (Fact("next try", _in_words(seconds)),)


def retry_words(seconds: float) -> str:
    """Return a time until the next try: ``24 s``, ``3 min``, ``now``."""
    if seconds < 1:
        return "now"
    return f"{round(seconds)} s" if seconds < 100 else f"{round(seconds / 60)} min"


def _in_words(seconds: float) -> str:
    return f"in about {retry_words(seconds)}" if seconds >= 1 else "due now"


def pod_facts(pod: StuckPod) -> tuple[Fact, ...]:
    """Return the cause of the failure and what to do."""
    return (
        Fact("cause", pod_reason(pod)),
        Fact("memory", memory_words(pod)),
        Fact("do", advice_words(pod.reason_class, pod.memory)),
        Fact("error", pod.reason or "none reported yet"),
    )


def kernel_facts(pod: StuckPod) -> tuple[Fact, ...]:
    """Return the kernel incidents that the pod is linked to, the most certain first."""
    return tuple(Fact("blocked by", link_words(link)) for link in pod.links)


def history_facts(pod: StuckPod, clock: Callable[[float], str]) -> tuple[Fact, ...]:
    """Return when the pod failed, and the sources; `clock` formats an epoch second."""
    first, last = ("unknown" if time is None else clock(time) for time in (pod.first_failure, pod.last_failure))
    return (
        Fact("first seen", first),
        Fact("last seen", last),
        Fact("reported by", ", ".join(pod.sources) or "no source"),
        Fact("uid", pod.uid or "unknown"),
        Fact("sandboxes", ", ".join(sandbox[:_SHORT_ID] for sandbox in pod.sandbox_ids) or "none seen"),
    )


def linked_pods(pods: StuckPods | None, incidents: Iterable[Incident]) -> tuple[StuckPod, ...]:
    """Return every pod linked to one of the incidents, the most certain first, then by name: the order is stable."""
    ids = {incident.id for incident in incidents}
    linked = {str(pod.ref): pod for incident_id in ids for pod in (pods.linked_to(incident_id) if pods else ())}

    def rank(pod: StuckPod) -> int:
        return min(_RANK[link.confidence] for link in pod.links if link.incident_id in ids)

    return tuple(sorted(linked.values(), key=lambda pod: (rank(pod), str(pod.ref))))


def blocked_pods(pods: StuckPods | None, incidents: Iterable[Incident]) -> tuple[str, ...]:
    """Return each pod that the incidents block, with the confidence and the reason, the most certain first."""
    known = tuple(incidents)
    ids = {incident.id for incident in known}
    return tuple(
        dict.fromkeys(
            f"{pod_name(pod)} ({link.confidence}): {link.why}"
            for pod in linked_pods(pods, known)
            for link in pod.links
            if link.incident_id in ids
        )
    )
