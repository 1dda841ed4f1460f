"""A screen over the main screen, which continues behind it."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from fragtui.ui.widgets.stylesheet import stylesheet

T = TypeVar("T")


class ModalPanel(ModalScreen[T], Generic[T]):
    """A screen over the main one, with the styles that only such screens need: the first bars don't load them."""

    CSS = stylesheet("modal.tcss")
    SCOPED_CSS = False

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with that result, unless the screen is already closed or covered by another.

        Textual pops whatever screen is on top, and raises ScreenStackError if that is the last one: two keys in one
        burst, a key and a click, or a button's message that arrives late are enough.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()
