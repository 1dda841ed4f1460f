"""The stuck pods of a node, by whether the node's memory is the cause."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.model.pods.stuck_pods import CONFIDENCES, PodCause, StuckPod, StuckPods


class WaitingPods(NamedTuple):
    """The stuck pods by cause; those by memory are sorted by confidence, then the oldest first."""

    by_memory: tuple[StuckPod, ...] = ()
    possibly: tuple[StuckPod, ...] = ()
    unknown: tuple[StuckPod, ...] = ()
    """Pods of which no source gives a cause."""
    others: tuple[StuckPod, ...] = ()
    """Pods that wait for another reason."""

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.by_memory) + len(self.possibly) + len(self.unknown) + len(self.others)

    @property
    def confidence(self) -> str | None:
        """The lowest confidence of the links of pods by memory: ``proven``, ``likely``; None if there are none."""
        blames = [pod.blame or CONFIDENCES[-1] for pod in self.by_memory]
        return max(blames, key=CONFIDENCES.index, default=None)


def waiting_pods(stuck: StuckPods) -> WaitingPods:
    """Return the stuck pods by cause."""
    return WaitingPods(*(stuck.of(cause) for cause in PodCause))
