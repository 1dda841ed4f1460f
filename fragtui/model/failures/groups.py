"""Failures grouped by who asked, the size and the cause: the counts are exact, the groups bounded.

Of many groups, as on a node where every task is denied memory, those of one size and cause are listed as one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from fragtui.model.failures.incident import SANDBOX_FAILURE, Incident

MAX_GROUPS = 256
"""Groups remembered, each with one whole report. Of more, the smallest are forgotten, the oldest of them first."""
MAX_EXACT = 24
"""Groups of the kernel's failures that are listed by task. Of more, tasks of one size and cause are one group."""
ANYONE = ""
"""The `who` of a group of several tasks."""
_WORKERS = re.compile(r"(kworker)/.*|(\S+):\[\d+:[A-Z]+\]")
"""Names that are of a place or a stage: ``kworker/u64:3``, ``runc:[2:INIT]``."""
_DIGITS = re.compile(r"\d+")


class GroupKey(NamedTuple):
    """What the failures of a group have in common; None means unknown."""

    kind: str
    """A `ReportKind`, or `SANDBOX_FAILURE`."""
    who: str | None
    """The program, see `program_of`, or the pod: ``namespace/name``. `ANYONE` for several tasks."""
    order: int | None
    cause: str | None
    """The cause's key. For an OOM kill it is the constraint: a memory cgroup's limit is not the node's memory."""


@dataclass(frozen=True, slots=True)
class GroupedFailures:
    """The failures of one key. Times are in epoch seconds, None if no failure has one."""

    key: GroupKey
    who: str | None
    """The name that all of them have, else the program; of several, that of most failures and how many others."""
    count: int
    """Failures, at least: the incidents and their repetitions."""
    suppressed: int
    """Reports that the kernel's rate limit hid just before one of these, at least; they may be of other tasks."""
    first: float | None
    last: float | None
    example: Incident
    """The newest of them."""
    memory: bool | None = None
    """Whether the node's memory is why: True if it is of any of them, else as in the newest."""
    log: str | None = None
    """The log of the example, if it has a name."""


class FailureGroups:
    """Counts incidents as they come, in any order. Memory is bounded for any number of incidents and of names."""

    def __init__(self, limit: int = MAX_GROUPS) -> None:
        self._limit = limit
        self._open: dict[GroupKey, _Open] = {}
        self.incidents = 0
        self.by_kind: Counter[str] = Counter()
        """Failures of each kind, those of forgotten groups included."""
        self.suppressed = 0
        self.first: float | None = None
        self.last: float | None = None
        self.forgotten = 0
        """Groups that are not remembered. One that comes back after it was forgotten counts again."""
        self.forgotten_failures: Counter[GroupKey] = Counter()
        """The failures of forgotten groups, by keys without a name: sizes and causes are few."""

    def take(self, incident: Incident, log: str | None = None) -> None:
        """Count an incident of the log with this name."""
        self.incidents += 1
        self.by_kind[incident.kind] += failures_of(incident)
        self.suppressed += incident.suppressed or 0
        self.first, self.last = _span(self.first, self.last, incident.time)
        key = key_of(incident)
        if (group := self._open.get(key)) is None:
            if len(self._open) >= self._limit:
                self._forget()
            group = self._open[key] = _Open(incident)
        group.take(incident, log, self.incidents)

    @property
    def count(self) -> int:
        """Failures of all kinds, at least."""
        return self.by_kind.total()

    @property
    def newest_first(self) -> tuple[GroupedFailures, ...]:
        """The remembered groups by their newest failure; of those without a time, the last to come is first."""
        groups = sorted(self._open.items(), key=lambda item: item[1].age, reverse=True)
        return tuple(group.closed(key) for key, group in groups)

    @property
    def listed(self) -> tuple[GroupedFailures, ...]:
        """The groups as they are listed, by their newest failure: those of many tasks by size and cause only."""
        exact = self.newest_first
        if not are_many(group.key for group in exact):
            return exact
        groups: dict[GroupKey, list[GroupedFailures]] = {}
        for group in exact:
            groups.setdefault(of_anyone(group.key), []).append(group)
        return tuple(members[0] if len(members) == 1 else _joined(key, members) for key, members in groups.items())

    def _forget(self) -> None:
        """Forget an eighth of the groups at once: to look for the smallest at each new name takes too long."""
        smallest = sorted(self._open.items(), key=lambda item: (item[1].count, item[1].age))
        for key, group in smallest[: max(1, self._limit // 8)]:
            del self._open[key]
            self.forgotten += 1
            nameless = key._replace(who=None)
            if nameless not in self.forgotten_failures and len(self.forgotten_failures) >= MAX_GROUPS:
                nameless = GroupKey(key.kind, None, None, None)
            self.forgotten_failures[nameless] += group.count


@dataclass(slots=True)
class _Open:
    """A group that grows."""

    example: Incident
    count: int = 0
    suppressed: int = 0
    first: float | None = None
    last: float | None = None
    serial: int = 0
    one_name: bool = True
    denied: bool = False
    log: str | None = None

    def take(self, incident: Incident, log: str | None, serial: int) -> None:
        self.one_name = self.one_name and incident.comm == self.example.comm
        self.denied = self.denied or incident.memory is True
        if incident.time is None or self.last is None or incident.time >= self.last:
            self.example, self.log = incident, log
        self.count += failures_of(incident)
        self.suppressed += incident.suppressed or 0
        self.first, self.last = _span(self.first, self.last, incident.time)
        self.serial = serial

    @property
    def age(self) -> tuple[float, int]:
        return (0.0 if self.last is None else self.last, self.serial)

    def closed(self, key: GroupKey) -> GroupedFailures:
        who = self.example.comm if self.one_name and key.kind != SANDBOX_FAILURE else key.who
        memory = self.denied or self.example.memory
        return GroupedFailures(
            key, who, self.count, self.suppressed, self.first, self.last, self.example, memory, self.log
        )


def _joined(key: GroupKey, groups: Sequence[GroupedFailures]) -> GroupedFailures:
    """Return groups of several tasks, the newest first, as one."""
    newest, times = groups[0], [group.first for group in groups if group.first is not None]
    tasks: Counter[str] = Counter()
    for group in groups:
        tasks[group.who or "unknown"] += group.count
    (most, _), *others = tasks.most_common()
    return GroupedFailures(
        key,
        f"{most}, +{len(others)}",
        tasks.total(),
        sum(group.suppressed for group in groups),
        min(times, default=None),
        newest.last,
        newest.example,
        any(group.memory for group in groups) or newest.memory,
        newest.log,
    )


def are_many(keys: Iterable[GroupKey]) -> bool:
    """Return whether there are too many groups to list them by task: then by size and cause only."""
    return sum(key.kind != SANDBOX_FAILURE for key in keys) > MAX_EXACT


def of_anyone(key: GroupKey) -> GroupKey:
    """Return the key of its size and cause whatever the task; a pod stays one."""
    return key if key.kind == SANDBOX_FAILURE else key._replace(who=ANYONE)


@lru_cache(1024)
def program_of(comm: str) -> str:
    """Return what a task's name stands for: ``kworker``, ``runc``; in others each number is ``*``: ``vhost-*``."""
    match = _WORKERS.fullmatch(comm)
    return match[1] or match[2] if match else _DIGITS.sub("*", comm)


def key_of(incident: Incident) -> GroupKey:
    """Return the key of the group of its task that an incident belongs to."""
    if incident.kind == SANDBOX_FAILURE:
        pod = incident.pod or incident.pod_uid
        who = f"{incident.namespace or '?'}/{pod}" if incident.pod else pod
        return GroupKey(incident.kind, who, None, incident.cause)
    who = program_of(incident.comm) if incident.comm else None
    return GroupKey(incident.kind, who, incident.order, incident.cause or incident.constraint)


def failures_of(incident: Incident) -> int:
    """Return how many failures an incident stands for, at least; not those that the rate limit hid."""
    return incident.failures


def group_failures(incidents: Iterable[Incident], limit: int = MAX_GROUPS) -> FailureGroups:
    """Return the groups of these incidents."""
    groups = FailureGroups(limit)
    for incident in incidents:
        groups.take(incident)
    return groups


def typical(groups: Sequence[GroupedFailures], count: int) -> tuple[GroupedFailures, ...]:
    """Return `count` groups, in the given order: the first of them, which is the newest, and the largest others."""
    largest = sorted(groups[1:], key=attrgetter("count"), reverse=True)[: max(0, count - 1)]
    return tuple(group for place, group in enumerate(groups) if group in largest or (place == 0 and count > 0))


def _span(first: float | None, last: float | None, time: float | None) -> tuple[float | None, float | None]:
    if time is None:
        return first, last
    return time if first is None else min(first, time), time if last is None else max(last, time)
