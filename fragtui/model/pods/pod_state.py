"""The mutable state of one stuck pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fragtui.cluster.event_reasons import is_of_network, was_skipped
from fragtui.cluster.failure_reason import STARTING, ReasonClass, classify, innermost_error, specificity
from fragtui.cluster.observation import VOLUME_STEP, PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sandbox_attempts import Attempt
from fragtui.model.pods.stuck_pods import PodLink, StuckPod
from fragtui.text import printable

_ATTEMPTS_KEPT = 8
MAX_LINKS = 16
_MAX_PAIRS = 64
_UNCLEAR = 2
"""The specificity of a reason that may be memory."""
_RANK = {"proven": 2, "likely": 1, "possible": 0}


@dataclass(slots=True, eq=False)
class PodState:
    """One pod that waits. Attempts before the last few are only counted."""

    ref: PodRef
    waits_since: float | None = None
    """When it started to wait, from the API."""
    from_api: bool = False
    stage: str = "sandbox"
    waiting_error: str = ""
    attempts: dict[str, Attempt] = field(default_factory=dict)
    forgotten: int = 0
    event_counts: dict[str, int] = field(default_factory=dict)
    first_failure: float | None = None
    last_failure: float | None = None
    last_start_failure: float | None = None
    """The last failure after which no sandbox or container of it runs: none of a kubelet that did not get so far."""
    only_volumes: bool = True
    """Whether nothing is known of it but failed work on its volumes."""
    skipped: bool = False
    """Whether the kubelet did not look at it the last time, since the node has no network."""
    container: str | None = None
    """The name of the container that does not start."""
    last_report: float = 0.0
    pairs: dict[tuple[str, str], PodLink] = field(default_factory=dict)
    """The link of each attempt to each kernel incident, by their ids."""
    sources: dict[str, None] = field(default_factory=dict)
    after_remedy: str | None = None
    started: float | None = None
    next_try: float | None = None
    """When the kubelet tries again, about."""
    stated_until: float | None = None
    """Until when the kubelet waits as it says itself; its usual pace counts only after that."""

    def take(self, attempt: Attempt) -> None:
        """Add an attempt, or replace it by a more complete one."""
        for absorbed in attempt.absorbed:
            if self.attempts.pop(absorbed, None) is not None:
                self._move_links(absorbed, attempt.id)
        self.attempts[attempt.id] = attempt
        while len(self.attempts) > _ATTEMPTS_KEPT:
            del self.attempts[next(iter(self.attempts))]
            self.forgotten += 1
        self.ref = self.ref.merged_with(attempt.pod)
        self.sources.update(dict.fromkeys(attempt.sources))
        self.stage = attempt.stage
        if attempt.first_time is not None and (self.first_failure is None or attempt.first_time < self.first_failure):
            self.first_failure = attempt.first_time
        if attempt.last_time is not None and (self.last_failure is None or attempt.last_time > self.last_failure):
            self.last_failure = attempt.last_time
            self.skipped = is_of_network(attempt.error)
            if not was_skipped(attempt.error):
                self.last_start_failure = attempt.last_time

    def expect_retry(self, observation: PodObservation) -> bool:
        """Take when the kubelet tries again from one of its lines; return whether that changed.

        A line about a failure that does not say it means that the kubelet has just tried.
        """
        before, time = self.next_try, observation.time
        if observation.source != "kubelet" or time is None:
            return False
        if observation.next_try is None:
            self.next_try = self.stated_until = None
        elif self.stated_until is None or time >= self.stated_until:
            self.next_try = observation.next_try
            says_when = observation.fact is PodFact.RETRIES or observation.step == VOLUME_STEP
            self.stated_until = observation.next_try if says_when else None
        return self.next_try != before

    def link(self, attempt_id: str, links: Mapping[str, PodLink | None]) -> bool:
        """Take an attempt's links by incident, None for no link; return whether one changed."""
        changed = False
        for incident_id, link in links.items():
            pair = (attempt_id, incident_id)
            changed |= self.pairs.get(pair) != link
            if link is None:
                self.pairs.pop(pair, None)
            else:
                self.pairs[pair] = link
        while len(self.pairs) > _MAX_PAIRS:
            del self.pairs[next(iter(self.pairs))]
        return changed

    @property
    def links(self) -> tuple[PodLink, ...]:
        """The most certain link to each incident, the most certain first."""
        best: dict[str, PodLink] = {}
        for link in self.pairs.values():
            known = best.get(link.incident_id)
            if known is None or _RANK[link.confidence] > _RANK[known.confidence]:
                best[link.incident_id] = link
        return tuple(sorted(best.values(), key=lambda link: -_RANK[link.confidence])[:MAX_LINKS])

    def _move_links(self, absorbed: str, attempt_id: str) -> None:
        self.pairs = {
            (attempt_id if attempt == absorbed else attempt, incident): link
            for (attempt, incident), link in self.pairs.items()
        }

    @property
    def names_denial(self) -> bool:
        """Whether an attempt or a linked kernel line reports that memory was denied."""
        return any(attempt.reason_class.memory for attempt in self.attempts.values()) or any(
            link.refusal and link.confidence != "possible" for link in self.pairs.values()
        )

    def absorb(self, other: PodState) -> None:
        """Merge another entry of the same pod."""
        for attempt in other.attempts.values():
            if attempt.id not in self.attempts:
                self.take(attempt)
        self.pairs = other.pairs | self.pairs
        self.ref = self.ref.merged_with(other.ref)
        self.forgotten += other.forgotten
        self.event_counts |= other.event_counts
        self.waits_since = other.waits_since if self.waits_since is None else self.waits_since
        self.from_api |= other.from_api
        self.only_volumes &= other.only_volumes
        self.sources.update(other.sources)
        self.last_report = max(self.last_report, other.last_report)

    @property
    def since(self) -> float | None:
        """When it started to wait: from the API if known, or the first failure, whichever is earlier."""
        known = [time for time in (self.waits_since, self.first_failure) if time is not None]
        return min(known) if known else None

    def frozen(self) -> StuckPod:
        """Return the immutable form."""
        row, reason = self._reason()
        links = self.links
        memory = row.memory
        for attempt in self.attempts.values():
            if attempt.reason_class is row:
                memory = memory_of(attempt, links)
        attempts = max(len(self.attempts) + self.forgotten, sum(self.event_counts.values())) or None
        ids = [attempt.sandbox_id or attempt.container_id for attempt in self.attempts.values()]
        container_ids = [attempt.container_id for attempt in self.attempts.values() if attempt.container_id]
        return StuckPod(
            self.ref,
            self.since,
            row,
            memory,
            reason,
            self.stage,
            attempts,
            self.first_failure,
            self.last_failure,
            tuple(container for container in ids if container),
            tuple(container_ids),
            links,
            tuple(self.sources),
            self.started,
            self.after_remedy,
            self.next_try,
        )

    def _reason(self) -> tuple[ReasonClass, str]:
        best: Attempt | None = None
        for attempt in self.attempts.values():
            if best is None or _says_more(attempt, best):
                best = attempt
        if best is not None:
            return best.reason_class, best.reason
        if self.waiting_error:
            return classify(self.waiting_error), printable(innermost_error(self.waiting_error))
        return STARTING, ""


def _says_more(newer: Attempt, older: Attempt) -> bool:
    """Return whether the newer attempt's reason is that of the pod: also one that may be memory after one that isn't.

    A name conflict that follows from an earlier attempt says nothing by itself.
    """
    said, said_before = specificity(newer.reason_class), specificity(older.reason_class)
    may_be_memory = said == _UNCLEAR and newer.follows is None and older.reason_class.memory is False
    return said >= said_before or may_be_memory


def memory_of(attempt: Attempt, links: tuple[PodLink, ...]) -> bool | None:
    """Return whether the kernel denied memory to the attempt, by its error and its links; None if unknown.

    A reason that names the class decides. A vague one, such as ``exit status 6``, is memory if a kernel denial is
    linked as proven or likely, and is not if that line reports the cgroup's own limit. A reason that is no memory
    becomes one if the OOM killer took the task that it misses.
    """
    if attempt.reason_class.memory is not None:
        return attempt.reason_class.memory or any(link.took_it and link.refusal for link in links)
    sure = [link for link in links if link.confidence in ("proven", "likely")]
    if any(link.refusal for link in sure):
        return True
    return False if sure else None
