"""The main screen: hands each snapshot to the panels and each key to the session."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from fragtui.kernel.reports.report import ReportKind
from fragtui.model.failures.failure_list import FailureGroup, FailureList
from fragtui.output_file import PUBLIC, write_file
from fragtui.render.pod_text import pod_name
from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL, RESTING_INTERVAL, Ticker
from fragtui.ui.keys import KEYS, Keys, bindings
from fragtui.ui.messages import Crashed, KernelLogUpdated, PodsUpdated, Sampled
from fragtui.ui.panels.bars import BarsPanel
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.footer import KeyFooter
from fragtui.ui.panels.pod_links import pod_of, pods_linked_to
from fragtui.ui.panels.pods import PodsPanel, pod_lines
from fragtui.ui.panels.remedy_line import RemedyLine
from fragtui.ui.panels.status_line import StatusLine, state_spans
from fragtui.ui.panels.summary import summary_parts
from fragtui.ui.panels.timeline import Timeline
from fragtui.ui.panels.verdict import VerdictLines
from fragtui.ui.panels.zones import ZonesPanel
from fragtui.ui.screens.failure_actions import ask_filter, copy_incident, save_incidents
from fragtui.ui.screens.layout import allocate_rows
from fragtui.ui.screens.recording_actions import recording_notes
from fragtui.ui.screens.remedy_keys import RemedyKeys
from fragtui.ui.screens.report_action import save_aside, save_report
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.rows import Palette, Rows
from fragtui.ui.widgets.steady import surviving_errors

if TYPE_CHECKING:
    from fragtui.kernel.reports.report import ExternalDrop
    from fragtui.model.node.snapshot import Snapshot
    from fragtui.ui.wiring import AppDependencies, BackgroundReaders

_AFTER_BARS = 0.1
"""Seconds after the first bars at which what they don't need is imported: sooner, that would hold up their way to the
terminal, which is a thread of its own."""
_INTERVALS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class MainScreen(RemedyKeys):
    """Everything at a glance."""

    KEYS: ClassVar[Keys] = KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(self, sampler: Ticker, parts: AppDependencies, feeds: BackgroundReaders) -> None:
        super().__init__(sampler, parts, feeds)
        self.early: Snapshot | None = None
        """The newest snapshot; it may come before the screen can take messages."""
        self._latest = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._zoomed: Widget | None = None
        self._fed = False
        self._tail = FailureList()
        self._top = StatusLine(self.session)
        self._verdict = VerdictLines(self.session)
        self._zones = ZonesPanel(self.session)
        self._bars = BarsPanel(self.session)
        self._timeline = Timeline(self.session)
        self._strip = self._make_strip()
        self._failures = FailuresPanel(self.session, self._tail, self._pod_of)
        self._pods = PodsPanel()
        self._key_line = KeyFooter(self.KEYS)
        self._panels: tuple[Rows, ...] = (
            *(self._top, self._verdict, self._strip),
            *(self._zones, self._bars, self._timeline, self._failures, self._pods),
        )

    def compose(self) -> ComposeResult:
        """Lay the panels out; their heights are set when the size is known."""
        yield self._top
        yield self._verdict
        yield self._strip
        with Container(id="body"):
            with Container(id="left"):
                yield self._zones
                yield self._bars
                yield self._timeline
            with Container(id="right"):
                yield self._failures
                yield self._pods
        yield self._key_line
        yield Palette()

    def on_mount(self) -> None:
        """Begin to look after the state line."""
        self._latest = time.monotonic()
        self._look_later(1.0)
        self._zones.focus()
        if self.early is not None:
            self.session.accept(self.early)
        # Known before the screen's own: so nothing is laid out twice.
        self._share_out(self.app.size)
        if self.session.snapshot is not None:
            self._feed()

    def on_unmount(self) -> None:
        """Look no more."""
        if self._look is not None:
            self._look.cancel()

    def on_resize(self) -> None:
        """Share the lines out again."""
        self._share_out()

    @surviving_errors
    def on_sampled(self, message: Sampled) -> None:
        """Take a snapshot."""
        shape = self._shape()
        accepted = message.snapshot is not self.session.snapshot and self.session.accept(message.snapshot)
        # Not before: a snapshot that can't be taken must leave the screen stale.
        self._latest = time.monotonic()
        self._look_later(self._sampler.interval + 1.0)
        if accepted:
            if self._shape() != shape:
                self._share_out()
            self.show()
        if self.care is not None:
            self.care.see(message.snapshot, self._sampler.interval)
        self._feed()

    def _feed(self) -> None:
        """Start the readers of logs and pods once the first bars, or the want of them, are on screen."""
        if not self._fed:
            self._fed = True
            self.call_after_refresh(self.set_timer, _AFTER_BARS, self._begin_rest)

    @surviving_errors
    def _begin_rest(self) -> None:
        if self._parts.after_bars is not None:
            self._parts.after_bars()
        self._sampler.tick_now()
        self._ready_care()
        self._feeds.start()

    @surviving_errors
    def on_kernel_log_updated(self, message: KernelLogUpdated) -> None:
        """Take news of the kernel log."""
        news = message.news
        self._tail.take(news)
        for incident in news.incidents:
            if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.time is not None:
                self.session.note_refusal(incident.time)
        for foreign in news.foreign_remedies:
            self._note_foreign(foreign)
        if (last := self._tail.last_denied) is not None and last.order is not None:
            self.session.note_failed_order(last.order)
        self.show()

    def _note_foreign(self, foreign: ExternalDrop) -> None:
        """Mark what somebody else did to the node, and say so if it was just now."""
        if foreign.time is None:
            return
        what = f"{foreign.comm} (pid {foreign.pid}) wrote {foreign.value} to drop_caches"
        self.session.note_remedy(foreign.time, what)
        if time.time() - foreign.time < 10:
            self.notify(what, title="Somebody else dropped caches", markup=False)

    @surviving_errors
    def on_pods_updated(self, message: PodsUpdated) -> None:
        """Take news of the pods."""
        shape = self._shape()
        self._pods.news = message.news
        if self._shape() != shape:
            self._share_out()
        self.show()

    @surviving_errors
    def on_crashed(self, message: Crashed) -> None:
        """Say that a reader failed, and where."""
        self.notify(message.traceback.strip().splitlines()[-1], title="A reader failed", severity="error", markup=False)

    def show(self) -> None:
        """Have every panel draw what changed; while the terminal is not read, do nothing."""
        if self._unread:
            self._sampler.resting = not self._needs_samples
            return
        self._top.state = self._state()
        self._verdict.remarks = summary_parts(self.session, self._tail, self._pods.board)
        self._show_strip()
        for panel in self._panels:
            panel.rebuild()

    def _look_later(self, seconds: float) -> None:
        """Have `_heartbeat` look so many seconds from now, unless a snapshot comes before and puts it off.

        No timer of Textual's: that is a task which wakes although there is nothing to look at.
        """
        if self._look is not None:
            self._look.cancel()
        self._look = asyncio.get_running_loop().call_later(seconds, self.call_next, self._heartbeat)

    @surviving_errors
    def _heartbeat(self) -> None:
        """Say how long nothing has come."""
        self._look_later(1.0 if not self._unread else RESTING_INTERVAL + 1.0)
        state = self._state()
        if state != self._top.state:
            self._top.state = state
            self._top.rebuild()
        self._show_strip()
        self._feed()

    def _make_strip(self) -> RemedyLine:
        return RemedyLine()

    def _show_strip(self) -> None:
        """Show the line about remedies, and make or take back the room for it."""
        self._strip.said = self.care.line if self.care is not None else None
        if self._strip.display != self._strip.has_line:
            self._share_out()
        self._strip.rebuild()

    def _state(self) -> tuple[tuple[str, str], ...]:
        age = time.monotonic() - self._latest
        notes = recording_notes(self.app, self._parts.tape) + (["◌ no remedies"] if self._barred else [])
        if self.care is not None and (guard := self.care.guard_words) is not None:
            notes.append(f"◉ {guard}")
        return state_spans(self.session, self._sampler.interval, self._sampler.stuck(), age, notes)

    def _shape(self) -> tuple[int, int, int]:
        zones = self.session.snapshot.zones if self.session.snapshot else None
        return len(zones or ()), self.session.orders, len(self._pods.items())

    def _share_out(self, size: Size | None = None) -> None:
        width, height = size or self.size
        if not width or not height:
            return
        self._strip.display = self._strip.has_line
        places = allocate_rows(width, height, *self._shape(), strip=self._strip.display)
        self.query_one("#body").set_class(places.side_by_side, "side-by-side")
        self._verdict.styles.height = places.verdict
        self._bars.tells_rates = not places.timeline
        for panel, shared in (
            *((self._zones, places.zones), (self._bars, places.bars), (self._timeline, places.timeline)),
            *((self._failures, places.failures), (self._pods, places.pods)),
        ):
            zoomed = height - 2 - self._strip.display - places.verdict if panel is self._zoomed else 0
            lines = shared if self._zoomed is None else zoomed
            panel.display = lines > 0
            panel.styles.height = max(1, lines)

    def action_pause(self) -> None:
        """Freeze the screen or let it go on."""
        self.session.paused = not self.session.paused
        self._sampler.tick_now()
        self.show()

    def action_order(self, step: int) -> None:
        """Choose the next target order."""
        self.session.change_order(step)
        self.show()

    def action_order_auto(self) -> None:
        """Follow the failures' order again."""
        self.session.follow_failures()
        self.show()

    def action_baseline(self) -> None:
        """Set the baseline mark."""
        self.session.mark("key b")
        self.show()

    def action_by_type(self) -> None:
        """Switch the bars between verdict and migratetypes."""
        self._bars.by_type = not self._bars.by_type
        self._bars.rebuild()

    def action_page_types(self) -> None:
        """Read /proc/pagetypeinfo at once."""
        self._sampler.tick_now(page_types=True)

    def action_choose(self, step: int) -> None:
        """Move the choice in the focused panel."""
        if isinstance(self.focused, ListPanel):
            self.focused.move(step)
        else:
            self.session.choose(step)
            self.show()

    def action_open(self) -> None:
        """Open what is chosen in the focused panel."""
        from fragtui.ui.widgets.page import PageScreen

        if self.focused is self._pods and (pod := self._pods.chosen) is not None:
            sources = self._pods.news.sources if self._pods.news else ()
            self.app.push_screen(PageScreen(f"Pod {pod_name(pod)}", lambda width: pod_lines(pod, sources, width)))
        elif self.focused is self._zones:
            self.action_zoom()
        elif (alike := self._failures.chosen) is not None:
            from fragtui.ui.pages.incident_page import incident_lines

            title = f"Report: {alike.last.comm or 'unknown'}"
            size = self.session.snapshot.host.page_size if self.session.snapshot else 4096
            pods = partial(pods_linked_to, self._pods.news)
            self.app.push_screen(PageScreen(title, lambda width: incident_lines(alike, pods, size, width)))
        else:
            self.notify("Nothing is listed here.", markup=False)

    def action_filter(self) -> None:
        """Ask for the text that listed failures must hold."""
        ask_filter(self.app, self._tail, self.show)

    def action_copy(self) -> None:
        """Copy the chosen failure as JSON."""
        copy_incident(self.app, self._failures.chosen)

    def action_save(self) -> None:
        """Save the listed failures as JSON lines where fragtui was started."""
        save_incidents(self.app, self._tail.rows)

    def _pod_of(self, alike: FailureGroup) -> str | None:
        return pod_of(self._pods.news, alike)

    def action_interval(self, step: int) -> None:
        """Choose the next longer or shorter interval."""
        now = self._sampler.interval
        if step > 0:
            wanted = next((value for value in _INTERVALS if value > now), MAX_INTERVAL)
        else:
            wanted = next((value for value in reversed(_INTERVALS) if value < now), MIN_INTERVAL)
        self._sampler.interval = wanted
        self._sampler.tick_now()
        self.show()

    def action_zoom(self) -> None:
        """Give the focused panel the whole body, or take it back."""
        self._zoomed = None if self._zoomed else self._bars if self.focused is self._zones else self.focused
        self._share_out()

    def action_help(self) -> None:
        """Show all keys."""
        from fragtui.ui.pages.help_page import help_lines
        from fragtui.ui.widgets.page import PageScreen

        self.app.push_screen(PageScreen("Keys and signs", lambda width: help_lines(self.KEYS, width)))

    def action_picture(self) -> None:
        """Save the screen as an SVG file where fragtui was started."""
        name, picture = f"fragtui-{time.strftime('%Y%m%d-%H%M%S')}.svg", self.app.export_screenshot()
        save_aside(self.app, lambda: str(write_file(Path.cwd() / name, picture, PUBLIC)), "Saved", "Not saved")

    def action_ticket(self) -> None:
        """Write the report for a ticket."""
        save_report(self, self._parts.write_report)

    def action_next_theme(self) -> None:
        """Take the next theme."""
        names = sorted(self.app.available_themes)
        self.app.theme = names[(names.index(self.app.theme) + 1) % len(names)]
        self.notify(self.app.theme, timeout=2, markup=False)
