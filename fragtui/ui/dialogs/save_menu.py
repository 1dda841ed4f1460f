"""The menu of what can be saved: one key each, and the file it goes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Click
from textual.message import Message

from fragtui.ui.keys import SAVE_MENU, Key, bindings
from fragtui.ui.widgets.cells import fit, fit_path
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import Line, LinesWidget, line, shown

_KEY_CELLS = 9
_ROWS = 2
"""Rows of one option."""


class SaveOption(NamedTuple):
    """One thing that can be saved."""

    key: Key
    what: str
    """What it is: ``131 listed failures, as JSON lines``."""
    file: str
    """The name of its file; why there is none if it can't be saved now."""
    save: Callable[[], None] | None
    """Saves it; None if that can't be done now."""


class _Options(LinesWidget):
    """The options, with a cursor."""

    ground = "raised"

    class Clicked(Message):
        """An option was clicked."""

    def __init__(self, options: Sequence[SaveOption], folder: str) -> None:
        super().__init__(id="save-options")
        self.options, self._folder = options, folder
        self.at = 0
        self.styles.height = _ROWS * len(options) + 2

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return two rows for each option, and the folder."""
        lines = []
        for number, option in enumerate(self.options):
            can, chosen = option.save is not None, number == self.at
            key = (fit(f" {option.key.shown}", _KEY_CELLS), "key" if can else "muted")
            lines.append(line(key, (fit(option.what, width - _KEY_CELLS), "text" if can else "muted"), chosen=chosen))
            lines.append(line((" " * _KEY_CELLS, "muted"), (fit_path(option.file, width - _KEY_CELLS), "muted")))
        return [*lines, line(), line((" into ", "muted"), (fit_path(self._folder, width - 6), "text"))]

    def on_click(self, event: Click) -> None:
        """Choose the option under the mouse."""
        if event.y < _ROWS * len(self.options):
            self.at = event.y // _ROWS
            self.rebuild()
            self.post_message(self.Clicked())


class SaveMenu(ModalPanel[SaveOption | None]):
    """Asks what to save; the answer is an option that can be saved, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(SAVE_MENU),
        Binding("escape,q", "cancel", "Cancel"),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("enter", "take", "Save", show=False),
    ]

    def __init__(self, options: Sequence[SaveOption], folder: str) -> None:
        super().__init__(classes="dialog")
        self._list = _Options(options, folder)

    def compose(self) -> ComposeResult:
        """Show the options in a frame."""
        with Container(id="dialog") as frame:
            frame.border_title = Content(shown(" Save "))
            frame.border_subtitle = Content(shown(" a key saves · Esc goes back "))
            yield self._list

    def action_choose(self, command: str) -> None:
        """Save what a key stands for."""
        self._list.at = next(at for at, option in enumerate(self._list.options) if option.key.command == command)
        self.action_take()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._list.at = (self._list.at + rows) % len(self._list.options)
        self._list.rebuild()

    def action_take(self) -> None:
        """Answer with the option under the cursor; one that can't be saved says why in its row."""
        option = self._list.options[self._list.at]
        if option.save is not None:
            self.dismiss(option)
        self._list.rebuild()

    def on__options_clicked(self) -> None:
        """Answer with the option that was clicked."""
        self.action_take()

    def action_cancel(self) -> None:
        """Save nothing."""
        self.dismiss(None)
