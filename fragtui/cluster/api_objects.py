"""Pod and Event objects of the Kubernetes API (parsed JSON) -> observations of pod starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fragtui.cluster.error_ids import container_id_in, pids_in, sandbox_id_in
from fragtui.cluster.event_reasons import failure_of_event
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.logs.bounded_json import read_json
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
_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
"""How a container ended that the runtime made but could not start."""
_MIRROR = "kubernetes.io/config.mirror"
_WRAPPERS = ("object", "event", "jsonPayload", "items", "log", "message", "msg", "MESSAGE", "data", "body", "_source")
"""Members in which collectors and exporters put an object; a text is JSON again."""
_MAX_WRAPPED = 5


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
    if ready is None and any(_start_error(each) for each in (*inits, *containers)):
        ran = True  # A container is made only in a sandbox that runs.
    if phase == "Succeeded" or ready is True or (ready is None and ran):
        return _sandbox_runs(ref, inits, containers, changed)
    since = (
        (changed if ran else None) or _seconds(status.get("startTime")) or _seconds(metadata.get("creationTimestamp"))
    )
    if phase == "Running" and ran and not any(each.get("ready") is False for each in containers):
        return PodObservation(PodFact.NAMED, "api", "pod", ref)
    return PodObservation(PodFact.WAITS, "api", "pod", ref, since=since)


def _start_error(container: Mapping[str, Any]) -> str | None:
    """Return why the runtime could not create or start a container that waits, None if it could."""
    state = _mapping(container.get("state"))
    waiting = _mapping(state.get("waiting"))
    reason = _text(waiting.get("reason"))
    for ended in (_mapping(state.get("terminated")), _mapping(_mapping(container.get("lastState")).get("terminated"))):
        if ended.get("reason") in _NOT_STARTED and not state.get("running"):
            return printable(f"{ended['reason']}: {_text(ended.get('message'), _ERROR_LIMIT) or ''}", _ERROR_LIMIT)
    if reason not in _CONTAINER_WAITS:
        return None
    message = _text(waiting.get("message"), _ERROR_LIMIT) or _text(container.get("image")) or ""
    return printable(f"{reason}: {message}", _ERROR_LIMIT)


def _sandbox_condition(status: Mapping[str, Any]) -> tuple[bool | None, float | None]:
    for condition in _mappings(status.get("conditions")):
        if condition.get("type") in ("PodReadyToStartContainers", "PodHasNetwork"):
            return condition.get("status") == "True", _seconds(condition.get("lastTransitionTime"))
    return None, None


def _started(container: Mapping[str, Any]) -> bool:
    state, last = _mapping(container.get("state")), _mapping(container.get("lastState"))
    return bool(state.get("running") or state.get("terminated") or last.get("terminated"))


def _start_time(container: Mapping[str, Any]) -> float | None:
    """Return when the container that runs, or ran last, was started: its sandbox may run for long by then."""
    state = _mapping(container.get("state"))
    return _seconds((_mapping(state.get("running")) or _mapping(state.get("terminated"))).get("startedAt"))


def _failed_id(container: Mapping[str, Any]) -> str | None:
    """Return the id of the container that was made but not started, as the runtime's lines name it."""
    for state in (_mapping(container.get("state")), _mapping(container.get("lastState"))):
        ended = _mapping(state.get("terminated"))
        if ended.get("reason") in _NOT_STARTED:
            return (_text(ended.get("containerID")) or "").rpartition("//")[2] or None
    return None


def _sandbox_runs(
    ref: PodRef, inits: list[Mapping[str, Any]], containers: list[Mapping[str, Any]], changed: float | None
) -> PodObservation:
    for container in (*inits, *containers):
        if (error := _start_error(container)) is not None:
            name, its_id = _text(container.get("name")), _failed_id(container)
            return PodObservation(
                PodFact.WAITS, "api", "pod", ref, stage="container", error=error, since=changed,
                container=name, container_id=its_id,
            )  # fmt: skip
    if not any(_started(container) for container in containers):
        init = next((each for each in inits if _mapping(each.get("state")).get("running")), {})
        at, name = _start_time(init) or changed, _text(init.get("name"))
        return PodObservation(PodFact.SANDBOX_RUNS, "api", "pod", ref, at, container=name)
    times = [time for container in containers if (time := _start_time(container)) is not None]
    return PodObservation(PodFact.CONTAINER_RUNS, "api", "pod", ref, max(times, default=changed))


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


def read_objects_in(value: Any, depth: int = 0) -> tuple[PodObservation, ...]:
    """Return the observations of the events and pods in a JSON value, also within a collector's wrapper."""
    if isinstance(value, str):
        return _in_text(value, depth) if value.startswith("{") else ()
    if isinstance(value, list):
        return (
            tuple(each for item in value for each in read_objects_in(item, depth + 1)) if depth < _MAX_WRAPPED else ()
        )
    if not isinstance(value, dict):
        return ()
    if "involvedObject" in value or "regarding" in value:
        event = read_event(value)
        return () if event is None else (event,)
    if value.get("kind") == "Pod" or ("status" in value and "spec" in value and "kind" not in value):
        pod = read_pod(value)
        return () if pod is None else (pod,)
    if depth >= _MAX_WRAPPED:
        return ()
    return tuple(each for key in _WRAPPERS if key in value for each in read_objects_in(value[key], depth + 1))


def _in_text(text: str, depth: int) -> tuple[PodObservation, ...]:
    try:
        return read_objects_in(read_json(text), depth + 1) if depth < _MAX_WRAPPED else ()
    except ValueError:
        return ()


def read_event_line(line: bytes, number: int | None) -> tuple[PodObservation, ...] | None:
    """Return the observations of a log line that is an event as JSON, None for any other line. Never raises."""
    # Called for most lines: find() takes half the time of `in`.
    if line.find(b"involvedObject") < 0 and line.find(b'regarding"') < 0 and line.find(b"regarding\\") < 0:
        return None
    text = line[max(0, line.find(b"{")) :].decode("utf-8", "replace").strip()
    try:
        found = read_objects_in(read_json(text))
    except ValueError:
        return None
    return tuple(replace(each, line=number, last_line=number) for each in found) or None
