"""Interfaces between the sources of pod facts and their receivers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.node.source_state import SourceState


class PodSink(Protocol):
    """Receives a source's reports on the source's thread. Calls may wait for room, but not for long."""

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        """Receive observations."""

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """Receive the complete list of this node's pods: others are gone."""

    def state(self, name: str, state: str, cannot_tell: str, proof: str = "", remedy: str = "") -> None:
        """Receive the state of the source, see `SourceState`."""


class PodSource(Protocol):
    """One source of pod facts."""

    name: str
    """The name in its `SourceState`."""

    def start(self) -> None:
        """Start, on its own threads. Raises RuntimeError if none can be started."""

    def stop(self) -> None:
        """Stop soon; never waits."""


class PodRecorder(Protocol):
    """Records what the sources of pod facts report, from any thread, for a replay."""

    def log(self) -> Callable[[Sequence[bytes]], None]:
        """Return a receiver for the lines of one log that report on pods, one reading at a time."""

    def learnt(self, pod: PodRef) -> None:
        """Record a pod of this node."""

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        """Record the observations of a source without raw lines."""

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """Record the complete list of this node's pods."""

    def state(self, state: SourceState) -> None:
        """Record the state of a source."""


class TeeSink:
    """A `PodSink` that passes everything on and to a recorder."""

    def __init__(self, sink: PodSink, recorder: PodRecorder) -> None:
        self._sink = sink
        self._recorder = recorder

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        """See `PodSink`."""
        self._recorder.observations(observations)
        self._sink.observations(observations)

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodSink`."""
        self._recorder.all_pods(pods)
        self._sink.all_pods(pods)

    def state(self, name: str, state: str, cannot_tell: str, proof: str = "", remedy: str = "") -> None:
        """See `PodSink`."""
        self._sink.state(name, state, cannot_tell, proof, remedy)
