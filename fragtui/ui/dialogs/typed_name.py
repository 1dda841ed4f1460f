"""The question for the node's name, which a site's policy asks before each remedy."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input

from fragtui.ui.notices import Notice
from fragtui.ui.terminal.key_gate import key_gate_of
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import shown

_MAX_NAME = 300
"""Characters that can be typed or pasted; a longer name is cut by `printable`, too."""


class TypedNameDialog(ModalPanel[str | None]):
    """Asks; the answer is the name once it was typed as it is, None for Escape. A pasted one is not taken."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, name: str) -> None:
        super().__init__(classes="dialog")
        self._wanted = name
        self._asked_at = time.monotonic()
        self.shown_at: float | None = None
        """When the question was on the screen, monotonic seconds; None until then."""

    def compose(self) -> ComposeResult:
        """Show an empty line below the question."""
        with Container(id="dialog") as frame:
            frame.border_title = Content(shown(f" The site's policy asks for the node's name: type {self._wanted} "))
            yield Input(id="answer", max_length=_MAX_NAME)

    def on_mount(self) -> None:
        """Note when the question has been drawn."""
        self.call_after_refresh(lambda: key_gate_of(self).once_seen(self._note_shown))

    def _note_shown(self) -> None:
        self.shown_at = time.monotonic()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the right name if Enter was pressed on purpose; else go on asking."""
        if event.value.strip() != self._wanted:
            self.notify(f"That is not {self._wanted}.", severity="warning", markup=False)
            return
        key_gate_of(self).then(lambda: self.dismiss(self._wanted), asked=self._asked_at, shown=self.shown_at)

    def show_notice(self, notice: Notice) -> None:
        """Show it below the answer: it says why that was not taken."""
        for frame in self.query("#dialog"):  # None if the application ends meanwhile.
            frame.border_subtitle = Content(shown(f" {notice.text} "))

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
