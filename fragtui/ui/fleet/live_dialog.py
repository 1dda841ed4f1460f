"""The question how a node is reached for the live screen, with the exact command of each way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Click
from textual.message import Message

from fragtui.model.fleet.fleet import FleetNode
from fragtui.model.fleet.host import SCHEMES, host_name, live_url
from fragtui.ui.fleet.live_command import LiveCommand
from fragtui.ui.widgets.cells import cells_of, fit, fit_name, wrap
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import Line, LinesWidget, line, shown

_NAMES = {"ssh": ("s", "ssh"), "kube": ("k", "kubectl")}
"""The key of each way and its program."""
_KEY_CELLS = 11
_MAX_ROWS = 7
"""Rows of one command, on a dialog of 60 columns; ssh's has 350 characters."""


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

    class Clicked(Message):
        """A way was clicked."""

    def __init__(self, options: Sequence[Way], at: int) -> None:
        super().__init__(id="live-ways")
        self.options, self.at = options, at
        self._ends: list[int] = []

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return for each way its name and its command, and set the height to these lines."""
        lines: list[Line] = []
        self._ends = []
        for number, way in enumerate(self.options):
            key, program = _NAMES[way.scheme]
            style = "text" if way.url else "muted"
            head = "" if way.url is None else f"fragtui --host {way.url}"
            words = f"{program:<9}{head}"
            lines.append(
                line(
                    (fit(f"   {key}", _KEY_CELLS), "key" if way.url else "muted"),
                    (fit(words, width - _KEY_CELLS), style),
                    chosen=number == self.at,
                )
            )
            rows = wrap(way.words, width - _KEY_CELLS, _MAX_ROWS)
            lines += [line((" " * _KEY_CELLS + row, "muted" if way.url else "warn")) for row in rows]
            lines.append(line())
            self._ends.append(len(lines))
        lines.append(line((" Read only: no remedy runs there. q on that screen comes back here.", "muted")))
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        return lines

    def on_mount(self) -> None:
        """Build once the width is known."""
        self.call_after_refresh(self.rebuild)

    def on_click(self, event: Click) -> None:
        """Choose the way under the mouse."""
        at = next((number for number, end in enumerate(self._ends) if event.y < end), None)
        if at is not None:
            self.at = at
            self.rebuild()
            self.post_message(self.Clicked())


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
        """Take the way of a key."""
        self._list.at = SCHEMES.index(scheme)
        self.action_take()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._list.at = (self._list.at + rows) % len(self._list.options)
        self._list.rebuild()

    def action_take(self) -> None:
        """Answer with the way under the cursor; one that can't be used says why in its row."""
        way = self._list.options[self._list.at]
        if way.url is not None:
            self.dismiss(way.url)
        self._list.rebuild()

    def on__ways_clicked(self) -> None:
        """Answer with the way that was clicked."""
        self.action_take()

    def action_cancel(self) -> None:
        """Show nothing live."""
        self.dismiss(None)
