"""The one way in which panels draw: lines of spans, of which only the changed ones are painted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from fragtui.ui.terminal import in_ascii

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


def framed(text: str) -> str:
    """Return a frame's title as the terminal can show it."""
    return in_ascii(text) if Rows.in_ascii else text


def line(*spans: Span, chosen: bool = False) -> Line:
    """Return a line of those spans."""
    return Line(spans, chosen)


class Palette(Widget):
    """Holds the styles for all lines of a screen, which has one of it, unseen.

    Were they component classes of each panel, Textual would reckon all of them for each panel, and were they the
    screen's, at every change of the screen: a fifth of the time to the first bars.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{name}" for name in STYLES}


class Rows(Widget):
    """A widget that draws lines which a subclass builds whole in `build`, from data that it was given before."""

    in_ascii: ClassVar[bool] = False
    """Whether glyphs are drawn as ASCII signs; set once, at the start."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._lines: tuple[Line, ...] = ()
        self._styles: dict[str, Style] = {}

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines for a place of that size in cells; those beyond `height` are not drawn."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Build the lines again and repaint those that differ."""
        width, height = self.size
        if not width or not height:
            return
        lines = tuple(self.build(width, height))[:height]
        before, self._lines = self._lines, lines
        changed = [
            Region(0, y, width, 1)
            for y in range(max(len(before), len(lines)))
            if y >= len(before) or y >= len(lines) or before[y] != lines[y]
        ]
        if changed:
            self.refresh(*changed)

    def on_resize(self) -> None:
        """Fit the lines to the new size."""
        self.rebuild()
        self.refresh()

    def on_focus(self) -> None:
        """Show that keys come here."""
        self.rebuild()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self.rebuild()

    def render_line(self, y: int) -> Strip:
        """Return one line, cut and filled to the width in cells."""
        width = self.size.width
        base = self.visual_style.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, base)
        spans, chosen = self._lines[y]
        cursor = self._style("cursor") if chosen else None
        if Rows.in_ascii:
            spans = tuple((in_ascii(text), name) for text, name in spans)
        segments = [Segment(text, self._span_style(name, base, cursor)) for text, name in spans]
        return Strip(segments).adjust_cell_length(width, base if cursor is None else base + cursor)

    def _span_style(self, name: str, base: Style, cursor: Style | None) -> Style:
        style = base if name == "text" else self._style(name)
        if cursor is None or name.startswith(("badge", "heat")):
            return style
        return style + Style.from_color(None, cursor.bgcolor)

    def notify_style_update(self) -> None:
        """Forget the styles: the theme has changed."""
        self._styles.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        """Return the screen's style of that name over this widget's ground."""
        if (style := self._styles.get(name)) is None:
            named = self.screen.query_one(Palette).get_component_styles(f"rows--{name}")
            _, _, ground, colour = self.colors
            if named.has_rule("background"):
                ground += named.background
            if named.has_rule("color"):
                colour = named.color
            style = Style.from_color((ground + colour).rich_color, ground.rich_color) + named.text_style
            self._styles[name] = style
        return style
