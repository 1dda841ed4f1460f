"""The last minutes of the target size's blocks on the whole node: running out, denied, remedy, recovered, hotplug."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import SPARKS, fit_right, spans_width
from fragtui.ui.widgets.framed import FramedPanel, Framing, Spans
from fragtui.ui.widgets.log_scale import DECADES, decades, log_share
from fragtui.ui.widgets.rows import Line, Span, line

_LABEL = 6
_WORDY = 80
"""Cells from which on the title says what is counted."""
_REMEDY, _DENIED, _MEMORY = "▼", "✗", "▲"


class Timeline(FramedPanel):
    """A column a moment, on the bars' scale; under it the remedies and denials of that moment, and the time."""

    def __init__(self, session: Session, *, other: bool = False) -> None:
        super().__init__(id="other-timeline" if other else "timeline")
        self._session = session
        self._other = other
        """Whether it covers the other length of history than the one that was chosen."""

    @property
    def _seconds(self) -> float:
        session = self._session
        return session.other_history_seconds if self._other else session.history_seconds

    def framing(self, width: int) -> Framing:
        """Return which size this is about, and for how long."""
        session = self._session
        if session.snapshot is None:
            return Framing((("Timeline", "title"),))
        size = short_bytes(session.snapshot.host.page_size << session.order)
        what = " that kernel requests may take, in all zones" if width >= _WORDY else " in all zones"
        return Framing(
            ((f"Blocks of {size}", "title"), (what, "muted")),
            ((f"last {span_words(self._seconds)}", "muted"),),
            _last_change(session, self._seconds),
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the chart, the marks and the time axis."""
        session = self._session
        if session.snapshot is None or session.judgement is None:
            return []
        points = width - _LABEL - 2
        room = height - 2
        if points < 12 or room < 2:
            return []
        keys = [zone.zone.key for zone in session.judgement.zones if zone.target]
        series = session.history.series(keys, session.order, self._seconds, points)
        span = decades(value for value in series if value is not None)
        few = session.thresholds.low_blocks
        rows = [chart_row(series, span, room, row, few) for row in range(room)]
        return [*rows, _marks(session, self._seconds, points), _axis(session, self._seconds, points)]


def _last_change(session: Session, seconds: float) -> Spans:
    """Return the last change of the node's memory that the chart covers, and its age; empty if there is none."""
    if session.snapshot is None or not session.memory_changes:
        return ()
    at, what = session.memory_changes[-1]
    age = session.snapshot.monotonic - at
    return ((f"{_MEMORY} {what}, {span_words(age)} ago", "muted"),) if age < seconds else ()


def chart_row(series: Sequence[int | None], span: int, room: int, row: int, few: int) -> Line:
    """Return one row of the chart, 0 the topmost; under `few` blocks are few."""
    floor = (room - 1 - row) * 8
    spans: list[Span] = [(fit_right(_label(span, room, row), _LABEL) + " ", "muted")]
    cells = [_cell(value, span, room, floor, few) for value in series]
    for style, same in groupby(cells, key=lambda cell: cell[1]):
        spans.append(("".join(sign for sign, _ in same), style))
    return line(*spans)


def _cell(value: int | None, span: int, room: int, floor: int, few: int) -> tuple[str, str]:
    if value is None:
        return " ", "text"
    if value == 0:
        return ("·", "history-none") if floor == 0 else (" ", "text")
    eighths = round(log_share(value, span) * room * 8) - floor
    if eighths <= 0:
        return " ", "text"
    return SPARKS[min(eighths, 8) - 1], "history-few" if value < few else "history-plenty"


def _label(span: int, room: int, row: int) -> str:
    """Return the power of ten whose height ends in that row, or nothing."""
    for decade in range(min(span, len(DECADES) - 1), -1, -1):
        if room - 1 - int(log_share(10**decade, span) * room * 0.999) == row:
            return DECADES[decade]
    return ""


def _marks(session: Session, seconds: float, points: int) -> Line:
    """Return the line of what happened."""
    spans: list[Span] = [(" " * (_LABEL + 1), "text")]
    for style, same in groupby(mark_signs(session, seconds, points, (" ", "text")), key=lambda sign: sign[1]):
        spans.append(("".join(sign for sign, _ in same), style))
    return line(*spans)


def mark_signs(session: Session, seconds: float, points: int, none: Span) -> list[Span]:
    """Return the sign of what happened in each of `points` parts of the last seconds, `none` for nothing.

    A remedy in the same part as a denial is drawn after it, one of them in a free part beside: neither hides the other.
    Both outweigh a change of memory.
    """
    denied, changed = session.refusals_in(seconds, points), session.memory_changes_in(seconds, points)
    signs = [
        (_DENIED, "bad") if place in denied else (_MEMORY, "warn") if place in changed else none
        for place in range(points)
    ]
    for place in session.marks_in(seconds, points):
        later = int(place in denied and place + 1 < points and place + 1 not in denied)
        if place in denied and not later and place and signs[place - 1] == none:
            signs[place - 1] = signs[place]
        signs[place + later] = _REMEDY, "good"
    return signs


def _axis(session: Session, seconds: float, points: int) -> Line:
    memory = f"  {_MEMORY} memory" if session.memory_changes else ""
    ends = (f"{span_words(seconds)} ago", f"{_DENIED} denied  {_REMEDY} remedy{memory}", "now")
    gap = points - sum(spans_width(((end, ""),)) for end in ends)
    if gap < 2:
        return line((" " * (_LABEL + 1) + fit_right("now", points), "muted"))
    return line((" " * (_LABEL + 1) + ends[0] + " " * (gap // 2) + ends[1] + " " * (gap - gap // 2) + ends[2], "muted"))
