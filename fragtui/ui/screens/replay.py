"""The main screen over a recording: the same panels, fed by a player, with keys for the timeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, describe_episode, episodes
from fragtui.player import Moment, Player
from fragtui.remedies.replay import ReplayedRemedies, title_of
from fragtui.ui.clock import CLOCK
from fragtui.ui.keys import REPLAY_KEYS, UNUSED, Keys, bindings
from fragtui.ui.mailbox import MailboxMessage
from fragtui.ui.messages import KernelLogUpdated, PodsUpdated
from fragtui.ui.pages.recovery_page import recovery_lines, summary
from fragtui.ui.panels.recording_line import RecordingLine
from fragtui.ui.screens.main import MainScreen
from fragtui.ui.session import Baseline
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.page import PageScreen
from fragtui.ui.widgets.rows import Line, line
from fragtui.ui.widgets.steady import surviving_errors
from fragtui.ui.wiring import AppDependencies, BackgroundReaders

BARRED = "replaying a recording"


class Played(MailboxMessage):
    """What the player brought; each builds on those before, so none may be left out."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.moment = moment

    def after(self, earlier: Played) -> Played:
        """Return one message with the moments of both."""
        return Played(self.moment.after(earlier.moment))


class ReplayScreen(MainScreen):
    """Everything at a glance, as it was."""

    KEYS: ClassVar[Keys] = REPLAY_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_KEYS)]

    def __init__(self, player: Player, parts: AppDependencies, feeds: BackgroundReaders) -> None:
        super().__init__(player, parts, feeds)
        self._player = player
        self._line.length = player.length
        self._position = player.position
        self._remedies = ReplayedRemedies()
        self._barred = BARRED

    def _feed(self) -> None:
        """Start nothing: the player tells all there is."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey the keys of remedies; those of the live screen alone do nothing here."""
        if action in {key.action.split("(")[0] for key in UNUSED}:
            return False
        return super().check_action(action, parameters)

    @surviving_errors
    def on_played(self, message: Played) -> None:
        """Take a moment of the recording."""
        moment = message.moment
        self._latest = time.monotonic()
        self._position = moment.position
        CLOCK.show(moment.position.time)
        shape = self._shape()
        if moment.start is not None:
            self._begin(moment)
        else:
            self._go_on(moment)
        if moment.pods is not None:
            self.on_pods_updated(PodsUpdated(moment.pods))
        if self._shape() != shape:
            self._share_out()
        self.show()

    def _begin(self, moment: Moment) -> None:
        """Take the whole past of the place that was gone to."""
        assert moment.start is not None
        self._tail.clear()
        self._remedies = ReplayedRemedies()
        self.session.rewind(moment.start.history, moment.start.first)
        snapshots = [step for step in moment.steps if isinstance(step, Snapshot)]
        for step in moment.steps:
            if isinstance(step, Snapshot):
                self._remedies.see(step)
            elif isinstance(step, str):
                self._remedies.take(step)
        for snapshot in snapshots[:-1]:
            self.session.rates.note(snapshot)
        self.session.accept(snapshots[-1])
        for step in moment.steps:
            if isinstance(step, KernelLogUpdate):
                self.on_kernel_log_updated(KernelLogUpdated(step))
        asked = [entry for entry in self._remedies.entries if isinstance(entry, IntentEntry)]
        for intent in asked:
            self.session.note_remedy(intent.time, title_of(intent))
        if asked and (before := self._remedies.before) is not None and before.zones:
            self.session.baseline = Baseline(before, title_of(asked[-1]).lower())

    def _go_on(self, moment: Moment) -> None:
        for step in moment.steps:
            if isinstance(step, KernelLogUpdate):
                self.on_kernel_log_updated(KernelLogUpdated(step))
            elif isinstance(step, str):
                entry = self._remedies.take(step)
                if isinstance(entry, IntentEntry):
                    self.session.mark(title_of(entry).lower())
                    self.session.note_remedy(entry.time, title_of(entry))
            else:
                self.session.accept(step)
                self._remedies.see(step)

    def _make_strip(self) -> RecordingLine:
        self._line = RecordingLine()
        return self._line

    def _show_strip(self) -> None:
        self._line.said = self._said()
        self._line.share, self._line.marks = self._position.share, self._player.marks
        self._line.rebuild()

    def _said(self) -> tuple[str, str] | None:
        remedies = self._remedies
        if remedies.running is not None:
            return f"⟳ {title_of(remedies.running)} is under way", "warn"
        if remedies.remedy_result is not None:
            mark = "✓" if remedies.remedy_result.outcome.result == "done" else "✗"
            return f"{mark} {summary(remedies.remedy_result)}  (r: before and after)", "text"
        ended = [entry for entry in remedies.entries if isinstance(entry, EndEntry)]
        return (f"A remedy ended: {ended[-1].result.value}", "text") if ended else None

    def _state(self) -> tuple[tuple[str, str], ...]:
        position = self._position
        clock = datetime.fromtimestamp(position.time).astimezone().strftime("%H:%M:%S")
        if position.playing:
            return ((f"▶ replaying {clock} x{position.speed}", "good"),)
        word = "■ end" if position.at_end else "‖ paused"
        return ((f"{word} · replaying {clock} x{position.speed}", "warn"),)

    def action_play(self) -> None:
        """Play or pause."""
        self._player.play_or_pause()

    def action_step(self, ticks: int) -> None:
        """Go one sample on, or back."""
        self._player.step(ticks)

    def action_seek(self, seconds: int) -> None:
        """Go so many seconds ahead, or back."""
        self._player.seek_by(seconds)

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
        """Show what the last remedy until now brought."""
        if (remedy_result := self._remedies.remedy_result) is None:
            self.notify("No remedy has ended by this moment of the recording.", markup=False)
            return

        def lines(width: int) -> Sequence[Line]:
            return recovery_lines(self._remedies.remedy_result or remedy_result, width)

        self.app.push_screen(PageScreen(f"Recovery: {remedy_result.outcome.remedy.title}", lines))

    def action_history(self) -> None:
        """Show the remedies of the recording until now."""
        told = [describe_episode(episode, unknown=False) for episode in episodes(self._remedies.entries)]

        def lines(width: int) -> Sequence[Line]:
            rows = [row for text in reversed(told) for row in wrap(text, width, 4)]
            return [line((row, "text")) for row in rows or ["None until this moment."]]

        self.app.push_screen(PageScreen("Remedies in this recording", lines))
