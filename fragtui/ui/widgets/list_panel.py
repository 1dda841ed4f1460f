"""A panel that lists things under a heading, with a cursor that follows the newest until it is moved."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from fragtui.ui.widgets.cells import fit, spans_width
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line

T = TypeVar("T")


class ListPanel(LinesWidget, Generic[T], can_focus=True):
    """Rows of items under a heading; `newest_last` has the view stand at the end and follow it."""

    newest_last = False

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._cursor: int | None = None

    @abstractmethod
    def items(self) -> Sequence[T]:
        """Return what is listed now, top to bottom."""

    @abstractmethod
    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the heading after the panel's name is drawn in its style."""

    @abstractmethod
    def row(self, item: T, width: int) -> tuple[Span, ...]:
        """Return one item's line."""

    def empty(self, width: int) -> Sequence[Line]:
        """Return what stands under the heading where nothing is listed."""
        return ()

    @property
    def chosen(self) -> T | None:
        """The item under the cursor, the newest while the cursor follows; None if there is none."""
        items = self.items()
        return items[self._at(len(items))] if items else None

    def move(self, step: int) -> None:
        """Move the cursor; at the newest end it follows again."""
        count = len(self.items())
        if not count:
            return
        at = max(0, min(self._at(count) + step, count - 1))
        newest = count - 1 if self.newest_last else 0
        self._cursor = None if at == newest else at
        self.rebuild()

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the heading and the rows around the cursor."""
        style = "focus" if self.has_focus else "title"
        spans = self.heading(width)
        spans = tuple((text, style if name == "title" else name) for text, name in spans)
        rows = [line(*spans, (" " * max(0, width - spans_width(spans)), "text"))]
        items = self.items()
        room = height - 1
        if not items:
            return [*rows, *self.empty(width)]
        at = self._at(len(items))
        if room <= 0:
            return rows
        first = self._first(at, len(items), room)
        shown = range(first, min(len(items), first + room))
        rows += [line(*self.row(items[n], width), chosen=self.has_focus and n == at) for n in shown]
        return rows

    def _at(self, count: int) -> int:
        if self._cursor is None:
            return count - 1 if self.newest_last else 0
        return max(0, min(self._cursor, count - 1))

    def _first(self, at: int, count: int, room: int) -> int:
        if self._cursor is None:
            return max(0, count - room) if self.newest_last else 0
        return max(0, min(at - room // 2, count - room))


def columns(*cells: tuple[str, int, str]) -> tuple[Span, ...]:
    """Return spans of texts fitted into their widths, a blank between them."""
    return tuple((fit(text, width) + " ", style) for text, width, style in cells)
