"""The command palette: the actions of all keys, found by name.

Textual's own is not used: its search workers raise if the palette is closed meanwhile, and its list raises at a key
before it is laid out; both end the application.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Input

from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import Line, LinesWidget, line, shown

MAX_INPUT = 200
"""Characters that can be typed or pasted, at most."""


class Command(NamedTuple):
    """One command: its name, its key if it has one, its description, and its action."""

    name: str
    key: str
    help: str
    action: str


class PaletteList(LinesWidget):
    """The commands that were found, with a cursor."""

    ground = "raised"

    class Chosen(Message):
        """A row was clicked."""

    def __init__(self) -> None:
        super().__init__(id="found")
        self.commands: tuple[Command, ...] = ()
        self._at = 0

    @property
    def place(self) -> str:
        """The position of the cursor as text."""
        return f" {self._at + 1} of {len(self.commands)} " if self.commands else ""

    @property
    def chosen(self) -> Command | None:
        """The command under the cursor, or None if nothing was found."""
        return self.commands[self._at] if self.commands else None

    def list(self, commands: Sequence[Command]) -> None:
        """List these commands, with the cursor at the first."""
        self.commands, self._at = tuple(commands), 0
        self.rebuild()

    def move(self, rows: int) -> None:
        """Move the cursor by that many rows."""
        self._at = max(0, min(self._at + rows, len(self.commands) - 1))
        self.rebuild()

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the rows around the cursor."""
        if not self.commands:
            return [line((" Nothing has that name.", "muted"))]
        first = self._first(height)
        return [
            line((fit(f" {c.name}", 16) + fit(c.key, 6), "key"), (c.help, "text"), chosen=number == self._at)
            for number, c in enumerate(self.commands[first : first + height], first)
        ]

    def on_click(self, event: Click) -> None:
        """Choose the row under the mouse."""
        place = self._first(self.size.height) + event.y
        if 0 <= place < len(self.commands):
            self._at = place
            self.post_message(self.Chosen())

    def _first(self, height: int) -> int:
        return max(0, min(self._at - height // 2, len(self.commands) - height))


class CommandPalette(ModalPanel[str | None]):
    """Asks for a command by any part of its words; the answer is its action, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
    ]

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__(classes="commands")
        self._commands = commands
        self._found = PaletteList()

    def compose(self) -> ComposeResult:
        """Show the input line and, below it, the matching commands."""
        with Container(id="commands") as frame:
            frame.border_title = Content(shown(" Commands "))
            yield Input(placeholder="Type a part of the name", id="answer", max_length=MAX_INPUT)
            yield self._found

    def on_mount(self) -> None:
        """List all of them."""
        self._list(self._commands)

    def on_input_changed(self, event: Input.Changed) -> None:
        """List the commands that contain every word."""
        words = event.value.casefold().split()
        self._list([c for c in self._commands if all(word in f"{c.name} {c.help}".casefold() for word in words)])

    def on_input_submitted(self) -> None:
        """Answer with the command under the cursor."""
        self._answer()

    def on_palette_list_chosen(self) -> None:
        """Answer with the command that was clicked."""
        self._answer()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._found.move(rows)
        self._show_place()

    def on_mouse_scroll_down(self) -> None:
        """Move the cursor down."""
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        """Move the cursor up."""
        self.action_move(-3)

    def action_cancel(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    def _list(self, commands: Sequence[Command]) -> None:
        self._found.list(commands)
        self._show_place()

    def _show_place(self) -> None:
        for frame in self.query("#commands"):  # It does not exist if the application ends meanwhile.
            frame.border_subtitle = Content(shown(self._found.place))

    def _answer(self) -> None:
        if (command := self._found.chosen) is not None:
            self.dismiss(command.action)
