"""The reasons of events that report a pod that can't be created, from any source of events."""

from __future__ import annotations

import re
from functools import lru_cache

from fragtui.cluster.error_ids import container_id_in, pids_in, pod_group_in, pod_in, sandbox_id_in
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef, runtime_name_ref

_SANDBOX_REASONS = frozenset(
    {
        "FailedCreatePodSandBox",
        "FailedPodSandBoxStatus",
        "FailedCreatePodContainer",
        "FailedPrepareDynamicResources",
        "FailedMount",
        "FailedAttachVolume",
        "FailedMapVolume",
        "FailedMountOnFilesystemMismatch",
        "FailedMapOnFilesystemMismatch",
        "NetworkNotReady",
        "FailedValidation",
    }
)
_CONTAINER_REASON, _SYNC_REASON = "Failed", "FailedSync"
"""A container that was not created or started (or its image); all errors of kubelets up to 1.7."""
_AS_THEY_ARE = frozenset({"FailedCreatePodSandBox", "FailedCreatePodContainer", _CONTAINER_REASON, _SYNC_REASON})
"""Reasons that add nothing to their messages."""
_IMAGE = re.compile(
    r"ErrImage|ImagePullBackOff|ImageInspectError|InvalidImageName|RegistryUnavailable|Failed to (?:pull|inspect) image"
)
_CONTAINER_FAILS = re.compile(r'failed to "StartContainer" for .{0,300}? with (\w+)')
_NOT_CREATION = frozenset({"CrashLoopBackOff", "PostStartHookError", "KillContainerError"})
_CANCELED = re.compile(r"\bcontext canceled\W{0,8}$")
_NO_NETWORK = re.compile(r"network is not ready|\bNetworkNotReady\b")
_SKIPPED = re.compile(
    rf"{_NO_NETWORK.pattern}|(?:unmounted|unattached) volumes|\b[Vv]olumes for pod\b"
    r"|\b(?:Mount|Attach|Map)(?:Volume|Device)[\w.]{0,60} failed|^Failed(?:Mount|Attach|MapVolume)"
)
"""syncPod of the kubelet checks the network and waits for the volumes of pods that run, too."""
_OUR_SYNC_ERRORS = re.compile(
    r'failed to "(?:CreatePodSandbox|SetupNetwork)"|network is not ready|cgroups exist and are correctly applied'
    r"|pod container exists|unmounted volumes|unattached volumes|volumes for pod|CreatePodSandbox"
    r"|prepare dynamic resources"
    r"|[Cc]an(?:not|'t) allocate memory"
)


def was_canceled(error: str) -> bool:
    """Return whether the kubelet gave up because the pod is being deleted: not a failure to start."""
    return "context canceled" in error and _CANCELED.search(error) is not None


@lru_cache(maxsize=64)  # The attempt and its pod look at the same error.
def was_skipped(error: str) -> bool:
    """Return whether the kubelet failed before it looked at sandbox and containers: the pod may run."""
    return _SKIPPED.search(error) is not None


def is_of_network(error: str) -> bool:
    """Return whether the kubelet skipped the pod since the node's network is not ready; it tries again in 1 to 2 s."""
    return _NO_NETWORK.search(error) is not None


def is_of_image(error: str) -> bool:
    """Return whether a container's error is about its image, which the runtime has not got."""
    return _IMAGE.search(error) is not None


def sync_failure(error: str) -> tuple[str, str] | None:
    """Return stage and text of an error with which the kubelet ended its work on a pod; None if it is not creation."""
    container = _CONTAINER_FAILS.search(error)
    if container is not None:
        return None if container.group(1) in _NOT_CREATION else ("container", error[container.start() :])
    if _OUR_SYNC_ERRORS.search(error) is None or ('failed to "Kill' in error and "CreatePodSandbox" not in error):
        return None
    return "sandbox", error


def failure_of_event(reason: str | None, message: str) -> tuple[str, str] | None:
    """Return stage and error of a pod's event by its reason and message, None if it reports no failed creation."""
    if reason == _SYNC_REASON:
        if "error determining status" in message:
            return "sandbox", message
        return sync_failure(message)
    if reason == _CONTAINER_REASON:
        return None if is_of_image(message) else ("container", message)
    if reason not in _SANDBOX_REASONS:
        return None
    return "sandbox", message if reason in _AS_THEY_ARE else f"{reason}: {message}"


def read_event_of(
    reason: str | None, message: str, pod: PodRef, when: tuple[float | None, int | None], count: int | None
) -> tuple[PodObservation, ...]:
    """Return the observation of a pod's event, empty if it reports no failed creation; `when` is time and line."""
    failure = failure_of_event(reason, message)
    return () if failure is None else (observed_in(failure[1], "event", pod, when, count=count, stage=failure[0]),)


def observed_in(
    text: str,
    step: str,
    pod: PodRef,
    when: tuple[float | None, int | None],
    *,
    count: int | None = None,
    stage: str = "sandbox",
) -> PodObservation:
    """Return the failure that a bare text reports; the pod's missing parts are taken from the text."""
    named = runtime_name_ref(text)
    inside = named[0] if named else (pod_in(text) or pod_group_in(text))
    return PodObservation(
        PodFact.FAILED,
        "event" if step == "event" else "text",
        step,
        pod.merged_with(inside) if pod.may_be(inside) or not pod else pod,
        *when,
        text,
        sandbox_id=sandbox_id_in(text),
        container_id=None if named else container_id_in(text),
        stage=stage,
        count=count,
        pids=pids_in(text),
    )
