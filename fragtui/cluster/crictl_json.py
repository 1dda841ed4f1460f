"""Output of ``crictl pods -o json`` -> observations of pod starts."""

from __future__ import annotations

from typing import Any

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef, dashed_uid
from fragtui.logs.bounded_json import read_json
from fragtui.text import bounded_int, epoch_seconds, printable


def read_sandboxes(text: str) -> tuple[PodObservation, ...] | None:
    """Return one observation per sandbox (the newest of each pod), or None if the text is not crictl's. Never raises.

    A ready sandbox runs; one that is not ready only identifies the pod: it may have ended long ago.
    """
    try:
        loaded = read_json(text)
    except ValueError:
        return None
    items = loaded.get("items") if isinstance(loaded, dict) else None
    if not isinstance(items, list):
        return None
    newest: dict[PodRef, PodObservation] = {}
    for item in items:
        observation = _sandbox(item)
        if observation is None:
            continue
        known = newest.get(observation.pod)
        if known is None or (observation.time or 0.0) > (known.time or 0.0):
            newest[observation.pod] = observation
    return tuple(newest.values())


def _sandbox(item: Any) -> PodObservation | None:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict):
        return None
    names = [metadata.get(key) for key in ("namespace", "name", "uid")]
    namespace, name, uid = (printable(each) if isinstance(each, str) and each else None for each in names)
    pod = PodRef(namespace, name, dashed_uid(uid))
    if not pod:
        return None
    identity, state, created = item.get("id"), item.get("state"), item.get("createdAt")
    nanoseconds = created if isinstance(created, int) else bounded_int(created) if isinstance(created, str) else None
    time = None if nanoseconds is None else epoch_seconds(nanoseconds / 1e9)
    fact = PodFact.SANDBOX_RUNS if state == "SANDBOX_READY" else PodFact.NAMED
    return PodObservation(
        fact, "crictl", "pods", pod, time, sandbox_id=printable(identity) if isinstance(identity, str) else None
    )
