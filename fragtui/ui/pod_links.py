"""Which pods hang on a kernel incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fragtui.model.incident import Incident
from fragtui.ui.pods import pod_name

if TYPE_CHECKING:
    from fragtui.model.pod_news import PodNews


def pod_of(news: PodNews | None, incident: Incident) -> str | None:
    """Return the pod to name beside an incident: one that is stuck by it, else the one whose task it was."""
    if news is not None:
        if linked := news.board.linked_to(incident.id):
            return pod_name(linked[0])
        for ref in news.names:
            if incident.pod_uid and ref.uid == incident.pod_uid and ref.name:
                return f"{ref.namespace or '?'}/{ref.name}"
    if incident.pod:
        return f"{incident.namespace or '?'}/{incident.pod}"
    return f"pod {incident.pod_uid}" if incident.pod_uid else None


def pods_hanging_on(news: PodNews | None, incident: Incident) -> list[str]:
    """Return a sentence for each pod that is tied to an incident."""
    if news is None:
        return []
    return [
        f"{pod_name(pod)} hangs on it ({link.confidence}): {link.why}"
        for pod in news.board.linked_to(incident.id)
        for link in pod.links
        if link.incident_id == incident.id
    ]
