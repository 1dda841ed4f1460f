"""The screen of a replay: a dashboard updated by a player, with keys that move in the recording."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import Thresholds
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, describe_episode, episodes
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.player import Moment, Player
from fragtui.remedies.replay import ReplayedRemedies, remedy_of, title_of
from fragtui.render.card.state_text import remedy_clause
from fragtui.ui.clock import CLOCK
from fragtui.ui.keys import REPLAY_KEYS, UNUSED, KeyMap, Keys, bindings
from fragtui.ui.messages import MailboxMessage
from fragtui.ui.pages.recovery_page import page_title, recovery_lines, summary
from fragtui.ui.pages.trace_page import TracePage
from fragtui.ui.panels.recording_line import RecordingLine
from fragtui.ui.screens.dashboard_screen import DashboardScreen
from fragtui.ui.screens.trace_controller import take_batch
from fragtui.ui.session import Baseline, RecordingPosition
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.page import PageScreen
from fragtui.ui.widgets.resilient import surviving_errors
from fragtui.ui.widgets.rows import Line, line

DISABLED_REASON = "replaying a recording"

_STEPS = 20
"""Steps of the arrow keys over the whole recording."""


class Played(MailboxMessage):
    """A moment from the player; each continues the previous one, so none may be dropped."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.moment = moment

    def after(self, earlier: Played) -> Played:
        """Return one message with the moments of both."""
        return Played(self.moment.after(earlier.moment))


class ReplayScreen(DashboardScreen):
    """The whole state of the node on one screen, as recorded; the player is the only source."""

    KEYS: ClassVar[Keys] = REPLAY_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_KEYS)]

    def __init__(self, player: Player, order: int | None, thresholds: Thresholds, keymap: KeyMap) -> None:
        super().__init__(order, thresholds, keymap)
        self._player = player
        self._position = player.position
        self._remedies = ReplayedRemedies()
        self.session.disabled_reason = DISABLED_REASON
        self._set_position()

    def rest(self, unread: bool) -> None:
        """Draw and play nothing while the terminal is not read."""
        if unread != self.unread:
            self._player.resting = unread
            self._player.tick_now()
        super().rest(unread)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of remedies; those of the live screen alone do nothing here."""
        if action in {key.action.split("(")[0] for key in UNUSED}:
            return False
        return super().check_action(action, parameters)

    @surviving_errors
    def on_played(self, message: Played) -> None:
        """Take a moment of the recording."""
        moment = message.moment
        self._position = moment.position
        CLOCK.show(moment.position.time)
        if moment.start is not None:
            self._begin(moment)
        else:
            self._go_on(moment)
        if moment.pods is not None:
            self.session.pods = moment.pods
        self.show()

    def _begin(self, moment: Moment) -> None:
        """Set the session to the history before the position of a jump."""
        assert moment.start is not None
        session = self.session
        self._remedies = ReplayedRemedies()
        session.rewind(moment.start.history, moment.start.first)
        snapshots = [step for step in moment.steps if isinstance(step, Snapshot)]
        for step in moment.steps:
            if isinstance(step, Snapshot):
                self._remedies.see(step)
            elif isinstance(step, str):
                self._remedies.take(step)
        for snapshot in snapshots[:-1]:
            session.rates.note(snapshot)
        session.accept(snapshots[-1])
        for step in moment.steps:
            if isinstance(step, KernelLogUpdate):
                session.add_kernel_log(step)
            elif isinstance(step, TraceBatch):
                take_batch(session, step)
        intents = [entry for entry in self._remedies.entries if isinstance(entry, IntentEntry)]
        for intent in intents:
            session.note_remedy(intent.time, title_of(intent), _clause(intent))
        if intents and (before := self._remedies.before) is not None and before.zones:
            session.baseline = Baseline(before, title_of(intents[-1]).lower())

    def _go_on(self, moment: Moment) -> None:
        for step in moment.steps:
            if isinstance(step, KernelLogUpdate):
                self.session.add_kernel_log(step)
            elif isinstance(step, TraceBatch):
                take_batch(self.session, step)
            elif isinstance(step, str):
                entry = self._remedies.take(step)
                if isinstance(entry, IntentEntry):
                    self.session.mark(title_of(entry).lower())
                    self.session.note_remedy(entry.time, title_of(entry), _clause(entry))
            else:
                self.session.accept(step)
                self._remedies.see(step)

    def update_status(self) -> None:
        """Set the session's position in the recording, its status and its line about remedies."""
        self._set_position()
        self.session.remedy_line = self._remedy_line()
        self.session.remedy_result = self._remedies.remedy_result
        position = self._position
        clock = datetime.fromtimestamp(position.time).astimezone().strftime("%H:%M:%S")
        if position.playing:
            self.session.status = ((f"▶ replay {clock} x{position.speed} ", "text"),)
        else:
            word = "■ end" if position.at_end else "‖ paused"
            self.session.status = ((f"{word} · replay {clock} x{position.speed} ", "text"),)

    def _set_position(self) -> None:
        marks = tuple((share, mark.remedy) for share, mark in self._player.marks)
        self.session.recording = RecordingPosition(self._player.length, self._position.share, marks)

    def _remedy_line(self) -> tuple[str, str] | None:
        remedies = self._remedies
        if remedies.running is not None:
            return f"⟳ {title_of(remedies.running)} is running", "warn"
        if remedies.remedy_result is not None:
            mark = "✓" if remedies.remedy_result.outcome.result == "done" else "✗"
            return (
                f"{mark} {summary(remedies.remedy_result)}  ({self.session.key('recovery')}: before and after)",
                "text",
            )
        ended = [entry for entry in remedies.entries if isinstance(entry, EndEntry)]
        return (f"A remedy ended: {ended[-1].result.value}", "text") if ended else None

    def action_play(self) -> None:
        """Play or pause."""
        self._player.play_or_pause()

    def action_step(self, ticks: int) -> None:
        """Go to the next or previous sample."""
        self._player.step(ticks)

    def action_seek(self, steps: int) -> None:
        """Go so many twentieths of the recording ahead, or back."""
        self._player.seek_by(steps * self._player.length / _STEPS)

    def on_recording_line_clicked(self, message: RecordingLine.Clicked) -> None:
        """Go to the place on the tape that was clicked."""
        self._player.seek_by((message.share - self._player.position.share) * self._player.length)

    def action_jump(self, direction: int) -> None:
        """Go to the next or previous incident or remedy."""
        if not self._player.jump(direction):
            where = "after" if direction > 0 else "before"
            self.notify(f"No incident and no remedy {where} this moment.", timeout=2, markup=False)

    def action_speed(self, step: int) -> None:
        """Play faster, or slower."""
        self._player.change_speed(step)

    def action_edge(self, beginning: bool) -> None:
        """Go to the beginning, or to the end."""
        self._player.to_end(beginning=beginning)

    def action_recovery(self) -> None:
        """Show the result of the last remedy until now."""
        if (remedy_result := self._remedies.remedy_result) is None:
            self.notify("No remedy has ended by this moment of the recording.", markup=False)
            return

        def lines(width: int) -> Sequence[Line]:
            return recovery_lines(self._remedies.remedy_result or remedy_result, self.session, width)

        self.app.push_screen(PageScreen(page_title(remedy_result), lines, every=1.0))

    def action_trace(self) -> None:
        """Show the trace until now."""
        if self.session.trace is None:
            self.notify("No trace has begun by this moment of the recording.", markup=False)
        else:
            self.app.push_screen(TracePage(self.session, None))

    def action_history(self) -> None:
        """Show the remedies of the recording until now."""
        episode_texts = [describe_episode(episode, unknown=False) for episode in episodes(self._remedies.entries)]

        def lines(width: int) -> Sequence[Line]:
            rows = [row for text in reversed(episode_texts) for row in wrap(text, width, 4)]
            return [line((row, "text")) for row in rows or ["None until this moment."]]

        self.app.push_screen(PageScreen("Remedies in this recording", lines))


def _clause(intent: IntentEntry) -> str:
    remedy = remedy_of(intent)
    return remedy_clause(remedy.effect if remedy is not None else None, own=False)
