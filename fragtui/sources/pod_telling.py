"""How the sources of pod news hand over what they learn."""

from __future__ import annotations

from typing import Protocol

from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sighting import Sighting


class Telling(Protocol):
    """Where a source puts its news, from its own thread. Calls may wait for room, never for long."""

    def sightings(self, told: tuple[Sighting, ...]) -> None:
        """Hand over what was seen."""

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """Hand over the complete list of this node's pods: those not in it are gone."""

    def state(self, name: str, state: str, cannot_tell: str) -> None:
        """Say how the source is doing, see `SourceState`."""


class PodSource(Protocol):
    """One source of pod news."""

    def start(self) -> None:
        """Begin, on threads of its own."""

    def stop(self) -> None:
        """End soon; never waits."""
