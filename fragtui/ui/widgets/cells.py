"""Fitting text into terminal cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from fragtui.ui.widgets.rows import Span

SPARKS = "▁▂▃▄▅▆▇█"


def cells_of(text: str) -> int:
    """Return how many cells a text takes."""
    # Nearly every text is ASCII, and is asked for some hundred times a tick.
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int) -> str:
    """Return the text in exactly `width` cells, cut with an ellipsis if it is longer."""
    if width <= 0:
        return ""
    if (length := cells_of(text)) <= width:
        return text + " " * (width - length)
    return set_cell_size(text, width - 1) + "…"


def fit_right(text: str, width: int) -> str:
    """Return the text in exactly `width` cells, against the right."""
    length = cells_of(text)
    return " " * (width - length) + text if length <= width else fit(text, width)


def spans_width(spans: tuple[Span, ...] | list[Span]) -> int:
    """Return how many cells the spans take."""
    return sum(cells_of(text) for text, _ in spans)


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Return the text in at most `lines` lines of `width` cells, broken at spaces, the last one cut if need be."""
    rows: list[str] = []
    rest = text
    while rest and len(rows) < lines:
        if cells_of(rest) <= width:
            rows.append(rest)
            return rows
        if len(rows) == lines - 1:
            rows.append(fit(rest, width))
            return rows
        cut = set_cell_size(rest, width).rstrip("\x00")
        space = cut.rfind(" ") if not rest[len(cut) : len(cut) + 1].isspace() else len(cut)
        at = space if space > 0 else len(cut)
        rows.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return rows


def bar_cells(share: float, width: int) -> int:
    """Return the whole cells of a bar of `share` (0..1); anything above nothing shows.

    A part of a cell at its end would be full height and touch the row above.
    """
    return max(1, round(min(1.0, share) * width)) if share > 0 else 0
