"""The screen of a remote node: a dashboard fed by a stream, which shows when the link is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from fragtui.model.failures.failure_list import FailureList
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.source_state import SourceState
from fragtui.model.node.verdict import Thresholds
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.render.numbers import span_words
from fragtui.streamed_node import StreamedNode
from fragtui.ui.keys import STREAM_KEYS, UNSTREAMED, KeyMap, Keys, bindings
from fragtui.ui.messages import Crashed, RemoteRemedyChanged
from fragtui.ui.screens.played import Played, PlayedScreen
from fragtui.ui.terminal.key_gate import key_gate_of
from fragtui.ui.widgets.resilient import surviving_errors

if TYPE_CHECKING:  # Only a remedy needs them.
    from fragtui.remedies.remote_run import RemoteState
    from fragtui.ui.screens.remote_remedies import RemoteRemedies


_NO_CONNECTION, _RETRIED = "no connection to the node", "it is tried again"


class StreamScreen(PlayedScreen):
    """The whole state of the node on one screen, as its own fragtui samples it; remedies are run by that one."""

    KEYS: ClassVar[Keys] = STREAM_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(STREAM_KEYS)]

    def __init__(
        self, node: StreamedNode, order: int | None, thresholds: Thresholds, keymap: KeyMap, read_only: str | None
    ) -> None:
        super().__init__(order, thresholds, keymap)
        self._node = node
        self._place = node.link.node
        self._held: Played | None = None
        """What came while the screen is paused."""
        self.session.disabled_reason = node.link.no_remedies or read_only
        self._reported: str | None = None
        """The problem of the link that was last reported."""
        self._previous: Snapshot | None = None
        self._remote: RemoteRemedies | None = None
        """The remedies run from here; None before the first key that asks for one."""

    def on_mount(self) -> None:
        """Show for how long there is no data, once a second while there is none."""
        self.set_interval(1.0, self._look_at_link)

    def close(self) -> None:
        """Abort a remedy that runs."""
        if self._remote is not None:
            self._remote.close(2.0)

    def _take_reach(self, problem: str | None) -> None:
        """Say in the card and in the lists that there is no connection, until there was one."""
        session = self.session
        if session.snapshot is not None or problem is None:
            return
        if session.unreached is None:
            blind = SourceState("kubelet log", "waiting", _NO_CONNECTION, remedy=_RETRIED)
            session.failures.take(KernelLogUpdate((), (), 0, (), "none", _NO_CONNECTION, remedy=_RETRIED))
            session.pods = PodUpdate(StuckPods(), (blind,))
        step = f"by hand: {self._place.typed_command}" if self._place is not None else "start the sender again"
        session.unreached = (f"{self._node.link.name} is not reached: {problem}", step)

    @surviving_errors
    def _look_at_link(self) -> None:
        while self._place is not None and (made := self._place.report()) is not None:
            self.notify(made, timeout=20, markup=False)
        if self._why_old is not None and self.session.snapshot is None:
            self.show()
        elif self._why_old is not None or (self._remote is not None and self._remote.running is not None):
            self.update_status()
            self.dashboard.show_lines()

    def _report(self, problem: str | None) -> None:
        """Report a new problem of the link in full: the top line has little room."""
        # Before the first data the card reports it.
        if problem is not None and problem != self._reported and self.session.snapshot is not None:
            self.notify(problem, title=f"{self._node.link.name} is lost", severity="warning", markup=False)
        self._reported = problem

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of remedies; those that a stream has no use for do nothing."""
        if action in {key.action.split("(")[0] for key in UNSTREAMED}:
            return False
        return super().check_action(action, parameters)

    def disabled_because(self, action: str) -> str | None:
        """Return why the keys of an action are disabled: a link carries single remedies only."""
        why = super().disabled_because(action)
        if why is None and action in ("escalate", "guard", "reclaim") and self._place is not None:
            # A stream has no list of cgroups; the verb reclaim prints it.
            return f"run it there: {self._place.typed_command}{' reclaim' if action == 'reclaim' else ''}"
        return why

    @surviving_errors
    def on_played(self, message: Played) -> None:
        """Take a moment of the node, or keep it while the screen is paused."""
        if self.session.paused:
            self._held = message if self._held is None else message.after(self._held)
            self.update_status()
            self.dashboard.show_lines()
            return
        if self.session.unreached is not None:
            self.session.unreached, self.session.failures, self.session.pods = None, FailureList(), None
        before, result = self.session.snapshot, self.session.remedy_result
        super().on_played(message)
        if self.session.snapshot is not before:
            self._previous = before
        new = self.session.remedy_result
        is_new = new is not None and (result is None or new.outcome.id != result.outcome.id)
        if new is not None and is_new and self._remote is not None and self._remote.is_own(new.outcome.id):
            self.dashboard.show_keys()
            if self.is_active:
                self.action_recovery()

    def action_remedy(self, name: str) -> None:
        """Ask whether the fragtui there shall run a remedy."""
        key_gate_of(self).then(lambda: self._ready_remote().ask(name, self._previous, self._why_old))

    def action_abort(self) -> None:
        """Abort the remedy that runs."""
        if self._remote is not None:
            self._remote.abort()

    def _ready_remote(self) -> RemoteRemedies:
        if self._remote is None:
            from fragtui.ui.screens.remote_remedies import RemoteRemedies  # noqa: PLC0415  # See above.

            self._remote = RemoteRemedies(self.app, self.session, self._node, self._report_remote)
        return self._remote

    def _report_remote(self, state: RemoteState | str) -> None:
        self.mail.put(Crashed(state) if isinstance(state, str) else RemoteRemedyChanged(state))

    @surviving_errors
    def on_remote_remedy_changed(self, message: RemoteRemedyChanged) -> None:
        """Take an update of the remedy that was run from here."""
        if self._remote is not None:
            self._remote.take(message.state)
        if message.state.id is None and message.state.end is None:  # It was just requested.
            self.unpause()
        self.show()

    @property
    def running(self) -> tuple[str, ...]:
        """A sentence for what runs and would end with fragtui."""
        return self._remote.sentences if self._remote is not None else ()

    @property
    def _why_old(self) -> str | None:
        """Why the newest snapshot is not of now, None if it is."""
        name, problem = self._node.link.name, self._node.state.problem
        if problem is not None:
            return f"{name} is lost: {problem}"
        return f"no data from {name} for {span_words(self._age)}" if self._age > self._patience else None

    @property
    def _age(self) -> float:
        return time.monotonic() - self._node.state.latest

    @property
    def _patience(self) -> float:
        return max(3.0, 3 * self._node.interval)

    def update_status(self) -> None:
        """Set the session's status: the link and its age, never a node that only seems to be idle."""
        super().update_status()
        if self._remote is not None and (line := self._remote.line) is not None:
            self.session.remedy_line = line
        state, name = self._node.state, self._node.link.name
        self._report(state.problem)
        self._take_reach(state.problem)
        if state.problem is not None:
            wait = None if state.retry_at is None else max(0.0, state.retry_at - time.monotonic())
            retry = "" if wait is None else f", next try in {span_words(wait)}"
            since = "not reached" if self.session.snapshot is None else f"lost {span_words(self._age)} ago"
            words, style = f"⚠ {name} {since}{retry} ", "bad"
        elif (why := self._why_old) is not None:
            words, style = f"⚠ {why} ", "bad"
        elif self.session.paused:
            words, style = "‖ paused ", "warn"
        else:
            words, style = f"● {name}, every {self._node.interval:.2g} s ", "text"
        note = ((f"{state.note} ", "warn"),) if state.note else ()
        self.session.status = (*note, (words, style))

    def action_pause(self) -> None:
        """Pause the screen or continue it."""
        super().action_pause()
        if not self.session.paused and self._held is not None:
            held, self._held = self._held, None
            self.on_played(held)
