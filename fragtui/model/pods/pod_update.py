"""An update of the pod watcher for the screen."""

from __future__ import annotations

from dataclasses import dataclass, field

from fragtui.cluster.pod_ref import PodRef, cgroup_owner
from fragtui.model.node.source_state import SourceState
from fragtui.model.pods.stuck_pods import StuckPods


@dataclass(frozen=True, slots=True)
class PodUpdate:
    """The stuck pods and the state of every source."""

    stuck: StuckPods
    sources: tuple[SourceState, ...]
    names: tuple[PodRef, ...] = ()
    """Every pod of this node with a known name and uid."""
    dropped: int = 0
    """Kernel incidents of a flood that were dropped before they were compared with the pods."""
    unread: int = 0
    """Observations on which the tracker failed."""
    _by_uid: dict[str, PodRef] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the names: rows are drawn at every tick."""
        object.__setattr__(self, "_by_uid", {pod.uid: pod for pod in self.names if pod.uid})

    def resembles(self, earlier: PodUpdate) -> bool:
        """Return whether only times, counts and texts differ: the same pods for the same reasons, sources as before."""
        return _kinds(self) == _kinds(earlier)

    def named(self, uid: str) -> PodRef | None:
        """Return the pod of a uid, None if no source named it."""
        return self._by_uid.get(uid)

    def pod_of(self, cgroup_path: str) -> PodRef | None:
        """Return the pod of a cgroup path (an OOM kill's task_memcg), with its name if known; None if not a pod's."""
        owner = cgroup_owner(cgroup_path)
        if owner is None or owner.uid is None:
            return None
        return self._by_uid.get(owner.uid) or PodRef(uid=owner.uid)


def _kinds(update: PodUpdate) -> tuple[object, ...]:
    pods = (*update.stuck.pods, *update.stuck.started)
    return (
        [(pod.ref, pod.reason_class, pod.memory, pod.links, pod.started) for pod in pods],
        [(source.name, source.state, source.cannot_tell) for source in update.sources],
    )
