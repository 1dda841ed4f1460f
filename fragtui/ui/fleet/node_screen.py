"""The screen of one node of a fleet: its bars from the server's series at once, and its history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from fragtui.model.fleet.node_snapshot import history_of, snapshot_of
from fragtui.model.fleet.series import NodeSeries
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS
from fragtui.polled_fleet import PolledFleet
from fragtui.ui.fleet.messages import FleetChanged
from fragtui.ui.fleet.node_dashboard import NodeDashboard, NodeSession
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.keys import NODE_KEYS, KeyMap, Keys, bindings
from fragtui.ui.screens.dashboard_screen import DashboardScreen
from fragtui.ui.widgets.resilient import surviving_errors


class NodeScreen(DashboardScreen):
    """Shows the node that the view has opened; `on_live` shows it live."""

    KEYS: ClassVar[Keys] = NODE_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NODE_KEYS)]

    def __init__(self, polled: PolledFleet, view: FleetView, keymap: KeyMap, on_live: Callable[[], None]) -> None:
        self._polled = polled
        self._view = view
        self._on_live = on_live
        self._shown: tuple[NodeSeries, ...] = ()
        order = view.fleet.order if view.fleet else None
        super().__init__(order, DEFAULT_THRESHOLDS, keymap, NodeSession, partial(NodeDashboard, view), ())

    def on_mount(self) -> None:
        """Read the node at once, and draw the age of an old answer once a second."""
        self._polled.open_node(self._view.opened or "", self.session.history_seconds)
        self.set_interval(1.0, self._show_age)

    @surviving_errors
    def _show_age(self) -> None:
        if self._view.lost and not self.unread:
            self.dashboard.show_lines()

    @surviving_errors
    def on_fleet_changed(self, message: FleetChanged) -> None:
        """Take what was read."""
        state = self._view.state = self._polled.state
        series = state.node.series if state.node is not None and state.node.name == self._view.opened else ()
        if series and series is not self._shown:
            self._shown = series
            self._take(series)
        self.show()

    def _take(self, series: tuple[NodeSeries, ...]) -> None:
        """Set the session to the history of the node, and to its newest reading."""
        fleet = self._view.fleet
        page_size = None if fleet is None or fleet.block_bytes is None else fleet.block_bytes >> fleet.order
        snapshot = snapshot_of(series[-1], page_size)
        self.session.rewind(history_of(series[:-1], self.session.history_seconds), snapshot)
        self.session.accept(snapshot)

    def update_status(self) -> None:
        """Do nothing: the top line has the state of the view."""

    def rest(self, unread: bool) -> None:
        """Ask the server for nothing while the terminal is not read."""
        self._polled.rest(unread)
        super().rest(unread)

    def action_open(self) -> None:
        """Show the node live."""
        self._on_live()

    def action_long_history(self) -> None:
        """Show the last hour, or the last day."""
        super().action_long_history()
        self._polled.open_node(self._view.opened or "", self.session.history_seconds)

    def action_unwind(self) -> None:
        """Go back to the fleet."""
        self.dismiss(None)

    def action_update(self) -> None:
        """Ask the server now."""
        self._polled.read_now()
