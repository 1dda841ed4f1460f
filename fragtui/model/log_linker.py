"""Kernel reports and failed sandboxes of one or more logs, linked on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef, cgroup_owner
from fragtui.cluster.sandbox_attempts import Attempt, AttemptAssembler
from fragtui.model.failures.incident import Incident, iso_utc
from fragtui.model.linking import LinkIndex
from fragtui.model.log_reader import PodLine
from fragtui.model.pods.known_pods import KnownPods
from fragtui.model.pods.pod_state import memory_of
from fragtui.model.pods.pod_words import advice_words, link_words, reason_words
from fragtui.model.pods.stuck_pods import PodLink
from fragtui.text import printable

_RELEASE_AFTER = 256
_MAX_WAITING = 1_024
"""Incidents that wait for possible links, at most."""
_SETTLED_S = 180.0
_FAR_LINES = 2_000
_SURE = ("proven", "likely")
_LOG_OFFSET = 1 << 40
"""Separates the line numbers of different logs, so that they are not near to each other."""


@dataclass(frozen=True, slots=True)
class Explained:
    """An incident with the index of its log."""

    incident: Incident
    log: int
    logged: Incident | None = None
    """The kernel's incident without the fields that its links add, such as the pod; None for a failed sandbox."""


class LogLinker:
    """Takes the incidents and observations of logs, roughly in the order of time; returns the settled incidents.

    An incident waits until everything that may be linked to it is settled too, so both sides name each other. If more
    than `_MAX_WAITING` wait, all of them are returned with their links so far: memory stays flat.
    """

    def __init__(self) -> None:
        self._attempts = AttemptAssembler()
        self._index = LinkIndex()
        self._open: dict[str, Attempt] = {}
        self._places: dict[str, tuple[int, int, int]] = {}
        self._kernel: dict[int, Explained] = {}
        self._serial = 0
        self._known = KnownPods()
        self._limit = _RELEASE_AFTER
        self._time: float | None = None
        self._line = 0

    def feed(self, item: PodLine, log: int = 0) -> list[Explained]:
        """Take a line's incident or observation, of the log with this index; return the settled incidents."""
        if isinstance(item, Incident):
            self._serial += 1
            self._kernel[self._serial] = Explained(item, log, item)
            self._index.add_incident(item, str(self._serial))
            time, line = item.time, item.lines[1] if item.lines else None
        else:
            self._observe(item, log)
            time, line = item.time, item.line
        if time is not None and (self._time is None or time > self._time):
            self._time = time
        self._line = line or self._line
        if len(self._kernel) + len(self._open) <= self._limit:
            return []
        done = self._release(self._settled_kernel(log), self._settled_attempts(log))
        if len(self._kernel) + len(self._open) > _MAX_WAITING:
            done += self._release(list(self._kernel), list(self._open))
        self._limit = len(self._kernel) + len(self._open) + _RELEASE_AFTER
        return done

    def finish(self) -> list[Explained]:
        """Return the remaining incidents."""
        return self._release(list(self._kernel), list(self._open))

    def _observe(self, observation: PodObservation, log: int) -> None:
        # Whether `explain` reads a line of the kubelet's PLEG depends on the lines beside it.
        completed = observation if observation.step == "pleg" else self._known.take(observation)
        if completed is None:
            return
        offset = log * _LOG_OFFSET
        shifted = completed
        if offset and observation.line is not None:
            last = None if observation.last_line is None else observation.last_line + offset
            shifted = replace(completed, line=observation.line + offset, last_line=last)
        attempt = self._attempts.add(shifted)
        if attempt is None:
            return
        self._open[attempt.id] = attempt
        self._index.add_attempt(attempt)
        ids = (attempt.id, *attempt.absorbed)
        places = [self._places.pop(attempt_id) for attempt_id in ids if attempt_id in self._places]
        if observation.line is not None:
            places.append((log, observation.line, observation.last_line or observation.line))
        for absorbed in attempt.absorbed:
            self._open.pop(absorbed, None)
        if places:
            first = places[0][0]
            same = [place for place in places if place[0] == first]
            self._places[attempt.id] = (first, min(place[1] for place in same), max(place[2] for place in same))

    def _settled_kernel(self, log: int) -> list[int]:
        settled = []
        for key, explained in self._kernel.items():
            lines = explained.incident.lines
            if self._is_settled(explained.incident.time, log, explained.log, lines[1] if lines else None):
                settled.append(key)
        return settled

    def _settled_attempts(self, log: int) -> list[str]:
        settled = []
        for key, attempt in self._open.items():
            its_log, _, last = self._places.get(key, (-1, 0, 0))
            if self._is_settled(attempt.last_time, log, its_log, last):
                settled.append(key)
        return settled

    def _is_settled(self, time: float | None, log: int, its_log: int, line: int | None) -> bool:
        if time is not None and self._time is not None:
            return self._time - time > _SETTLED_S
        return its_log == log and line is not None and self._line - line > _FAR_LINES

    def _release(self, kernel: Sequence[int], attempts: Sequence[str]) -> list[Explained]:
        """Link all and return the settled ones, except a report linked to an attempt that is not settled."""
        if not kernel and not attempts:
            return []
        keys, settled, settled_kernel = list(self._kernel), set(attempts), set(kernel)
        incidents, pods = link_sides(
            [explained.incident for explained in self._kernel.values()],
            list(self._open.values()),
            self._index,
            self._known.names,
        )
        waiting = self._open.keys() - settled
        done: list[Explained] = []
        for key, incident in zip(keys, incidents, strict=True):
            log, logged = self._kernel[key].log, self._kernel[key].logged
            if key in settled_kernel and waiting.isdisjoint(incident.linked):
                del self._kernel[key]
                self._index.remove_incident(str(key))
                done.append(Explained(incident, log, logged))
            elif not settled.isdisjoint(incident.linked):  # It stays and keeps the ids of the returned attempts.
                kept = tuple(linked for linked in incident.linked if linked not in waiting)
                self._kernel[key] = Explained(replace(incident, linked=kept), log, logged)
        for incident in pods:
            if incident.id in settled:
                del self._open[incident.id]
                self._index.remove_attempt(incident.id)
                log, first, last = self._places.pop(incident.id, (0, 0, 0))
                done.append(Explained(replace(incident, lines=(first, last) if first else None), log))
        one_log = len({explained.log for explained in done}) == 1
        done.sort(key=lambda explained: _in_order(explained.incident, one_log))
        return done


def _in_order(incident: Incident, one_log: bool) -> tuple[float, int]:
    return (0.0 if one_log else incident.time or 0.0, incident.lines[0] if incident.lines else 0)


def link_sides(
    kernel: Sequence[Incident], attempts: Sequence[Attempt], index: LinkIndex, names: Iterable[PodRef] = ()
) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """Return the kernel's incidents and those of the attempts; linked ones have each other's ids.

    `index` contains them all. A kernel incident gets a pod's name if it is linked to attempts of that pod only, as
    proven or likely, or if its cgroup is that of a known pod (`names` and the attempts' own).
    """
    links = {attempt.id: tuple(link for link in index.judge(attempt).values() if link) for attempt in attempts}
    known = {pod.uid: pod for pod in (*names, *(attempt.pod for attempt in attempts)) if pod.uid and pod.name}
    pods_of: dict[str, list[tuple[PodLink, Attempt]]] = defaultdict(list)
    for attempt in attempts:
        for link in links[attempt.id]:
            pods_of[link.incident_id].append((link, attempt))
    named = tuple(_named(incident, pods_of.get(incident.id, []), known) for incident in kernel)
    return named, tuple(sandbox_incident(attempt, links[attempt.id]) for attempt in attempts)


def _named(incident: Incident, linked: list[tuple[PodLink, Attempt]], known: dict[str, PodRef]) -> Incident:
    ids = tuple(dict.fromkeys((*incident.linked, *(attempt.id for _, attempt in linked))))
    owner = cgroup_owner(incident.cpuset or "")
    pod = known.get(incident.pod_uid or (owner.uid if owner else None) or "")
    sure = [attempt for link, attempt in linked if link.confidence in _SURE and attempt.pod]
    if pod is None and incident.pod_uid is None and len({attempt.pod for attempt in sure}) == 1:
        pod = sure[0].pod
    if pod is None:
        return replace(incident, linked=ids)
    return replace(
        incident,
        linked=ids,
        namespace=incident.namespace or pod.namespace,
        pod=incident.pod or pod.name,
        pod_uid=incident.pod_uid or pod.uid,
    )


def sandbox_incident(attempt: Attempt, links: tuple[PodLink, ...] = ()) -> Incident:
    """Return a failed attempt as an incident, explained with its links."""
    reason = attempt.reason_class
    memory = memory_of(attempt, links)
    words = [f"{attempt.pod}: {reason_words(reason, memory)}"]
    words += [f"blocked by {link_words(link)}" for link in links]
    if (before := attempt.follows) is not None:
        at = f" of {iso_utc(before.time)}" if before.time is not None else ""
        words.append(f"it is a consequence of the attempt{at}, incident {before.id}: {before.reason_class.words}")
    if attempt.count is not None and attempt.count > 1 and attempt.last_time is not None:
        words.append(f"{attempt.count:,} times, the last at {iso_utc(attempt.last_time)}")
    elif attempt.seen is not None:
        words.append(f"last seen {attempt.seen} before its table was printed")
    return Incident(
        time=attempt.first_time,
        pid=attempt.pids[0] if attempt.pids else None,
        cause=reason.name,
        memory=memory,
        repeated=attempt.count - 1 if attempt.count is not None and attempt.count > 1 else None,
        namespace=attempt.pod.namespace,
        pod=attempt.pod.name,
        pod_uid=attempt.pod.uid,
        sandbox_id=attempt.sandbox_id or attempt.container_id,
        container_id=attempt.container_id,
        reason=attempt.reason or None,
        explanation=printable(f"{'; '.join(word.rstrip('.') for word in words)}. {advice_words(reason, memory)}", 1200),
        lines=attempt.lines,
        linked=(*(link.incident_id for link in links), *((before.id,) if before is not None else ())),
        id=attempt.id,
        last_time=attempt.last_time,
    )
