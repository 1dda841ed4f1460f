"""What is laid over the main screen, which goes on behind it."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import ModalScreen
from textual.widgets import OptionList

from fragtui.ui.stylesheet import stylesheet

T = TypeVar("T")


class Over(ModalScreen[T], Generic[T]):
    """A screen over the main one, with the styles that only such screens need: the first bars don't wait for them."""

    CSS = stylesheet("over.tcss")
    SCOPED_CSS = False

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with that result, unless the screen is closed already or covered by another.

        Textual pops whatever screen is on top, and raises ScreenStackError if that is the last one: two keys in one
        burst, a key and a click, or a button's message that arrives late are enough.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Commands(CommandPalette):
    """Textual's command palette."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close, unless the palette is closed already or covered: see `Over`."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ignore keys of the list while it has no room on screen: Textual's `OptionList` raises KeyError at them."""
        if action == "command_list" and not self.query_one(OptionList).scrollable_content_region:
            return False
        return super().check_action(action, parameters)
