"""The nodes of a fleet at one time, ranked: the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from fragtui.model.fleet.series import NodeSeries
from fragtui.model.node.verdict import Severity, State

_RANKS = {Severity.CRITICAL: 0, Severity.UNKNOWN: 1, Severity.WARNING: 2, Severity.FINE: 3}
"""What is not known may be bad: it comes after what is known to be, and before the rest."""
MAX_NAME = 100
"""Characters of the name of a node and of a label's value."""

Points = tuple[tuple[float, float], ...]
"""A history: time in seconds since the epoch, and blocks; oldest first."""


class FleetError(Exception):
    """The fleet could not be read; its text is one printable line, without credentials."""


class Counting(StrEnum):
    """Where the blocks come from."""

    GAUGES = "gauges"
    """fragtui's own exporter: the verdict was made on the node."""
    RULES = "rules"
    """Recording rules over node_exporter's metrics: ``fragtui export --rules --fleet``."""
    RAW = "raw"
    """node_exporter's metrics, summed by the server at each reading."""


class FleetNode(NamedTuple):
    """One node. None is unknown; `Fleet.unknown` has the reason if it is unknown of all nodes."""

    name: str
    """Its label ``instance``; unique in the fleet."""
    labels: tuple[tuple[str, str], ...]
    """Its other labels, sorted by name."""
    state: State | None
    """None if only the severity is known. Without fragtui's exporter: by blocks and watermark alone."""
    severity: Severity | None
    """None if it is unknown: of a node that has no sample."""
    blocks: float | None
    """Blocks of the order that a request may have."""
    largest: int | None
    """Bytes of the largest free block."""
    trend: float | None
    """Blocks gained in an hour; negative if they get fewer."""
    failures: float | None
    """Failed requests in the last 15 minutes."""
    stuck: float | None
    """Pods that do not start because the kernel denied them memory."""
    age: float | None
    """Seconds from the newest sample to `Fleet.time`."""
    up: bool | None
    """False if the last scrape failed."""
    stale: bool = False
    """The last scrape failed, or the newest sample is older than two scrape intervals: the rest was true then."""

    @property
    def rank(self) -> tuple[int, float, float, str]:
        """The key to sort by: severity, then fewest blocks, then the fastest loss, then the name."""
        severity, blocks = self.severity, self.blocks
        place = 1 if severity is None else _RANKS[severity]
        if not self.stale and place != 1:
            return (place, -1.0 if blocks is None else blocks, self.trend or 0.0, self.name)
        # Of those that are not known now, first the ones that were bad.
        return (1, place / 10, blocks or 0.0, self.name)


class Fleet(NamedTuple):
    """All nodes of one reading."""

    time: float
    """Seconds since the epoch, by the server's clock."""
    order: int
    block_bytes: int | None
    """Bytes of a block of `order`; None if the size of a page is unknown."""
    counting: Counting
    nodes: tuple[FleetNode, ...]
    """Ranked: the worst first."""
    unknown: tuple[tuple[str, str], ...] = ()
    """The columns that can't be known, each with the reason: ``failures``, ``node_exporter does not count them``."""
    notes: tuple[str, ...] = ()
    """What is not as it seems: an answer that was cut, nodes that were left out."""
    took: float = 0.0
    """Seconds from the first request to the ranked nodes."""
    interval: float | None = None
    """Seconds between two scrapes; None if that is unknown, and then no node is stale by its age."""
    quick: bool = False
    """Only what ranks the nodes was read."""

    def why_unknown(self, column: str) -> str | None:
        """Return why a column is unknown of all nodes; None if it is known of some."""
        return dict(self.unknown).get(column)


class FleetSource(Protocol):
    """Reads a fleet; every method blocks, is called in one thread at a time, and raises only `FleetError`."""

    def read(self, *, quick: bool = False) -> Fleet:
        """Return all nodes now; `quick` reads only what ranks them."""

    def node(self, name: str) -> NodeSeries:
        """Return the free blocks of one node now; `name` is that of a `FleetNode` of the last reading."""

    def node_history(self, name: str, seconds: float) -> tuple[NodeSeries, ...]:
        """Return the free blocks of one node in the last seconds, oldest first."""

    def history(self, names: Sequence[str], seconds: float) -> dict[str, Points]:
        """Return the blocks of at most 50 nodes in the last seconds, without those of which nothing is known."""


def ranked(nodes: Iterable[FleetNode]) -> tuple[FleetNode, ...]:
    """Return the nodes, the worst first."""
    return tuple(sorted(nodes, key=lambda node: node.rank))


def count_states(nodes: Iterable[FleetNode]) -> dict[str, int]:
    """Return how many nodes are in each state, by `state_key`, those that occur; the worst first."""
    counts = Counter(state_key(node) for node in nodes)
    return {key: counts[key] for key in STATE_KEYS if counts[key]}


STATE_KEYS = (
    State.OUT_OF_MEMORY.value, State.FRAGMENTED.value, State.RESERVED.value, "may_fail", State.UNKNOWN.value, "stale",
    State.RECOVERING.value, State.LOW.value, "warning", State.OK.value,
)  # fmt: skip
"""What `state_key` returns, the worst first."""
_BY_SEVERITY = {
    Severity.FINE: State.OK.value,
    Severity.WARNING: "warning",
    Severity.CRITICAL: "may_fail",
    Severity.UNKNOWN: State.UNKNOWN.value,
}


def state_key(node: FleetNode) -> str:
    """Return the name of the node's state; by the severity if that is all there is, ``stale`` if it was true before."""
    if node.stale:
        return "stale"
    if node.state is not None:
        return node.state.value
    return _BY_SEVERITY[Severity.UNKNOWN if node.severity is None else node.severity]


def label_of(node: FleetNode, label: str) -> str:
    """Return the value of a label, empty if the node has none."""
    return next((value for name, value in node.labels if name == label), "")


def grouped(nodes: Iterable[FleetNode], label: str) -> dict[str, tuple[FleetNode, ...]]:
    """Return the nodes by the value of a label: first the group that has the worst node; in a group as they were."""
    groups: dict[str, list[FleetNode]] = {}
    for node in nodes:
        groups.setdefault(label_of(node, label), []).append(node)
    return {value: tuple(members) for value, members in groups.items()}


def filtered(nodes: Iterable[FleetNode], text: str) -> tuple[FleetNode, ...]:
    """Return the nodes that contain every word of `text` in name, state or labels, in any case.

    ``label=word`` looks for the word in that label only.
    """
    words = text.casefold().split()
    return tuple(node for node in nodes if all(_contains(node, word) for word in words))


def _contains(node: FleetNode, word: str) -> bool:
    name, equals, value = word.partition("=")
    if equals and any(name == label.casefold() for label, _ in node.labels):
        return any(name == label.casefold() and value in found.casefold() for label, found in node.labels)
    texts = (node.name, state_key(node), *(f"{label}={found}" for label, found in node.labels))
    return any(word in found.casefold() for found in texts)
