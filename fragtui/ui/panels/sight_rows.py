"""The line of an empty list in the style of what it means: a tick is green, unknown is not, nothing here is neither."""

from __future__ import annotations

from fragtui.model.node.source_state import Sight
from fragtui.render.source_text import SightLine
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.rows import Line, line

SIGHT_STYLES = {Sight.LOOKED: "good", Sight.BLIND: "unknown", Sight.NOTHING: "muted", Sight.PENDING: "muted"}


def sight_style(words: SightLine) -> str:
    """Return the style of the line; none without its proof, in an older recording, is not green."""
    proven = words.sight is not Sight.LOOKED or words.text.startswith("✓")
    return SIGHT_STYLES[words.sight] if proven else "muted"


def sight_rows(words: SightLine, width: int) -> list[Line]:
    """Return the line, wrapped to at most 3 rows."""
    return [line((f" {row}", sight_style(words))) for row in wrap(words.text, width - 2, 3)]
