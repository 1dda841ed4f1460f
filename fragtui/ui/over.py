"""What is laid over the main screen, which goes on behind it."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.screen import ModalScreen

from fragtui.ui.stylesheet import stylesheet

T = TypeVar("T")


class Over(ModalScreen[T], Generic[T]):
    """A screen over the main one, with the styles that only such screens need: the first bars don't wait for them."""

    CSS = stylesheet("over.tcss")
    SCOPED_CSS = False
