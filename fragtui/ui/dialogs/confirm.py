"""A question before a write: the exact text, the cost, Cancel in focus, a second key to confirm."""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Button

from fragtui.ui.notices import Notice
from fragtui.ui.terminal.key_gate import key_gate_of
from fragtui.ui.widgets.cells import fit, wrap
from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.page import Build, PageBody
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line, shown

T = TypeVar("T")

LABEL_CELLS = 11
"""Cells of a field's label and the gap after it."""
_MARK = re.compile(r"\d+  |· ")
"""The number of a step, or the dot of one of several facts."""
_NOTICE_ROWS = 2
"""Rows of a notice in a question, while there is one."""
_MAX_ROWS = 8
"""Rows of one paragraph."""


class _Question(PageBody):
    """The text of a question, which reports when all of it has been drawn."""

    def __init__(self, build: Build, on_drawn: Callable[[], None], id: str) -> None:
        super().__init__(build, id)
        self._on_drawn = on_drawn
        self._reported = False

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of the text, and report once it has its full height: before that only one line is drawn."""
        strips = super().render_lines(crop)
        height = self.styles.height
        if self._lines and not self._reported and height is not None and height.value == len(self._lines):
            self._reported = True
            self.call_after_refresh(self._on_drawn)
        return strips

    def change(self) -> None:
        """Draw a new text, and report that."""
        self._reported = False
        self.rebuild()
        self.refresh()


class _NoticeLines(LinesWidget):
    """What was reported since the question was asked."""

    def __init__(self) -> None:
        super().__init__(id="dialog-notice")
        self.notice: Notice | None = None

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the notice."""
        if self.notice is None:
            return []
        return [line((row, self.notice.style)) for row in wrap(self.notice.text, width, _NOTICE_ROWS)]


class _RunButton(Button):
    """A button that answers while its Enter key is handled, so that the gate knows the key."""

    async def action_press(self) -> None:  # type: ignore[override]
        """Answer."""
        await self.screen.run_action("answer(True)")


class ConfirmDialog(ModalPanel[T | None], Generic[T]):
    """Asks a question; the result is `answer`, or None. Enter alone never runs anything: Cancel has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "answer(False)", "Cancel"),
        Binding("y", "answer(True)", "Run"),
        Binding("left,right", "app.focus_next", "Switch", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(8)", show=False),
        Binding("pageup", "scroll(-8)", show=False),
        Binding("home", "scroll(-100000)", show=False),
        Binding("end", "scroll(100000)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(classes="dialog")
        self._asked_at = time.monotonic()
        self.shown_at: float | None = None
        """Time at which its text was on the screen, monotonic seconds; None until then."""
        self._page = _Question(self.lines, self._note_drawn, id="dialog-page")
        self._notice = _NoticeLines()

    @property
    @abstractmethod
    def heading(self) -> str:
        """The title: the question."""

    @property
    @abstractmethod
    def run_label(self) -> str:
        """What a confirmation does, as an imperative."""

    @property
    @abstractmethod
    def answer(self) -> T | None:
        """The result if the user confirms; None if there is nothing to confirm."""

    @abstractmethod
    def lines(self, width: int) -> Sequence[Line]:
        """Return the lines of the text for that width."""

    @property
    def hint(self) -> str:
        """Its own keys, for the lower border; empty if it has none."""
        return ""

    def more(self) -> Iterable[Widget]:
        """Return what is between the text and the answers."""
        return ()

    def compose(self) -> ComposeResult:
        """Lay out the text and the two answers."""
        with Container(id="dialog") as frame:
            frame.border_title = Content(shown(f" {self.heading} "))
            frame.border_subtitle = Content(shown(self._keys))
            with VerticalScroll(id="dialog-text", can_focus=False):
                yield self._page
            yield from self.more()
            yield self._notice
            with Container(id="dialog-keys"):
                yield Button(Content("Cancel"), id="cancel")
                if self.answer is not None:
                    yield _RunButton(Content(f"y  {self.run_label}"), id="run")

    @property
    def _keys(self) -> str:
        runs = "" if self.answer is None else "y runs it · "
        own = f" · {self.hint}" if self.hint else ""
        return f" {runs}Esc goes back{own} "

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.query("#cancel").focus()  # It does not exist if the application ends meanwhile.

    def _note_drawn(self) -> None:
        key_gate_of(self).once_seen(self._note_shown)

    def _note_shown(self) -> None:
        self.shown_at = time.monotonic()

    def on_resize(self) -> None:
        """Keep the answers on the screen for any length of the text, which scrolls."""
        below = 5 + sum(widget.display for widget in self.query("#dialog > Input"))
        below += _NOTICE_ROWS if self._notice.display else 0
        self.query("#dialog-text").set_styles(max_height=max(3, self.size.height - below))

    def show_notice(self, notice: Notice) -> None:
        """Show it above the answers: it says why one was not taken."""
        self._notice.notice = notice
        self._notice.display = True
        self.on_resize()
        self._notice.rebuild()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the answer of the focused button."""
        self.action_answer(event.button.id == "run")

    def action_answer(self, run: bool) -> None:
        """Close with the answer; a confirmation needs a deliberate key or click after the text was shown a while."""
        if not run:
            self.dismiss(None)
        elif self.answer is not None:
            key_gate_of(self).then(self._run, asked=self._asked_at, shown=self.shown_at)

    def _run(self) -> None:
        self.dismiss(self.answer)

    def action_scroll(self, lines: int) -> None:
        """Scroll the text."""
        for text in self.query("#dialog-text").results(VerticalScroll):
            text.scroll_relative(y=lines, animate=False)

    def changed(self) -> None:
        """Show the question again after its subject changed."""
        for frame in self.query("#dialog"):
            frame.border_title = Content(shown(f" {self.heading} "))
            frame.border_subtitle = Content(shown(self._keys))
        for button in self.query("#run").results(Button):
            button.label = Content(f"y  {self.run_label}")
        self.shown_at = None
        self._page.change()


def field(label: str, texts: Sequence[str], width: int, style: str = "text") -> list[Line]:
    """Return paragraphs beside a label, which stands before the first; what follows a number or dot is indented."""
    rows = [row for text in texts for row in _hanging(text, width - LABEL_CELLS)]
    return [
        line((fit(label if number == 0 else "", LABEL_CELLS), "muted"), (row, style)) for number, row in enumerate(rows)
    ]


def _hanging(text: str, width: int) -> list[str]:
    mark = _MARK.match(text)
    indent = mark.end() if mark else 0
    head, *rest = wrap(text[indent:], width - indent, _MAX_ROWS) or [""]
    return [text[:indent] + head, *(" " * indent + row for row in rest)]


def bar_line(label: str, *spans: Span) -> Line:
    """Return a line of a field below its first paragraph."""
    return line((" " * LABEL_CELLS, "text"), (fit(label, 7), "muted"), *spans)


def paragraph(text: str, width: int, style: str) -> list[Line]:
    """Return a text over the whole width."""
    return [line((row, style)) for row in wrap(text, width, _MAX_ROWS)]
