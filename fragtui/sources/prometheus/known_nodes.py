"""The nodes that were seen: their names and labels, and how each was when it was last seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cache
from typing import NamedTuple

from fragtui.model.fleet.fleet import MAX_NAME, FleetNode
from fragtui.model.node.verdict import Severity, State
from fragtui.sources.prometheus.client import MAX_ROWS, Value
from fragtui.sources.prometheus.raw_blocks import Column, Key, key_function
from fragtui.text import printable

_LABEL = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_MAX_BY = 8
"""Labels that tell nodes apart."""
_FORGOTTEN = 600.0
"""Seconds for which a node that is no target any more is shown as stale."""
_MAX_LABELS = 20
_NO_LABELS = ("instance", "__name__")
_MOST = 1e15
_NOTHING = (None, None, None)
_NONE = Column(State.UNKNOWN, Severity.UNKNOWN, None)


class Columns(NamedTuple):
    """What one reading brought, by node; what a node lacks is unknown."""

    blocks: Mapping[Key, Column]
    down: Collection[Key]
    """Targets whose last scrape failed."""
    late: Mapping[Key, float]
    """Seconds since the newest sample, of targets that are up but have none within two intervals."""
    trend: Mapping[Key, float]
    failures: Mapping[Key, float]
    stuck: Mapping[Key, float]


class _Target(NamedTuple):
    name: str
    labels: tuple[tuple[str, str], ...]
    newest: float | None
    """Time of a sample; the others are whole intervals before and after it."""


class KnownNodes:
    """The nodes by key: the values of the labels `by`, which tell them apart."""

    def __init__(self) -> None:
        self.by: tuple[str, ...] = ("instance", "job")
        self.key = key_function(self.by)
        """Returns the key of a series."""
        self.keys: dict[str, Key] = {}
        """By the names that are shown."""
        self._same: dict[str, int] = {}
        """How many nodes have a name."""
        self.merged = 0
        """Targets with the key of another one."""
        self.targets: dict[Key, _Target] = {}
        self._last: dict[Key, FleetNode] = {}
        """Each node as it was when it was seen last."""
        self._time = 0.0
        """Of the last reading."""
        self._seen: dict[Key, float] = {}
        """Time of the newest sample of each stale node."""

    @property
    def scraped(self) -> Key | None:
        """A target whose last scrape had not failed when it was taken."""
        return next((key for key, target in self.targets.items() if target.newest is not None), None)

    @property
    def failing(self) -> Set[Key]:
        """The targets whose last scrape had failed when they were taken."""
        return {key for key, target in self.targets.items() if target.newest is None}

    def forget(self) -> None:
        """Forget how each node was when it was seen last."""
        self._last, self._seen = {}, {}

    def column(self, values: Iterable[Value]) -> dict[Key, float]:
        """Return the numbers by node."""
        return {self.key(labels): number for labels, number, _ in values}

    def renew(self, targets: Sequence[Value], infos: Sequence[Value]) -> None:
        """Take the targets, with the time of the newest sample or 0, and the labels that nodes export themselves."""
        by = _telling_apart(targets)
        if by != self.by:
            self.by, self.key = by, key_function(by)
            self.forget()
        newest = self.column(targets)
        self.merged = len(targets) - len(newest)
        found: dict[Key, dict[str, str]] = {}
        for value in (*targets, *infos):
            found.setdefault(self.key(value.labels), {}).update(value.labels)
        self.targets, self.keys, self._same = {}, {}, {}
        nodes = Counter(labels.get("node", "") for labels in found.values())
        instances = Counter(labels.get("instance", "") for labels in found.values())
        label = cache(_label)  # Thousands of nodes share a few.
        for key, labels in found.items():
            node, instance = labels.get("node", ""), labels.get("instance", "")
            own = instance if instances[instance] == 1 else f"{instance} ({', '.join(key[1:])})"
            name = node if node and nodes[node] == 1 else own
            others = [pair for pair in sorted(labels.items())[:_MAX_LABELS] if pair[0] not in _NO_LABELS]
            self._add(key, name, tuple([label(*pair) for pair in others]), newest.get(key) or None)
        for key in self._last.keys() - found.keys():
            self._last[key] = self._last[key]._replace(name=self._unique(key, self._last[key].name))

    def strangers(self, down: Iterable[Key]) -> list[Key]:
        """Return those of the targets that are down that no reading saw before."""
        return [key for key in down if key not in self._last]

    def introduce(self, keys: Iterable[Key], seen: Mapping[Key, float], blocks: Mapping[Key, Column]) -> None:
        """Take when such nodes were seen last, and how they were, by the server's memory."""
        for key in keys:
            target = self.targets.get(key) or self._add(key)
            self._last[key] = _node(target, blocks.get(key, _NONE), None)
            if at := seen.get(key):
                self._seen[key] = at

    def joined(self, now: float, interval: float | None, columns: Columns) -> list[FleetNode]:
        """Return all nodes."""
        blocks, down, late, *rest = columns
        last: dict[Key, FleetNode] = {}
        nodes = []
        stale = dict.fromkeys(down, False)
        known = any(rest)
        values: Sequence[float | None] = _NOTHING
        for key, column in blocks.items():
            if key in stale:  # VictoriaMetrics gives its last sample for some minutes.
                continue
            target = self.targets.get(key) or self._add(key)
            age = late.get(key) if late else None
            if age is None and target.newest is not None and interval:
                age = (now - target.newest) % interval
            if known:
                values = [each.get(key) for each in rest]
            last[key] = node = _node(target, column, age, values, stale=key in late)
            nodes.append(node)
        for key in self.targets.keys() - last.keys() - stale.keys():
            if key in self._last:  # It is a target no more, or exports nothing now.
                stale[key] = True
            else:
                nodes.append(_node(self.targets[key], _NONE, None, up=True))
        for key in self._last.keys() - last.keys() - stale.keys():
            stale[key] = True
        seen = {}
        for key, gone in stale.items():
            known_target = self.targets.get(key)
            node = self._last.get(key) or _node(known_target or self._add(key), _NONE, None)
            if known_target is not None:
                node = node._replace(name=known_target.name, labels=known_target.labels)
            at = self._seen.get(key)
            if at is None and node.age is not None:
                at = self._time - node.age
            if gone and (now - (at or 0.0) > _FORGOTTEN or len(nodes) >= MAX_ROWS):
                continue
            last[key] = node
            if at is not None:
                seen[key] = at
            age = None if at is None else max(0.0, now - at)
            nodes.append(node._replace(age=age, up=None if gone else False, stale=True, trend=None))
        self._last, self._seen, self._time = last, seen, now
        return nodes

    def _add(
        self, key: Key, wanted: str = "", labels: tuple[tuple[str, str], ...] = (), newest: float | None = None
    ) -> _Target:
        """Take a node."""
        target = self.targets[key] = _Target(self._unique(key, wanted or key[0]), labels, newest)
        return target

    def _unique(self, key: Key, wanted: str) -> str:
        """Return a printable name that no other node has."""
        name = shown = printable(wanted, MAX_NAME)
        while self.keys.setdefault(name, key) != key:
            self._same[shown] = number = self._same.get(shown, 1) + 1
            name = f"{shown} #{number}"
        return name


def _node(
    target: _Target,
    column: Column,
    age: float | None,
    rest: Sequence[float | None] = _NOTHING,
    *,
    stale: bool = False,
    up: bool | None = None,
) -> FleetNode:
    trend, failures, stuck = rest
    state, severity, blocks, largest = column
    name, labels, newest = target
    failures, stuck = None if failures is None else _bounded(failures), None if stuck is None else _bounded(stuck)
    blocks = None if blocks is None else _bounded(blocks)
    up = True if newest is not None else up
    # In half of the time of a call with so many arguments; there are thousands of nodes.
    return tuple.__new__(
        FleetNode,
        (name, labels, state, severity, blocks, largest, trend, failures, stuck, age, up, stale),
    )


def _telling_apart(targets: Sequence[Value]) -> tuple[str, ...]:
    """Return the labels by which no two targets are the same: instance and job, and others where these do not do.

    A label of other characters, as Prometheus 3 has them, would need quotes in each expression.
    """
    by: tuple[str, ...] = ("instance", "job")
    while len(by) < _MAX_BY:
        groups: dict[Key, list[Mapping[str, str]]] = {}
        for value in targets:
            groups.setdefault(tuple(value.labels.get(label, "") for label in by), []).append(value.labels)
        differing = Counter(
            label
            for same in groups.values()
            if len(same) > 1
            for label in {label for labels in same for label in labels}
            if len({labels.get(label, "") for labels in same}) > 1 and _LABEL.fullmatch(label)
        )
        if not differing:
            break
        by = (*by, min(differing, key=lambda label: (-differing[label], label)))
    return by


def _label(name: str, value: str) -> tuple[str, str]:
    return printable(name, MAX_NAME), printable(value, MAX_NAME)


def _bounded(number: float) -> float | None:
    return number if 0 <= number < _MOST else None
