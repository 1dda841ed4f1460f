"""The panels of one node of a fleet: its row of the list in words, then its zones, its sizes and its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.app import ComposeResult
from textual.geometry import Size

from fragtui.model.fleet.fleet import FleetNode, state_key
from fragtui.model.fleet.node_snapshot import UNKNOWN_OF_SERIES
from fragtui.model.node.verdict import FEW_BLOCKS
from fragtui.render.fleet.words import SOURCES, state_word
from fragtui.render.numbers import short_bytes, span_words
from fragtui.text import counted
from fragtui.ui.dashboard import LEFT, Dashboard, Panel
from fragtui.ui.fleet.lines import AlertLine, NodeTopLine
from fragtui.ui.fleet.nodes import resampled
from fragtui.ui.fleet.states import TONES, role_of, was_text
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.keys import Keys
from fragtui.ui.panels.late import late_panel
from fragtui.ui.panels.late.late_panel import LatePanel
from fragtui.ui.panels.layout import FRAME_HEIGHT, FRAME_WIDTH, MANY_NODES
from fragtui.ui.panels.sizes import SizesPanel
from fragtui.ui.panels.timeline import Timeline, chart_row
from fragtui.ui.panels.zones import ZonesPanel, short
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of, fit, spans_width, wrap
from fragtui.ui.widgets.framed import FramedPanel, Framing, Spans
from fragtui.ui.widgets.log_scale import decades
from fragtui.ui.widgets.rows import Line, LinesWidget, line

_LABEL = 15
_SCALE = 6
"""Cells of the scale beside a chart."""
MIN_CHART = 7
"""Lines from which on the timeline is shown: what the other screen has more of there, no series has."""
_HOUR, _DAY = 3600.0, 86_400.0


class NodeSession(Session):
    """The state of the screen of one node: its history is that of the server."""

    @property
    def history_seconds(self) -> float:
        """How long the history on screen is."""
        return _DAY if self.long_history else _HOUR


class NodeCard(FramedPanel):
    """What the fleet's list says of the node, in words, and what the server can't know."""

    def __init__(self, view: FleetView, session: Session) -> None:
        super().__init__(id="card")
        self._view = view
        self._session = session

    @property
    def _node(self) -> FleetNode | None:
        return self._view.node(self._view.opened or "")

    @property
    def border(self) -> str:
        """The border has the state's colour."""
        node = self._node
        role = "unknown" if node is None else TONES[role_of(node)]
        return "border" if role == "good" or self._view.lost else role

    def framing(self, width: int) -> Framing:
        """Return the question that the badge answers, the age of the sample and the keys."""
        node, view = self._node, self._view
        name = view.opened or "?"
        title: Spans = ((f"Can a {view.size} block be allocated on {name}?", "title"),)
        age = "" if node is None or node.age is None else f"sample {span_words(node.age)} old"
        keys = self._session.hints(("open", "live"), ("unwind", "fleet"))
        return Framing(title, ((age, "muted"),) if age else (), (), keys if self.framed else ())

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the badge with what it means, then facts with their names."""
        return self._facts(width)[:height]

    def rows(self, width: int) -> int:
        """Return how many lines the panel takes at that width."""
        return len(self._facts(width - 2 * self.inset)) + 1 + self.framed

    def _facts(self, width: int) -> list[Line]:
        node, fleet = self._node, self._view.fleet
        if fleet is None or node is None:
            return [line((" UNKNOWN ", "badge-unknown"), ("  the server knows no such node any more", "text"))]
        role, word = role_of(node), state_word(state_key(node))
        badge = f"✓ {word}" if role == "good" else f" {word} "
        blocks, largest = self._blocks(node)
        head: Spans = ((badge, role), (" " * max(1, _LABEL - cells_of(badge)), "text"), *blocks)
        if spans_width(head) + spans_width(largest) + 2 <= width:
            lines = [line(*head, ("; " if largest else "", "text"), *largest)]
        else:
            lines = [line(*head), line((" " * _LABEL, "text"), *largest)]
        for label, (text, style) in (
            ("Trend", self._trend(node)),
            ("Failed", self._failed(node)),
            ("Judged", (fleet.why_unknown("state") or SOURCES[fleet.counting], "text")),
            ("Bars", self._bars()),
            ("Labels", ("  ".join(f"{name}={value}" for name, value in node.labels), "muted")),
        ):
            rows = wrap(text, width - _LABEL, 2)
            lines += [line((f"{'' if at else label:<{_LABEL}}", "title"), (row, style)) for at, row in enumerate(rows)]
        if (open_node := self._view.state.node) is not None:
            problems = (open_node.problem, open_node.no_history and f"no history: {open_node.no_history}")
            lines += [line((row, "bad")) for why in problems if why for row in wrap(why, width, 2)]
        return lines

    def _blocks(self, node: FleetNode) -> tuple[Spans, Spans]:
        """Return how many blocks there are, and how large the largest one is."""
        if node.blocks is None:
            return (("the server has no blocks of it", "unknown"),), ()
        count = "no block" if not node.blocks else counted(round(node.blocks), "block")
        was = f"{was_text(node) or 'when last seen'}: " if node.stale else ""
        blocks: Spans = ((was, "unknown"), (count, "strong"), (f" of {self._view.size} for requests", "text"))
        if node.largest is None:
            return blocks, ()
        return blocks, (
            ("largest free block ", "text"),
            (short_bytes(node.largest) if node.largest else "none", "strong"),
        )

    def _bars(self) -> tuple[str, str]:
        """Return what the panels below are made from, and what they can't show."""
        shown = self._view.state.node
        if shown is None or not shown.series:
            return ("reading" if shown is None or shown.problem is None else "unknown"), "muted"
        if not shown.has_zones:
            return f"unknown: {shown.series[-1].why}", "unknown"
        known = self._view.fleet is not None and self._view.fleet.why_unknown("state") is not None
        missing = "migratetypes" if known else UNKNOWN_OF_SERIES
        return f"by zone, from the server's series: {missing} are unknown", "unknown"

    def _trend(self, node: FleetNode) -> tuple[str, str]:
        if node.trend is None:
            return self._why("trend")
        if abs(node.trend) < 1:
            return "steady", "text"
        falls = node.trend < 0
        words = f"{'↓' if falls else '↑'} {short(round(abs(node.trend)))} blocks an hour"
        if falls and node.blocks:
            words += f": at that rate none in {span_words(node.blocks / -node.trend * _HOUR)}"
        return words, "text"

    def _failed(self, node: FleetNode) -> tuple[str, str]:
        if node.failures is None and node.stuck is None:
            return self._why("failures")
        failures = "unknown" if node.failures is None else counted(round(node.failures), "request")
        stuck = "unknown" if node.stuck is None else counted(round(node.stuck), "pod")
        bad = bool(node.failures or node.stuck) and not node.stale
        return f"{failures} in the last 15 minutes; stuck by memory: {stuck}", "bad-text" if bad else "text"

    def _why(self, column: str) -> tuple[str, str]:
        why = self._view.fleet.why_unknown(column) if self._view.fleet else None
        return f"unknown: {why or 'no sample of this node'}", "unknown"


class BlocksPanel(FramedPanel):
    """The blocks of the fleet's order over time, of a node whose zones no series has."""

    def __init__(self, view: FleetView) -> None:
        super().__init__(id="blocks")
        self._view = view

    def framing(self, width: int) -> Framing:
        """Return what is drawn, and for how long."""
        shown = self._view.state.node
        seconds = _HOUR if shown is None else shown.seconds
        title: Spans = ((f"Blocks of {self._view.size}", "title"), (" that requests may take", "muted"))
        return Framing(title, ((f"last {span_words(seconds)}", "muted"),))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the chart and the time axis."""
        shown, fleet = self._view.state.node, self._view.fleet
        cells, room = width - _SCALE - 2, height - 1
        if shown is None or fleet is None or cells < 12 or room < 1:
            return []
        if not shown.points:
            return [line(("? no sample in this time", "unknown"))] if shown.series and not shown.has_zones else []
        values = resampled(shown.points, fleet.time, shown.seconds, cells)
        series = [None if value is None else int(value) for value in values]
        span = decades(value for value in series if value is not None)
        ago = f"{span_words(shown.seconds)} ago"
        axis = " " * (_SCALE + 1) + fit(ago, cells - 3) + "now"
        return [*(chart_row(series, span, room, row, FEW_BLOCKS) for row in range(room)), line((axis, "muted"))]


class NodeDashboard(Dashboard):
    """One column: the card, the zones, the sizes with their history, the target size over time."""

    def __init__(self, view: FleetView, session: Session, keys: Keys) -> None:
        self._view = view
        makers: tuple[Callable[[Session], LinesWidget], ...] = (
            partial(NodeTopLine, view),
            lambda _: AlertLine(view),
            partial(NodeCard, view),
            ZonesPanel,
            SizesPanel,
            Timeline,
            partial(LatePanel, id="nodes", make=late_panel.nodes),
            lambda _: BlocksPanel(view),
        )
        super().__init__(session, keys, tuple(Panel(make, LEFT, lambda *_: 0) for make in makers))

    def compose(self) -> ComposeResult:
        """Lay the panels out; their heights are set when the size is known."""
        yield from self._column(LEFT)
        yield self._footer

    def show_lines(self) -> None:
        """Draw the age of an old answer only."""
        self.panel(AlertLine).rebuild()

    def share_out(self, size: Size | None = None) -> None:
        """Give each panel its lines: the card first, then the zones, the sizes, and the chart if it has room."""
        width, height = size or self.screen.size
        if not width or not height:
            return
        session = self._session
        framed = session.notice_row = width >= FRAME_WIDTH and height >= FRAME_HEIGHT
        for _, widget in self._panels:
            if isinstance(widget, FramedPanel):
                widget.framed = framed
        self._shape = self._content_shape(width)
        zones_count, numa_nodes, orders, card, lost, bare = self._shape
        edges = 1 + framed
        card = min(card, max(2, height // 3))
        room = height - 2 - framed - lost - card
        blocks = room * bare
        zones = 0 if blocks else min(edges + 1 + max(1, zones_count), max(2, room // 3))
        sizes = 0 if blocks else min(edges + 1 + orders + framed, room - zones)
        many = numa_nodes >= MANY_NODES
        chart = room - zones - sizes - blocks
        if chart < (numa_nodes + 3 if many else MIN_CHART):
            chart = 0
        self._footer.styles.height = 1 + framed
        for kind, lines in (
            (NodeTopLine, 1),
            (AlertLine, lost),
            (NodeCard, card),
            (ZonesPanel, zones),
            (SizesPanel, sizes),
            (Timeline, 0 if many else chart),
            (LatePanel, chart if many else 0),
            (BlocksPanel, blocks),
        ):
            widget = self.panel(kind)
            widget.styles.height = max(1, lines)
            widget.display = lines > 0

    def _content_shape(self, width: int) -> tuple[int, ...]:
        """Return what there is to show: zones, NUMA nodes, sizes, lines of card and alert, whether no zone is known."""
        session = self._session
        zones = session.listed_zones
        nodes = len({zone.zone.node for zone in zones})
        shown = self._view.state.node
        bare = shown is not None and bool(shown.series) and not shown.has_zones
        return len(zones), nodes, session.orders, self.panel(NodeCard).rows(width), int(self._view.lost), int(bare)
