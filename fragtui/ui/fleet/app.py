"""The application over a fleet: the list, one node by itself, and the way to its live screen and back."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import NamedTuple

from fragtui.model.fleet.fleet import FleetNode, FleetSource
from fragtui.model.fleet.host import host_name, live_url
from fragtui.polled_fleet import PolledFleet
from fragtui.ui.app import ScreenApp
from fragtui.ui.fleet.fleet_screen import FleetScreen
from fragtui.ui.fleet.live_command import LiveCommand
from fragtui.ui.fleet.messages import FleetChanged
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.keys import NODE_KEYS, KeyMap, Keys, rebound
from fragtui.ui.screens.main_screen import MainScreen
from fragtui.ui.terminal.detection import TerminalLook

_COLLECTED_AFTER = 50_000
"""New objects after which garbage is looked for: an answer has tens of thousands, and leaves no cycles."""


class LiveWays(NamedTuple):
    """How a node is shown live."""

    command: Callable[[str], LiveCommand]
    """Returns what is run for ``ssh://NAME`` or ``kube://NAME``."""
    show: Callable[[str], int]
    """Shows that node until the user quits; returns an exit status."""
    scheme: str | None = None
    """The way that the user has chosen; None asks."""


class FleetApp(ScreenApp[MainScreen]):
    """The full-screen view of a fleet. It ends with `live` set if a node is to be shown live."""

    def __init__(
        self, source: FleetSource, view: FleetView, ways: LiveWays, look: TerminalLook | None = None,
        keymap: KeyMap | None = None, before: PolledFleet | None = None,
    ) -> None:  # fmt: skip
        """`before` read the fleet for the screen that was shown before a node was shown live."""
        self.view = view
        self.live: str | None = None
        """The URL of the node to show live."""
        self._ways = ways
        self._keymap_of_user = keymap or {}
        self.polled = PolledFleet(source, self._note_change, self.report_crash, view.interval, view.state, before)
        super().__init__(look, self._keymap_of_user)

    def make_main(self) -> FleetScreen:
        """Return the screen of the fleet."""
        self.fleet_screen = FleetScreen(self.polled, self.view, self._keymap_of_user, self.open_node)
        return self.fleet_screen

    @property
    def every_key(self) -> Keys:
        """The keys of all screens."""
        return (*super().every_key, *rebound(NODE_KEYS, self._keymap_of_user))

    def start_readers(self) -> None:
        """Start to read, and open the node again that was shown live."""
        if not gc.isenabled():  # Off for the start: what exists now stays, and no collection looks at it again.
            gc.freeze()
            gc.set_threshold(_COLLECTED_AFTER)
            gc.enable()
        self.polled.start()
        if self.view.opened is not None and (node := self.view.node(self.view.opened)) is not None:
            self.call_later(self.open_node, node)

    def stop_readers(self) -> None:
        """Stop to read."""
        self.polled.stop()

    def _note_change(self) -> None:
        self.post(FleetChanged())

    def open_node(self, node: FleetNode) -> None:
        """Show one node by itself."""
        # Its panels take 20 ms of CPU, which the list would wait for.
        from fragtui.ui.fleet.node_screen import NodeScreen  # noqa: PLC0415

        self.view.opened = self.view.selected = node.name
        screen = NodeScreen(self.polled, self.view, self._keymap_of_user, self.ask_live)
        screen.session.notices = self.notices
        self.main = screen  # Messages, notices and the palette are for the screen that is shown.
        self.push_screen(screen, lambda _: self._close_node())

    def _close_node(self) -> None:
        self.main = self.fleet_screen
        self.view.opened = None
        self.polled.close_node()
        self.fleet_screen.take()

    def ask_live(self) -> None:
        """Show the opened node live, in the way that was chosen at the start, else in the one that is chosen now."""
        from fragtui.ui.fleet.live_dialog import LiveDialog, ways  # noqa: PLC0415  # Opened by a key.

        node = self.view.node(self.view.opened or "")
        if node is None:
            self.notify("The server knows no such node any more.", severity="warning", markup=False)
            return
        if (scheme := self._ways.scheme) is None:
            self.push_screen(LiveDialog(node.name, ways(node, self._ways.command)), self._go_live)
        elif (url := live_url(node, scheme)) is None:
            name = host_name(node)
            self.notify(f"{name!r} is no name of a host.", title="Not shown live", severity="warning", markup=False)
        elif not (command := self._ways.command(url)).usable:
            self.notify(command.text, title="Not shown live", severity="warning", markup=False)
        else:
            self._go_live(url)

    def _go_live(self, url: str | None) -> None:
        if url is not None:
            self.live = url
            self.exit()


def run_fleet(
    source: FleetSource,
    view: FleetView,
    ways: LiveWays,
    look: TerminalLook,
    keymap: KeyMap,
    idle_exit: float | None = None,
) -> int:
    """Show the fleet, and nodes of it live, until the user quits; return 0, 1 after an internal error."""
    before: PolledFleet | None = None
    while True:
        app = FleetApp(source, view, ways, look, keymap, before)
        before = app.polled
        app.idle_exit = idle_exit
        app.run()
        app.say_failure()
        if app.live is None or app.return_code:
            return app.return_code or 0
        look = look._replace(theme=app.theme)
        if (status := ways.show(app.live)) or ScreenApp.leaves:
            return status
