"""Pod and Event objects of the Kubernetes API (parsed JSON) -> observations of pod starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fragtui.cluster.error_ids import container_id_in, pids_in, sandbox_id_in
from fragtui.cluster.event_reasons import failure_of_event
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.logs.timestamps import rfc3339_time
from fragtui.text import printable

_ERROR_LIMIT = 4000
_MAX_COUNTED = (1 << 31) - 1
"""The field is an int32."""
_CONTAINER_WAITS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "CreateContainerError",
        "CreateContainerConfigError",
        "RunContainerError",
    }
)
_MIRROR = "kubernetes.io/config.mirror"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any, limit: int = 300) -> str | None:
    return printable(value, limit) if isinstance(value, str) and value else None


def _seconds(value: Any) -> float | None:
    return rfc3339_time(value) if isinstance(value, str) else None


def pod_ref_of(pod: Mapping[str, Any]) -> PodRef:
    """Return the identity of a Pod object. A static pod has the hash that the kubelet and its cgroups use."""
    metadata = _mapping(pod.get("metadata"))
    mirror = _mapping(metadata.get("annotations")).get(_MIRROR)
    return PodRef(
        _text(metadata.get("namespace")), _text(metadata.get("name")), _text(mirror) or _text(metadata.get("uid"))
    )


def read_pod(pod: Mapping[str, Any], deleted: bool = False) -> PodObservation | None:
    """Return the observation of a Pod object's start, or None if it names no pod. Never raises.

    `deleted` is set for the object of a DELETED watch event. Before 1.28 no condition says that the sandbox runs;
    then a container that runs or ran shows it.
    """
    ref = pod_ref_of(pod)
    if not ref:
        return None
    metadata, status = _mapping(pod.get("metadata")), _mapping(pod.get("status"))
    phase = status.get("phase")
    if deleted or metadata.get("deletionTimestamp") or phase == "Failed":
        return PodObservation(PodFact.GONE, "api", "pod", ref)
    inits = _mappings(status.get("initContainerStatuses"))
    containers = _mappings(status.get("containerStatuses"))
    ready, changed = _sandbox_condition(status)
    ran = any(_started(each) for each in (*inits, *containers))
    if phase == "Succeeded" or ready is True or (ready is None and ran):
        return _sandbox_runs(ref, inits, containers, changed)
    since = (
        (changed if ran else None) or _seconds(status.get("startTime")) or _seconds(metadata.get("creationTimestamp"))
    )
    if phase == "Running" and ran and not any(each.get("ready") is False for each in containers):
        return PodObservation(PodFact.NAMED, "api", "pod", ref)
    return PodObservation(PodFact.WAITS, "api", "pod", ref, since=since)


def _sandbox_condition(status: Mapping[str, Any]) -> tuple[bool | None, float | None]:
    for condition in _mappings(status.get("conditions")):
        if condition.get("type") in ("PodReadyToStartContainers", "PodHasNetwork"):
            return condition.get("status") == "True", _seconds(condition.get("lastTransitionTime"))
    return None, None


def _started(container: Mapping[str, Any]) -> bool:
    state, last = _mapping(container.get("state")), _mapping(container.get("lastState"))
    return bool(state.get("running") or state.get("terminated") or last.get("terminated"))


def _sandbox_runs(
    ref: PodRef, inits: list[Mapping[str, Any]], containers: list[Mapping[str, Any]], changed: float | None
) -> PodObservation:
    for container in (*inits, *containers):
        waiting = _mapping(_mapping(container.get("state")).get("waiting"))
        reason = _text(waiting.get("reason"))
        if reason in _CONTAINER_WAITS:
            message = _text(waiting.get("message"), _ERROR_LIMIT) or _text(container.get("image")) or ""
            error = printable(f"{reason}: {message}", _ERROR_LIMIT)
            return PodObservation(PodFact.WAITS, "api", "pod", ref, stage="container", error=error, since=changed)
    running = any(_started(container) for container in containers)
    return PodObservation(PodFact.CONTAINER_RUNS if running else PodFact.SANDBOX_RUNS, "api", "pod", ref, changed)


def read_event(event: Mapping[str, Any]) -> PodObservation | None:
    """Return the failure that an Event object (core/v1 or events.k8s.io) reports, or None. Never raises."""
    about = _mapping(event.get("involvedObject") or event.get("regarding"))
    reason = _text(event.get("reason"))
    if about.get("kind") != "Pod":
        return None
    ref = PodRef(_text(about.get("namespace")), _text(about.get("name")), _text(about.get("uid")))
    series = _mapping(event.get("series"))
    last = (
        _seconds(series.get("lastObservedTime"))
        or _seconds(event.get("lastTimestamp") or event.get("deprecatedLastTimestamp"))
        or _seconds(event.get("eventTime"))
    )
    if reason == "Started" and ref:
        return PodObservation(PodFact.CONTAINER_RUNS, "event", "started", ref, last)
    message = _text(event.get("message"), _ERROR_LIMIT) or _text(event.get("note"), _ERROR_LIMIT) or ""
    failure = failure_of_event(reason, message)
    if failure is None or not ref:
        return None
    stage, error = failure
    first = _seconds(event.get("firstTimestamp") or event.get("deprecatedFirstTimestamp"))
    count = series.get("count") or event.get("count") or event.get("deprecatedCount") or 1
    identity = _text(_mapping(event.get("metadata")).get("uid"))
    return PodObservation(
        PodFact.FAILED,
        "event",
        "event",
        ref,
        last,
        error=error,
        sandbox_id=sandbox_id_in(error),
        container_id=container_id_in(error),
        stage=stage,
        count=count if isinstance(count, int) and 0 < count <= _MAX_COUNTED else 1,
        first_time=first,
        event_id=identity,
        pids=pids_in(error),
    )
