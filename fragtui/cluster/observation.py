"""One statement of a line, event or object about the start of one pod."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from fragtui.cluster.pod_ref import PodRef

VOLUME_STEP = "volume"
"""The step of the kubelet's work on a volume, which it does for pods that run, too."""


class PodFact(Enum):
    """What an observation states."""

    FAILED = "failed"
    """An attempt failed; `error` says how."""
    BEGINS = "begins"
    """A new attempt starts."""
    SANDBOX_RUNS = "sandbox runs"
    CONTAINER_RUNS = "container runs"
    DIED = "died"
    """A sandbox or container died; links its id to the pod."""
    GONE = "gone"
    """The pod was deleted."""
    WAITS = "waits"
    """The API reports that the pod waits for its sandbox or a container."""
    RETRIES = "retries"
    """The kubelet waits before it tries again; `next_try` says until when."""
    NAMED = "named"
    """The identity of the pod, its sandbox or its container only."""


@dataclass(frozen=True, slots=True)
class PodObservation:
    """One statement about one pod; what its source does not give is None."""

    fact: PodFact
    source: str
    """Its source: ``kubelet``, ``containerd``, ``dockerd``, ``crio``, ``event``, ``api``, ``crictl``, ``text``."""
    step: str = ""
    """Which of the several lines that a source writes about one failure; each comes once per attempt."""
    pod: PodRef = field(default_factory=PodRef)
    time: float | None = None
    """Epoch seconds."""
    line: int | None = None
    """Line of the log, counted from 1; `last_line` if it has several."""
    error: str = ""
    """The error as written, with its wrappers."""
    sandbox_id: str | None = None
    container_id: str | None = None
    stage: str = "sandbox"
    """``sandbox`` or ``container``."""
    count: int | None = None
    """The event's count."""
    first_time: float | None = None
    event_id: str | None = None
    """The event object's uid."""
    since: float | None = None
    """When the pod started to wait, if the API gives it."""
    last_line: int | None = None
    pids: tuple[int, ...] = ()
    """Processes that the line names, to link it to a kernel line."""
    seen: str | None = None
    """When the event was last seen, as its table says it: an age at the time of printing, which nothing dates."""
    request: str | None = None
    """Id of the call to CRI-O that the line is about: all lines of a call are about one pod."""
    container: str | None = None
    """The name of the container that it is about, if it is about one."""
    next_try: float | None = None
    """When the kubelet tries again, about: epoch seconds; None if the line does not say."""
