"""Which pods are stuck, since when and why, from the observations of all sources."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fragtui.cluster.observation import VOLUME_STEP, PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sandbox_attempts import Attempt, AttemptAssembler
from fragtui.model.pods.known_pods import MAX_NAMES, KnownPods
from fragtui.model.pods.pod_state import PodState
from fragtui.model.pods.stuck_pods import PodLink, StuckPod, StuckPods

QUIET_SECONDS = 600.0
"""A pod known only from logs counts as gone after this many seconds without a line: kubelets retry within 5 min."""
PATIENCE_SECONDS = 15.0
"""A pod that waits without a failure counts as stuck after this many seconds."""
_STARTED_SECONDS = 900.0
_MAX_STARTED = 32
MAX_PODS = 512
"""Pods in the tracker; a kubelet runs 110 by default, and few nodes run above 250."""
_DROPPED_AT_ONCE = 32
"""Pods dropped together from a full tracker: sorting them for each new name of a flood would cost CPU."""
_SKIPPED_SECONDS = 60.0
"""The same for a pod whose network is not ready: the kubelet looks at it again every 1 to 2 s."""
_VOLUMES_SECONDS = 150.0
"""After 2 min 3 s the kubelet reports that a pod waits for its volumes; else it only renews those of one that runs."""
_SLACK_SECONDS = 2.0
_REOPEN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Started:
    entry: PodState
    at: float
    container: bool
    """Whether a container runs, not only the sandbox."""


class PodTracker:
    """Mutable, not thread-safe; `snapshot` is immutable. Times are epoch seconds."""

    def __init__(self, links_of: Callable[[Attempt], Mapping[str, PodLink | None]] = lambda _: {}) -> None:
        """`links_of` returns the links of a new or grown attempt, by kernel incident."""
        self._links_of = links_of
        self._assembler = AttemptAssembler()
        self._entries: list[PodState] = []
        self._by_uid: dict[str, PodState] = {}
        self._by_name: dict[tuple[str | None, str], PodState] = {}
        self._nameless: deque[PodState] = deque(maxlen=16)
        self._started: deque[_Started] = deque(maxlen=_MAX_STARTED)
        self._known = KnownPods()
        self._runs_since: dict[str, tuple[float | None, float | None]] = {}
        """When the sandbox of a pod was last seen to run and when a container was, by the pod's uid."""
        self._dropped = 0

    def observe(self, observation: PodObservation, now: float) -> bool:
        """Take an observation; return whether the state may have changed. Never raises."""
        completed = self._known.take(observation)
        if completed is None:
            return False
        observation, fact = completed, completed.fact
        if fact is PodFact.FAILED:
            return self._failed(observation, now)
        attempt = self._assembler.add(observation)
        placed = attempt is not None and self._is_kept(attempt) and self._place(attempt, now)
        return self._changed_by(observation, now) or placed

    def _changed_by(self, observation: PodObservation, now: float) -> bool:
        fact = observation.fact
        if fact is PodFact.BEGINS:
            entry = self._find(observation.pod)
            if entry is not None:
                entry.last_report = now
            return False
        if fact in (PodFact.SANDBOX_RUNS, PodFact.CONTAINER_RUNS):
            return self._runs(observation, now)
        if fact is PodFact.GONE:
            return self._drop(self._find(observation.pod))
        if fact is PodFact.WAITS:
            return self._waits(observation, now)
        if fact is PodFact.RETRIES:
            entry = self._find(observation.pod)
            return entry is not None and entry.expect_retry(observation)
        return False

    def set_existing(self, pods: Iterable[PodRef], now: float) -> bool:
        """Drop every pod that is not in `pods`, all pods of this node; return whether one was dropped."""
        pods = tuple(pods)
        self._known.existing(pods, now)
        uids, names = set(), set()
        for pod in pods:
            uids.add(pod.uid)
            names.add((pod.namespace, pod.name))
        gone = [
            entry
            for entry in self._entries
            if entry.ref
            and not (entry.ref.uid in uids if entry.ref.uid else (entry.ref.namespace, entry.ref.name) in names)
            and (entry.ref.uid or entry.ref.namespace)
        ]
        for entry in gone:
            self._drop(entry)
        return bool(gone)

    def link(self, links: Mapping[str, Mapping[str, PodLink | None]]) -> bool:
        """Take links by attempt and kernel incident; return whether one is new or gone."""
        changed = False
        if links:
            for entry in (*self._entries, *(started.entry for started in self._started)):
                for attempt_id in entry.attempts.keys() & links.keys():
                    changed |= entry.link(attempt_id, links[attempt_id])
        return changed

    def remedy_ran(self, name: str) -> bool:
        """Note on every stuck pod that a remedy ran now; return whether there are stuck pods."""
        for entry in self._entries:
            entry.after_remedy = name
        return bool(self._entries)

    @property
    def names(self) -> tuple[PodRef, ...]:
        """Every pod with a known name and uid."""
        return self._known.names

    def learn(self, pod: PodRef) -> None:
        """Remember the name of a uid."""
        self._known.learn(pod)

    def snapshot(self, now: float) -> StuckPods:
        """Return the stuck pods, the longest first, and those that started lately."""
        for entry in [entry for entry in self._entries if self._quiet(entry, now)]:
            self._drop(entry)
        waiting = [entry for entry in self._entries if self._is_stuck(entry, now) and not self._is_echo(entry)]
        stuck = [entry.frozen() for entry in waiting]
        stuck.sort(key=lambda pod: (pod.since is None, pod.since or 0.0, str(pod.ref)))
        while self._started and now - self._started[0].at > _STARTED_SECONDS:
            self._started.popleft()
        started: tuple[StuckPod, ...] = tuple(
            started.entry.frozen()
            for started in reversed(self._started)
            if self._find(started.entry.ref) not in waiting
        )
        return StuckPods(tuple(stuck), started, self._dropped)

    def _is_echo(self, entry: PodState) -> bool:
        """Return whether a runtime's failures without a pod are those of pods that are listed by name."""
        return entry in self._nameless and all(
            any(
                attempt.reason == other.reason and _apart(attempt, other) <= _SLACK_SECONDS
                for known in self._entries
                if known.ref
                for other in known.attempts.values()
            )
            for attempt in entry.attempts.values()
        )

    def _failed(self, observation: PodObservation, now: float) -> bool:
        attempt = self._assembler.add(observation)
        if attempt is None:
            return False
        if self._ran_after(observation) or self._known.is_gone(observation):
            return self._drop(self._nameless_of(attempt))
        changed = self._place(attempt, now)
        entry = self._find(attempt.pod)
        if entry is not None:
            entry.expect_retry(observation)
            entry.container = observation.container or entry.container
            entry.only_volumes &= observation.step == VOLUME_STEP
        if entry is not None and observation.event_id is not None and observation.count is not None:
            entry.event_counts[observation.event_id] = observation.count
            if len(entry.event_counts) > 256:
                del entry.event_counts[next(iter(entry.event_counts))]
        return changed

    def _ran_after(self, observation: PodObservation) -> bool:
        """Return whether the pod ran after the observation: events and old log lines report past failures."""
        known = self._lately_started(observation.pod)
        at = known.entry.started if known is not None and (known.container or observation.stage == "sandbox") else None
        if observation.pod.uid in self._runs_since:
            sandbox, container = self._runs_since[observation.pod.uid]
            at = container if observation.stage == "container" else sandbox
        return at is not None and (observation.time is None or observation.time <= at + _SLACK_SECONDS)

    def _is_kept(self, attempt: Attempt) -> bool:
        """Return whether the attempt, or one that turned out to be it, is of a pod that did not start since."""
        entry = self._find(attempt.pod)
        return self._nameless_of(attempt) is not None or (entry is not None and attempt.id in entry.attempts)

    def _nameless_of(self, attempt: Attempt) -> PodState | None:
        """Return the entry that was made of the attempt, or of a part of it, while its pod was unknown."""
        ids = {attempt.id, *attempt.absorbed}
        return next((entry for entry in self._nameless if ids & entry.attempts.keys()), None)

    def _place(self, attempt: Attempt, now: float) -> bool:
        entry = self._find(attempt.pod) if attempt.pod else None
        nameless = self._nameless_of(attempt)
        if entry is None and nameless is not None:
            entry = nameless
            if attempt.pod:
                self._nameless.remove(nameless)
        elif entry is not None and nameless is not None and nameless is not entry:
            self._nameless.remove(nameless)
            entry.absorb(nameless)
            self._forget(nameless)
        if entry is None:
            entry = self._reopened(attempt.pod, attempt.stage, attempt.last_time) or PodState(attempt.pod)
            self._add(entry)
            if not attempt.pod:
                self._nameless.append(entry)
        entry.take(attempt)
        entry.last_report = max(entry.last_report, attempt.last_time if attempt.last_time is not None else now)
        self._index(entry)
        entry.link(attempt.id, self._links_of(attempt))
        return True

    def _reopened(self, pod: PodRef, stage: str, time: float | None) -> PodState | None:
        """Return the entry of a pod that only seemed to have started.

        Docker runs a sandbox before its network is up; a sandbox runs before its containers fail to start.
        """
        known = self._lately_started(pod)
        if known is None or time is None or known.entry.started is None:
            return None
        if time - known.entry.started > _REOPEN_SECONDS and (stage == "sandbox" or known.container):
            return None
        self._started.remove(known)
        known.entry.started = None
        return known.entry

    def _lately_started(self, pod: PodRef) -> _Started | None:
        return next((started for started in self._started if started.entry.ref.may_be(pod)), None)

    def _runs(self, observation: PodObservation, now: float) -> bool:
        if observation.step == "pleg" and self._assembler.failed_ids(observation.container_id):
            return False
        at = observation.time if observation.time is not None else now
        container = observation.fact is PodFact.CONTAINER_RUNS or observation.container is not None
        if (uid := observation.pod.uid) is not None:
            _, container_at = self._runs_since.pop(uid, (None, None))
            self._runs_since[uid] = (at, at if container else container_at)
            if len(self._runs_since) > MAX_NAMES:
                del self._runs_since[next(iter(self._runs_since))]
        entry = self._find(observation.pod)
        if entry is None:
            return False
        if entry.last_start_failure is not None and at < entry.last_start_failure - _SLACK_SECONDS:
            return False
        if entry.stage == "container" and not self._starts_container(entry, observation):
            return False
        was_stuck = self._is_stuck(entry, now) and (entry.since is None or entry.since <= at)
        self._drop(entry)
        if was_stuck:
            entry.started = at
            self._started.append(_Started(entry, now, container))
        return True

    def _starts_container(self, entry: PodState, observation: PodObservation) -> bool:
        """Return whether the observation may be of the container that failed to start."""
        if observation.container is not None and entry.container is not None:
            return observation.container == entry.container
        if observation.fact is PodFact.CONTAINER_RUNS:
            return True
        sandboxes = {attempt.sandbox_id for attempt in entry.attempts.values()}
        return observation.step == "pleg" and observation.container_id not in sandboxes

    def _waits(self, observation: PodObservation, now: float) -> bool:
        entry = self._find(observation.pod)
        if entry is None:
            time = observation.since if observation.stage == "sandbox" else now
            entry = self._reopened(observation.pod, observation.stage, time) or PodState(observation.pod)
            self._add(entry)
        before = (entry.stage, entry.waiting_error, entry.waits_since, entry.from_api)
        entry.ref = entry.ref.merged_with(observation.pod)
        entry.from_api = True
        entry.stage, entry.waiting_error = observation.stage, observation.error
        entry.container = observation.container or entry.container
        if observation.since is not None:
            entry.waits_since = observation.since
        entry.sources.setdefault(observation.source)
        entry.last_report = now
        self._index(entry)
        return before != (entry.stage, entry.waiting_error, entry.waits_since, entry.from_api)

    def _is_stuck(self, entry: PodState, now: float) -> bool:
        if entry.attempts or entry.waiting_error:
            return True
        return entry.since is not None and now - entry.since >= PATIENCE_SECONDS

    def _quiet(self, entry: PodState, now: float) -> bool:
        if entry.from_api:
            return False
        if entry.only_volumes and entry.first_failure is not None and now - entry.first_failure > _VOLUMES_SECONDS:
            self._known.assume_runs(entry.ref, entry.first_failure)
            return True
        return now - entry.last_report > (_SKIPPED_SECONDS if entry.skipped else QUIET_SECONDS)

    def _find(self, pod: PodRef) -> PodState | None:
        if pod.uid and (entry := self._by_uid.get(pod.uid)) is not None:
            return entry
        if pod.name is None:
            return None
        candidates = [self._by_name.get((pod.namespace, pod.name))]
        if pod.namespace is None:
            candidates = [entry for (_, name), entry in self._by_name.items() if name == pod.name]
        elif candidates == [None]:
            candidates = [self._by_name.get((None, pod.name))]
        return next((entry for entry in candidates if entry is not None and entry.ref.may_be(pod)), None)

    def _add(self, entry: PodState) -> None:
        if len(self._entries) >= MAX_PODS:
            # Keep first the pods that were denied memory, then those of the API, which also reports when a pod is gone.
            by_use = sorted(self._entries, key=lambda entry: (entry.names_denial, entry.from_api, entry.last_report))
            for least in by_use[:_DROPPED_AT_ONCE]:
                self._drop(least)
            self._dropped += _DROPPED_AT_ONCE
        self._entries.append(entry)
        self._index(entry)

    def _index(self, entry: PodState) -> None:
        if entry.ref.uid:
            self._by_uid[entry.ref.uid] = entry
        if entry.ref.name:
            self._by_name[(entry.ref.namespace, entry.ref.name)] = entry

    def _forget(self, entry: PodState) -> None:
        self._entries.remove(entry)
        ref = entry.ref  # A reference only gains fields, so these are all the keys of the entry.
        if ref.uid and self._by_uid.get(ref.uid) is entry:
            del self._by_uid[ref.uid]
        for namespace in {ref.namespace, None}:
            if ref.name and self._by_name.get((namespace, ref.name)) is entry:
                del self._by_name[namespace, ref.name]

    def _drop(self, entry: PodState | None) -> bool:
        if entry is None or entry not in self._entries:
            return False
        self._forget(entry)
        if entry in self._nameless:
            self._nameless.remove(entry)
        return True


def _apart(one: Attempt, other: Attempt) -> float:
    """Return the seconds between two attempts; infinite if a time is unknown."""
    if one.last_time is None or other.first_time is None or other.last_time is None:
        return float("inf")
    return max(other.first_time - one.last_time, one.last_time - other.last_time, 0.0)
