"""A `PodSink` that keeps what a source reports, and a tracker fed with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.node.source_state import SourceState
from fragtui.model.pods.pod_tracker import PodTracker


class CollectingSink:
    """Collects the reports of a source."""

    def __init__(self) -> None:
        self.tracker = PodTracker()
        self.seen: list[PodObservation] = []
        self.listed: list[tuple[PodRef, ...]] = []
        self.states: list[tuple[str, str, str]] = []
        self.sources: dict[str, SourceState] = {}

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        self.seen.extend(observations)
        for observation in observations:
            self.tracker.observe(observation, time.time())

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        self.listed.append(pods)
        self.tracker.set_existing(pods, time.time())

    def state(self, name: str, state: str, cannot_tell: str, proof: str = "", remedy: str = "") -> None:
        self.states.append((name, state, cannot_tell))
        self.sources[name] = SourceState(name, state, cannot_tell, proof, remedy)

    @property
    def stuck(self) -> list[str]:
        return sorted(pod.name or "" for pod in self.tracker.snapshot(time.time()).pods)

    def last_state(self, name: str = "API") -> tuple[str, str]:
        return next(((state, why) for who, state, why in reversed(self.states) if who == name), ("", ""))


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until the condition holds; return whether it did in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
