"""The screen of a fleet: the states on top, the nodes below, worst first."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size

from fragtui.model.fleet.fleet import FleetNode
from fragtui.polled_fleet import MAX_INTERVAL, MIN_INTERVAL, PolledFleet
from fragtui.render.numbers import span_words
from fragtui.ui.fleet.help import FLEET_TABLES
from fragtui.ui.fleet.lines import AlertLine, TopLine
from fragtui.ui.fleet.messages import FleetChanged
from fragtui.ui.fleet.nodes import NodesPanel
from fragtui.ui.fleet.summary import SummaryPanel
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.keys import FLEET_KEYS, KeyMap, Keys, bindings
from fragtui.ui.panels.footer import KeyFooter
from fragtui.ui.panels.layout import FRAME_HEIGHT, FRAME_WIDTH
from fragtui.ui.screens.main_screen import MainScreen
from fragtui.ui.widgets.resilient import surviving_errors

_INTERVALS = (MIN_INTERVAL, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, MAX_INTERVAL)
"""Seconds between two readings that keys choose from."""


class FleetScreen(MainScreen):
    """Draws a view; `on_open` opens a node by itself."""

    KEYS: ClassVar[Keys] = FLEET_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(FLEET_KEYS)]

    session: FleetView

    def __init__(
        self, polled: PolledFleet, view: FleetView, keymap: KeyMap, on_open: Callable[[FleetNode], None]
    ) -> None:
        super().__init__(view, keymap)
        self._polled = polled
        self._on_open = on_open
        self._top, self._alert = TopLine(view), AlertLine(view)
        self._summary = SummaryPanel(view)
        self.nodes = NodesPanel(view)
        """The list."""
        self._footer = KeyFooter(view, self.keys)
        self._shape: tuple[int, ...] = ()
        """The lines that were last distributed."""
        self._reported: str | None = None
        """The problem that was last reported."""

    def compose(self) -> ComposeResult:
        """Show all panels; their heights are set when the size is known."""
        yield from (self._top, self._alert, self._summary, self.nodes, self._footer)

    def on_mount(self) -> None:
        """Draw what is already known, and the age of an old answer once a second."""
        self.nodes.focus()
        self._share_out(self.app.size)
        self.set_interval(1.0, self._show_age)

    def on_resize(self) -> None:
        """Distribute the lines again."""
        self._shape = ()
        self.show()

    @surviving_errors
    def on_fleet_changed(self, message: FleetChanged) -> None:
        """Take what was read."""
        self.take()

    def take(self) -> None:
        """Take what is known, and draw it."""
        state = self.session.state = self._polled.state
        if state.problem is not None and state.problem != self._reported:
            # In full on the page of messages: the line above the list may have to cut it.
            self.session.notices.add(state.problem, "warning", 0.0)
            self.show_messages()
        self._reported = state.problem
        self.show()

    @surviving_errors
    def _show_age(self) -> None:
        if self.session.lost and not self.unread:
            self._alert.rebuild()

    def show(self) -> None:
        """Redraw what changed, unless the terminal is not read."""
        if self.unread or not self.is_mounted:
            return
        self._share_out(self.size)
        for panel in (self._top, self._alert, self._summary, self.nodes):
            panel.rebuild()
        self._want_trends()

    def show_messages(self) -> None:
        """Draw the newest message, in its row or over the top line."""
        self._footer.rebuild()
        self._top.rebuild()

    def rest(self, unread: bool) -> None:
        """Ask the server for nothing while the terminal is not read."""
        self._polled.rest(unread)
        super().rest(unread)

    def _share_out(self, size: Size) -> None:
        """Give each panel its lines of a screen of that size in cells."""
        width, height = size
        framed = width >= FRAME_WIDTH and height >= FRAME_HEIGHT
        self._summary.framed = self.nodes.framed = framed
        summary = self._summary.rows(width)
        summary = min(summary, max(3, (height - 4) // 2))
        shape = (width, height, summary, int(self.session.lost))
        if shape == self._shape:
            return
        self._shape = shape
        self.session.notice_row = framed
        self._footer.styles.height = 1 + framed
        self._alert.display = self.session.lost
        self._summary.styles.height = summary
        self.nodes.styles.height = max(1, height - 2 - framed - summary - self.session.lost)

    def on_list_panel_selected(self) -> None:
        """Read the curves of the rows that came in view."""
        self._want_trends()

    def _want_trends(self) -> None:
        if names := self.nodes.in_view:
            self._polled.want_trends(names)

    def action_choose(self, step: int) -> None:
        """Select another row."""
        self.nodes.move(step)

    def action_choose_page(self, direction: int) -> None:
        """Select a row a page further on, or back."""
        self.nodes.move_page(direction)

    def action_choose_end(self, direction: int) -> None:
        """Select the first or the last row."""
        self.nodes.move_to_end(direction)

    def action_unfold(self, unfold: bool) -> None:
        """Show or hide the nodes of the selected group."""
        if self.nodes.fold(unfold):
            self.show()

    def action_open(self) -> None:
        """Unfold the selected group, or open the selected node."""
        row = self.nodes.chosen
        if isinstance(row, FleetNode):
            self._on_open(row)
        elif row is not None:
            self.action_unfold(True)

    def action_filter(self) -> None:
        """Have the keys that follow filter the nodes."""
        self.nodes.type_filter()

    def action_group(self) -> None:
        """Group by the next label that divides the nodes, after the last one not at all."""
        labels = self.session.labels()
        if not labels and self.session.label is None:
            self.notify("No label divides the nodes: each has one value, or one a node.", markup=False)
            return
        order = (None, *labels)
        at = order.index(self.session.label) if self.session.label in order else 0
        self.session.label = order[(at + 1) % len(order)]
        self.nodes.changed_view += 1
        self.nodes.move_to_end(-1)
        self.show()

    def action_unwind(self) -> None:
        """Go one step back: clear the filter, then fold, then do not group."""
        if self.nodes.clear_filter() or self.nodes.fold_all():
            self.show()
        elif self.session.label is not None:
            self.session.label = None
            self.nodes.changed_view += 1
            self.nodes.move_to_end(-1)
            self.show()

    def action_update(self) -> None:
        """Ask the server now."""
        self._polled.read_now()

    def action_interval(self, step: int) -> None:
        """Ask more seldom, or more often."""
        others = [seconds for seconds in _INTERVALS if (seconds - self.session.interval) * step > 0]
        if others:
            self.session.interval = min(others) if step > 0 else max(others)
            self._polled.change_interval(self.session.interval)
            self._top.rebuild()
            self.notify(f"The fleet is read every {span_words(self.session.interval)}.", timeout=2, markup=False)

    def action_help(self) -> None:
        """Show all keys and states."""
        from fragtui.ui.pages.help_page import help_lines  # noqa: PLC0415  # Opened by a key.

        self.open_page("Keys and states", lambda width: help_lines(self.keys, width, tables_after=FLEET_TABLES))
