"""Lines of the kubelet -> observations of pod starts."""

from __future__ import annotations

import re

from fragtui.cluster.error_ids import container_id_in, pids_in, pod_in, sandbox_id_in
from fragtui.cluster.event_reasons import failure_of_event, sync_failure
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef, dashed_uid, long_ref, slashed_ref
from fragtui.logs.klog import KlogLine, seconds_near

_FAILURE_STEPS = (
    ("RunPodSandbox from runtime service failed", "runtime"),
    ("Failed to create sandbox for pod", "sandbox"),
    ("CreatePodSandbox for pod", "sandbox"),
    ("createPodSandbox for pod", "manager"),
)
"""glog's second line and klog's third start with the same words: klog's has ``failed`` in its message, see
`_failure_step`."""
_SYNC = ("Error syncing pod", "Unable to attach or mount volumes for pod", "Unable to mount volumes for pod")
_VOLUME = re.compile(
    r'^Operation for "\{?.{0,600}?failed\. No retries permitted until .{0,200}?[Ee]rror: ((?:Mount|Map|Attach)V.*)',
    re.DOTALL,
)
_VOLUME_POD = re.compile(r'pod "([a-z0-9][a-z0-9.\-]{0,252})" \(UID: "([0-9a-f\-]{32,36})"\)')
_BEGINS = re.compile(r"^No (?:ready )?sandbox for pod\b")
_LIFECYCLE = re.compile(r'"?ID"?:\s*"?([0-9a-f\-]{32,36})"?,? *"?Type"?:\s*"?(\w+)"?,? *"?Data"?:\s*"?([0-9a-f]{64})')
_SYNC_LOOP = re.compile(r"^SyncLoop \(?(DELETE|REMOVE)\b")
_EVENT_REF = re.compile(r'Kind:"Pod", Namespace:"([^"]*)", Name:"([^"]*)", UID:"([^"]*)"')
_EVENT_REASON = re.compile(r"reason: '(\w++)'\s*+(.*)")


def read_kubelet_line(klog: KlogLine, time: float | None, line: int | None) -> tuple[PodObservation, ...]:
    """Return the observations of the line, empty for the many that are not about a pod's start. Never raises.

    `time` is the log format's timestamp in epoch seconds; the line's own microseconds refine it.
    """
    if time is not None:
        time = seconds_near(time, klog.second_of_day)
    message, fields = klog.message, klog.fields
    error = fields.get("err", "") if fields else message
    pod = _pod_of(klog)
    step = _failure_step(klog)
    if step is not None:
        return (_failed(step, pod, time, line, error),)
    if message.startswith(_SYNC):
        return _sync_error(pod, time, line, error)
    if message.startswith("Operation for ") and (volume := _VOLUME.match(message)) is not None:
        named = _VOLUME_POD.search(message)
        return (_failed("volume", PodRef(None, named[1], named[2]), time, line, volume[1]),) if named else ()
    if _BEGINS.match(message):
        return (PodObservation(PodFact.BEGINS, "kubelet", "begins", pod, time, line),) if pod else ()
    if message.startswith("SyncLoop"):
        return _sync_loop(klog, pod, time, line)
    if message == "Event occurred":
        return _own_event(fields.get("reason", ""), fields.get("message", ""), pod, time, line)
    if message.startswith("Event(") and (match := _EVENT_REF.search(message)) is not None:
        pod = PodRef(match.group(1) or None, match.group(2) or None, dashed_uid(match.group(3)))
        event = _EVENT_REASON.search(message)
        return _own_event(event.group(1), event.group(2), pod, time, line) if event else ()
    return ()


def _pod_of(klog: KlogLine) -> PodRef:
    fields = klog.fields
    if not fields:
        return pod_in(klog.message)
    uid = fields.get("podUID") or None
    named = slashed_ref(fields.get("pod", "") or fields.get("object", ""), uid)
    inside = pod_in(fields.get("err", ""))
    if named is None:
        return inside if inside else PodRef(uid=dashed_uid(uid))
    return named.merged_with(inside) if named.may_be(inside) else named


def _failure_step(klog: KlogLine) -> str | None:
    for beginning, step in _FAILURE_STEPS:
        if klog.message.startswith(beginning):
            structured_manager = beginning == "CreatePodSandbox for pod" and bool(klog.fields)
            return "manager" if structured_manager else step
    return None


def _failed(
    step: str, pod: PodRef, time: float | None, line: int | None, error: str, *, stage: str = "sandbox"
) -> PodObservation:
    return PodObservation(
        PodFact.FAILED,
        "kubelet",
        step,
        pod,
        time,
        line,
        error,
        sandbox_id=sandbox_id_in(error),
        container_id=container_id_in(error) if stage == "sandbox" else None,
        stage=stage,
        pids=pids_in(error),
    )


def _sync_error(pod: PodRef, time: float | None, line: int | None, error: str) -> tuple[PodObservation, ...]:
    failure = sync_failure(error)
    if failure is None:
        return ()
    stage, text = failure
    return (_failed("worker", pod, time, line, text, stage=stage),)


def _sync_loop(klog: KlogLine, pod: PodRef, time: float | None, line: int | None) -> tuple[PodObservation, ...]:
    text = klog.fields.get("event", "") if klog.fields else klog.message
    lifecycle = _LIFECYCLE.search(text)
    if lifecycle is not None:
        uid, kind, what = lifecycle.groups()
        pod = pod.merged_with(PodRef(uid=dashed_uid(uid)))
        fact = {"ContainerStarted": PodFact.SANDBOX_RUNS, "ContainerDied": PodFact.DIED}.get(kind)
        if fact is None:
            return ()
        return (PodObservation(fact, "kubelet", "pleg", pod, time, line, container_id=what),)
    if _SYNC_LOOP.match(klog.message):
        listed = klog.fields.get("pods", "") if klog.fields else klog.message
        return tuple(PodObservation(PodFact.GONE, "kubelet", "sync", gone, time, line) for gone in _listed_pods(listed))
    return ()


def _listed_pods(listed: str) -> list[PodRef]:
    pods = []
    for part in re.split(r"[\s,\[\]\"]+", listed):
        pod = slashed_ref(part) if "/" in part else long_ref(part)
        if pod:
            pods.append(pod)
    return pods[:256]


def _own_event(reason: str, text: str, pod: PodRef, time: float | None, line: int | None) -> tuple[PodObservation, ...]:
    failure = failure_of_event(reason, text) if pod else None
    if failure is None:
        return ()
    return (_failed("event", pod, time, line, failure[1], stage=failure[0]),)
