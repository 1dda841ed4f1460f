"""Fitting text into terminal cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from fragtui.text import HARD_SPACE, with_units
from fragtui.ui.widgets.glyphs import GLYPHS

if TYPE_CHECKING:
    from fragtui.ui.widgets.rows import Span

SPARKS = "▁▂▃▄▅▆▇█"
_ONE_CELL = GLYPHS.union(map(chr, range(32, 127)))
"""Rich would look each character of a text with one of the glyphs up in a table."""


def cells_of(text: str) -> int:
    """Return how many cells a text takes."""
    # Nearly every text is ASCII, and is asked for some hundred times a tick.
    return len(text) if text.isascii() or _ONE_CELL.issuperset(text) else cell_len(text)


def fit(text: str, width: int) -> str:
    """Return the text in exactly `width` cells, cut with an ellipsis if it is longer."""
    if width <= 0:
        return ""
    if (length := cells_of(text)) <= width:
        return text + " " * (width - length)
    return set_cell_size(text, width - 1) + "…"


def fit_clauses(text: str, width: int, marks: str = ".;") -> str:
    """Return the text in exactly `width` cells; a longer one ends at one of the `marks`: no number is cut."""
    ends = [at for at in range(len(text), 0, -1) if text[at - 1] in marks and text[at : at + 1] in ("", " ")]
    whole = (text[:end].rstrip(";,") for end in ends)
    return fit(next((part for part in (text, *whole) if cells_of(part) <= width), text), width)


_TAIL = 12
"""Last characters of a name that stay: the hash and the number that distinguish the pods of one deployment."""


def fit_name(name: str, width: int) -> str:
    """Return ``namespace/name`` or any name in exactly `width` cells; a longer one keeps its end.

    The ellipsis is inside, in the namespace too if that is long: ``payments-prod…/checkout…7f9c-x007z``.
    """
    if cells_of(name) <= width:
        return fit(name, width)
    namespace, slash, rest = name.rpartition("/")
    if slash and width >= 2 * _TAIL:
        room = max(width // 3, width - 1 - cells_of(rest))
        head = namespace if cells_of(namespace) <= room else fit(namespace, room)
        return f"{head}/{_fit_middle(rest, width - 1 - cells_of(head))}"
    return _fit_middle(name, width)


def _fit_middle(text: str, width: int) -> str:
    if cells_of(text) <= width:
        return fit(text, width)
    tail = text[-min(_TAIL, max(0, width - 2)) :] if width > 2 else ""
    while tail and cells_of(tail) > width - 2:
        tail = tail[1:]
    return fit(text, width - cells_of(tail)) + tail


def fit_path(path: str, width: int) -> str:
    """Return a path in exactly `width` cells; a longer one keeps its end, if possible from a slash on."""
    if cells_of(path) <= width or width < 2:
        return fit(path, width)
    end = path[-(width - 1) :]
    while cells_of(end) > width - 1:
        end = end[1:]
    slash = end.find("/", 0, -1)
    return fit("…" + end[max(0, slash) :], width)


def fit_right(text: str, width: int) -> str:
    """Return the text in exactly `width` cells, against the right."""
    length = cells_of(text)
    return " " * (width - length) + text if length <= width else fit(text, width)


def spans_width(spans: Sequence[Span]) -> int:
    """Return how many cells the spans take."""
    width = 0
    for text, _ in spans:
        width += len(text) if text.isascii() else cells_of(text)
    return width


def fit_spans(left: Sequence[Span], right: Sequence[Span], width: int) -> tuple[Span, ...]:
    """Return a line of `width` cells, `right` at its end; what is too long is cut from the end of `left`."""
    room = max(0, width - spans_width(right))
    if (used := spans_width(left)) <= room:
        return (*left, (" " * (room - used), "text"), *right)
    spans: list[Span] = []
    for text, style in left:
        if (cells := cells_of(text)) >= room:
            spans.append((set_cell_size(text, room - 1) + "…" if room else "", style))
            break
        spans.append((text, style))
        room -= cells
    return (*spans, *right)


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Return the text in at most `lines` lines of `width` cells, broken at spaces, the last one cut if need be.

    No line ends between a number and its unit.
    """
    rows: list[str] = []
    rest = text if cells_of(text) <= width else with_units(text)
    while rest and len(rows) < lines:
        if cells_of(rest) <= width:
            rows.append(rest)
            break
        if len(rows) == lines - 1:
            rows.append(fit(rest, width))
            break
        cut = set_cell_size(rest, width).rstrip("\x00")
        space = cut.rfind(" ") if rest[len(cut) : len(cut) + 1] != " " else len(cut)
        at = space if space > 0 else len(cut)
        rows.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [row.replace(HARD_SPACE, " ") for row in rows]


def bar_cells(share: float, width: int) -> int:
    """Return the whole cells of a bar of `share` (0..1); anything above nothing shows.

    A part of a cell at its end would be full height and touch the row above.
    """
    return max(1, round(min(1.0, share) * width)) if share > 0 else 0
