"""Markdown: tables that are aligned as text too, escapes, and a page as a terminal shows it, without the markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from fragtui.render.terminal_text import Line, Role, cells, padded, table, wrapped
from fragtui.text import HARD_SPACE

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")
_ESCAPE = re.compile(r"\\([\\`*_\[\]<>|#~])")
_BOLD = re.compile(r"\*\*((?:[^*\\]|\\.)+)\*\*")
_CODE = re.compile(r"(?<!\\)`")
_ITEM = re.compile(r" *- ")
_CELL_END = re.compile(r"(?<!\\)\|")
_INDENT = 2


def escaped(text: str) -> str:
    """Return the text so that nothing in it is markup."""
    return _SPECIAL.sub(r"\\\1", text).replace(HARD_SPACE, " ")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose cells are escaped already; short rows are filled up."""
    filled = [[*row, *[""] * (len(head) - len(row))] for row in (head, *rows)]
    widths = [max(3, *(cells(row[place]) for row in filled)) for place in range(len(head))]
    rule = ["-" * width for width in widths]
    return [
        f"| {' | '.join(padded(cell, width) for cell, width in zip(row, widths, strict=True))} |"
        for row in (filled[0], rule, *filled[1:])
    ]


def on_terminal(page: str, width: int) -> list[Line]:
    """Return the lines of a page of this module's Markdown for a terminal: wrapped, without markup."""
    lines: list[Line] = []
    for is_table, block in groupby(page.removesuffix("\n").split("\n"), key=lambda text: text.startswith("|")):
        if is_table:
            lines += _table(list(block), width)
            continue
        for text in block:
            if text.startswith("#"):
                lines += wrapped(_plain(text.lstrip("# ")), width, Role.TITLE)
            else:
                lines += _prose(text, width) if text else [()]
    return lines


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", _CODE.sub("", text))


def _table(rows: Sequence[str], width: int) -> list[Line]:
    """Return a table in columns; with too little room each row as a paragraph that begins with its first cell."""
    head, _, *body = [[_plain(cell.strip()) for cell in _CELL_END.split(row)[1:-1]] for row in rows]
    columns = [max(cells(row[place]) for row in (head, *body)) for place in range(len(head))]
    if sum(columns) + 2 * len(columns) - 2 <= width:
        return table(head, [[(cell, Role.TEXT) for cell in row] for row in body], width, widest=width)
    lines: list[Line] = []
    for first, *others in body:
        named = [f"{label}: {cell}" for label, cell in zip(head[1:], others, strict=True) if cell]
        lines += [*wrapped(first, width, Role.TITLE), *wrapped("; ".join(named), width, indent=_INDENT)]
    return lines


def _prose(text: str, width: int) -> list[Line]:
    """Return a paragraph or an item of a list, wrapped; what is bold at its beginning is a title."""
    item = _ITEM.match(text)
    mark = item[0] if item else ""
    body = text[len(mark) :]
    bold = _BOLD.match(body)
    title = _plain(bold[1]) if bold else ""
    lines = wrapped(_plain(_BOLD.sub(r"\1", body)), width, indent=len(mark))
    first = lines[0][-1][0]
    start = title if first.startswith(title) else first
    parts = ((mark, Role.TEXT), (start, Role.TITLE if title else Role.TEXT), (first.removeprefix(start), Role.TEXT))
    return [tuple(part for part in parts if part[0]), *lines[1:]]
