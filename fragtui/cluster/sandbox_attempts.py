"""Joins the lines of several programs about one attempt to start a pod's sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from fragtui.cluster.failure_reason import UNKNOWN_REASON, ReasonClass, classify, innermost_error, specificity
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.text import printable

_SAME_ATTEMPT_SECONDS = 5.0
_SAME_VOLUME_SECONDS = 130.0
"""The kubelet waits 2 min 3 s for volumes before it reports it (podAttachAndMountTimeout)."""
_SAME_EVENT_SECONDS = 3.0
_NAMELESS_SECONDS = 2.0
_NAMELESS_LINES = 12
_WINDOW_SECONDS = 150.0
_CONSEQUENCE = "name-conflict"
_MAX_OPEN = 512
_MAX_IDS = 1024
_MAX_ABSORBED = 16
_MAX_COUNTS = 64


@dataclass(frozen=True, slots=True)
class Followed:
    """The earlier attempt of a pod that still runs, or holds its name."""

    id: str
    reason_class: ReasonClass
    time: float | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed attempt to start a pod's sandbox or container, joined from all its lines. Times in epoch seconds."""

    id: str
    pod: PodRef
    stage: str
    reason_class: ReasonClass
    reason: str
    """The innermost error text."""
    error: str
    """The error as first written in full."""
    first_time: float | None
    last_time: float | None
    lines: tuple[int, int] | None
    """First and last line of the log, counted from 1."""
    sandbox_id: str | None
    container_id: str | None
    sources: tuple[str, ...]
    observations: int
    """Number of lines and events about it."""
    count: int | None
    """The events' count; None without events."""
    pids: tuple[int, ...]
    absorbed: tuple[str, ...]
    """Ids of attempts that turned out to be this one: drop what is kept of them."""
    follows: Followed | None = None
    """The earlier attempt that this one is only a consequence of."""
    seen: str | None = None
    """When it was last seen, by a table of events: ``2m1s (x350 over 88m)``."""


@dataclass(slots=True, eq=False)
class _Open:
    serial: int
    id: str
    pod: PodRef
    stage: str
    steps: dict[tuple[str, str], tuple[float | None, str]] = field(default_factory=dict)
    reason_class: ReasonClass = UNKNOWN_REASON
    reason: str = ""
    error: str = ""
    last_core: str = ""
    first_time: float | None = None
    last_time: float | None = None
    first_line: int | None = None
    last_line: int | None = None
    sandbox_id: str | None = None
    container_id: str | None = None
    observations: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    pids: tuple[int, ...] = ()
    absorbed: tuple[str, ...] = ()
    ended: bool = False
    follows: Followed | None = None
    seen: str | None = None

    @property
    def ids(self) -> set[str]:
        # A sandbox that runs may fail to start many containers.
        sandbox = self.sandbox_id if self.stage == "sandbox" else None
        return {each for each in (sandbox, self.container_id) if each}

    def take(self, observation: PodObservation, row: ReasonClass, core: str) -> None:
        self.pod = self.pod.merged_with(observation.pod)
        self.steps.setdefault((observation.source, observation.step), (observation.time, observation.error))
        if not self.error or specificity(row) > specificity(self.reason_class):
            self.reason_class, self.reason, self.error = row, core, observation.error
        self.last_core = core
        self.stretch(observation.time, observation.line)
        self.stretch(None, observation.last_line)
        if observation.first_time is not None:
            self.stretch(observation.first_time, None)
        self.sandbox_id = self.sandbox_id or observation.sandbox_id
        self.container_id = self.container_id or observation.container_id
        if observation.count is not None:
            key = observation.event_id or ""
            if key in self.counts or len(self.counts) < _MAX_COUNTS:
                self.counts[key] = max(observation.count, self.counts.get(key, 0))
        self.observations += 1
        self.seen = observation.seen or self.seen
        self.pids = tuple(dict.fromkeys((*self.pids, *observation.pids)))[:8]

    def stretch(self, time: float | None, line: int | None) -> None:
        if time is not None:
            self.first_time = time if self.first_time is None else min(self.first_time, time)
            self.last_time = time if self.last_time is None else max(self.last_time, time)
        if line is not None:
            self.first_line = line if self.first_line is None else min(self.first_line, line)
            self.last_line = line if self.last_line is None else max(self.last_line, line)

    def absorb(self, other: _Open) -> None:
        self.pod = self.pod.merged_with(other.pod)
        self.steps = other.steps | self.steps
        if specificity(other.reason_class) > specificity(self.reason_class) or not self.error:
            self.reason_class, self.reason, self.error = other.reason_class, other.reason, other.error
        for time in (other.first_time, other.last_time):
            self.stretch(time, None)
        for line in (other.first_line, other.last_line):
            self.stretch(None, line)
        self.sandbox_id = self.sandbox_id or other.sandbox_id
        self.container_id = self.container_id or other.container_id
        self.observations += other.observations
        self.counts = dict([*(self.counts | other.counts).items()][:_MAX_COUNTS])
        self.pids = tuple(dict.fromkeys((*self.pids, *other.pids)))[:8]
        # Each was reported when it was merged: the last ones are enough.
        self.absorbed = (*self.absorbed, other.id, *other.absorbed)[-_MAX_ABSORBED:]

    def _count(self) -> int | None:
        """Return how often the events say that it failed: those of a table are the same as those with an id."""
        if not self.counts:
            return None
        return max(self.counts.get("", 0), sum(count for event, count in self.counts.items() if event))

    def frozen(self) -> Attempt:
        first, last = self.first_line, self.last_line
        return Attempt(
            self.id,
            self.pod,
            self.stage,
            self.reason_class,
            self.reason,
            self.error,
            self.first_time,
            self.last_time,
            None if first is None or last is None else (first, last),
            self.sandbox_id,
            self.container_id,
            tuple(dict.fromkeys(source for source, _ in self.steps)),
            self.observations,
            self._count(),
            self.pids,
            self.absorbed,
            self.follows,
            self.seen,
        )


class AttemptAssembler:
    """Assembles observations, roughly in order of time, into attempts; keeps only those of the last moments."""

    def __init__(self) -> None:
        self._serial = 0
        self._open: list[_Open] = []
        self._by_id: dict[str, _Open] = {}
        self._by_event: dict[str, _Open] = {}
        self._first: dict[str, Followed] = {}
        """The last attempt of a pod, by uid and by name, that failed for a reason of its own."""
        self._by_pod: dict[str | None, list[_Open]] = {}
        """The attempts of `_open` by name and uid of their pod; those without a pod under None."""

    def add(self, observation: PodObservation) -> Attempt | None:
        """Take one observation; return the attempt that it started or changed, None if none."""
        if observation.fact is PodFact.FAILED:
            return self._failed(observation).frozen()
        if observation.fact is PodFact.DIED or self._names_attempt(observation):
            return self._tied(observation)
        if observation.fact is PodFact.BEGINS:
            for attempt in self._open:
                if attempt.pod and attempt.pod.may_be(observation.pod):
                    attempt.ended = True
        return None

    def _names_attempt(self, observation: PodObservation) -> bool:
        """Return whether the observation has the pod of an attempt that was read without one, or was a sandbox's."""
        owner = self._by_id.get(observation.container_id or observation.sandbox_id or "")
        if owner is None or not observation.pod:
            return False
        return not owner.pod or (observation.fact is PodFact.SANDBOX_RUNS and observation.step == "pleg")

    def failed_ids(self, sandbox_id: str | None) -> bool:
        """Return whether a recent failed attempt had this sandbox or container id."""
        return sandbox_id in self._by_id

    def _failed(self, observation: PodObservation) -> _Open:
        self._forget_old(observation.time)
        core = innermost_error(observation.error)
        row = classify(observation.error)
        attempt = self._same_attempt(observation, core, row)
        if attempt is None:
            self._serial += 1
            attempt = _Open(self._serial, f"pod-{self._serial}", observation.pod, observation.stage)
            self._open.append(attempt)
        attempt.take(observation, row, printable(core))
        self._follow(attempt)
        self._index(attempt)
        if observation.event_id is not None:
            self._by_event[observation.event_id] = attempt
            if len(self._by_event) > _MAX_IDS:
                del self._by_event[next(iter(self._by_event))]
        return attempt

    def _follow(self, attempt: _Open) -> None:
        """Note the pod's earlier attempt, if this one fails only because that one holds its name."""
        pod = attempt.pod
        keys = [key for key in (pod.uid, f"{pod.namespace}/{pod.name}" if pod.name else None) if key]
        if attempt.reason_class.name == _CONSEQUENCE:
            before = next((self._first[key] for key in keys if key in self._first), None)
            if before is not None and before.id != attempt.id:
                attempt.follows = before
            return
        for key in keys:
            self._first[key] = Followed(attempt.id, attempt.reason_class, attempt.last_time)
            if len(self._first) > _MAX_IDS:
                del self._first[next(iter(self._first))]

    def _index(self, attempt: _Open) -> None:
        keys = {attempt.pod.name, attempt.pod.uid} - {None} or {None}
        if None not in keys and attempt in (nameless := self._by_pod.get(None, [])):
            nameless.remove(attempt)
        for key in keys:
            if attempt not in (same := self._by_pod.setdefault(key, [])):
                same.append(attempt)
        for each in attempt.ids:
            self._by_id[each] = attempt
        while len(self._by_id) > _MAX_IDS:
            del self._by_id[next(iter(self._by_id))]

    def _same_attempt(self, observation: PodObservation, core: str, row: ReasonClass) -> _Open | None:
        sandbox = observation.sandbox_id if observation.stage == "sandbox" else None
        ids = {each for each in (sandbox, observation.container_id) if each}
        for each in ids:
            known = self._by_id.get(each)
            if known is not None and known.stage == observation.stage:
                return known
        told_before = self._by_event.get(observation.event_id) if observation.event_id is not None else None
        if told_before is not None:
            return told_before
        nameless: list[_Open] = []
        named: _Open | None = None
        for attempt in self._candidates(observation):
            if attempt.stage != observation.stage or _other_ids(attempt, observation):
                continue
            match _same_by_words(attempt, observation, core, row):
                case "pod":
                    named = named or attempt
                case "nameless":
                    nameless.append(attempt)
        if named is not None:
            return named
        if len(nameless) > 1 and any(attempt.ids for attempt in nameless):
            return None
        return nameless[-1] if nameless else None

    def _candidates(self, observation: PodObservation) -> list[_Open]:
        """Return the open attempts that may be the observation's, the newest first."""
        if not observation.pod:
            return self._open[::-1]
        found = {
            attempt.serial: attempt
            for key in (observation.pod.name, observation.pod.uid, None)
            for attempt in self._by_pod.get(key, ())
        }
        return [found[serial] for serial in sorted(found, reverse=True)]

    def _tied(self, observation: PodObservation) -> Attempt | None:
        what = observation.container_id or observation.sandbox_id
        candidates = [
            attempt
            for attempt in self._open
            if attempt.pod.may_be(observation.pod) and _near(attempt, observation, _SAME_ATTEMPT_SECONDS)
        ]
        owner = self._by_id.get(what) if what is not None else None
        if owner is None:
            idless = [attempt for attempt in candidates if not attempt.ids and attempt.stage == "sandbox"]
            if not idless or what is None or observation.fact is not PodFact.DIED:
                return None
            idless[-1].container_id = what
            owner = idless[-1]
        elif not owner.pod:
            other = next((attempt for attempt in reversed(candidates) if not attempt.ids), None)
            if other is not None:
                other.absorb(owner)
                self._keep([attempt for attempt in self._open if attempt is not owner])
                owner = other
        owner.pod = owner.pod.merged_with(observation.pod)
        owner.stretch(None, observation.line)
        self._index(owner)
        return owner.frozen()

    def _forget_old(self, now: float | None) -> None:
        if len(self._open) >= _MAX_OPEN:
            self._keep(self._open[_MAX_OPEN // 4 :])
        if now is None or not self._open:
            return
        oldest = self._open[0].last_time
        if oldest is not None and now - oldest > _WINDOW_SECONDS:
            self._keep(
                [
                    attempt
                    for attempt in self._open
                    if attempt.last_time is None or now - attempt.last_time <= _WINDOW_SECONDS
                ]
            )

    def _keep(self, attempts: list[_Open]) -> None:
        self._open = attempts
        self._by_pod = {}
        self._by_event = {event: attempt for attempt in attempts for event in attempt.counts if event}
        for attempt in attempts:
            self._index(attempt)


def _other_ids(attempt: _Open, observation: PodObservation) -> bool:
    """Return whether both name a sandbox, or both a container, and not the same one (the same is found by its id)."""
    if observation.sandbox_id is not None and attempt.sandbox_id is not None:
        return attempt.stage == "sandbox" or observation.sandbox_id != attempt.sandbox_id
    return observation.container_id is not None and attempt.container_id not in (None, observation.container_id)


def _near(attempt: _Open, observation: PodObservation, seconds: float) -> bool:
    if observation.time is None or attempt.last_time is None or attempt.first_time is None:
        return True
    return attempt.first_time - seconds <= observation.time <= attempt.last_time + seconds


def _same_by_words(attempt: _Open, observation: PodObservation, core: str, row: ReasonClass) -> str | None:
    """Return how the observation belongs to the attempt without a common id: by ``pod``, ``nameless``, or not."""
    if (
        row.name.startswith("volume")
        and attempt.reason_class.name.startswith("volume")
        and observation.source == "kubelet"
    ):
        same = attempt.pod.may_be(observation.pod) and _near(attempt, observation, _SAME_VOLUME_SECONDS)
        return "pod" if same else None
    said_before = attempt.steps.get((observation.source, observation.step))
    repeated = said_before is not None and observation.time is not None
    if said_before is not None and (said_before != (observation.time, observation.error) or not repeated):
        return "nameless" if _printed_again(attempt, observation, core) else None
    seconds = _SAME_EVENT_SECONDS if "event" in (observation.source, observation.step) else _SAME_ATTEMPT_SECONDS
    if attempt.pod and observation.pod:
        late = attempt.ended and not repeated and observation.source != "event"
        same = attempt.pod.may_be(observation.pod) and not late and _near(attempt, observation, seconds)
        return "pod" if same else None
    timed = observation.time is not None and attempt.last_time is not None
    if timed and not _near(attempt, observation, _NAMELESS_SECONDS):
        return None
    apart = None
    if observation.line is not None and attempt.last_line is not None:
        apart = abs(observation.line - attempt.last_line)
    if not timed and (apart is None or apart > _NAMELESS_LINES):
        return None
    cut = observation.error.endswith((">", "…"))
    if _alike(attempt.reason, printable(core)) or (apart == 1 and (cut or not timed)):
        return "nameless"
    return None


def _printed_again(attempt: _Open, observation: PodObservation, core: str) -> bool:
    """Return whether the line repeats the error of the line above, as docker's command line repeats runc's."""
    if observation.source != "text" or observation.time is not None or observation.line is None:
        return False
    return attempt.last_line == observation.line - 1 and _alike(attempt.last_core, printable(core))


def _alike(one: str, other: str) -> bool:
    first, second = (text.replace('"', "").replace(":", "").rstrip("…> ") for text in (one, other))
    return first.startswith(second) or second.startswith(first)
