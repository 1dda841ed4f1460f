"""The first line: which node, its memory, pressure, the state of the view, fragtui's own cost."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui import __version__
from fragtui.model.node.snapshot import Snapshot
from fragtui.text import format_bytes, format_duration
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit, fit_spans, spans_width
from fragtui.ui.widgets.incident_cells import notice_spans
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line


class StatusLine(LinesWidget):
    """One line; a narrow one leaves out the least needed pieces. A message that has no row of its own covers it."""

    ground = "line"

    def __init__(self, session: Session) -> None:
        super().__init__(id="top-line")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line for that width."""
        session = self._session
        if not session.notice_row and (notice := session.notices.fresh) is not None:
            return [line(*fit_spans(notice_spans(notice), ((" M ", "key"),), width))]
        snapshot = session.snapshot
        right = list(session.status)
        if snapshot is None:
            text = " fragtui: reading the node for the first time"
            return [line((fit(text, max(0, width - spans_width(right) - 1)), "title"), *right)]
        left: list[tuple[int, list[Span]]] = [
            (0, [(f" {snapshot.host.name or 'unknown node'} ", "title")]),
            (5, [(f" {snapshot.host.release or 'kernel unknown'} ", "muted")]),
            (1, _memory(snapshot)),
            (2, _pressure(snapshot)),
            (4, _own(snapshot)),
        ]
        if outside := snapshot.uninitialised_bytes:
            left.insert(3, (3, [(f"({format_bytes(outside)} not initialised yet) ", "warn")]))
        pieces = left
        while len(pieces) > 1 and sum(spans_width(spans) for _, spans in pieces) + spans_width(right) + 1 > width:
            worst = max(pieces, key=lambda piece: piece[0])
            pieces = [piece for piece in pieces if piece is not worst]
        spans = [span for _, piece in pieces for span in piece]
        gap = width - spans_width(spans) - spans_width(right) - 1
        return [line(*spans, (" " * max(1, gap), "text"), *right)]


def _memory(snapshot: Snapshot) -> list[Span]:
    free, total = snapshot.meminfo.get("MemFree"), snapshot.meminfo.get("MemTotal")
    if free is None or total is None:
        return [(" memory unknown ", "warn")]
    return [(f" {format_bytes(free)}", "text"), (f" free of {format_bytes(total)} ", "muted")]


def _pressure(snapshot: Snapshot) -> list[Span]:
    if snapshot.pressure is None or snapshot.pressure.some is None:
        return [(f" PSI {snapshot.why('pressure/memory') or 'unknown'} ", "muted")]
    some, full = snapshot.pressure.some.avg10, snapshot.pressure.full
    style = "bad" if some >= 20 else "warn" if some >= 5 else "text"
    text = f" {some:.1f}" + (f"/{full.avg10:.1f}" if full else "")
    return [(" PSI", "muted"), (text, style), ("% 10s ", "muted")]


def _own(snapshot: Snapshot) -> list[Span]:
    if snapshot.own is None:
        return [(f" fragtui {__version__} ", "muted")]
    return [(f" self {snapshot.own.cpu * 100:.1f}% {format_bytes(snapshot.own.resident)} ", "muted")]


def state_spans(
    session: Session, interval: float, stuck: tuple[str, float] | None, age: float, notes: Sequence[str]
) -> tuple[Span, ...]:
    """Return the view's state as text; a read that does not respond comes first, then the pause."""
    spans: list[Span] = [(f"{note} ", "warn") for note in notes]
    if stuck and stuck[1] > max(2.0, 2 * interval):
        spans.append((f"⚠ no answer from {stuck[0].rsplit('/', 1)[-1]} for {format_duration(stuck[1])}", "bad"))
    elif session.paused:
        spans.append(("‖ paused", "warn"))
    elif age > max(3.0, 3 * interval):
        spans.append((f"⚠ stale {format_duration(age)}", "bad"))
    else:
        spans.append((f"● live {interval:g}s", "good"))
    return tuple(spans)
