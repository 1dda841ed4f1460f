"""Lines for a terminal or a pipe: parts with a role, wrapped to a width, coloured in one place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum

from fragtui.text import HARD_SPACE, with_units

_GAP = 2
_MAX_COLUMN = 24
"""Cells of a column that is not the last."""
_MIN_LAST = 12


class Role(StrEnum):
    """What a part of a line is; the value is its colour as the parameters of ``ESC[…m``, for light and dark grounds."""

    TEXT = ""
    TITLE = "1"
    MUTED = "2"
    BAD = "1;31"
    WARN = "33"
    GOOD = "32"
    UNKNOWN = "35"


Span = tuple[str, Role]
Line = tuple[Span, ...]
EMPTY: Line = ()


def painted(line: Line, *, colour: bool) -> str:
    """Return a line as text, with or without colour."""
    if not colour:
        return "".join(text for text, _ in line)
    return "".join(f"\x1b[{role}m{text}\x1b[0m" if role else text for text, role in line)


def cells(text: str) -> int:
    """Return how many columns a printable text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def padded(text: str, width: int) -> str:
    """Return the text filled up with spaces to a width in columns."""
    return text + " " * max(0, width - cells(text))


def wrapped(text: str, width: int, role: Role = Role.TEXT, indent: int = 0, label: str = "") -> list[Line]:
    """Return the text in lines of at most `width` columns; a word that is longer has a line of its own.

    `label` stands in the first line within the indentation, as a title. A `HARD_SPACE` joins words of one line and
    becomes a space.
    """
    room = max(1, width - indent)
    rows: list[str] = []
    used = room + 1
    for word in with_units(text).split(" "):
        if not word:
            continue
        size = cells(word)
        if used + 1 + size > room:
            rows.append(word)
            used = size
        else:
            rows[-1] += " " + word
            used += 1 + size
    starts: list[Span] = [(" " * indent, Role.TEXT)] * len(rows)
    if label and rows:
        starts[0] = (padded(label, indent), Role.TITLE)
    lines = zip(starts, rows, strict=True)
    return [(*([start] if indent else []), (row.replace(HARD_SPACE, " "), role)) for start, row in lines]


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Span]],
    width: int,
    right: Iterable[int] = (),
    widest: int = _MAX_COLUMN,
) -> list[Line]:
    """Return a table with two spaces between columns; the last column is wrapped below itself.

    `right` are the columns whose cells are aligned to the right; a cell that is wider than `widest` moves the rest of
    its row.
    """
    listed = list(rows)
    places = frozenset(right)
    last = len(head) - 1
    widths = [
        max(cells(title), *(min(widest, cells(row[place][0])) for row in listed), 0)
        for place, title in enumerate(head[:last])
    ]
    before = sum(widths) + _GAP * last
    longest = max((cells(row[last][0]) for row in listed), default=0)
    # Without room for a few words the last column has lines of its own, below the others.
    own_lines = width - before < min(_MIN_LAST, max(longest, cells(head[last])))
    lines: list[Line] = []
    for row in ([(title, Role.MUTED) for title in head], *listed):
        text, role = row[last]
        if own_lines:
            lines += [_row(row[:last], widths, places, EMPTY), *wrapped(text, width, role, indent=4)]
        else:
            first, *more = wrapped(text, width - before, role) or [EMPTY]
            lines.append(_row(row[:last], widths, places, first))
            lines += [((" " * before, Role.TEXT), *line) for line in more]
    return lines


def _row(row: Sequence[Span], widths: Sequence[int], right: frozenset[int], last: Line) -> Line:
    spans: list[Span] = []
    for place, ((text, role), width) in enumerate(zip(row, widths, strict=True)):
        fill = " " * max(0, width - cells(text))
        before, after = (fill, "") if place in right else ("", fill)
        spans += [(before, Role.TEXT), (text, role), (after + " " * _GAP, Role.TEXT)]
    return _stripped((*spans, *last))


def _stripped(line: Line) -> Line:
    """Return the line without spaces at its end and without empty parts."""
    spans = [span for span in line if span[0]]
    while spans and not spans[-1][0].strip():
        spans.pop()
    return tuple(spans)
