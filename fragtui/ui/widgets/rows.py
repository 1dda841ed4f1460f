"""The one way in which panels draw: lines of spans, of which only the changed ones are painted again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from fragtui.ui.widgets.cells import cells_of
from fragtui.ui.widgets.glyphs import GlyphSet, Tones, in_glyphs, tones
from fragtui.ui.widgets.paint import Depth, Paint
from fragtui.ui.widgets.palette import THEMES
from fragtui.ui.widgets.resilient import survive

Span = tuple[str, str]
"""A text and its role in the palette (`palette.py`)."""


EDGES = frozenset(("border", "focus"))
"""Roles of a panel's frame, which stays outside the ground of a chosen line."""


class Line(NamedTuple):
    """One line of a panel; `ground` is the place that it stands on, if not that of its widget."""

    spans: tuple[Span, ...]
    ground: str | None = None


_EMPTY = Line(())
_role = itemgetter(1)


def shown(text: str) -> str:
    """Return a text as the terminal can show it."""
    return in_glyphs(text, LinesWidget.glyph_set)


def bar_tones() -> Tones:
    """Return the cells of bars."""
    return tones(LinesWidget.glyph_set, LinesWidget.paint.depth is not Depth.NONE)


def line(*spans: Span, chosen: bool = False, asked: bool = False) -> Line:
    """Return a line of those spans; the chosen one is selected, `asked` is the row of the size that was asked for."""
    return Line(spans, "selected" if chosen else "target" if asked else None)


def _cut(strip: Strip, width: int) -> Strip:
    """Return a longer strip in that width, with an ellipsis where words are missing."""
    if width < 2 or not strip.crop(width).text.strip():
        return strip.adjust_cell_length(width)
    *_, last = kept = list(strip.adjust_cell_length(width - 1))
    return Strip([*kept, Segment(shown("…"), last.style)], width)


class LinesWidget(Widget):
    """A widget that draws lines which a subclass builds whole in `build`, from data that it was given before.

    It has no border and no padding: `render_lines` draws none.
    """

    paint: ClassVar[Paint] = Paint(THEMES[0], Depth.TRUE)
    """The colours; set at the start, and when the theme changes."""
    glyph_set: ClassVar[GlyphSet] = GlyphSet.UNICODE
    """The glyphs; set at the start."""
    ground: ClassVar[str] = "screen"
    """The place that lines stand on: one of `GROUNDS`."""

    @property
    def follows_samples(self) -> bool:
        """Whether a new sample may change the lines, by what it read or by ages in seconds."""
        return True

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._lines: tuple[Line, ...] = ()
        self._early: Size | None = None
        """The size for which the first frame built the lines, until that size's event."""
        self._drawn: dict[int, tuple[Line, Strip]] = {}
        """The drawn lines by their positions, as long as the lines and `_drawn_for` stay the same."""
        self._drawn_for: tuple[object, ...] = ()

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines for a size in cells; those beyond `height` are not drawn."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Build the lines again and repaint those that differ."""
        if changed := self.rebuilt():
            self.refresh(*changed)

    def rebuilt(self) -> list[Region]:
        """Build the lines again and return the regions of those that differ, which the caller is to repaint."""
        width, height = self.outer_size
        if not width or not height:
            return []
        before, built = self._lines, self._built(width, height)
        same = [old == new for old, new in zip(before, built, strict=False)]
        # The same line object is not drawn again.
        self._lines = tuple(old if kept else new for kept, old, new in zip(same, before, built, strict=False))
        self._lines += built[len(same) :]
        same += [False] * abs(len(before) - len(built))
        return [Region(0, y, width, 1) for y, kept in enumerate(same) if not kept]

    def _built(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the lines, or one that reports that they could not be built: the other panels continue."""
        try:
            return tuple(self.build(width, height))[:height]
        except Exception as fault:
            survive(self, fault)
            return (line((f" unavailable: fragtui failed to draw this ({type(fault).__name__})", "bad")),)

    def on_resize(self) -> None:
        """Fit the lines to the new size, unless the first frame has done so."""
        early, self._early = self._early, None
        if early != self.outer_size:
            self.rebuild()
            self.refresh()

    def on_focus(self) -> None:
        """Draw the panel as focused."""
        self.rebuild()

    def on_blur(self) -> None:
        """Draw the panel as not focused."""
        self.rebuild()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a part, those that have not changed as they were drawn before.

        Textual's own method checks border, padding, opacity, hatch and links for every line of every widget at every
        update, and makes four strips of each new line: together a third of a tick's time on the screen's thread.
        """
        width, height = self.outer_size
        if not self._lines:
            # The first frame comes before its sizes' events: it would be empty, 10 ms of CPU before the first bars.
            self._early = self.outer_size
            self._lines = self._built(width, height)
        if (drawn_for := (width, self.paint, self.glyph_set)) != self._drawn_for:
            self._drawn_for = drawn_for
            self._drawn.clear()
        strips = [self._strip(y, width) for y in crop.line_range]
        return strips if crop.column_span == (0, width) else [strip.crop(*crop.column_span) for strip in strips]

    def _strip(self, y: int, width: int) -> Strip:
        content = self._lines[y] if y < len(self._lines) else _EMPTY
        drawn = self._drawn.get(y)
        if drawn is not None and drawn[0] is content:
            return drawn[1]
        strip = self._draw(content, width)
        self._drawn[y] = content, strip
        return strip

    def _draw(self, content: Line, width: int) -> Strip:
        """Return one line, cut and filled to the width in cells."""
        segments: list[Segment] = []
        used = 0
        style, ground = self.paint.style, content.ground or self.ground
        for role, spans in groupby(content.spans, _role):
            if text := shown("".join([text for text, _ in spans])):
                used += cells_of(text)
                segments.append(Segment(text, style(role, self.ground if role in EDGES else ground)))
        if used < width:
            segments.append(Segment(" " * (width - used), style("text", ground)))
        strip = Strip(segments, max(used, width))
        return strip if used <= width else _cut(strip, width)
