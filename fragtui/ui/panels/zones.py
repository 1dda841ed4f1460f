"""The zones of every NUMA node: free blocks of each size, and whether a request of the target size gets one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import cast

from fragtui.model.node.snapshot import ZoneKey
from fragtui.model.node.verdict import ZoneJudgement
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.render.numbers import short_bytes
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit, fit_right
from fragtui.ui.widgets.framed import Framing, Spans
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.rows import Line, Span, line

MANY = 10_000
"""Blocks of a size from which on its cell is brighter."""
NODES = 3
"""NUMA nodes from which on a small screen shows one cell a node instead of a row a zone."""


_WORDS = {
    Verdict.RESERVED: ("◦ reserved", "◦ kept", "muted"),
    Verdict.FRAGMENTED: ("✗ none", "✗ none", "bad"),
    Verdict.SHORT: ("✗ no memory", "✗ no mem", "bad"),
}
_UNKNOWN = ("? unknown", "?", "unknown")
"""What a request gets: the words, those for eight cells, their style."""


class ZonesPanel(ListPanel[ZoneJudgement]):
    """A row a zone, a column a size; on a small screen with many nodes, a cell a node."""

    SELECTS_ROWS = False
    HEADER_ROOM = 1

    def __init__(self, session: Session) -> None:
        super().__init__(id="zones")
        self._session = session
        self._table: _Table | None = None
        self._listed: Sequence[ZoneJudgement] = ()
        self._listed_of: tuple[object, ...] = ()

    def items(self) -> Sequence[ZoneJudgement]:
        """Return the zones."""
        session = self._session
        made_of = (session.judgement, session.all_zones, session.worst_first)
        if made_of != self._listed_of:
            self._listed, self._listed_of = session.listed_zones, made_of
        return self._listed

    def key(self, item: ZoneJudgement) -> ZoneKey:
        """Return the zone's key."""
        return item.zone.key

    @property
    def selected_key(self) -> ZoneKey | None:
        """The zone whose sizes are shown."""
        return self._session.chosen

    @selected_key.setter
    def selected_key(self, key: Hashable | None) -> None:
        self._session.chosen = cast("ZoneKey | None", key)

    def heading(self, width: int) -> Spans:
        """Return the title."""
        return (("Zones" if self._table or not self._items else "NUMA nodes", "title"),)

    @property
    def position(self) -> str:
        """Which zones are shown, if not all of them are."""
        return super().position if self._table and len(self._shown) < len(self._items) else ""

    def framing(self, width: int) -> Framing:
        """Return the title, what is hidden, and the keys."""
        framing = super().framing(width)
        hidden = _hidden(self._session)
        if self.framed:
            return framing if framing.position else framing._replace(position=(("free blocks of each size", "muted"),))
        shows = self._session.hints(("all-zones", f"shows {hidden}")) if hidden and not framing.position else ()
        return framing._replace(keys=shows)

    def note(self) -> Spans:
        """Return how many zones are not in view, and which are hidden."""
        session, hidden = self._session, _hidden(self._session)
        rest = [zone for place, zone in enumerate(self._items) if place not in self._shown]
        spans: list[Span] = []
        if rest:
            bare = sum(without(zone, session.order) for zone in rest)
            spans.append((f"▼ {len(rest)} more{f' ({bare} without)' if bare else ''}  ", "warn" if bare else "muted"))
        if hidden:
            spans.append((f"{hidden} hidden: not used for normal requests · ", "muted"))
            spans += session.hints(("all-zones", "show"))
        elif session.all_zones:
            spans += session.hints(("all-zones", "hide unused zones"))
        return tuple(spans)

    def keys(self) -> Spans:
        """Return the panel's keys."""
        return self._session.hints(("worst-first", "worst first"), ("zoom", "enlarge"))

    def header(self, width: int) -> Spans:
        """Return the sizes."""
        return self._table.header() if self._table else ()

    def row(self, item: ZoneJudgement, width: int) -> Spans:
        """Return a zone's cells and what a request of the target size gets there."""
        return self._table.row(item, focused=self.has_focus) if self._table else ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the heading with the sizes, and as many zones as there is room for; or a cell a NUMA node."""
        zones = self.items()
        nodes = {zone.zone.node for zone in zones}
        overview = len(nodes) >= NODES and height < min(1 + len(zones), 4)
        self._table = None if overview or not zones else _Table(self._session, zones, width - 2)
        rows = super().body(width, height)
        return _nodes(self._session, zones, width) if overview else rows

    def empty(self, width: int) -> Sequence[Line]:
        """Return why no zone can be shown."""
        if (snapshot := self._session.snapshot) is None:
            return ()
        why = snapshot.why("buddyinfo") or "unknown"
        return [line((f"? unknown: /proc/buddyinfo: {why}; no zone can be shown", "unknown"))]


class _Table:
    """The columns that there is room for."""

    def __init__(self, session: Session, zones: Sequence[ZoneJudgement], width: int) -> None:
        assert session.snapshot is not None
        self._session = session
        self._size = session.snapshot.host.page_size
        self._label = max(len(label(zone)) for zone in zones)
        self._free = 6 if width >= 110 else 0
        self._tail = 15 if width >= 90 else 10
        room = width - self._label - self._free - self._tail
        self._cell = max(5, min(7, room // max(1, session.orders)))
        count = max(1, min(session.orders, room // self._cell))
        last = min(session.orders - 1, max(session.order, count - 1))
        self._orders = range(last - count + 1, last + 1)

    def header(self) -> Spans:
        session = self._session
        spans: list[Span] = [(" " * self._label, "muted")]
        if self._free:
            spans.append((fit_right("free", self._free), "muted"))
        for order in self._orders:
            asked = order == session.order
            text = short_bytes(self._size << order)
            spans.append((fit_right(f"▾{text}" if asked else text, self._cell), "strong" if asked else "muted"))
        size = short_bytes(self._size << session.order)
        return (*spans, ((f"  {size} requests" if self._tail > 12 else f"  for {size}")[: self._tail], "strong"))

    def row(self, zone: ZoneJudgement, *, focused: bool) -> Spans:
        session = self._session
        name = "text" if zone.serves_kernel else "muted"
        if zone.zone.key == session.chosen:
            # The cells keep their grounds, which say more than the selection's.
            name = "selected" if focused else "strong"
        spans: list[Span] = [(fit(label(zone), self._label), name)]
        if self._free:
            spans.append((fit_right(short_bytes(zone.zone.blocks.free_pages * self._size), self._free), "text"))
        spans += [self._cell_of(zone, order) for order in self._orders]
        return (*spans, ("  ", "text"), _answer(zone, session.order, self._tail - 2))

    def _cell_of(self, zone: ZoneJudgement, order: int) -> Span:
        blocks = zone.zone.free_blocks
        if order >= len(blocks):
            return " " * self._cell, "text"
        style = cell_style(zone, order, self._session.order)
        count = blocks[order]
        return fit_right(short(count) if count else "·", self._cell), style


def label(zone: ZoneJudgement) -> str:
    """Return a zone's name: `N0 Normal`."""
    return f"N{zone.zone.node} {zone.zone.name}"


def short(count: int) -> str:
    """Return a count in at most four cells, thousands without a decimal: 9999, 36k, 2.5M, 1.1G."""
    if count < 10_000:
        return str(count)
    if count < 999_500:
        return f"{round(count / 1000)}k"
    if count < 9_950_000:
        return f"{count / 1_000_000:.1f}M"
    if count < 999_500_000:
        return f"{round(count / 1_000_000)}M"
    if count < 9_950_000_000:  # 4 TiB are 1.1G pages.
        return f"{count / 1_000_000_000:.1f}G"
    return f"{min(999, round(count / 1_000_000_000))}G"


def cell_style(zone: ZoneJudgement, order: int, asked: int) -> str:
    """Return the style of a zone's size: red only up to the size that was asked for."""
    verdict = zone.verdict(RequestKind.GFP_KERNEL, order)
    blocks = zone.zone.free_blocks
    if not zone.serves_kernel or uncounted(zone, verdict):
        return "muted"
    if verdict is Verdict.RESERVED:
        return "muted"
    if verdict is Verdict.UNKNOWN:
        return "unknown"
    if verdict is not Verdict.AVAILABLE:
        return "grid" if order > asked else "cell-asked" if order == asked else "cell-none"
    if not blocks[order]:
        return "grid"
    if zone.blocks(order) < zone.few_blocks:
        return "cell-few"
    return "cell-many" if blocks[order] >= MANY else "cell-enough"


def uncounted(zone: ZoneJudgement, verdict: Verdict) -> bool:
    """Return whether the blocks look free only because the lowmem reserve, which keeps them, could not be read."""
    return verdict is Verdict.AVAILABLE and not zone.target


def _answer(zone: ZoneJudgement, order: int, width: int) -> Span:
    if not zone.serves_kernel:
        return fit("– user only" if width > 10 else "– user", width), "muted"
    verdict = zone.verdict(RequestKind.GFP_KERNEL, order)
    if verdict is Verdict.AVAILABLE and not uncounted(zone, verdict):
        blocks = zone.blocks(order)
        few = blocks < zone.few_blocks
        text = f"{'!' if few else '✓'} {short(blocks)}"
        return fit(f"{text} free" if width > 11 else text, width), "warn" if few else "good"
    word, brief, style = _WORDS.get(verdict, _UNKNOWN)
    return fit(word if len(word) <= width else brief, width), style


def without(zone: ZoneJudgement, order: int) -> bool:
    """Return whether a request of that order gets no block from a zone that it may use."""
    return zone.serves_kernel and zone.verdict(RequestKind.GFP_KERNEL, order) is not Verdict.AVAILABLE


def _is_doubtful(zone: ZoneJudgement, order: int) -> bool:
    return zone.serves_kernel and zone.verdict(RequestKind.GFP_KERNEL, order) is Verdict.UNKNOWN


def _hidden(session: Session) -> str:
    """Return the names of the zones that are folded away."""
    if session.judgement is None or session.all_zones:
        return ""
    listed = {zone.zone.key for zone in session.listed_zones}
    return ", ".join(dict.fromkeys(zone.zone.name for zone in session.judgement.zones if zone.zone.key not in listed))


def _nodes(session: Session, zones: Sequence[ZoneJudgement], width: int) -> list[Line]:
    """Return one cell a NUMA node: whether a request of the target order gets a block there."""
    assert session.snapshot is not None
    size = short_bytes(session.snapshot.host.page_size << session.order)
    nodes = sorted({zone.zone.node for zone in zones})
    blocks = {
        node: sum(
            zone.blocks(session.order)
            for zone in zones
            if zone.zone.node == node and zone.serves_kernel and not without(zone, session.order)
        )
        for node in nodes
    }
    wide = 8 + 8 * len(nodes) + 5 <= width
    cell = 8 if wide else 4
    fits = max(1, (width - 13) // cell)
    shown, rest = nodes[:fits], nodes[fits:]
    served = {node for node in nodes if blocks[node]}
    doubtful = {zone.zone.node for zone in zones if _is_doubtful(zone, session.order)} - served
    bare = len(nodes) - len(served) - len(doubtful)
    here = session.zone.node if session.zone else None
    heads: list[Span] = [(fit(size, 8), "strong")]
    cells: list[Span] = [(fit("free", 8), "muted")]
    for node in shown:
        heads.append((fit(f" node {node}" if wide else f" N{node}", cell), "strong" if node == here else "muted"))
        count = blocks[node]
        few = count < session.thresholds.low_blocks
        style = "cell-asked" if not count else "cell-few" if few else "cell-enough"
        mark, number = "✗" if not count else "!" if few else "✓", short(count) if count else "none"
        if node in doubtful:
            mark, number, style = "?", "", "unknown"
        cells.append((fit(f" {mark} {number}" if wide else f" {mark}", cell), style))
    if rest:
        heads.append((f" +{len(rest)}", "muted"))
    cells.append((f"  {bare}/{len(nodes)}", "bad" if bare else "good"))
    return [line(*heads), line(*cells)]
