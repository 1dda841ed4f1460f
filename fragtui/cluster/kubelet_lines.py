"""Lines of the kubelet -> observations of pod starts."""

from __future__ import annotations

import re
from dataclasses import replace

from fragtui.cluster.error_ids import container_id_in, pids_in, pod_in, sandbox_id_in
from fragtui.cluster.event_reasons import failure_of_event, sync_failure
from fragtui.cluster.observation import VOLUME_STEP, PodFact, PodObservation
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
_BEGINS = re.compile(r"^No (?:ready )?sandbox for pod\b")
_LIFECYCLE = re.compile(r'"?ID"?:\s*"?([0-9a-f\-]{32,36})"?,? *"?Type"?:\s*"?(\w+)"?,? *"?Data"?:\s*"?([0-9a-f]{64})')
_SYNC_LOOP = re.compile(r"^SyncLoop \(?(DELETE|REMOVE)\b")
_EVENT_REF = re.compile(r'Kind:"Pod", Namespace:"([^"]*)", Name:"([^"]*)", UID:"([^"]*)"')
_EVENT_REASON = re.compile(r"reason: '(\w++)'\s*+(.*)")
_RETRY = re.compile(r"\(durationBeforeRetry ([0-9hms.]{1,16})\)")
_BACK_OFF = re.compile(r"\bback-off ([0-9hms.]{1,16}) restarting failed container")
_GO_DURATION = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,4})m(?!s))?(?:([0-9]{1,4}(?:\.[0-9]{1,9})?)(m?)s)?")
_OF_VOLUME = re.compile(r'\bpodName:([0-9a-f\-]{32,36})|\bpod "([^"]{1,253})" \(UID: "([0-9a-f\-]{32,36})"\)')
_VOLUME_STEPS = ("MountVolume.", "MapVolume.", "MountDevice", "AttachVolume.")
_OWNER = re.compile(r' \((?:UniqueName|spec\.Name): [^)]{0,600}\)| pod [\\"]+[^"\\]{1,253}[\\"]+ \(UID: [^)]{1,60}\)')
"""What the error says of volume and pod before its reason, and the pod's event does not."""
_CONTAINER_NAME = re.compile(r'failed to "\w+" for "([a-z0-9][a-z0-9\-]{0,62})" with')
_SYNC_SECONDS, _NETWORK_SECONDS = 12.0, 1.0
"""After a failed sync the kubelet waits 10 to 15 s, or 1 to 1.5 s for its network: pkg/kubelet/pod_workers.go,
completeWork (1.3 to 1.34)."""


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
    if message.startswith("Operation for"):
        return _volume_error(message, time, line)
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
        back_off = _BACK_OFF.search(error)
        return _retries(pod, time, line, back_off[1]) if back_off else ()
    stage, text = failure
    named = _CONTAINER_NAME.match(text) if stage == "container" else None
    failed = _failed("worker", pod, time, line, text, stage=stage)
    return (replace(failed, container=named[1] if named else None, next_try=_after_sync(time, error)),)


def _after_sync(time: float | None, error: str) -> float | None:
    wait = _NETWORK_SECONDS if "network is not ready" in error else _SYNC_SECONDS
    return None if time is None else time + wait


def _retries(pod: PodRef, time: float | None, line: int | None, wait: str) -> tuple[PodObservation, ...]:
    seconds = _seconds(wait)
    if not pod or time is None or seconds is None:
        return ()
    return (PodObservation(PodFact.RETRIES, "kubelet", "retry", pod, time, line, next_try=time + seconds),)


def _volume_error(message: str, time: float | None, line: int | None) -> tuple[PodObservation, ...]:
    """Return the failed operation on a pod's volume, and when the kubelet tries it again; only that of another one."""
    pod, error = _pod_of_volume(message), message.partition("Error: ")[2].lstrip('"')
    wait = match[1] if (match := _RETRY.search(message)) is not None else ""
    if not pod or error.startswith("Un"):  # Unmounting: the pod goes.
        return ()
    if not error.startswith(_VOLUME_STEPS):
        return _retries(pod, time, line, wait)
    seconds = _seconds(wait)
    failed = _failed(VOLUME_STEP, pod, time, line, _OWNER.sub("", error))
    return (replace(failed, next_try=None if time is None or seconds is None else time + seconds),)


def _pod_of_volume(message: str) -> PodRef:
    """Return the pod of a failed volume operation; its name is after the error's beginning."""
    pod = PodRef()
    for uid, name, uid_too in _OF_VOLUME.findall(message):
        pod = pod.merged_with(PodRef(None, name or None, dashed_uid(uid or uid_too)))
    return pod


def _seconds(text: str) -> float | None:
    """Return the seconds of a duration as Go prints it: ``500ms``, ``32s``, ``1m4s``, ``2m2s``."""
    match = _GO_DURATION.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, seconds, milli = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0) / (1000 if milli else 1)


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
