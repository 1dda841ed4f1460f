"""The main screen: hands each snapshot to the panels and each key to the session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Key
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from fragtui.model.session import Session
from fragtui.remedies.audit import default_path
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.outcome import Outcome
from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL, Sampler
from fragtui.ui.bars import Bars
from fragtui.ui.healing import SETTLED, Healing
from fragtui.ui.help import help_lines
from fragtui.ui.keys import KEYS, REMEDY_OF_KEY, bindings
from fragtui.ui.messages import Crashed, RemedyEnded, Sampled
from fragtui.ui.places import share_out
from fragtui.ui.recovery import recovery_lines
from fragtui.ui.remedy_dialog import Question, RemedyDialog
from fragtui.ui.rows import Line, Rows
from fragtui.ui.sheet import Sheet
from fragtui.ui.strip import Strip
from fragtui.ui.top_line import TopLine, state_spans
from fragtui.ui.verdict import VerdictLines
from fragtui.ui.zones import Zones

if TYPE_CHECKING:
    from fragtui.ui.app import Parts

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
        audit = parts.audit or default_path(parts.root)
        self.healing = Healing(self.session, parts.root, audit, parts.barred)
        self._barred: str | None = None
        self._top = TopLine(self.session)
        self._verdict = VerdictLines(self.session)
        self._zones = Zones(self.session)
        self._bars = Bars(self.session)
        self._strip = Strip(self.healing)
        self._panels: tuple[Rows, ...] = (self._top, self._verdict, self._strip, self._zones, self._bars)

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
                yield from ()
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
            if self.healing.see(message.snapshot) is not None:
                self.action_recovery()
            self.show()

    def on_crashed(self, message: Crashed) -> None:
        """Say that a reader failed, and where."""
        self.notify(message.traceback.strip().splitlines()[-1], title="A reader failed", severity="error", markup=False)

    def show(self) -> None:
        """Have every panel draw what changed."""
        self._top.state = self._state()
        for panel in self._panels:
            panel.rebuild()

    def _heartbeat(self) -> None:
        state = self._state()
        if state != self._top.state:
            self._top.state = state
            self._top.rebuild()
        self._strip.rebuild()

    def _state(self) -> tuple[tuple[str, str], ...]:
        age = time.monotonic() - self._latest
        notes = ("◌ no remedies",) if self._barred else ()
        return state_spans(self.session, self._sampler.interval, self._sampler.stuck(), age, notes)

    def _shape(self) -> tuple[int, int, int]:
        zones = self.session.snapshot.zones if self.session.snapshot else None
        return len(zones or ()), self.session.orders, 0

    def _share_out(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        self._strip.display = self.healing.line is not None
        places = share_out(width, height, *self._shape(), strip=self._strip.display)
        self.query_one("#body").set_class(places.side_by_side, "side-by-side")
        self._verdict.styles.height = places.verdict
        for panel, shared in ((self._zones, places.zones), (self._bars, places.bars)):
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
        self.session.choose(step)
        self.show()

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
