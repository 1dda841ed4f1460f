"""A screen over the main screen, which continues behind it."""

from __future__ import annotations

from typing import Generic, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from textual.await_complete import AwaitComplete
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen

from fragtui.ui.notices import Notice
from fragtui.ui.widgets.rows import LinesWidget
from fragtui.ui.widgets.stylesheet import stylesheet

T = TypeVar("T")


class _Behind:
    """What Textual draws of the screen behind a dialog, all in one colour."""

    def __init__(self, behind: BackgroundScreen) -> None:
        self._behind = behind

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = LinesWidget.paint.style("behind")
        for text, _, control in console.render(self._behind, options):
            yield Segment(text, None if control else style, control)


class ModalPanel(ModalScreen[T], Generic[T]):
    """A screen over the main one, with the styles that only such screens need: the first bars don't load them."""

    CSS = stylesheet("modal.tcss")
    SCOPED_CSS = False

    def show_notice(self, notice: Notice) -> None:
        """Show a notice that is about this screen; for those that hide the main screen's line of messages."""

    def render(self) -> RenderableType:
        """Return the screen behind, which goes on, in one grey."""
        behind = super().render()
        return _Behind(behind) if isinstance(behind, BackgroundScreen) else behind

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with that result, unless the screen is already closed or covered by another.

        Textual pops whatever screen is on top, and raises ScreenStackError if that is the last one: two keys in one
        burst, a key and a click, or a button's message that arrives late are enough.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()
