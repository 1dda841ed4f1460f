"""The target size's blocks on each NUMA node over time, and whether a request gets one there now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fragtui.model.node.indices import blocks_of
from fragtui.model.node.snapshot import ZoneKey
from fragtui.model.node.verdict import ZoneJudgement
from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.panels.sizes import levels_legend, levels_of
from fragtui.ui.panels.timeline import mark_signs
from fragtui.ui.panels.zones import short, without
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.framed import Framing
from fragtui.ui.widgets.rows import Line, Span, line

_NAME, _ANSWER = 9, 13


class _Node(NamedTuple):
    """A NUMA node: its zones that serve kernel requests, and the blocks that a request gets there."""

    number: int
    zones: tuple[ZoneKey, ...]
    blocks: int


class NodesView:
    """A row a NUMA node; without room for all, those with the fewest blocks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._nodes: Sequence[_Node] = ()

    def framing(self, width: int) -> Framing:
        """Return the title, how many nodes have no block, and the legend."""
        session = self._session
        if session.snapshot is None:
            return Framing((("NUMA nodes", "title"),))
        size = short_bytes(session.snapshot.host.page_size << session.order)
        nodes = self._nodes
        bare = sum(not node.blocks for node in nodes)
        count: Span = (f"{bare} of {len(nodes)} without", "bad") if bare else (f"✓ all {len(nodes)}", "good")
        span = span_words(session.history_seconds)
        title = ((f"Blocks of {size}", "title"), (f" on each NUMA node, last {span}", "muted"))
        return Framing(title, (count,), levels_legend(), (("h", "key"), (" history", "muted")))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return a row a node, and when requests were denied and remedies ran."""
        nodes = self._nodes = self._read()
        points = width - _NAME - _ANSWER - 2
        if not nodes or points < 12 or height < 2:
            return []
        room = height - 1
        if len(nodes) > room:
            worst = sorted(nodes, key=lambda node: node.blocks)[: room - 1]
            shown = sorted(worst)
        else:
            shown = list(nodes)
        rows = [self._row(node, points) for node in shown]
        if rest := len(nodes) - len(shown):
            bare = sum(not node.blocks for node in nodes if node not in shown)
            words = f"▼ {rest} more{f' ({bare} without)' if bare else ''}"
            rows.append(line((words, "warn" if bare else "muted")))
        marks = mark_signs(self._session, self._session.history_seconds, points, ("·", "grid"))
        legend: tuple[Span, ...] = (("✗ ", "bad"), ("denied ", "muted"))
        return [*rows, line(*legend, *marks, ("  ▼ ", "good"), ("remedy", "muted"))]

    def _row(self, node: _Node, points: int) -> Line:
        session = self._session
        levels = levels_of(session, node.zones, session.order, points)
        answer: Span = (f"✓ {short(node.blocks)} free", "good") if node.blocks else ("✗ none", "bad")
        name = "strong" if session.zone and session.zone.node == node.number else "text"
        return line((fit(f"node {node.number}", _NAME), name), *levels, ("  ", "text"), answer)

    def _read(self) -> list[_Node]:
        """Return the NUMA nodes in order; a node without a zone that serves kernel requests is left out."""
        session = self._session
        zones: dict[int, list[ZoneJudgement]] = {}
        for zone in session.judgement.zones if session.judgement else ():
            if zone.target:
                zones.setdefault(zone.zone.node, []).append(zone)
        return [
            _Node(
                number,
                tuple(zone.zone.key for zone in zones[number]),
                sum(
                    blocks_of(zone.zone.free_blocks, session.order)
                    for zone in zones[number]
                    if not without(zone, session.order)
                ),
            )
            for number in sorted(zones)
        ]
