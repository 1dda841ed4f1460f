"""A listener for sources of pod news: keeps what it was told, and a board of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.pods.pod_tracker import PodTracker


class Told:
    """What a source told, and the board that comes of it."""

    def __init__(self) -> None:
        self.board = PodTracker()
        self.seen: list[PodObservation] = []
        self.listed: list[tuple[PodRef, ...]] = []
        self.states: list[tuple[str, str, str]] = []

    def observations(self, told: tuple[PodObservation, ...]) -> None:
        self.seen.extend(told)
        for observation in told:
            self.board.tell(observation, time.time())

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        self.listed.append(pods)
        self.board.only_these_exist(pods)

    def state(self, name: str, state: str, cannot_tell: str) -> None:
        self.states.append((name, state, cannot_tell))

    @property
    def stuck(self) -> list[str]:
        return sorted(pod.name or "" for pod in self.board.snapshot(time.time()).pods)

    def last_state(self, name: str = "API") -> tuple[str, str]:
        return next(((state, why) for who, state, why in reversed(self.states) if who == name), ("", ""))


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until the condition holds; return whether it came to hold in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
