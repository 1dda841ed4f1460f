"""The stuck pods of a node, linked to the kernel's incidents: pods and incidents are linked only here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sandbox_attempts import Attempt
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.linking import LinkIndex
from fragtui.model.pods.pod_state import MAX_LINKS
from fragtui.model.pods.pod_tracker import PodTracker
from fragtui.model.pods.stuck_pods import PodLink, StuckPods

MAX_TRACKED_INCIDENTS = 512
"""Kernel incidents that attempts are compared with, the newest: the kernel reports at most 10 in 5 s."""
_MAX_ATTEMPTS = 2048


class IncidentTracker:
    """Takes kernel incidents and observations of pods, in any order; `snapshot` is the joined state.

    Mutable, not thread-safe, no I/O. Times are epoch seconds.
    """

    def __init__(self, max_incidents: int = MAX_TRACKED_INCIDENTS) -> None:
        self._index = LinkIndex(max_incidents, _MAX_ATTEMPTS, MAX_LINKS)
        self._pods = PodTracker(self._links_of)
        self._less_sure: dict[str, Attempt] = {}

    def kernel_update(self, update: KernelLogUpdate) -> bool:
        """Take an update of the kernel log; return whether a pod's links changed."""
        changed = False
        for incident in (*update.incidents, *update.updated):
            changed |= self.kernel_incident(incident)
        return changed

    def kernel_incident(self, incident: Incident) -> bool:
        """Take a new or more complete kernel incident; return whether a pod's links changed."""
        self._index.add_incident(incident)
        return self._pods.link({attempt.id: {incident.id: link} for attempt, link in self._index.near(incident)})

    def observe(self, observation: PodObservation, now: float) -> bool:
        """Take an observation of a pod; return whether the state may have changed."""
        changed = self._pods.observe(observation, now)
        if self._less_sure:
            links = {attempt.id: self._index.judge(attempt) for attempt in self._less_sure.values()}
            self._less_sure.clear()
            changed |= self._pods.link(links)
        return changed

    def set_existing(self, pods: Iterable[PodRef], now: float) -> bool:
        """Drop every pod that is not in `pods`, all pods of this node; return whether one was dropped."""
        return self._pods.set_existing(pods, now)

    def remedy_ran(self, name: str) -> bool:
        """Note on every stuck pod that a remedy ran now; return whether there are stuck pods."""
        return self._pods.remedy_ran(name)

    def learn(self, pod: PodRef) -> None:
        """Remember the name of a uid."""
        self._pods.learn(pod)

    @property
    def names(self) -> tuple[PodRef, ...]:
        """Every pod with a known name and uid."""
        return self._pods.names

    def snapshot(self, now: float) -> StuckPods:
        """Return the stuck pods and those that started lately, with their links."""
        return self._pods.snapshot(now)

    def _links_of(self, attempt: Attempt) -> Mapping[str, PodLink | None]:
        self._index.add_attempt(attempt)
        self._less_sure.update((other.id, other) for other in self._index.no_longer_alone(attempt))
        return self._index.judge(attempt)
