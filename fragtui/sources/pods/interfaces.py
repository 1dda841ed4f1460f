"""How the sources of pod news hand over what they learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.pods.pod_update import SourceState


class PodSink(Protocol):
    """Where a source puts its news, from its own thread. Calls may wait for room, never for long."""

    def observations(self, told: tuple[PodObservation, ...]) -> None:
        """Hand over what was seen."""

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """Hand over the complete list of this node's pods: those not in it are gone."""

    def state(self, name: str, state: str, cannot_tell: str) -> None:
        """Say how the source is doing, see `SourceState`."""


class PodSource(Protocol):
    """One source of pod news."""

    name: str
    """That of its `SourceState`."""

    def start(self) -> None:
        """Begin, on threads of its own. Raises RuntimeError if none can be started."""

    def stop(self) -> None:
        """End soon; never waits."""


class PodRecorder(Protocol):
    """Who is told what the sources of pod news say, from any thread, so that it can be said again."""

    def log(self) -> Callable[[Sequence[bytes]], None]:
        """Return who is handed the lines of one log that tell of pods, a reading at a time."""

    def learnt(self, pod: PodRef) -> None:
        """Take a pod of this node."""

    def seen(self, told: tuple[PodObservation, ...]) -> None:
        """Take what a source without raw lines saw."""

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """Take the complete list of this node's pods."""

    def state(self, state: SourceState) -> None:
        """Take how a source is doing."""


class TeeSink:
    """A `PodSink` that passes everything on, and tells a witness."""

    def __init__(self, telling: PodSink, witness: PodRecorder) -> None:
        self._telling = telling
        self._witness = witness

    def observations(self, told: tuple[PodObservation, ...]) -> None:
        """See `PodSink`."""
        self._witness.seen(told)
        self._telling.observations(told)

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodSink`."""
        self._witness.all_pods(pods)
        self._telling.all_pods(pods)

    def state(self, name: str, state: str, cannot_tell: str) -> None:
        """See `PodSink`."""
        self._telling.state(name, state, cannot_tell)
