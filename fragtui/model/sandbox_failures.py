"""Failed attempts as incidents, linked on both sides with the kernel's: what `explain` prints."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fragtui.cluster.pod_ref import PodRef, cgroup_owner
from fragtui.cluster.sandbox_attempts import Attempt
from fragtui.model.failures.incident import Incident
from fragtui.model.pods.linking import WINDOW_SECONDS, link_of, memory_of
from fragtui.model.pods.stuck_pods import PodLink
from fragtui.text import printable

_RIVAL_SECONDS = 5.0
_SURE = ("proven", "likely")


def sandbox_incident(attempt: Attempt, links: tuple[PodLink, ...] = ()) -> Incident:
    """Return a failed attempt as an incident, with what its links say."""
    row = attempt.reason_class
    memory = memory_of(attempt, links)
    words = [f"{attempt.pod}: {row.words}"]
    words += [f"{link.confidence} tied to kernel incident {link.incident_id}: {link.why}" for link in links]
    told = row.advice
    if row.memory is None and memory is True:
        told = "The kernel refused memory at that moment: drop caches first, then compact."
    words.append(told)
    return Incident(
        time=attempt.first_time,
        pid=attempt.pids[0] if attempt.pids else None,
        cause=row.name,
        memory=memory,
        repeated=attempt.count - 1 if attempt.count is not None and attempt.count > 1 else None,
        namespace=attempt.pod.namespace,
        pod=attempt.pod.name,
        pod_uid=attempt.pod.uid,
        sandbox_id=attempt.sandbox_id or attempt.container_id,
        container_id=attempt.container_id,
        reason=attempt.reason or None,
        explanation=printable("; ".join(word.rstrip(".") for word in words) + ".", 1200),
        lines=attempt.lines,
        linked=tuple(link.incident_id for link in links),
        id=attempt.id,
    )


def link_sides(
    kernel: Sequence[Incident], attempts: Sequence[Attempt], names: Iterable[PodRef] = ()
) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """Return the kernel's incidents and those of the attempts, each naming the other by id where they are tied.

    A kernel incident that one pod's attempt is surely tied to, or whose cgroup a known pod has (`names` and the
    attempts' own), carries that pod's name.
    """
    links = _links(kernel, attempts)
    known = {pod.uid: pod for pod in (*names, *(attempt.pod for attempt in attempts)) if pod.uid and pod.name}
    pods_of: dict[str, list[tuple[PodLink, Attempt]]] = defaultdict(list)
    for attempt in attempts:
        for link in links.get(attempt.id, ()):
            pods_of[link.incident_id].append((link, attempt))
    named = tuple(_named(incident, pods_of.get(incident.id, []), known) for incident in kernel)
    return named, tuple(sandbox_incident(attempt, links.get(attempt.id, ())) for attempt in attempts)


def _named(incident: Incident, tied: list[tuple[PodLink, Attempt]], known: dict[str, PodRef]) -> Incident:
    linked = tuple(dict.fromkeys((*incident.linked, *(attempt.id for _, attempt in tied))))
    owner = cgroup_owner(incident.cpuset or "")
    pod = known.get(incident.pod_uid or (owner.uid if owner else None) or "")
    sure = [attempt for link, attempt in tied if link.confidence in _SURE and attempt.pod]
    if pod is None and incident.pod_uid is None and len({attempt.pod for attempt in sure}) == 1:
        pod = sure[0].pod
    if pod is None:
        return replace(incident, linked=linked)
    return replace(
        incident,
        linked=linked,
        namespace=incident.namespace or pod.namespace,
        pod=incident.pod or pod.name,
        pod_uid=incident.pod_uid or pod.uid,
    )


def _links(kernel: Sequence[Incident], attempts: Sequence[Attempt]) -> dict[str, tuple[PodLink, ...]]:
    timed = sorted((each for each in kernel if each.time is not None), key=lambda each: each.time or 0.0)
    times = [each.time or 0.0 for each in timed]
    by_container: dict[str, list[Incident]] = defaultdict(list)
    for incident in kernel:
        if incident.container_id:
            by_container[incident.container_id].append(incident)
    moments = sorted((attempt.last_time, str(attempt.pod)) for attempt in attempts if attempt.last_time is not None)
    found: dict[str, tuple[PodLink, ...]] = {}
    for attempt in attempts:
        near: list[Incident] = []
        if attempt.first_time is not None and attempt.last_time is not None:
            low = bisect_left(times, attempt.first_time - WINDOW_SECONDS)
            near = timed[low : bisect_right(times, attempt.last_time + WINDOW_SECONDS)]
        for identity in {attempt.sandbox_id, attempt.container_id} - {None}:
            near += [each for each in by_container.get(identity or "", ()) if each not in near]
        if not near:
            continue
        rivals = _rivals(attempt, moments)
        tied = tuple(link for incident in near if (link := link_of(attempt, incident, rivals)) is not None)
        if tied:
            found[attempt.id] = tied
    return found


def _rivals(attempt: Attempt, moments: list[tuple[float, str]]) -> int:
    if attempt.last_time is None:
        return 0
    low = bisect_left(moments, (attempt.last_time - _RIVAL_SECONDS, ""))
    high = bisect_right(moments, (attempt.last_time + _RIVAL_SECONDS, "\U0010ffff"))
    return len({pod for _, pod in moments[low:high]} - {str(attempt.pod)})
