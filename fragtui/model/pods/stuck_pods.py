"""The pods of this node that are stuck in creation, and those that started lately."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fragtui.cluster.failure_reason import ReasonClass
from fragtui.cluster.pod_ref import PodRef

CONFIDENCES = ("proven", "likely", "possible")
"""How certain a link is, the most certain first."""


class PodCause(StrEnum):
    """What keeps a pod from starting; every text counts stuck pods by these."""

    MEMORY = "memory"
    POSSIBLY = "possibly memory"
    UNKNOWN = "unknown"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PodLink:
    """A kernel incident that a pod's failure is linked to."""

    incident_id: str
    confidence: str
    """``proven``, ``likely`` or ``possible``."""
    why: str
    """The reason for the link, as text."""
    refusal: bool = True
    """Whether the kernel denied memory of the node; False for a stall and for a kill at the cgroup's own limit."""
    took_it: bool = False
    """Whether the OOM killer killed what the pod's error misses, such as the runtime."""


@dataclass(frozen=True, slots=True)
class StuckPod:
    """One pod whose sandbox or containers do not start, or did not until `started`. Times are epoch seconds."""

    ref: PodRef
    since: float | None
    """When the pod started to wait: its creation if the API reports it, else the first failure."""
    reason_class: ReasonClass
    memory: bool | None
    """Whether the kernel denied memory, by the error and the linked kernel lines."""
    reason: str
    """The innermost error text; empty if no source gave one."""
    stage: str
    """``sandbox`` (no sandbox runs) or ``container`` (the sandbox runs, a container is not made)."""
    attempts: int | None
    """Failed attempts, as read or as counted by the events; None if no source counts them."""
    first_failure: float | None
    last_failure: float | None
    sandbox_ids: tuple[str, ...] = ()
    """Ids of the attempts that were read, the newest last, at most 8."""
    container_ids: tuple[str, ...] = ()
    links: tuple[PodLink, ...] = ()
    sources: tuple[str, ...] = ()
    """Its sources: ``kubelet``, ``containerd``, ``api``, ``event``, ``crictl``."""
    started: float | None = None
    """When it started; None while it is stuck."""
    after_remedy: str | None = None
    """The last remedy that ran while it was stuck; None if none did."""
    next_try: float | None = None
    """When the kubelet tries again, about; None if no log says. It may be past."""

    @property
    def blame(self) -> str | None:
        """How certain it is that denied memory keeps it from starting; None if nothing points to that.

        ``proven`` if its own error reports the denial, else the confidence of its most certain link to one: ``proven``,
        ``likely`` or ``possible``.
        """
        if self.memory is False:
            return None
        if self.reason_class.memory:
            return "proven"
        return min((link.confidence for link in self.links if link.refusal), key=CONFIDENCES.index, default=None)

    @property
    def cause(self) -> PodCause:
        """What keeps it from starting, as far as its error and its links show."""
        if self.memory is False:
            return PodCause.OTHER
        if self.memory or self.blame in CONFIDENCES[:-1]:
            return PodCause.MEMORY
        return PodCause.UNKNOWN if self.blame is None else PodCause.POSSIBLY

    @property
    def blamed(self) -> bool:
        """Whether denied memory keeps it from starting, or may do so."""
        return self.cause in (PodCause.MEMORY, PodCause.POSSIBLY)

    @property
    def namespace(self) -> str | None:
        """Namespace; None if unknown."""
        return self.ref.namespace

    @property
    def name(self) -> str | None:
        """Pod name; None if unknown."""
        return self.ref.name

    @property
    def uid(self) -> str | None:
        """Pod uid in the API's spelling (a 32 digit hash for static pods); None if unknown."""
        return self.ref.uid

    def stuck_seconds(self, now: float) -> float | None:
        """Return for how many seconds it has been or was stuck; None if unknown."""
        if self.since is None:
            return None
        return max(0.0, (self.started if self.started is not None else now) - self.since)


@dataclass(frozen=True, slots=True)
class StuckPods:
    """The pods at one moment: the stuck ones, the longest first, and those that started lately."""

    pods: tuple[StuckPod, ...] = ()
    started: tuple[StuckPod, ...] = ()
    """The newest first, at most 32, for 15 minutes."""
    dropped: int = 0
    """Pods that were dropped because the tracker was full."""
    _by_incident: dict[str, tuple[StuckPod, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the pods by the incidents that they are linked to: rows are drawn at every tick."""
        by_incident: dict[str, tuple[StuckPod, ...]] = {}
        for pod in (*self.pods, *self.started):
            for incident_id in {link.incident_id for link in pod.links}:
                by_incident[incident_id] = (*by_incident.get(incident_id, ()), pod)
        object.__setattr__(self, "_by_incident", by_incident)

    def of(self, *causes: PodCause) -> tuple[StuckPod, ...]:
        """Return the pods with one of these causes: by confidence, then the longest stuck, then by name.

        The order depends on no age, so it stays while time passes.
        """
        return tuple(sorted((pod for pod in self.pods if pod.cause in causes), key=_rank))

    def linked_to(self, incident_id: str) -> tuple[StuckPod, ...]:
        """Return the pods, stuck or started, that the kernel incident of this id is linked to."""
        return self._by_incident.get(incident_id, ())


def _rank(pod: StuckPod) -> tuple[int, bool, float, str]:
    return CONFIDENCES.index(pod.blame or CONFIDENCES[-1]), pod.since is None, pod.since or 0.0, str(pod.ref)
