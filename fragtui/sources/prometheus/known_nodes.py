"""The nodes that were seen: their names and labels, and how each was when it was last seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fragtui.model.fleet.fleet import MAX_NAME, FleetNode
from fragtui.model.node.verdict import Severity, State
from fragtui.sources.prometheus.client import Value
from fragtui.sources.prometheus.raw_blocks import Column, Key
from fragtui.text import printable

_FORGOTTEN = 600.0
"""Seconds for which a node that is no target any more is shown as stale."""
_SLACK = 1.0
"""Seconds that a scrape may be late."""
_MAX_LABELS = 20
_MOST = 1e15
_NONE = Column(State.UNKNOWN, Severity.UNKNOWN, None)


class Columns(NamedTuple):
    """What one reading brought besides the blocks, by node; what a node lacks is unknown."""

    largest: Mapping[Key, float]
    """Bytes."""
    trend: Mapping[Key, float]
    failures: Mapping[Key, float]
    stuck: Mapping[Key, float]


class KnownNodes:
    """The nodes by key: the values of the labels `by`, which tell them apart."""

    def __init__(self) -> None:
        self.by: tuple[str, ...] = ("instance", "job")
        self.keys: dict[str, Key] = {}
        """By the names that are shown."""
        self._labels: dict[Key, tuple[tuple[str, str], ...]] = {}
        self._names: dict[Key, str] = {}
        self._last: dict[Key, FleetNode] = {}
        self._seen: dict[Key, float] = {}

    def key(self, labels: Mapping[str, str]) -> Key:
        """Return the key of a series."""
        return tuple(labels.get(label, "") for label in self.by)

    def column(self, values: Iterable[Value]) -> dict[Key, float]:
        """Return the numbers by node."""
        if len(self.by) == 2:  # Most of the cost of a large fleet.
            return {(labels.get("instance", ""), labels.get("job", "")): number for labels, number, _ in values}
        return {self.key(labels): number for labels, number, _ in values}

    def renew(self, targets: Sequence[Value], infos: Sequence[Value]) -> None:
        """Take the labels of the targets (of ``up``) and those that the nodes export themselves."""
        by = _telling_apart(targets)
        if by != self.by:
            self._last, self._seen, self.by = {}, {}, by
        found: dict[Key, dict[str, str]] = {}
        for value in (*targets, *infos):
            found.setdefault(self.key(value.labels), {}).update(value.labels)
        self._labels = {key: _shown(labels) for key, labels in found.items()}
        self._names, self.keys = {}, {}
        nodes = Counter(labels.get("node", "") for labels in found.values())
        instances = Counter(labels.get("instance", "") for labels in found.values())
        for key, labels in found.items():
            node, instance = labels.get("node", ""), labels.get("instance", "")
            if node and nodes[node] == 1:
                self._name(key, node)
            else:
                self._name(key, instance if instances[instance] == 1 else f"{instance} ({', '.join(key[1:])})")
        for key in self._last.keys() - found.keys():
            self.keys.setdefault(self._last[key].name, key)

    def strangers(self, alive: Mapping[Key, float]) -> list[Key]:
        """Return the targets that are down and that no reading saw before."""
        return [key for key, seen in alive.items() if seen == 0 and key not in self._last]

    def introduce(self, keys: Iterable[Key], seen: Mapping[Key, float], blocks: Mapping[Key, Column]) -> None:
        """Take when such nodes were seen last, and how they were, by the server's memory."""
        for key in keys:
            state, severity, count, _ = blocks.get(key, _NONE)
            name, labels = self._names.get(key) or self._name(key, key[0]), self._labels.get(key, ())
            if at := seen.get(key):
                self._seen[key] = at
            self._last[key] = FleetNode(
                name, labels, state, severity, _bounded(count), None, None, None, None, None, False, True
            )

    def joined(
        self,
        now: float,
        interval: float | None,
        alive: Mapping[Key, float],
        blocks: Mapping[Key, Column],
        rest: Columns,
    ) -> list[FleetNode]:
        """Return all nodes; `alive` has the time of the newest sample of each target, 0 of one that is down."""
        nodes = []
        oldest = None if interval is None else 2 * interval + _SLACK
        for key in alive.keys() | blocks.keys():
            seen = alive.get(key)
            if seen == 0 and (last := self._last.get(key)) is not None:
                nodes.append(self._stale(last, key, now, up=False))
                continue
            state, severity, count, _ = blocks.get(key, _NONE)
            age = None if not seen else max(0.0, now - seen)
            largest = rest.largest.get(key)
            node = FleetNode(
                self._names.get(key) or self._name(key, key[0]),
                self._labels.get(key, ()),
                state,
                severity,
                _bounded(count),
                None if largest is None or not 0 <= largest < _MOST else int(largest),
                rest.trend.get(key),
                _bounded(rest.failures.get(key)),
                _bounded(rest.stuck.get(key)),
                age,
                None if seen is None else seen > 0,
                seen == 0 or (age is not None and oldest is not None and age > oldest),
            )
            nodes.append(node)
            if seen:
                self._seen[key] = seen
            if seen != 0:
                self._last[key] = node
        for key in self._last.keys() - alive.keys() - blocks.keys():
            if now - self._seen.get(key, 0.0) > _FORGOTTEN:
                del self._last[key]
            else:
                nodes.append(self._stale(self._last[key], key, now, up=None))
        return nodes

    def _stale(self, last: FleetNode, key: Key, now: float, *, up: bool | None) -> FleetNode:
        seen = self._seen.get(key)
        return last._replace(age=None if seen is None else max(0.0, now - seen), up=up, stale=True, trend=None)

    def _name(self, key: Key, wanted: str) -> str:
        """Return the printable name of a node, which no other has."""
        name = shown = printable(wanted, MAX_NAME)
        number = 2
        while self.keys.setdefault(name, key) != key:
            name, number = f"{shown} #{number}", number + 1
        self._names[key] = name
        return name


def _telling_apart(targets: Sequence[Value]) -> tuple[str, ...]:
    """Return the labels by which no two targets are the same: instance and job, and others where these do not do."""
    by: tuple[str, ...] = ("instance", "job")
    while True:
        groups: dict[Key, list[Mapping[str, str]]] = {}
        for value in targets:
            groups.setdefault(tuple(value.labels.get(label, "") for label in by), []).append(value.labels)
        differing = Counter(
            label
            for same in groups.values()
            if len(same) > 1
            for label in {label for labels in same for label in labels}
            if len({labels.get(label, "") for labels in same}) > 1
        )
        if not differing:
            return by
        by = (*by, min(differing, key=lambda label: (-differing[label], label)))


def _shown(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = sorted(labels.items())[:_MAX_LABELS]
    return tuple(
        (printable(name, MAX_NAME), printable(value, MAX_NAME))
        for name, value in pairs
        if name not in ("instance", "__name__")
    )


def _bounded(number: float | None) -> float | None:
    return number if number is not None and 0 <= number < _MOST else None
