"""A page of lines over the main screen, which continues behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from fragtui.ui.widgets.modal import ModalPanel
from fragtui.ui.widgets.rows import Line, LinesWidget, shown

Build = Callable[[int], Sequence[Line]]
"""Makes the lines for a width in cells."""


class PageBody(LinesWidget):
    """All lines of a page at their full height, inside a scrolling container."""

    ground = "raised"

    def __init__(self, build: Build, id: str = "page") -> None:
        super().__init__(id=id)
        self.make = build

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return all lines, and set the height to theirs."""
        lines = self.make(width)
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = max(1, len(lines))
        return lines

    def on_mount(self) -> None:
        """Build once the width is known."""
        self.call_after_refresh(self.rebuild)


class PageScreen(ModalPanel[None]):
    """A titled page; Escape, q and Enter close it, arrows and page keys scroll it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark", "dismiss", "Close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
        Binding("home", "scroll(-100000)", "Top", show=False),
        Binding("end", "scroll(100000)", "Bottom", show=False),
    ]

    def __init__(self, title: str, build: Build, every: float | None = None) -> None:
        """Take the lines from `build`, and again after each `every` seconds; None if they do not change."""
        super().__init__(classes="sheet")
        self._title = title
        self._every = every
        self.page = PageBody(build)

    def compose(self) -> ComposeResult:
        """Put the page in a scrolling frame."""
        with VerticalScroll(id="sheet", can_focus=False) as frame:
            frame.border_title = Content(shown(f" {self._title} "))
            frame.border_subtitle = Content(shown(" Esc closes "))
            yield self.page

    def on_mount(self) -> None:
        """Keep a page that changes up to date."""
        if self._every is not None:
            self.set_interval(self._every, self.page.rebuild)

    def action_scroll(self, lines: int) -> None:
        """Scroll by that many lines."""
        frame = self.query_one("#sheet", VerticalScroll)
        frame.scroll_relative(y=lines, animate=False)

    async def action_dismiss(self, result: None = None) -> None:
        """Close the page."""
        self.dismiss(None)
