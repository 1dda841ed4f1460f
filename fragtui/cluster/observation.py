"""What one line, event or object says about the start of one pod."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from fragtui.cluster.pod_ref import PodRef


class PodFact(Enum):
    """What an observation says."""

    FAILED = "failed"
    """An attempt failed; `error` says how."""
    BEGINS = "begins"
    """A new attempt begins."""
    SANDBOX_RUNS = "sandbox runs"
    CONTAINER_RUNS = "container runs"
    DIED = "died"
    """A sandbox or container died; ties its id to the pod."""
    GONE = "gone"
    """The pod was deleted."""
    WAITS = "waits"
    """The API says that the pod waits for its sandbox or a container."""
    NAMED = "named"
    """Nothing but who the pod is."""


@dataclass(frozen=True, slots=True)
class PodObservation:
    """One statement about one pod; what its source did not say is None."""

    said: PodFact
    source: str
    """Who says it: ``kubelet``, ``containerd``, ``dockerd``, ``crio``, ``event``, ``api``, ``crictl``, ``text``."""
    step: str = ""
    """Which of the several lines that a source writes about one failure; each comes once an attempt."""
    pod: PodRef = field(default_factory=PodRef)
    time: float | None = None
    """Epoch seconds."""
    line: int | None = None
    """Line of the log, counted from 1; `last_line` where it took several."""
    error: str = ""
    """The error as written, wrappers and all."""
    sandbox_id: str | None = None
    container_id: str | None = None
    stage: str = "sandbox"
    """``sandbox`` or ``container``."""
    count: int | None = None
    """How often an event counts it."""
    first_time: float | None = None
    event_id: str | None = None
    """What tells one event object from another."""
    since: float | None = None
    """When the pod began to wait, where the API says it."""
    last_line: int | None = None
    pids: tuple[int, ...] = ()
    """Processes that the line names, for the tie to a kernel line."""
