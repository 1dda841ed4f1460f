"""The main screen: hands each snapshot to the panels and each key to the session."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Key
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from fragtui.model.incident import Incident
from fragtui.model.session import Session
from fragtui.model.tail import Tail
from fragtui.remedies.audit import default_path
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.outcome import Outcome
from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL, Sampler
from fragtui.text import counted
from fragtui.ui.ask import Ask
from fragtui.ui.bars import Bars
from fragtui.ui.failures import Failures
from fragtui.ui.healing import SETTLED, Healing
from fragtui.ui.help import help_lines
from fragtui.ui.keys import KEYS, REMEDY_OF_KEY, bindings
from fragtui.ui.listing import Listing
from fragtui.ui.messages import Crashed, KernelTold, PodsTold, RemedyEnded, Sampled
from fragtui.ui.places import share_out
from fragtui.ui.pods import Pods, pod_lines, pod_name
from fragtui.ui.recovery import recovery_lines
from fragtui.ui.remarks import remarks
from fragtui.ui.remedy_dialog import Question, RemedyDialog
from fragtui.ui.rows import Line, Rows
from fragtui.ui.sheet import Sheet
from fragtui.ui.strip import Strip
from fragtui.ui.top_line import TopLine, state_spans
from fragtui.ui.verdict import VerdictLines
from fragtui.ui.zones import Zones

if TYPE_CHECKING:
    from fragtui.ui.app import FragtuiApp, Parts

_INTERVALS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class MainScreen(Screen[None]):
    """Everything at a glance."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(self, sampler: Sampler, parts: Parts) -> None:
        super().__init__()
        self.session = Session(manual_order=parts.order)
        self._sampler = sampler
        self._parts = parts
        self._latest = 0.0
        self._zoomed: Widget | None = None
        self._fed = False
        self._tail = Tail()
        audit = parts.audit or default_path(parts.root)
        self.healing = Healing(self.session, parts.root, audit, parts.barred)
        self._barred: str | None = None
        self._top = TopLine(self.session)
        self._verdict = VerdictLines(self.session)
        self._zones = Zones(self.session)
        self._bars = Bars(self.session)
        self._strip = Strip(self.healing)
        self._failures = Failures(self.session, self._tail, self._pod_of)
        self._pods = Pods()
        self._panels: tuple[Rows, ...] = (
            *(self._top, self._verdict, self._strip),
            *(self._zones, self._bars, self._failures, self._pods),
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
            with Container(id="right"):
                yield self._failures
                yield self._pods
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look after the state line."""
        self._latest = time.monotonic()
        self.set_interval(1.0, self._heartbeat)
        self._zones.focus()
        self._barred = self.healing.barred
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Share the lines out again."""
        self._share_out()

    def on_sampled(self, message: Sampled) -> None:
        """Take a snapshot."""
        self._latest = time.monotonic()
        shape = self._shape()
        if self.session.accept(message.snapshot):
            if self._shape() != shape:
                self._share_out()
            if (treated := self.healing.see(message.snapshot)) is not None:
                if (feed := self._app.pod_feed) is not None:
                    feed.remedy_ran(treated.outcome.remedy.title)
                self.action_recovery()
            self.show()
        self._feed()

    def _feed(self) -> None:
        """Start the readers of logs and pods once the first bars, or the want of them, are on screen."""
        if not self._fed:
            self._fed = True
            self.call_after_refresh(self._app.start_feeds)

    def on_kernel_told(self, message: KernelTold) -> None:
        """Take news of the kernel log."""
        news = message.news
        self._tail.take(news)
        if (feed := self._app.pod_feed) is not None:
            for incident in (*news.incidents, *news.updated):
                feed.kernel_incident(incident)
        if (last := self._tail.last_refusal) is not None and last.order is not None:
            self.session.note_failed_order(last.order)
        self.show()

    def on_pods_told(self, message: PodsTold) -> None:
        """Take news of the pods."""
        shape = self._shape()
        self._pods.news = message.news
        if self._shape() != shape:
            self._share_out()
        self.show()

    def on_crashed(self, message: Crashed) -> None:
        """Say that a reader failed, and where."""
        self.notify(message.traceback.strip().splitlines()[-1], title="A reader failed", severity="error", markup=False)

    def show(self) -> None:
        """Have every panel draw what changed."""
        self._top.state = self._state()
        self._verdict.remarks = remarks(self.session, self._tail, self._pods.board)
        for panel in self._panels:
            panel.rebuild()

    def _heartbeat(self) -> None:
        state = self._state()
        if state != self._top.state:
            self._top.state = state
            self._top.rebuild()
        self._strip.rebuild()
        self._feed()

    def _state(self) -> tuple[tuple[str, str], ...]:
        age = time.monotonic() - self._latest
        notes = ("◌ no remedies",) if self._barred else ()
        return state_spans(self.session, self._sampler.interval, self._sampler.stuck(), age, notes)

    def _shape(self) -> tuple[int, int, int]:
        zones = self.session.snapshot.zones if self.session.snapshot else None
        return len(zones or ()), self.session.orders, len(self._pods.items())

    def _share_out(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        self._strip.display = self.healing.line is not None
        places = share_out(width, height, *self._shape(), strip=self._strip.display)
        self.query_one("#body").set_class(places.side_by_side, "side-by-side")
        self._verdict.styles.height = places.verdict
        for panel, shared in (
            *((self._zones, places.zones), (self._bars, places.bars)),
            *((self._failures, places.failures), (self._pods, places.pods)),
        ):
            zoomed = height - 2 - self._strip.display - places.verdict if panel is self._zoomed else 0
            lines = shared if self._zoomed is None else zoomed
            panel.display = lines > 0
            panel.styles.height = max(1, lines)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey the keys of remedies that can't be run here."""
        if action == "remedy" and self._barred:
            return None
        return True

    def on_key(self, event: Key) -> None:
        """Say why a greyed key does nothing."""
        if self._barred and event.key in REMEDY_OF_KEY:
            self.notify(self._barred, title="No remedy can be run here", severity="warning", markup=False)

    def action_remedy(self, name: str) -> None:
        """Ask whether to run a remedy."""
        if (why := self.healing.why_not(name)) is not None:
            self.notify(why, title="Can't be run", severity="warning", markup=False)
            return
        if self.session.snapshot is None:
            return
        question = Question(
            self.healing.variants(name),
            self.session.snapshot,
            self.session.order,
            self.healing.root,
            self.healing.audit.path,
        )
        self.app.push_screen(RemedyDialog(question), self._run)

    def _run(self, remedy: Remedy | None) -> None:
        if remedy is None:
            return
        self._sampler.hurried = True
        self._sampler.tick_now()
        self.healing.start(remedy, self._tell_end)
        self._share_out()
        self.show()

    def _tell_end(self, result: Outcome | str) -> None:
        self.post_message(RemedyEnded(result))

    def on_remedy_ended(self, message: RemedyEnded) -> None:
        """Take the end of a remedy; a last quick look follows."""
        self.healing.end(message.result, time.monotonic())
        self._sampler.hurried = False
        self.set_timer(SETTLED + 0.1, lambda: self._sampler.tick_now(page_types=True))
        self._share_out()
        self.show()

    def action_abort(self) -> None:
        """Abort the remedy under way."""
        if self.healing.under_way is not None:
            self.healing.under_way.run.abort()
            self.show()

    def action_recovery(self) -> None:
        """Show what the last remedy brought."""
        if self.healing.treated is None:
            self.notify("No remedy has been run yet.", markup=False)
            return

        def lines(width: int) -> Sequence[Line]:
            assert self.healing.treated is not None
            return recovery_lines(self.healing.treated, width)

        self.app.push_screen(Sheet(f"Recovery: {self.healing.treated.outcome.remedy.title}", lines))

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
        if isinstance(self.focused, Listing):
            self.focused.move(step)
        else:
            self.session.choose(step)
            self.show()

    def action_open(self) -> None:
        """Open what is chosen in the focused panel."""
        if self.focused is self._pods and (pod := self._pods.chosen) is not None:
            sources = self._pods.news.sources if self._pods.news else ()
            self.app.push_screen(Sheet(f"Pod {pod_name(pod)}", lambda width: pod_lines(pod, sources, width)))
        elif self.focused is self._zones:
            self.action_zoom()
        elif (alike := self._failures.chosen) is not None:
            # Imported here: the table of causes is not needed for the first bars.
            from fragtui.ui.report import report_lines  # noqa: PLC0415

            title = f"Report: {alike.last.comm or 'unknown'}"
            self.app.push_screen(Sheet(title, lambda width: report_lines(alike, self._pod_lines, width)))
        else:
            self.notify("Nothing is listed here.", markup=False)

    def action_filter(self) -> None:
        """Ask for the text that listed failures must hold."""

        def take(wanted: str | None) -> None:
            if wanted is not None:
                self._tail.filter(wanted)
                self.show()

        self.app.push_screen(Ask("List failures that hold this text", self._tail.wanted), take)

    def action_copy(self) -> None:
        """Copy the chosen failure as JSON."""
        if (alike := self._failures.chosen) is None:
            self.notify("No failure is listed.", markup=False)
            return
        self.app.copy_to_clipboard(json.dumps(alike.last.to_json()))
        self.notify("Copied, if the terminal allows it (OSC 52).", markup=False)

    def action_save(self) -> None:
        """Save the listed failures as JSON lines where fragtui was started."""
        path = Path.cwd() / f"fragtui-failures-{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
        incidents = [incident for row in self._tail.rows for incident in row.incidents]
        try:
            with path.open("x") as file:
                file.writelines(json.dumps(incident.to_json()) + "\n" for incident in incidents)
        except OSError as error:
            self.notify(f"{path}: {error.strerror}", title="Not saved", severity="error", markup=False)
        else:
            self.notify(f"{counted(len(incidents), 'failure')} in {path}", title="Saved", markup=False)

    @property
    def _app(self) -> FragtuiApp:
        return cast("FragtuiApp", self.app)

    def _pod_of(self, incident: Incident) -> str | None:
        if linked := self._pods.board.linked_to(incident.id):
            return pod_name(linked[0])
        if incident.pod:
            return f"{incident.namespace or '?'}/{incident.pod}"
        return None

    def _pod_lines(self, incident: Incident) -> list[str]:
        return [
            f"{pod_name(pod)} hangs on it ({link.confidence}): {link.why}"
            for pod in self._pods.board.linked_to(incident.id)
            for link in pod.links
            if link.incident_id == incident.id
        ]

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
        self.app.push_screen(Sheet("Keys and signs", lambda width: help_lines(KEYS, width)))

    def action_picture(self) -> None:
        """Save the screen as an SVG file where fragtui was started."""
        try:
            path = self.app.save_screenshot(path=str(Path.cwd()))
        except OSError as error:
            self.notify(f"not saved: {error.strerror}", severity="error", markup=False)
        else:
            self.notify(path, title="Saved", markup=False)

    def action_next_theme(self) -> None:
        """Take the next theme."""
        names = sorted(self.app.available_themes)
        self.app.theme = names[(names.index(self.app.theme) + 1) % len(names)]
        self.notify(self.app.theme, timeout=2, markup=False)
