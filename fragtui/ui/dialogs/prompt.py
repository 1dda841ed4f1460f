"""A prompt for one line of text at the bottom of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input

from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import shown

MAX_INPUT = 200
"""Characters that can be typed or pasted, at most."""


class PromptDialog(ModalPanel[str | None]):
    """Asks for a text; Enter answers with it, Escape with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, value: str) -> None:
        super().__init__(classes="ask")
        self._title = title
        self._value = value

    def compose(self) -> ComposeResult:
        """Show the input line with its previous text."""
        with Container(id="ask") as frame:
            frame.border_title = Content(shown(f" {self._title} "))
            yield Input(self._value, id="answer", max_length=MAX_INPUT)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Cancel."""
        self.dismiss(None)
