"""Which pods a kernel incident blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fragtui.render.incident_text import incident_pod as task_pod
from fragtui.render.pod_text import blocked_pods, linked_pods, pod_name
from fragtui.ui.widgets.cells import fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fragtui.model.failures.failure_list import FailureGroup
    from fragtui.model.failures.incident import Incident
    from fragtui.model.pods.pod_update import PodUpdate

_MIN_NAME = 14
"""Cells that a name needs at least."""


def pods_of(update: PodUpdate | None, group: FailureGroup) -> tuple[str, ...]:
    """Return the names of all pods that the incidents block, the most certain first, else the one whose task it was."""
    pods = linked_pods(update.stuck if update is not None else None, group.incidents)
    if pods:
        return tuple(pod_name(pod) for pod in pods)
    task = next((pod for incident in reversed(group.incidents) if (pod := _task_pod(update, incident))), None)
    return () if task is None else (task,)


def pods_cell(names: Sequence[str], width: int) -> str:
    """Return the first pod and how many more there are, in at most `width` cells; only their number if that is few."""
    if len(names) < 2:
        return fit_name(names[0], width).rstrip() if names else ""
    count, more = f"{len(names)} pods", f" +{len(names) - 1}"
    room = width - len(count) - 2 - len(more)
    return f"{count}: {fit_name(names[0], room).rstrip()}{more}" if room >= _MIN_NAME else count


def _task_pod(update: PodUpdate | None, incident: Incident) -> str | None:
    ref = update.named(incident.pod_uid) if update is not None and incident.pod_uid else None
    if ref is not None and ref.name:
        return f"{ref.namespace or '?'}/{ref.name}"
    return task_pod(incident)


def pods_linked_to(update: PodUpdate | None, group: FailureGroup) -> tuple[str, ...]:
    """Return a sentence for each pod that the incidents block, the most certain first."""
    pods = blocked_pods(update.stuck if update is not None else None, group.incidents)
    return tuple(f"blocks {pod}" for pod in pods)
