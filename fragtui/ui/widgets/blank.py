"""What lies under the panels: nothing but a colour."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class BlankBackground(Widget):
    """A widget without border and words of its own, which costs no more than one blank line at each update."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return blank lines."""
        strip = Strip.blank(crop.width, self.visual_style.rich_style)
        for each in self.get_line_filters():
            strip = strip.apply_filter(each, self.background_colors[1])
        return [strip] * crop.height
