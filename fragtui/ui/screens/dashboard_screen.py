"""The base of the live screen and the replay: a dashboard over a session, and the keys that only change the view."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.events import Key
from textual.screen import Screen

from fragtui.model.node.snapshot import Snapshot
from fragtui.output_file import PUBLIC, write_file
from fragtui.render.pod_text import pod_name
from fragtui.ui.dashboard import Dashboard
from fragtui.ui.keys import KEYS, WRITE_KEYS, Keys
from fragtui.ui.messages import Crashed, Mailbox
from fragtui.ui.pages.help_page import help_lines
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.pod_links import pods_linked_to
from fragtui.ui.panels.pods import PodsPanel, pod_lines
from fragtui.ui.panels.zones import ZonesPanel
from fragtui.ui.screens.failure_actions import ask_filter, copy_incident, save_incidents
from fragtui.ui.screens.report_action import Write, save_aside, save_report
from fragtui.ui.session import Session
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.page import PageScreen
from fragtui.ui.widgets.palette import THEMES
from fragtui.ui.widgets.resilient import surviving_errors


class DashboardScreen(Screen[None]):
    """Owns a dashboard and a mailbox; a subclass adds the source of updates."""

    KEYS: ClassVar[Keys] = KEYS

    def __init__(self, order: int | None, write_report: Write | None) -> None:
        super().__init__()
        self.session = Session(manual_order=order)
        self.dashboard = Dashboard(self.session, self.KEYS)
        self.mail = Mailbox(self.post_message)
        """The mailbox for other threads' messages to the screen."""
        self.early: Snapshot | None = None
        """The newest snapshot; it may come before the screen can take messages."""
        self.write_report = write_report
        """Writes the report for a ticket; None if there is no node to report on."""
        self.unread = False
        """Whether the terminal is not read, so that nothing is drawn."""
        self._latest = time.monotonic()
        """When the last update came, monotonic seconds."""

    def compose(self) -> ComposeResult:
        """Show the dashboard."""
        yield self.dashboard

    def on_mount(self) -> None:
        """Draw what is already known."""
        self.dashboard.panel(ZonesPanel).focus()
        if self.early is not None:
            self.session.accept(self.early)
        # Before the screen's own first layout, so that nothing is laid out twice.
        self.dashboard.share_out(self.app.size)

    def on_resize(self) -> None:
        """Distribute the lines again."""
        self.dashboard.share_out()

    def on_mail_arrived(self) -> None:
        """Handle the messages in the mailbox."""
        for message in self.mail.empty():
            self.post_message(message)

    @surviving_errors
    def on_crashed(self, message: Crashed) -> None:
        """Report that a reader failed, with its traceback."""
        self.notify(message.traceback.strip().splitlines()[-1], title="A reader failed", severity="error", markup=False)

    def update_status(self) -> None:
        """Set the session's status and its line about remedies."""
        raise NotImplementedError

    def show(self) -> None:
        """Redraw the panels that changed, unless the terminal is not read."""
        if not self.unread:
            self.update_status()
            self.dashboard.show()

    def rest(self, unread: bool) -> None:
        """Draw nothing while the terminal is not read."""
        if unread != self.unread:
            self.unread = unread
            self.show()

    def close(self) -> None:
        """Stop what the screen started."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of remedies that can't be run here."""
        return None if action in ("remedy", "escalate", "guard") and self.session.disabled_reason else True

    def on_key(self, event: Key) -> None:
        """Show why a disabled key does nothing."""
        if (reason := self.session.disabled_reason) and event.key in WRITE_KEYS:
            self.notify(reason, title="No remedy can be run here", severity="warning", markup=False)

    def action_order(self, step: int) -> None:
        """Choose the next target order."""
        self.session.change_order(step)
        self.show()

    def action_order_auto(self) -> None:
        """Let the target order follow the failures again."""
        self.session.follow_failures()
        self.show()

    def action_baseline(self) -> None:
        """Set the baseline mark."""
        self.session.mark("key b")
        self.show()

    def action_by_type(self) -> None:
        """Switch the bars between verdict and migratetypes."""
        self.session.by_type = not self.session.by_type
        self.show()

    def action_choose(self, step: int) -> None:
        """Move the cursor in the focused panel."""
        if isinstance(self.focused, ListPanel):
            self.focused.move(step)
        else:
            self.session.choose(step)
            self.show()

    def action_open(self) -> None:
        """Open the chosen item of the focused panel."""
        pods, failures = self.dashboard.panel(PodsPanel), self.dashboard.panel(FailuresPanel)
        if self.focused is pods and (pod := pods.chosen) is not None:
            sources = self.session.pods.sources if self.session.pods else ()
            self.app.push_screen(PageScreen(f"Pod {pod_name(pod)}", lambda width: pod_lines(pod, sources, width)))
        elif isinstance(self.focused, ZonesPanel):
            self.action_zoom()
        elif (group := failures.chosen) is not None:
            # With the table of causes it takes 8 ms of CPU, which the first bars would wait for.
            from fragtui.ui.pages.incident_page import incident_lines  # noqa: PLC0415

            title = f"Report: {group.last.comm or 'unknown'}"
            size = self.session.snapshot.host.page_size if self.session.snapshot else 4096
            linked = partial(pods_linked_to, self.session.pods)
            self.app.push_screen(PageScreen(title, lambda width: incident_lines(group, linked, size, width)))
        else:
            self.notify("Nothing is listed here.", markup=False)

    def action_filter(self) -> None:
        """Ask for the text that listed failures must contain."""
        ask_filter(self.app, self.session.failures, self.show)

    def action_copy(self) -> None:
        """Copy the chosen failure as JSON."""
        copy_incident(self.app, self.dashboard.panel(FailuresPanel).chosen)

    def action_save(self) -> None:
        """Save the listed failures as JSON lines in the working directory."""
        save_incidents(self.app, self.session.failures.rows)

    def action_zoom(self) -> None:
        """Give the focused panel the whole body, or restore the layout."""
        self.dashboard.zoom(self.focused)

    def action_unwind(self) -> None:
        """Hide the note that fragtui is not root."""
        if self.session.as_root is not None:
            self.session.as_root = None
            self.show()

    def action_help(self) -> None:
        """Show all keys."""
        self.app.push_screen(PageScreen("Keys and signs", lambda width: help_lines(self.KEYS, width)))

    def action_picture(self) -> None:
        """Save the screen as an SVG file in the working directory."""
        name, picture = f"fragtui-{time.strftime('%Y%m%d-%H%M%S')}.svg", self.app.export_screenshot()
        save_aside(self.app, lambda: str(write_file(Path.cwd() / name, picture, PUBLIC)), "Saved", "Not saved")

    def action_ticket(self) -> None:
        """Write the report for a ticket."""
        save_report(self, self.write_report)

    def action_next_theme(self) -> None:
        """Take the next theme."""
        self.app.theme = THEMES[(THEMES.index(self.app.theme) + 1) % len(THEMES)]
        self.notify(self.app.theme, timeout=2, markup=False)
