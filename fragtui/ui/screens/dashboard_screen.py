"""The base of the live screen and the replay: a dashboard over a session, and the keys that only change the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.events import Key

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import Thresholds
from fragtui.render.pod_text import pod_name
from fragtui.ui.dashboard import Dashboard
from fragtui.ui.keys import SAVE_MENU, KeyMap, Keys, with_menu, write_keys
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.pod_links import pods_linked_to
from fragtui.ui.panels.pods import OtherPods, PodsPanel, pod_lines
from fragtui.ui.panels.zones import ZonesPanel
from fragtui.ui.screens.main_screen import MainScreen
from fragtui.ui.session import Session
from fragtui.ui.widgets.list_panel import ListPanel

if TYPE_CHECKING:
    from fragtui.ui.wiring import ScreenRecorder


class DashboardScreen(MainScreen):
    """Owns a dashboard; a subclass adds the source of updates."""

    session: Session

    def __init__(
        self,
        order: int | None,
        thresholds: Thresholds,
        keymap: KeyMap,
        make: Callable[..., Session] = Session,
        dashboard: Callable[[Session, Keys], Dashboard] = Dashboard,
        save_keys: Keys = SAVE_MENU,
    ) -> None:
        super().__init__(make(manual_order=order, thresholds=thresholds), keymap, save_keys)
        self.dashboard = dashboard(self.session, self.keys)
        self.early: Snapshot | None = None
        """The newest snapshot; it may come before the screen can take messages."""
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

    def show_messages(self) -> None:
        """Draw the newest message, in its row or over the top line."""
        self.dashboard.show_messages()

    def update_status(self) -> None:
        """Set the session's status and its line about remedies."""
        raise NotImplementedError

    def show(self, *, sampled: bool = False) -> None:
        """Redraw the panels that changed, unless the terminal is not read; with `sampled` only a sample is new."""
        if not self.unread:
            self.update_status()
            self.dashboard.show(sampled=sampled)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of remedies that can't be run here."""
        return True if self.disabled_because(action) is None else None

    def disabled_because(self, action: str) -> str | None:
        """Return why the keys of an action are disabled, None if they are not."""
        return self.session.disabled_reason if action in ("remedy", "escalate", "guard", "reclaim") else None

    def on_key(self, event: Key) -> None:
        """Show why a disabled key does nothing."""
        if event.key not in write_keys(self.keys):
            return
        action = next(key.action for key in self.keys if event.key in key.keys.split(",")).partition("(")[0]
        if (reason := self.disabled_because(action)) is not None:
            title = "No remedy can be run here" if self.session.disabled_reason else "Not over a link"
            self.notify(reason, title=title, severity="warning", markup=False)

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
        before = self.session.baseline
        self.session.mark(f"key {self.session.key('baseline')}")
        if self.session.baseline is not before:
            self.notify("Baseline set: bars and counts are compared with this moment.", markup=False)
        self.show()

    def action_by_type(self) -> None:
        """Switch the bars between verdict and migratetypes."""
        self.session.by_type = not self.session.by_type
        self.show()

    def action_all_zones(self) -> None:
        """Show or hide the zones that normal requests can't use."""
        self.session.all_zones = not self.session.all_zones
        self.show()

    def action_worst_first(self) -> None:
        """Sort the zones by the blocks that are left, or by number."""
        self.session.worst_first = not self.session.worst_first
        self.show()

    def action_long_history(self) -> None:
        """Show the short or the long history."""
        self.session.long_history = not self.session.long_history
        self.show()

    @property
    def focused_list(self) -> ListPanel[Any]:
        """The list that keys act on: the focused one, else the zones."""
        return self.focused if isinstance(self.focused, ListPanel) else self.dashboard.panel(ZonesPanel)

    def action_choose(self, step: int) -> None:
        """Select another row of the focused list."""
        self.focused_list.move(step)

    def action_choose_page(self, direction: int) -> None:
        """Select a row a page further on, or back."""
        self.focused_list.move_page(direction)

    def action_choose_end(self, direction: int) -> None:
        """Select the first or the last row."""
        self.focused_list.move_to_end(direction)

    def on_list_panel_selected(self, message: ListPanel.Selected) -> None:
        """Show the bars of another zone."""
        if message.panel_id == "zones":
            self.show()

    def action_unfold(self, unfold: bool) -> None:
        """Show or hide the members of the selected group."""
        if self.focused_list.fold(unfold):
            self.show()

    def action_open(self) -> None:
        """Open what is selected in the focused list; a folded group is unfolded first."""
        pods, failures = self.dashboard.panel(PodsPanel), self.dashboard.panel(FailuresPanel)
        if isinstance(self.focused, ZonesPanel):
            self.action_zoom()
        elif self.focused_list.fold(True) or (self.focused is pods and isinstance(pods.chosen, OtherPods)):
            self.show()
        elif self.focused is pods and (pod := pods.chosen) is not None and not isinstance(pod, OtherPods):
            sources = self.session.pods.sources if self.session.pods else ()
            self.open_page(f"Pod {pod_name(pod)}", lambda width: pod_lines(pod, sources, width))
        elif self.focused is not pods and (row := failures.chosen) is not None:
            from fragtui.ui.pages.incident_page import incident_lines  # noqa: PLC0415

            group = row.group
            title = f"Report: {group.last.comm or 'unknown'}"
            size = self.session.snapshot.host.page_size if self.session.snapshot else 4096
            linked = partial(pods_linked_to, self.session.pods)
            self.open_page(title, lambda width: incident_lines(group, linked, size, width))
        else:
            self.notify("Nothing is listed here.", markup=False)

    def action_filter(self) -> None:
        """Have the keys that follow filter the focused list, or the failures."""
        pods, failures = self.dashboard.panel(PodsPanel), self.dashboard.panel(FailuresPanel)
        panel: ListPanel[Any] = pods if self.focused is pods else failures
        if not panel.display:
            self.dashboard.unzoom()
        self.set_focus(panel)
        panel.type_filter()

    def action_unwind(self) -> None:
        """Go one step back: clear a filter, else fold, show all panels, go on after a pause, hide the root note."""
        lists = sorted(self.dashboard.lists, key=lambda panel: panel is not self.focused)
        if (
            any(panel.clear_filter() for panel in lists)
            or any(panel.fold_all() for panel in lists)
            or self.dashboard.unzoom()
            or self.unpause()
            or self.session.hide_root_note()
        ):
            self.show()

    def action_pause(self) -> None:
        """Pause the screen or continue it."""
        self.session.paused = not self.session.paused
        self.show()

    def unpause(self) -> bool:
        """Go on after a pause; return whether there was one."""
        was_paused = self.session.paused
        if was_paused:
            self.action_pause()
        return was_paused

    def action_copy(self) -> None:
        """Copy the selected failure as JSON."""
        from fragtui.json_line import json_line  # noqa: PLC0415

        if (row := self.dashboard.panel(FailuresPanel).chosen) is None:
            self.notify("No failure is listed.", markup=False)
            return
        self.app.copy_to_clipboard(json_line(row.group.last.to_json()))
        self.notify("Copied, if the terminal allows it (OSC 52).", markup=False)

    @property
    def recorder(self) -> ScreenRecorder | None:
        """What records; None if there is nothing to record."""
        return None

    @property
    def write_report(self) -> Callable[[Path], object] | None:
        """Writes the report for a ticket into a file; None if there is nothing to report on."""
        return None

    def action_save(self, command: str | None = None) -> None:
        """Save what a command of the save menu stands for; without one, ask."""
        from fragtui.ui.screens.saving import ask_what_to_save, save_options  # noqa: PLC0415

        if command is None:
            ask_what_to_save(self)
            return
        option = next(option for option in save_options(self) if option.key.command == command)
        if option.save is None:
            self.notify(option.file, severity="warning", markup=False)
        else:
            option.save()

    def action_zoom(self) -> None:
        """Give the focused panel the whole body, or restore the layout."""
        self.dashboard.zoom(self.focused)

    def action_help(self) -> None:
        """Show all keys."""
        from fragtui.ui.pages.help_page import help_lines  # noqa: PLC0415

        keys, few = with_menu(self.keys, self.save_keys), self.session.thresholds.low_blocks
        self.open_page("Keys and signs", lambda width: help_lines(keys, width, few))
