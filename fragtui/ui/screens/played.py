"""A dashboard fed with the moments of another clock: a recording's, or those of a remote node."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import Thresholds
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, describe_episode, episodes
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.player import Moment, Position
from fragtui.remedies.replay import ReplayedRemedies, remedy_of, title_of
from fragtui.render.card.state_text import remedy_clause
from fragtui.ui.clock import CLOCK
from fragtui.ui.keys import KeyMap
from fragtui.ui.messages import MailboxMessage
from fragtui.ui.pages.recovery_page import page_title, recovery_lines, summary
from fragtui.ui.pages.trace_page import TracePage
from fragtui.ui.screens.dashboard_screen import DashboardScreen
from fragtui.ui.screens.trace_controller import take_batch
from fragtui.ui.session import Baseline
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.page import PageScreen
from fragtui.ui.widgets.resilient import surviving_errors
from fragtui.ui.widgets.rows import Line, line


class Played(MailboxMessage):
    """A moment from the player; each continues the previous one, so none may be dropped."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.moment = moment

    def after(self, earlier: Played) -> Played:
        """Return one message with the moments of both."""
        return Played(self.moment.after(earlier.moment))


class PlayedScreen(DashboardScreen):
    """Shows moments; remedies come from their audit lines."""

    def __init__(self, order: int | None, thresholds: Thresholds, keymap: KeyMap) -> None:
        super().__init__(order, thresholds, keymap)
        self._remedies = ReplayedRemedies()

    def take_position(self, position: Position) -> None:
        """Take the position of the newest moment."""

    @surviving_errors
    def on_played(self, message: Played) -> None:
        """Take a moment of the recording."""
        moment = message.moment
        self.take_position(moment.position)
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
        """Set the session's line about remedies."""
        self.session.remedy_line = self._remedy_line()
        self.session.remedy_result = self._remedies.remedy_result

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

    def action_recovery(self) -> None:
        """Show the result of the last remedy until now."""
        if (remedy_result := self._remedies.remedy_result) is None:
            self.notify("No remedy has ended by this moment.", markup=False)
            return

        def lines(width: int) -> Sequence[Line]:
            return recovery_lines(self._remedies.remedy_result or remedy_result, self.session, width)

        self.app.push_screen(PageScreen(page_title(remedy_result), lines, every=1.0))

    def action_trace(self) -> None:
        """Show the trace until now."""
        if self.session.trace is None:
            self.notify("No trace has begun by this moment.", markup=False)
        else:
            self.app.push_screen(TracePage(self.session, None))

    def action_history(self) -> None:
        """Show the remedies of the recording until now."""
        episode_texts = [describe_episode(episode, unknown=False) for episode in episodes(self._remedies.entries)]

        def lines(width: int) -> Sequence[Line]:
            rows = [row for text in reversed(episode_texts) for row in wrap(text, width, 4)]
            return [line((row, "text")) for row in rows or ["None until this moment."]]

        self.app.push_screen(PageScreen("Remedies until this moment", lines))


def _clause(intent: IntentEntry) -> str:
    remedy = remedy_of(intent)
    return remedy_clause(remedy.effect if remedy is not None else None, own=False)
