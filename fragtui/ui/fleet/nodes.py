"""The list of nodes, the worst first: a row a node, or a group of nodes by a label."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from fragtui.model.fleet.fleet import Fleet, FleetNode, Points, filtered, grouped, label_of, state_key
from fragtui.model.node.verdict import FEW_BLOCKS
from fragtui.polled_fleet import MAX_TRENDS, TREND_SECONDS
from fragtui.render.fleet.words import state_word
from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.fleet.states import TONES, counts_of, role_of, was_text
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.panels.zones import short
from fragtui.ui.widgets.cells import SPARKS, cells_of, fit, fit_name, fit_right
from fragtui.ui.widgets.framed import Spans
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.log_scale import decades, log_share
from fragtui.ui.widgets.rows import Line, Span, line

_MIN_NAME, _MAX_NAME = 16, 44
_MIN_CURVE, _MAX_CURVE = 10, 62
_HAS_AGE, _HAS_LARGEST, _HAS_LABELS = 70, 90, 150
"""Cells from which on a row has these columns."""
_WORST = 50
_NO_VALUE = "(no value)"
_MAX_LABELS = 24
"""Labels of a node that are shown."""


class NodeGroup(NamedTuple):
    """The row of the nodes that have one value of a label, which are folded below it."""

    value: str
    nodes: tuple[FleetNode, ...]


Row = NodeGroup | FleetNode


class _Columns(NamedTuple):
    """Cells of each column with the blanks before it, after it for state and name; 0 leaves it out."""

    state: int
    name: int
    blocks: int
    trend: int
    failures: int
    stuck: int
    age: int
    largest: int
    curve: int
    labels: int


class NodesPanel(ListPanel[Row]):
    """Builds the rows in view only."""

    HEADER_ROOM = 1

    def __init__(self, view: FleetView) -> None:
        super().__init__(id="nodes")
        self._view = view
        self._listed: Sequence[Row] = ()
        self._made_of: tuple[object, ...] = ()
        self._found = 0
        self._span = 4
        """The decades of the curves' scale, of the trends that are `_spanned`."""
        self._spanned: Mapping[str, Points] = {}
        self._longest = 0
        """Cells of the longest name in the fleet."""
        self._columns = _Columns(*(0,) * 10)
        self._constant: frozenset[str] = frozenset()
        """The labels that have one value in the fleet, which is `_compared`: no row says them."""
        self._compared: Fleet | None = None
        self._curves: dict[str, tuple[Points, int, int, Sequence[Span]]] = {}
        """The drawn curves of nodes, with what they were drawn from."""

    @property
    def selected_key(self) -> Hashable | None:
        """The name of the selected node, or the group."""
        return self._view.selected

    @selected_key.setter
    def selected_key(self, key: Hashable | None) -> None:
        self._view.selected = key

    @property
    def wanted(self) -> str:
        """The words that listed nodes contain."""
        return self._view.wanted

    @wanted.setter
    def wanted(self, text: str) -> None:
        self._view.wanted = text

    @property
    def clear_key(self) -> str:
        """The key that clears the filter."""
        return self._view.key("unwind")

    @property
    def matches(self) -> tuple[int, int]:
        """The nodes that contain the words, and all of them."""
        self.items()
        return self._found, len(self._view.fleet.nodes) if self._view.fleet else 0

    @property
    def position(self) -> str:
        """Which rows are shown, of how many."""
        if not self._items:
            return ""
        noun = " groups and nodes" if self._view.label is not None and self._unfolded else ""
        noun = noun or (" groups" if self._view.label is not None else "")
        return f"{self._shown.start + 1:,}-{self._shown.stop:,} of {len(self._items):,}{noun}"

    def items(self) -> Sequence[Row]:
        """Return the nodes, or the groups with the nodes of those that are unfolded."""
        view = self._view
        made_of = (view.fleet, view.wanted, view.label, self.changed_view)
        if made_of != self._made_of:
            self._made_of = made_of
            nodes = view.fleet.nodes if view.fleet else ()
            if view.wanted:
                nodes = filtered(nodes, view.wanted)
            self._found = len(nodes)
            self._longest = max((len(node.name) for node in nodes), default=0) + 2 * (view.label is not None)
            self._listed = nodes if view.label is None else self._groups(nodes, view.label)
        return self._listed

    def _groups(self, nodes: Sequence[FleetNode], label: str) -> Sequence[Row]:
        rows: list[Row] = []
        for value, members in grouped(nodes, label).items():
            self._longest = max(self._longest, cells_of(value or _NO_VALUE))
            rows.append(group := NodeGroup(value, members))
            if self.key(group) in self._unfolded:
                rows += members
        return rows

    def key(self, item: Row) -> Hashable:
        """Return the node's name, or what distinguishes the group from every node."""
        return item.name if isinstance(item, FleetNode) else (self._view.label, item.value)

    def group(self, item: Row) -> Hashable | None:
        """Return the key of the group that folds the row."""
        if (label := self._view.label) is None:
            return None
        return (label, label_of(item, label) if isinstance(item, FleetNode) else item.value)

    def heading(self, width: int) -> Spans:
        """Return the title."""
        by = "" if self._view.label is None else f" by {self._view.label}"
        return ((f"Nodes{by}", "title"), (", worst first", "muted"))

    def keys(self) -> Spans:
        """Return the panel's keys."""
        return self._view.hints(("open", "open"), ("filter", "filter"), ("group", "group"))

    def empty(self, width: int) -> Sequence[Line]:
        """Return why no node is listed."""
        if self._view.wanted and self._view.fleet is not None and self._view.fleet.nodes:
            return [line((" no node contains these words", "muted"))]
        if self._view.fleet is None:
            return [line((" ? unknown until the server answers", "unknown" if self._view.lost else "muted"))]
        return [line((" ? the server knows no node with these metrics", "unknown"))]

    @property
    def in_view(self) -> tuple[str, ...]:
        """The names of the nodes in view whose curves have room and are older than the rest."""
        if not self._columns.curve:
            return ()
        rows = (self._items[place] for place in self._shown)
        known = self._view.state.fresh
        return tuple(row.name for row in rows if isinstance(row, FleetNode) and row.name not in known)[:MAX_TRENDS]

    def scroll_rows(self, step: int) -> None:
        """Move the view, as a selection does: the rows that come in view have curves, too."""
        super().scroll_rows(step)
        self.post_message(self.Selected(self.id))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the rows in view under the names of the columns."""
        if (fleet := self._view.fleet) is not None:
            self.items()
            self._columns = _columns(fleet, width - 2, self._longest)
            if self._columns.labels and self._compared is not fleet:
                self._compared, self._constant = fleet, _constant_labels(fleet.nodes)
            if (trends := self._view.state.trends) is not self._spanned:
                self._spanned = trends
                self._span = decades(int(blocks) for points in trends.values() for _, blocks in points)
                self._curves = {name: drawn for name, drawn in self._curves.items() if drawn[0] is trends.get(name)}
        return super().body(width, height)

    def header(self, width: int) -> Spans:
        """Return the names of the columns."""
        columns = self._columns
        spans: list[Span] = [(fit("state", columns.state) + fit("node", columns.name), "muted")]
        spans.append((fit_right(f"▾{self._view.size}", columns.blocks), "strong"))
        names = ("trend", "failed" if columns.failures > 6 else "fail", "stuck", "age", "largest")
        cells = (columns.trend, columns.failures, columns.stuck, columns.age, columns.largest)
        spans.append(("".join(fit_right(name, room) for name, room in zip(names, cells, strict=True) if room), "muted"))
        if columns.curve:
            last = f"last {span_words(TREND_SECONDS)}" if columns.curve > 18 else ""
            spans.append(("  " + fit(last, columns.curve - 5) + "now", "muted"))
        if columns.labels:
            spans.append(("  labels", "muted"))
        return tuple(spans)

    def row(self, item: Row, width: int) -> Spans:
        """Return one node's cells, or a group's counts; old values are dimmed."""
        if isinstance(item, NodeGroup):
            return self._group_row(item, width)
        spans = self._node_row(item)
        return tuple((text, "muted") for text, _ in spans) if self._view.lost else tuple(spans)

    def _group_row(self, group: NodeGroup, width: int) -> Spans:
        unfolded = self.key(group) in self._unfolded
        name = fit_name(group.value or _NO_VALUE, min(self._longest, width // 3))
        spans: list[Span] = [("- " if unfolded else "+ ", "key"), (name, "strong")]
        spans.append((fit_right(f"{len(group.nodes):,} node{'s' * (len(group.nodes) != 1)}", 13) + "  ", "text"))
        for key, role, count in counts_of(group.nodes):
            style = "muted" if self._view.lost else TONES[role]
            spans += [(f"{count:,} {state_word(key)}", style), ("  ", "text")]
        return tuple(spans)

    def _node_row(self, node: FleetNode) -> list[Span]:
        columns, role = self._columns, role_of(node)
        word = state_word(state_key(node))
        if node.stale and node.age is not None:
            word = f"STALE {span_words(node.age)}"
        # Of one width, the badges are one strip of colour beside the names.
        spans: list[Span] = [
            (fit(f"✓ {word}" if role == "good" else f" {word}", columns.state - 1), role),
            (" ", "text"),
        ]
        # A stale node's values were true before.
        plain = "muted" if node.stale else "text"
        tone = plain if role == "good" or node.stale else TONES[role]
        name = ("· " if self._view.label is not None else "") + node.name
        spans.append((fit_name(name, columns.name - 1) + " ", plain if node.stale else "strong"))
        spans.append(_number(node.blocks, columns.blocks, tone))
        spans.append(self._trend(node, columns.trend, plain))
        for count, room in ((node.failures, columns.failures), (node.stuck, columns.stuck)):
            spans.append(_number(count, room, "muted" if not count or node.stale else "bad"))
        if columns.age:
            age = "?" if node.age is None else span_words(node.age)
            spans.append((fit_right(age, columns.age), "unknown" if node.stale or node.age is None else "muted"))
        if columns.largest:
            spans.append(self._largest(node, columns.largest, plain))
        if columns.curve:
            spans += [("  ", "text"), *self._curve(node, columns.curve - 2)]
        if columns.labels:
            words = [was_text(node)]
            skipped = (*self._constant, self._view.label)
            words += [f"{name}={value}" for name, value in node.labels[:_MAX_LABELS] if name not in skipped]
            spans.append(("  " + fit("  ".join(filter(None, words)), columns.labels - 2), "muted"))
        return [span for span in spans if span[0]]

    def _largest(self, node: FleetNode, width: int, plain: str) -> Span:
        """Return the size of the largest block, nothing if it is read only of some nodes and this is none of them."""
        if node.largest is not None:
            return fit_right(short_bytes(node.largest) if node.largest else "none", width), plain
        fleet = self._view.fleet
        missing = fleet is None or fleet.why_unknown("largest") is None
        return fit_right("?" if missing else "", width), "unknown"

    def _trend(self, node: FleetNode, width: int, plain: str) -> Span:
        """Return whether the blocks get fewer, and how fast: a change below one block an hour is none."""
        if not width:
            return "", "text"
        if node.trend is None:
            return fit_right("?", width), "unknown"
        if abs(node.trend) < 1:
            return fit_right("→", width), "muted"
        falls = node.trend < 0
        words = f"{'↓' if falls else '↑'} {short(round(abs(node.trend)))}/h"
        # Worth a colour if the blocks end within a day.
        soon = falls and node.blocks is not None and node.blocks < -24 * node.trend
        return fit_right(words, width), plain if not soon or node.stale else "warn"

    def _curve(self, node: FleetNode, width: int) -> Sequence[Span]:
        """Return the blocks over time, on the logarithmic scale of all bars; a cell has its lowest value."""
        points = self._view.state.trends.get(node.name)
        if not points or self._view.fleet is None:
            return [(" " * width if points is None else fit("?", width), "muted")]
        drawn = self._curves.get(node.name)
        if drawn is None or drawn[0] is not points or drawn[1:3] != (width, self._span):
            values = resampled(points, self._view.fleet.time, TREND_SECONDS, width)
            cells = [_cell(None if value is None else int(value), self._span) for value in values]
            spans = [("".join(sign for sign, _ in same), style) for style, same in groupby(cells, lambda cell: cell[1])]
            self._curves[node.name] = drawn = points, width, self._span, spans
        return drawn[3]


@lru_cache(maxsize=4096)
def _cell(value: int | None, span: int) -> Span:
    if value is None:
        return " ", "text"
    if value < 1:
        return "·", "history-none"
    eighths = max(1, round(log_share(value, span) * 8))
    return SPARKS[min(eighths, 8) - 1], "history-few" if value < FEW_BLOCKS else "history-plenty"


def _columns(fleet: Fleet, width: int, longest: int) -> _Columns:
    """Return what there is room for; a column that is unknown of every node is left out.

    Names get the cells that the `longest` takes, then the curve what is left, then the labels.
    """
    known = {name: fleet.why_unknown(name) is None for name in ("trend", "failures", "stuck", "age", "largest")}
    # The worst nodes are first: of them it is read, if of any.
    known["largest"] |= any(node.largest is not None for node in fleet.nodes[:_WORST])
    narrow = width < _HAS_AGE
    state, blocks = (15, 6) if narrow else (16, 7)
    trend = (8 if narrow else 9) * known["trend"]
    failures, stuck = (5 if narrow else 7) * known["failures"], (6 if narrow else 7) * known["stuck"]
    age = 7 * (known["age"] and not narrow)
    largest = 8 * (known["largest"] and width >= _HAS_LARGEST)
    rest = width - state - blocks - trend - failures - stuck - age - largest
    name = max(_MIN_NAME, min(_MAX_NAME, longest + 1, rest))
    rest -= name
    labels = min(rest // 2, 90) if width >= _HAS_LABELS else 0
    curve = min(_MAX_CURVE, rest - labels) if rest - labels >= _MIN_CURVE else 0
    return _Columns(state, name, blocks, trend, failures, stuck, age, largest, curve, rest - curve if labels else 0)


def _constant_labels(nodes: Sequence[FleetNode]) -> frozenset[str]:
    """Return the labels that every node has with the same value."""
    if len(nodes) < 2:
        return frozenset()
    common = set(nodes[0].labels)
    for node in nodes:
        common.intersection_update(node.labels)
    return frozenset(name for name, _ in common)


def _number(value: float | None, width: int, style: str) -> Span:
    if not width:
        return "", "text"
    if value is None:
        return fit_right("?", width), "unknown"
    # What is less than one is extrapolated from some, never none.
    return fit_right(short(max(1, round(value)) if value else 0), width), style


def resampled(points: Points, now: float, seconds: float, cells: int) -> list[float | None]:
    """Return the lowest value in each of so many equal parts of the last seconds; None where there is none."""
    span = seconds / cells
    lowest: dict[int, float] = {}
    for at, value in points:
        place = cells - 1 - int((now - at) // span)
        if 0 <= place < cells:
            lowest[place] = min(value, lowest.get(place, value))
    return [lowest.get(place) for place in range(cells)]
