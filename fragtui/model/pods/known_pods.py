"""What observations report of pods beside their failures: names, ids of their containers, which run, which are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from fragtui.cluster.event_reasons import was_canceled, was_skipped
from fragtui.cluster.observation import VOLUME_STEP, PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef

MAX_NAMES = 4096
_SLACK_SECONDS = 2.0
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Run:
    """A pod whose sandbox runs."""

    pod: PodRef
    since: float | None
    sandbox_id: str | None
    assumed: bool = False
    """Whether only the kubelet's silence shows it."""


class KnownPods:
    """Completes observations with what earlier ones reported, and leaves out those that report no failed start.

    A runtime names a pod only in its first line: containerd's ``RunPodSandbox`` returns the id of a sandbox,
    ``CreateContainer`` within that sandbox the id of a container, and ``StartContainer`` names only that. Each of the
    collections keeps the newest 4,096 entries.
    """

    def __init__(self) -> None:
        self._names: dict[str, PodRef] = {}
        self._by_id: dict[str, tuple[PodRef, str | None]] = {}
        """Pod and name of the container by the id of sandbox, container or call to CRI-O."""
        self._runs: dict[str, _Run] = {}
        """By the uid of the pod, and by its name."""
        self._failed: dict[str, None] = {}
        """The ids of sandboxes that failed: docker starts one before its network is up."""
        self._gone: dict[str, None] = {}
        """The uids of pods that the API reported as deleted."""
        self._listed: dict[str | tuple[str | None, str | None], None] = {}
        """Uids and names of the pods of the API's last list, and of those that it reported since."""
        self._listed_at: float | None = None

    @property
    def names(self) -> tuple[PodRef, ...]:
        """Every pod with a known name and uid."""
        return tuple(self._names.values())

    def named(self, uid: str) -> PodRef:
        """Return the pod of a uid, with its name if known."""
        return self._names.get(uid, PodRef(uid=uid))

    def learn(self, pod: PodRef) -> None:
        """Remember the name of a uid."""
        if pod.uid and pod.name and (pod.namespace is not None or pod.uid not in self._names):
            _keep(self._names, pod.uid, pod)

    def existing(self, pods: Iterable[PodRef], now: float) -> None:
        """Take the API's list of all pods of this node at an epoch second."""
        self._listed.clear()
        self._listed_at = now
        for pod in pods:
            self._list(pod)

    def assume_runs(self, pod: PodRef, since: float | None) -> None:
        """Record that a pod runs, until a line reports otherwise."""
        for key in _keys(pod):
            _keep(self._runs, key, _Run(pod, since, None, assumed=True))

    def take(self, observation: PodObservation) -> PodObservation | None:
        """Return the observation with its pod; None if no pod fails to start by it.

        That is so for a pod that runs and is only not synced, and for work that was cancelled.
        """
        observation = self._completed(observation)
        pod, fact = observation.pod, observation.fact
        self.learn(pod)
        if observation.source == "api" and fact is not PodFact.GONE:
            self._list(pod)
            self._gone.pop(pod.uid or "", None)
        if fact is PodFact.FAILED:
            return None if self._is_no_failure(observation) else observation
        if fact in (PodFact.SANDBOX_RUNS, PodFact.CONTAINER_RUNS) or (
            fact is PodFact.WAITS and observation.stage == "container"
        ):
            if observation.container_id not in self._failed:
                self._started(observation)
        elif fact is PodFact.DIED:
            run = self._run_of(pod)
            if run is not None and run.sandbox_id is not None and run.sandbox_id == observation.container_id:
                self._stopped(pod)
        elif fact is PodFact.GONE or fact is PodFact.WAITS or (fact is PodFact.BEGINS and self._is_new(observation)):
            self._stopped(pod)
            if fact is PodFact.GONE and observation.source == "api" and pod.uid:
                _keep(self._gone, pod.uid, None)
        return observation

    def is_gone(self, observation: PodObservation) -> bool:
        """Return whether the API reported the pod as deleted, or a later list lacks it."""
        pod, at = observation.pod, self._listed_at
        if pod.uid is not None and pod.uid in self._gone:
            return True
        if at is None or observation.time is None or observation.time > at or not (pod.uid or pod.namespace):
            return False
        return (pod.uid or (pod.namespace, pod.name)) not in self._listed

    def _completed(self, observation: PodObservation) -> PodObservation:
        ids = [key for key in (observation.container_id, observation.sandbox_id, observation.request) if key]
        pod, container = observation.pod, observation.container
        for key in ids:
            of_id, its_container = self._by_id.get(key, (PodRef(), None))
            pod = pod if pod and not pod.may_be(of_id) else pod.merged_with(of_id)
            if key == observation.container_id:
                container = container or its_container
        if pod.uid and pod.uid in self._names:
            pod = pod.merged_with(self._names[pod.uid])
        if pod:
            for key in ids:
                _keep(self._by_id, key, (pod, container if key == observation.container_id else None))
        if pod == observation.pod and container == observation.container:
            return observation
        return replace(observation, pod=pod, container=container)

    def _is_no_failure(self, observation: PodObservation) -> bool:
        pod, error = observation.pod, observation.error
        if was_canceled(error):
            return True
        if was_skipped(error):
            run = self._run_of(pod)
            if run is not None and run.assumed and observation.step != VOLUME_STEP:
                self._stopped(pod)
                return False
            return run is not None
        if observation.stage == "sandbox":
            for key in (observation.sandbox_id, observation.container_id):
                if key:
                    _keep(self._failed, key, None)
            if self._is_new(observation):
                self._stopped(pod)
        return False

    def _list(self, pod: PodRef) -> None:
        if self._listed_at is not None:
            for key in (pod.uid, (pod.namespace, pod.name)):
                if key:
                    self._listed[key] = None
            if len(self._listed) > 2 * MAX_NAMES:
                self._listed_at = None

    def _started(self, observation: PodObservation) -> None:
        pod, known = observation.pod, self._run_of(observation.pod)
        if not pod or (known is not None and (known.since or 0.0) > (observation.time or 0.0)):
            return
        sandbox = observation.sandbox_id or (known.sandbox_id if known is not None else None)
        run = _Run(pod, observation.time, sandbox)
        for key in _keys(pod):
            _keep(self._runs, key, run)

    def _stopped(self, pod: PodRef) -> None:
        if (run := self._run_of(pod)) is not None:
            for key in _keys(run.pod):
                self._runs.pop(key, None)

    def _run_of(self, pod: PodRef) -> _Run | None:
        runs = (self._runs.get(key) for key in _keys(pod))
        return next((run for run in runs if run is not None and run.pod.may_be(pod)), None)

    def _is_new(self, observation: PodObservation) -> bool:
        """Return whether the observation is later than the start of the pod that runs."""
        run = self._run_of(observation.pod)
        if run is None or run.since is None or observation.time is None:
            return True
        return observation.time > run.since + _SLACK_SECONDS


def _keys(pod: PodRef) -> list[str]:
    return [key for key in (pod.uid, f"{pod.namespace}/{pod.name}" if pod.name else None) if key]


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Put the entry at the end; drop the oldest of too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MAX_NAMES:
        del kept[next(iter(kept))]
