"""The stuck pods of a node, by whether the node's memory is the cause."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.model.pods.stuck_pods import StuckPod, StuckPods

_RANK = {"proven": 0, "likely": 1, "possible": 2}


class WaitingPods(NamedTuple):
    """The stuck pods; those by memory are sorted by confidence, then the oldest first."""

    by_memory: tuple[StuckPod, ...] = ()
    others: tuple[StuckPod, ...] = ()
    """Pods that wait for another reason, or for one that no source gives."""
    proof: str = ""
    """What the sources of pods delivered; empty if that is unknown."""

    @property
    def confidence(self) -> str | None:
        """The lowest confidence of the links of pods by memory: ``proven``, ``likely``; None if an error proves it."""
        ranks = [_rank(pod) for pod in self.by_memory]
        lowest = max(ranks, default=0)
        return next((name for name, rank in _RANK.items() if rank == lowest), None)


def waiting_pods(stuck: StuckPods, proof: str = "") -> WaitingPods:
    """Return the stuck pods, by memory and by other reasons; `proof` is what their sources delivered."""
    by_memory = sorted((pod for pod in stuck.pods if pod.memory), key=lambda pod: (_rank(pod), pod.since or 0.0))
    return WaitingPods(tuple(by_memory), tuple(pod for pod in stuck.pods if not pod.memory), proof)


def _rank(pod: StuckPod) -> int:
    """Return 0 for a certain cause, 1 for a likely one, 2 for a possible one; an error that names memory is certain."""
    if pod.reason_class.memory:
        return 0
    return min((_RANK.get(link.confidence, 2) for link in pod.links if link.refusal), default=2)
