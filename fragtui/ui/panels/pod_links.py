"""Which pods a kernel incident blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fragtui.render.incident_text import incident_pod as task_pod
from fragtui.render.pod_text import blocked_pods, linked_pods, pod_name

if TYPE_CHECKING:
    from fragtui.model.failures.failure_list import FailureGroup
    from fragtui.model.failures.incident import Incident
    from fragtui.model.pods.pod_update import PodUpdate


_MAX_COMPARED = 20
"""Of a group, the newest so many incidents whose pods are shown; a row is drawn at every tick."""


def pod_of(update: PodUpdate | None, group: FailureGroup) -> str | None:
    """Return the pods to name in the row of a group: all that it blocks, else the one whose task it was."""
    incidents = group.incidents[-_MAX_COMPARED:]
    pods = linked_pods(update.stuck if update is not None else None, incidents)
    if len(pods) > 1:
        return f"{len(pods)} pods: {pod_name(pods[0])} +{len(pods) - 1}"
    if pods:
        return pod_name(pods[0])
    return next((pod for incident in reversed(incidents) if (pod := _task_pod(update, incident))), None)


def _task_pod(update: PodUpdate | None, incident: Incident) -> str | None:
    ref = update.named(incident.pod_uid) if update is not None and incident.pod_uid else None
    if ref is not None and ref.name:
        return f"{ref.namespace or '?'}/{ref.name}"
    return task_pod(incident)


def pods_linked_to(update: PodUpdate | None, group: FailureGroup) -> tuple[str, ...]:
    """Return a sentence for each pod that the incidents of a group block, the most certain link first."""
    pods = blocked_pods(update.stuck if update is not None else None, group.incidents[-_MAX_COMPARED:])
    return tuple(f"blocks {pod}" for pod in pods)
