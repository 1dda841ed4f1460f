"""The one way in which panels draw: lines of spans, of which only the changed ones are painted again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from fragtui.ui.widgets.cells import cells_of
from fragtui.ui.widgets.glyphs import to_ascii
from fragtui.ui.widgets.resilient import survive

Span = tuple[str, str]
"""A text and the name of its style, one of `STYLES`."""

STYLES = (
    *("text", "dim", "title", "focus", "good", "warn", "bad", "held", "accent", "key", "ghost", "cursor", "target"),
    *("heat-none", "heat-held", "heat-few", "heat-some", "heat-many"),
    *("badge-good", "badge-warn", "badge-bad", "badge-unknown"),
    *("unmovable", "movable", "reclaimable", "other"),
)


class Line(NamedTuple):
    """One line of a panel; the chosen one is drawn with the cursor's background."""

    spans: tuple[Span, ...]
    chosen: bool = False


_EMPTY = Line(())
_style_name = itemgetter(1)


def shown(text: str) -> str:
    """Return a text as the terminal can show it."""
    return to_ascii(text) if LinesWidget.to_ascii else text


def line(*spans: Span, chosen: bool = False) -> Line:
    """Return a line of those spans."""
    return Line(spans, chosen)


def _cut(strip: Strip, width: int) -> Strip:
    """Return a longer strip in that width, with an ellipsis where words are missing."""
    if width < 2 or not strip.crop(width).text.strip():
        return strip.adjust_cell_length(width)
    *_, last = kept = list(strip.adjust_cell_length(width - 1))
    return Strip([*kept, Segment(shown("…"), last.style)], width)


class Palette(Widget):
    """Holds the styles for all lines of a screen; each screen has one, which is not visible.

    If they were component classes of each panel, Textual would compute all of them for each panel, and if they were the
    screen's, at every change of the screen: a fifth of the time to the first bars.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{name}" for name in STYLES}


class LinesWidget(Widget):
    """A widget that draws lines which a subclass builds whole in `build`, from data that it was given before.

    It has no border and no padding: `render_lines` draws none.
    """

    to_ascii: ClassVar[bool] = False
    """Whether glyphs are drawn as ASCII signs; set once, at the start."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._lines: tuple[Line, ...] = ()
        self._styles: dict[tuple[str, bool], Style] = {}
        self._drawn: dict[int, tuple[Line, Strip]] = {}
        """The drawn lines by their positions, as long as the lines and `_drawn_for` stay the same."""
        self._drawn_for: tuple[object, ...] = ()

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines for a size in cells; those beyond `height` are not drawn."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Build the lines again and repaint those that differ."""
        width, height = self.outer_size
        if not width or not height:
            return
        before, built = self._lines, self._built(width, height)
        same = [old == new for old, new in zip(before, built, strict=False)]
        # The same line object is not drawn again.
        self._lines = tuple(old if kept else new for kept, old, new in zip(same, before, built, strict=False))
        self._lines += built[len(same) :]
        same += [False] * abs(len(before) - len(built))
        changed = [Region(0, y, width, 1) for y, kept in enumerate(same) if not kept]
        if changed:
            self.refresh(*changed)

    def _built(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the lines, or one that reports that they could not be built: the other panels continue."""
        try:
            return tuple(self.build(width, height))[:height]
        except Exception as fault:
            survive(self, fault)
            return (line((f" unavailable: fragtui failed to draw this ({type(fault).__name__})", "bad")),)

    def on_resize(self) -> None:
        """Fit the lines to the new size."""
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
        width = self.outer_size.width
        filters = self.get_line_filters()
        if (drawn_for := (width, self.visual_style.rich_style, *filters)) != self._drawn_for:
            self._drawn_for = drawn_for
            self._forget()
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
        for name, spans in groupby(content.spans, _style_name):
            text = "".join([text for text, _ in spans])
            drawn = shown(text)
            used += cells_of(drawn)
            segments.append(Segment(drawn, self._style(name, content.chosen)))
        if used < width:
            segments.append(Segment(" " * (width - used), self._style("text", content.chosen)))
        strip = Strip(segments, max(used, width))
        return strip if used <= width else _cut(strip, width)

    def notify_style_update(self) -> None:
        """Forget the styles: the theme has changed."""
        self._forget()
        super().notify_style_update()

    def _forget(self) -> None:
        self._styles.clear()
        self._drawn.clear()

    def _style(self, name: str, chosen: bool = False) -> Style:
        """Return the screen's style of that name over this widget's ground, or over the cursor's, as it is written."""
        if (style := self._styles.get((name, chosen))) is None:
            style = self._over_ground(name)
            if chosen and not name.startswith(("badge", "heat")):
                style += Style.from_color(None, self._over_ground("cursor").bgcolor)
            for each in self.get_line_filters():
                style = each.apply([Segment(" ", style)], self.background_colors[1])[0].style or style
            self._styles[name, chosen] = style
        return style

    def _over_ground(self, name: str) -> Style:
        if name == "text":
            return self.visual_style.rich_style
        named = self.screen.query_one(Palette).get_component_styles(f"rows--{name}")
        _, _, ground, colour = self.colors
        if named.has_rule("background"):
            ground += named.background
        if named.has_rule("color"):
            colour = named.color
        return Style.from_color((ground + colour).rich_color, ground.rich_color) + named.text_style
