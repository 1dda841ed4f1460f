"""The question how a node is reached for the live screen, with the exact command of each way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Click

from fragtui.model.fleet.fleet import FleetNode
from fragtui.model.fleet.host import SCHEMES, host_name, live_url
from fragtui.ui.fleet.live_command import LiveCommand
from fragtui.ui.widgets.cells import cells_of, fit, fit_name, wrap
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import Line, LinesWidget, line, shown

_NAMES = {"ssh": ("s", "ssh"), "kube": ("k", "kubectl")}
"""The key of each way and its program."""
_KEY_CELLS = 11
_MAX_ROWS = 11
"""Rows of a command, which is whole on a dialog of 60 columns: ssh's has 400 characters."""
_ABOUT = "A remedy there asks first, as on the node itself. q on that screen comes back here."


class Way(NamedTuple):
    """One way to the node."""

    scheme: str
    url: str | None
    """None if it can't be used."""
    words: str
    """The command, or why it can't be used."""


def ways(node: FleetNode, command: Callable[[str], LiveCommand]) -> tuple[Way, ...]:
    """Return every way; `command` returns what is run for a URL."""
    found = []
    for scheme in SCHEMES:
        if (url := live_url(node, scheme)) is None:
            kind = "host" if scheme == "ssh" else "Kubernetes node"
            found.append(Way(scheme, None, f"{host_name(node)!r} is no name of a {kind}"))
        else:
            text, usable = command(url)
            found.append(Way(scheme, url if usable else None, text))
    return tuple(found)


class _Ways(LinesWidget):
    """The ways, with a cursor."""

    ground = "raised"

    def __init__(self, options: Sequence[Way], at: int) -> None:
        super().__init__(id="live-ways")
        self.options, self.at = options, at
        self._ends: list[int] = []

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return a row for each way, with the command of the chosen one, and set the height to these lines."""
        lines: list[Line] = []
        self._ends = []
        room = width - _KEY_CELLS
        for number, way in enumerate(self.options):
            key, program = _NAMES[way.scheme]
            head = f"{program:<9}" + ("can't be used" if way.url is None else f"fragtui --host {way.url}")
            styles = ("key", "text") if way.url else ("muted", "muted")
            keys = (fit(f"   {key}", _KEY_CELLS), styles[0])
            lines.append(line(keys, (fit(head, room), styles[1]), chosen=number == self.at))
            if number == self.at:
                style = "muted" if way.url else "warn"
                lines += [line((" " * _KEY_CELLS + row, style)) for row in wrap(way.words, room, _MAX_ROWS)]
            lines.append(line())
            self._ends.append(len(lines))
        lines += [line((f" {row}", "muted")) for row in wrap(_ABOUT, width - 2, 2)]
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        return lines

    def on_mount(self) -> None:
        """Build once the width is known."""
        self.call_after_refresh(self.rebuild)

    def choose(self, at: int) -> None:
        """Move the cursor."""
        self.at = at % len(self.options)
        self.rebuild()

    def on_click(self, event: Click) -> None:
        """Choose the way under the mouse."""
        if (at := next((number for number, end in enumerate(self._ends) if event.y < end), None)) is not None:
            self.choose(at)


class LiveDialog(ModalPanel[str | None]):
    """Asks which way; the answer is the URL of one that can be used, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose('ssh')", "ssh"),
        Binding("k", "choose('kube')", "kubectl"),
        Binding("escape,q", "cancel", "Cancel"),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("enter", "take", "Show", show=False),
    ]

    def __init__(self, name: str, options: Sequence[Way]) -> None:
        super().__init__(classes="dialog")
        self._host = name
        first = next((at for at, way in enumerate(options) if way.url is not None), 0)
        self._list = _Ways(options, first)

    def compose(self) -> ComposeResult:
        """Show the ways in a frame."""
        with Container(id="dialog") as frame:
            frame.border_title = Content(shown(f" {fit_name(self._host, min(50, cells_of(self._host)))} live "))
            frame.border_subtitle = Content(shown(" Enter runs it · Esc goes back "))
            yield self._list

    def action_choose(self, scheme: str) -> None:
        """Choose the way of a key: its command is shown before it is run."""
        self._list.choose(SCHEMES.index(scheme))

    def action_move(self, rows: int) -> None:
        """Choose the next way."""
        self._list.choose(self._list.at + rows)

    def action_take(self) -> None:
        """Answer with the chosen way; one that can't be used says why."""
        if (url := self._list.options[self._list.at].url) is not None:
            self.dismiss(url)

    def action_cancel(self) -> None:
        """Show nothing live."""
        self.dismiss(None)
