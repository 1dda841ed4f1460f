"""Which pods hang on a kernel incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fragtui.ui.panels.pods import pod_name

if TYPE_CHECKING:
    from fragtui.model.failures.failure_list import FailureGroup
    from fragtui.model.failures.incident import Incident
    from fragtui.model.pods.pod_update import PodUpdate


_LOOKED_AT = 20
"""The newest of alike incidents that pods are looked for; a row is drawn at every tick."""


def pod_of(news: PodUpdate | None, alike: FailureGroup) -> str | None:
    """Return the pod to name beside alike incidents: that of the newest that has one."""
    newest_first = reversed(alike.incidents[-_LOOKED_AT:])
    return next((pod for incident in newest_first if (pod := _pod_of(news, incident))), None)


def _pod_of(news: PodUpdate | None, incident: Incident) -> str | None:
    """Return the pod that is stuck by an incident, else the one whose task it was."""
    if news is not None:
        if linked := news.board.linked_to(incident.id):
            return pod_name(linked[0])
        ref = news.named(incident.pod_uid) if incident.pod_uid else None
        if ref is not None and ref.name:
            return f"{ref.namespace or '?'}/{ref.name}"
    if incident.pod:
        return f"{incident.namespace or '?'}/{incident.pod}"
    return f"pod {incident.pod_uid}" if incident.pod_uid else None


def pods_linked_to(news: PodUpdate | None, alike: FailureGroup) -> list[str]:
    """Return a sentence for each pod that is tied to alike incidents, the newest first."""
    if news is None:
        return []
    told = [
        f"{pod_name(pod)} hangs on it ({link.confidence}): {link.why}"
        for incident in reversed(alike.incidents[-_LOOKED_AT:])
        for pod in news.board.linked_to(incident.id)
        for link in pod.links
        if link.incident_id == incident.id
    ]
    return list(dict.fromkeys(told))
