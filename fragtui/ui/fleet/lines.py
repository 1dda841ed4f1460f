"""The lines of the fleet's screen without a frame: the server and the view, and why there is no new answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fragtui.render.numbers import span_words
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.panels.status_line import StatusLine
from fragtui.ui.screen_state import ScreenState
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of, fit, fit_spans
from fragtui.ui.widgets.incident_cells import notice_spans
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line


class TopLine(LinesWidget):
    """The server, the selector and when the fleet was read; a message that has no row of its own covers it."""

    ground = "line"

    def __init__(self, view: FleetView) -> None:
        super().__init__(id="top-line")
        self._view = view

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line for that width."""
        return [_top_line(self._view, self._view, width)]


class NodeTopLine(StatusLine):
    """The same on the screen of one node."""

    def __init__(self, view: FleetView, session: Session) -> None:
        super().__init__(session)
        self._view = view

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line for that width."""
        return [_top_line(self._view, self._session, width)]


def _top_line(view: FleetView, screen: ScreenState, width: int) -> Line:
    if not screen.notice_row and (notice := screen.notices.fresh) is not None:
        return line(*fit_spans(notice_spans(notice), ((f" {screen.key('messages')} ", "key"),), width))
    left: list[Span] = [(" fleet ", "title"), (f" {view.server}", "text")]
    if view.match and width >= 70:
        left.append((f"  {{{view.match}}}", "muted"))
    return line(*fit_spans(left, _status(view, width), width))


def _status(view: FleetView, width: int) -> tuple[Span, ...]:
    """Return when the fleet was read: a time of day, not an age, so that nothing is drawn between two readings."""
    fleet = view.fleet
    if fleet is None:
        return () if view.lost else (("◌ asking ", "muted"),)
    at = datetime.fromtimestamp(fleet.time).astimezone().strftime("%H:%M:%S")
    if view.lost:
        return ((f" ⚠ {at} ", "bad"),)
    took = f", took {fleet.took:.2f} s" if width >= 100 else ""
    every = f", every {span_words(view.interval)}" if width >= 80 else ""
    return ((" ● ", "good"), (f"{at}{took}{every} ", "text"))


class AlertLine(LinesWidget):
    """Why what is shown is old; hidden while it is new."""

    ground = "line"

    def __init__(self, view: FleetView) -> None:
        super().__init__(id="alert-line")
        self._view = view

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line, without the next try if the reason takes its room."""
        words = self._view.problem_words()
        if words is None:
            return []
        head, _, retry = words.rpartition("; ")
        if head and cells_of(words) > width - 4 and cells_of(retry) < width // 2:
            room = width - 4 - cells_of(retry) - 2
            words = f"{fit(head, room)}; {retry}"
        return [line((" ⚠ ", "bad"), (fit(words, max(0, width - 3)), "bad"))]
