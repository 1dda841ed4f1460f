"""The panels over one session and how they share the screen's lines; it reads nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Region, Size
from textual.widget import Widget

from fragtui.model.node.verdict import State
from fragtui.ui.keys import Keys
from fragtui.ui.panels.card import CardPanel
from fragtui.ui.panels.causes import CausesPanel
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.footer import KeyFooter
from fragtui.ui.panels.late import late_panel
from fragtui.ui.panels.late.late_panel import LatePanel
from fragtui.ui.panels.layout import (
    MAX_CONSUMERS,
    MIN_CONSUMERS,
    MIN_GROUPS,
    TABLE_WIDTH,
    Content,
    PanelRows,
    allocate_rows,
)
from fragtui.ui.panels.pods import PodsPanel
from fragtui.ui.panels.recording_line import RecordingLine
from fragtui.ui.panels.remedy_line import RemedyLine
from fragtui.ui.panels.root_note import RootNote, note_rows
from fragtui.ui.panels.sizes import SizesPanel
from fragtui.ui.panels.status_line import StatusLine
from fragtui.ui.panels.timeline import Timeline
from fragtui.ui.panels.zones import ZonesPanel
from fragtui.ui.session import Session
from fragtui.ui.widgets.framed import FramedPanel
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.rows import LinesWidget

P = TypeVar("P", bound=LinesWidget)
_WHOLE_SECONDS = 60.0


class Panel(NamedTuple):
    """A panel: what makes it, the column it is in, and the lines it gets; 0 hides it."""

    make: Callable[[Session], LinesWidget]
    column: str
    lines: Callable[[PanelRows, Session], int]


TOP, LEFT, RIGHT, DENIED = "top", "left", "right", "denied"
"""The columns; `DENIED` is inside the right one, above its other panels."""

PANELS = (
    Panel(StatusLine, TOP, lambda rows, session: 1),
    Panel(CardPanel, TOP, lambda rows, session: rows.card),
    Panel(RemedyLine, TOP, lambda rows, session: int(session.recording is None and session.remedy_line is not None)),
    Panel(RecordingLine, TOP, lambda rows, session: int(session.recording is not None)),
    Panel(RootNote, TOP, lambda rows, session: session.note_rows),
    Panel(ZonesPanel, LEFT, lambda rows, session: rows.zones),
    Panel(SizesPanel, LEFT, lambda rows, session: rows.sizes),
    Panel(partial(LatePanel, id="obstacles", make=late_panel.obstacles), LEFT, lambda rows, session: rows.obstacles),
    Panel(Timeline, LEFT, lambda rows, session: rows.timeline),
    Panel(partial(LatePanel, id="nodes", make=late_panel.nodes), LEFT, lambda rows, session: rows.nodes),
    Panel(FailuresPanel, DENIED, lambda rows, session: rows.failures),
    Panel(CausesPanel, DENIED, lambda rows, session: rows.causes),
    Panel(PodsPanel, RIGHT, lambda rows, session: rows.pods),
    Panel(partial(LatePanel, id="consumers", make=late_panel.consumers), RIGHT, lambda rows, session: rows.consumers),
    Panel(partial(Timeline, other=True), RIGHT, lambda rows, session: rows.other_timeline),
)
"""Every panel, top to bottom. On a wide screen the right column is beside the left one, else below it."""


class Dashboard(Container):
    """Draws a session."""

    def __init__(self, session: Session, keys: Keys, panels: tuple[Panel, ...] = PANELS) -> None:
        super().__init__(id="dashboard")
        self._session = session
        self._panels = tuple((panel, panel.make(session)) for panel in panels)
        self._footer = KeyFooter(session, keys)
        self._zoomed: Widget | None = None
        self._shape: tuple[int, ...] = ()
        """The shape for which the lines were last distributed."""
        self._whole_at = 0.0
        """When all panels were built, monotonic seconds."""

    def compose(self) -> ComposeResult:
        """Lay the panels out; their heights are set when the size is known."""
        yield from self._column(TOP)
        with Container(id="body"):
            with Container(id=LEFT):
                yield from self._column(LEFT)
            with Container(id=RIGHT):
                with Container(id=DENIED):
                    yield from self._column(DENIED)
                yield from self._column(RIGHT)
        yield self._footer

    def panel(self, kind: type[P]) -> P:
        """Return the panel of a class."""
        return next(widget for _, widget in self._panels if isinstance(widget, kind))

    @property
    def lists(self) -> tuple[ListPanel[Any], ...]:
        """The panels that list things, top to bottom."""
        return tuple(widget for _, widget in self._panels if isinstance(widget, ListPanel))

    def show(self, *, sampled: bool = False) -> None:
        """Distribute the lines again if the content's shape changed, and redraw the panels that changed.

        If only a sample is new, `sampled`, panels that follow no samples are built again once a minute.
        """
        if self._shape != self._content_shape(self.screen.size.width):
            self.share_out()
            sampled = False
        now = time.monotonic()
        if not sampled or now - self._whole_at > _WHOLE_SECONDS:
            sampled, self._whole_at = False, now
        # One repaint for all, by the top line, which is clipped only by the screen: each of Textual's takes a task and
        # two messages.
        regions: list[Region] = []
        for _, widget in self._panels:
            if (not sampled or widget.follows_samples) and (changed := widget.rebuilt()):
                offset = widget.region.offset
                regions += [region.translate(offset) for region in changed]
        if regions:
            self.panel(StatusLine).refresh(*regions)

    def show_lines(self) -> None:
        """Draw the view's state and the line about remedies only."""
        if self._shape != self._content_shape(self.screen.size.width):
            self.share_out()
        for kind in (StatusLine, RemedyLine, RecordingLine, RootNote):
            self.panel(kind).rebuild()

    def show_messages(self) -> None:
        """Draw the newest message, in its row or over the top line."""
        self._footer.rebuild()
        self.panel(StatusLine).rebuild()

    def show_keys(self) -> None:
        """Draw the footer: which keys are disabled has changed."""
        self._footer.rebuild()

    def zoom(self, focused: Widget | None) -> None:
        """Give the focused panel the whole body, or take it back."""
        if self._zoomed is not None:
            self._zoomed = None
        else:
            self._zoomed = focused
        self.share_out()

    def unzoom(self) -> bool:
        """Show all panels again; return whether one was alone."""
        if self._zoomed is None:
            return False
        self.zoom(None)
        return True

    def share_out(self, size: Size | None = None) -> None:
        """Give each panel its lines of a screen of that size in cells, by default the present one."""
        width, height = size or self.screen.size
        if not width or not height:
            return
        session = self._session
        *content, line, note = self._shape = self._content_shape(width)
        session.note_rows = note
        rows = allocate_rows(width, height, Content(*content), extra=line + note)
        zoomed = self._zoomed
        tabled = isinstance(zoomed, FailuresPanel) and width >= TABLE_WIDTH and bool(session.failures.failures)
        self.query_one("#body").set_class(rows.side_by_side and zoomed is None, "side-by-side")
        self.query_one(f"#{DENIED}").set_class(tabled or (rows.table_beside and zoomed is None), "beside")
        session.notice_row = bool(rows.message)
        self._footer.styles.height = 1 + rows.message
        body = height - 2 - line - note - rows.card - rows.message
        for panel, widget in self._panels:
            lines = panel.lines(rows, session)
            if zoomed is not None and panel.column != TOP:
                lines = body if widget is zoomed or (tabled and isinstance(widget, CausesPanel)) else 0
            if isinstance(widget, FramedPanel):
                widget.framed = rows.framed
            widget.styles.height = max(1, lines)
            widget.display = lines > 0

    def _consumer_rows(self) -> int:
        """Return how many rows of consumers there are to show: none unless the node is out of memory."""
        session = self._session
        if session.state is None or session.state.state is not State.OUT_OF_MEMORY:
            return 0
        listed = bool(session.consumers and session.consumers.processes)
        if not listed:
            reports = (group.last.report for group in session.failures.rows)
            listed = any(report is not None and report.tasks for report in reports)
        return MAX_CONSUMERS if listed else MIN_CONSUMERS

    def _column(self, column: str) -> list[LinesWidget]:
        return [widget for panel, widget in self._panels if panel.column == column]

    def _content_shape(self, width: int) -> tuple[int, ...]:
        """Return how much there is to show, as `Content`, lines about remedies and rows of the root note."""
        session = self._session
        zones = session.listed_zones
        line = session.recording is not None or session.remedy_line is not None
        nodes = len({zone.zone.node for zone in zones})
        failures = min(16, len(self.panel(FailuresPanel).items()))
        pods = min(32, len(self.panel(PodsPanel).items()))
        history = int(not session.saved)
        groups = MIN_GROUPS if session.failures.wanted else min(MIN_GROUPS, len(session.failures.rows))
        content = Content(len(zones), nodes, session.orders, failures, pods, history, groups, self._consumer_rows())
        return *content, int(line), len(note_rows(session, width))
