"""The first line: which node, its memory, pressure, the state of the view, fragtui's own cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fragtui import __version__
from fragtui.model.node.snapshot import Snapshot
from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of, fit, fit_spans, spans_width
from fragtui.ui.widgets.incident_cells import notice_spans
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line

_MIN_NAME = 14
"""Cells that the node's name keeps before its memory is left out."""


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
            return [line(*fit_spans(notice_spans(notice), ((f" {self._session.key('messages')} ", "key"),), width))]
        snapshot = session.snapshot
        right = list(session.status)
        if snapshot is None:
            text = " fragtui: reading the node for the first time"
            return [line((fit(text, max(0, width - spans_width(right) - 1)), "title"), *right)]
        name = snapshot.host.name or "unknown node"
        left: list[tuple[int, list[Span]]] = [
            (0, [(f" {name} ", "title")]),
            (5, [(f" kernel {snapshot.host.release or 'unknown'} ", "muted")]),
            (1, _memory(snapshot)),
            (2, _pressure(snapshot)),
            (4, _own(snapshot)),
        ]
        if outside := snapshot.uninitialised_bytes:
            left.insert(3, (3, [(f"({short_bytes(outside)} not initialised yet) ", "warn")]))
        pieces = left
        room = width - spans_width(right) - 1
        spare = max(0, cells_of(name) - _MIN_NAME)
        while len(pieces) > 1 and sum(spans_width(spans) for _, spans in pieces) - spare > room:
            worst = max(pieces, key=lambda piece: piece[0])
            pieces = [piece for piece in pieces if piece is not worst]
        others = [span for _, piece in pieces[1:] for span in piece]
        spans = [(f" {fit(name, max(0, min(cells_of(name), room - spans_width(others) - 2)))} ", "title"), *others]
        gap = width - spans_width(spans) - spans_width(right) - 1
        return [line(*spans, (" " * max(1, gap), "text"), *right)]


def _memory(snapshot: Snapshot) -> list[Span]:
    free, total = snapshot.meminfo.get("MemFree"), snapshot.meminfo.get("MemTotal")
    if free is None or total is None:
        return [(" memory unknown ", "unknown")]
    return [(f" {short_bytes(free)}", "strong"), (f" free of {short_bytes(total)} ", "muted")]


def _pressure(snapshot: Snapshot) -> list[Span]:
    if snapshot.pressure is None or snapshot.pressure.some is None:
        return [(f" memory stall: {snapshot.why('pressure/memory') or 'unknown'} ", "muted")]
    some = snapshot.pressure.some.avg10
    style = "bad" if some >= 20 else "warn" if some >= 5 else "strong"
    return [(" memory stall", "muted"), (f" {some:.1f} % ", style)]


def _own(snapshot: Snapshot) -> list[Span]:
    if snapshot.own is None:
        return [(f" fragtui {__version__} ", "muted")]
    return [(f" fragtui {snapshot.own.cpu * 100:.1f} % CPU, {short_bytes(snapshot.own.resident)} ", "muted")]


def state_spans(
    session: Session, interval: float, stuck: tuple[str, float] | None, age: float, notes: Sequence[str]
) -> tuple[Span, ...]:
    """Return the view's state as text; a read that does not respond comes first, then the pause.

    Saved files have a word of their own: only what is read again and again is live.
    """
    spans: list[Span] = [(f"{note} ", "warn") for note in notes]
    if stuck and stuck[1] > max(2.0, 2 * interval):
        spans.append((f"⚠ no answer from {stuck[0].rsplit('/', 1)[-1]} for {span_words(stuck[1])} ", "bad"))
    elif session.paused:
        seen = session.snapshot.monotonic if session.snapshot else 0.0
        spans.append((f"‖ paused {span_words(max(0.0, session.newest - seen))} ", "warn"))
    elif age > max(3.0, 3 * interval):
        spans.append((f"⚠ stale {span_words(age)} ", "bad"))
    elif session.saved and session.snapshot is not None:
        spans.append((f"■ saved files, {_moment(session.snapshot.time)} ", "text"))
    else:
        spans += [("● ", "good"), (f"live, every {interval:g} s ", "text")]
    return tuple(spans)


def _moment(time: float) -> str:
    """Return a day and a time of the day in the local time zone."""
    return datetime.fromtimestamp(time).astimezone().strftime("%d %b %H:%M")
