"""A question before fragtui ends and something that runs ends with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.page import PageBody
from fragtui.ui.widgets.rows import Line, line, shown


class QuitDialog(ModalPanel[bool]):
    """Asks once; the answer is whether to leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,y,ctrl+q", "answer(True)", "Quit"),
        Binding("escape,n,enter,ctrl+c", "answer(False)", "Stay"),
    ]

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(classes="dialog")
        self._sentences = sentences

    def compose(self) -> ComposeResult:
        """Say what ends, and with which key."""
        with Container(id="dialog") as frame:
            frame.border_title = Content(shown(" Quit fragtui? "))
            frame.border_subtitle = Content(shown(" q quits · Esc stays "))
            yield PageBody(self._lines, id="dialog-page")

    def _lines(self, width: int) -> list[Line]:
        return [line((row, "text")) for what in self._sentences for row in wrap(what, width, 3)]

    def action_answer(self, leave: bool) -> None:
        """Answer."""
        self.dismiss(leave)
