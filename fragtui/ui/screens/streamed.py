"""The screen of a node elsewhere: a dashboard fed by a stream, which shows when the link is lost."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.binding import BindingType

from fragtui.model.node.verdict import Thresholds
from fragtui.render.numbers import span_words
from fragtui.streamed_node import StreamedNode
from fragtui.ui.keys import STREAM_KEYS, UNSTREAMED, KeyMap, Keys, bindings
from fragtui.ui.screens.played import Played, PlayedScreen
from fragtui.ui.widgets.resilient import surviving_errors


class StreamScreen(PlayedScreen):
    """The whole state of the node on one screen, as its own fragtui samples it."""

    KEYS: ClassVar[Keys] = STREAM_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(STREAM_KEYS)]

    def __init__(self, node: StreamedNode, order: int | None, thresholds: Thresholds, keymap: KeyMap) -> None:
        super().__init__(order, thresholds, keymap)
        self._node = node
        self._held: Played | None = None
        """What came while the screen is paused."""
        self.session.disabled_reason = node.link.no_remedies
        self._reported: str | None = None
        """The problem of the link that was last reported."""

    def on_mount(self) -> None:
        """Show for how long there is no data, once a second while there is none."""
        self.set_interval(1.0, self._look_at_link)

    @surviving_errors
    def _look_at_link(self) -> None:
        problem = self._node.state.problem
        if problem is not None or self._age > self._patience:
            self.update_status()
            self.dashboard.show_lines()

    def _report(self, problem: str | None) -> None:
        """Report a new problem of the link in full: the top line has little room."""
        if problem is not None and problem != self._reported:
            self.notify(problem, title=f"{self._node.link.name} is lost", severity="warning", markup=False)
        self._reported = problem

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of remedies; those that a stream has no use for do nothing."""
        if action in {key.action.split("(")[0] for key in UNSTREAMED}:
            return False
        return super().check_action(action, parameters)

    def on_played(self, message: Played) -> None:
        """Take a moment of the node, or keep it while the screen is paused."""
        if self.session.paused:
            self._held = message if self._held is None else message.after(self._held)
            self.update_status()
            self.dashboard.show_lines()
            return
        super().on_played(message)

    @property
    def _age(self) -> float:
        return time.monotonic() - self._node.state.latest

    @property
    def _patience(self) -> float:
        return max(3.0, 3 * self._node.interval)

    def update_status(self) -> None:
        """Set the session's status: the link and its age, never a node that only seems to be idle."""
        super().update_status()
        state, name = self._node.state, self._node.link.name
        self._report(state.problem)
        if state.problem is not None:
            wait = None if state.retry_at is None else max(0.0, state.retry_at - time.monotonic())
            retry = "" if wait is None else f", next try in {span_words(wait)}"
            words, style = f"⚠ {name} lost {span_words(self._age)} ago{retry} ", "bad"
        elif self._age > self._patience:
            words, style = f"⚠ no data from {name} for {span_words(self._age)} ", "bad"
        elif self.session.paused:
            words, style = "‖ paused ", "warn"
        else:
            words, style = f"● {name}, every {self._node.interval:.2g} s ", "text"
        note = ((f"{state.note} ", "warn"),) if state.note else ()
        self.session.status = (*note, (words, style))

    def action_pause(self) -> None:
        """Pause the screen or continue it."""
        self.session.paused = not self.session.paused
        if not self.session.paused and self._held is not None:
            held, self._held = self._held, None
            super().on_played(held)
        self.show()

    def unpause(self) -> bool:
        """Go on after a pause; return whether there was one."""
        if not self.session.paused:
            return False
        self.action_pause()
        return True
