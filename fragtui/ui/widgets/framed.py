"""A panel in a frame that carries its title, count and keys; on a small screen a rule in place of the frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from fragtui.ui.widgets.cells import fit_spans, spans_width
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line

Spans = tuple[Span, ...]
_MIN_TITLE = 4
"""Spans of a title and one count between blanks."""


class Framing(NamedTuple):
    """What the frame says: title and position above, a note and the panel's keys below."""

    title: Spans
    position: Spans = ()
    note: Spans = ()
    keys: Spans = ()


class FramedPanel(LinesWidget):
    """Draws what `body` returns in a frame; the dashboard sets `framed` if there is room for one."""

    framed = True
    _between: tuple[tuple[int, str], Sequence[Line], list[Line]] = ((0, ""), (), [])
    """The last width and border, the rows of the body, and those rows between the frame's sides."""

    @abstractmethod
    def framing(self, width: int) -> Framing:
        """Return what the frame says of the body that was just drawn, for a panel of that width in cells."""

    @abstractmethod
    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines inside, for that room in cells."""

    @property
    def inset(self) -> int:
        """Cells that the frame, if there is one, and the margin take on either side."""
        return 2 if self.framed else 1

    @property
    def border(self) -> str:
        """The border's style."""
        return "focus" if self.has_focus else "border"

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the frame or the rule, and the body."""
        border = self.border
        if not self.framed:
            rows = list(self.body(width - 2, height - 1))
            framing = self.framing(width)
            right = _joined(framing.position, framing.keys)
            if spans_width(framing.title) + spans_width(right) + 8 > width:
                right = framing.position or framing.keys
            rule = _edge("", framing.title, right, "", width, border)
            return [rule, *self._bordered(rows, width, "")]
        room = max(0, height - 2)
        rows = list(self.body(width - 4, room))[:room]
        rows += [line()] * (room - len(rows))
        framing = self.framing(width)
        return [
            _edge("╭", framing.title, framing.position, "╮", width, border),
            *self._bordered(rows, width, border),
            _edge("╰", framing.note, framing.keys, "╯", width, border),
        ][:height]

    def _bordered(self, rows: Sequence[Line], width: int, border: str) -> list[Line]:
        """Return the body's rows between the frame's sides; a row that is as before is not fitted again."""
        shape, before, lines = self._between
        if shape != (width, border):
            before = ()
        kept = [old == row for old, row in zip(before, rows, strict=False)] + [False] * len(rows)
        lines = [lines[y] if kept[y] else _inside(row, width, border) for y, row in enumerate(rows)]
        self._between = (width, border), rows, lines
        return lines


def _joined(left: Spans, right: Spans) -> Spans:
    return (*left, (" · ", "muted"), *right) if left and right else left or right


def _edge(start: str, left: Spans, right: Spans, end: str, width: int, border: str) -> Line:
    """Return an upper or lower edge: without room for all, the title's muted last counts go, others are cut."""
    if left:
        left = ((" ", "muted"), *left, (" ", "muted"))
    if right:
        right = ((" ", "muted"), *right, (" ", "muted"))
    room = width - 2 - len(start) - len(end)
    if spans_width(left) > room:
        left = fit_spans(left, (), room)
    spare = room - spans_width(right) - 1
    while right and len(left) > _MIN_TITLE and left[-2][1] == "muted" and spans_width(left) > spare:
        left = (*left[:-2], left[-1])
    if right and spans_width(left) > spare >= spans_width(left[:2]) + 2:
        left = fit_spans(left, (), spare)
    gap = room - spans_width(left) - spans_width(right)
    if gap < 1:
        right, gap = (), room - spans_width(left)
    return line((start + "─", border), *left, ("─" * gap, border), *right, ("─" + end, border))


def _inside(row: Line, width: int, border: str) -> Line:
    """Return a line of the body between its margins, and between the frame's sides if there is one."""
    if not border:
        return row._replace(spans=((" ", "text"), *fit_spans(row.spans, (), width - 2), (" ", "text")))
    inner = fit_spans(row.spans, (), width - 4)
    return row._replace(spans=(("│", border), (" ", "text"), *inner, (" ", "text"), ("│", border)))
