"""Lines that fit any width by leaving whole facts out, never by cutting a number, a unit or the end of a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from unicodedata import category, east_asian_width

_ELLIPSIS = "…"
_MIN_NAME = 9
"""Cells below which no name is shortened: fewer tell nothing."""


class Span(NamedTuple):
    """A text and its role: ``strong`` for facts, ``text``, ``key``, ``good``, ``unknown``, or ``name``.

    A name is a fact that may be shortened in its middle.
    """

    text: str
    role: str = "text"


Spans = tuple[Span, ...]


def strong(text: str) -> Span:
    """Return a fact."""
    return Span(text, "strong")


def name(text: str) -> Span:
    """Return a name from outside."""
    return Span(text, "name")


def spans(*parts: str | Span) -> Spans:
    """Return the parts as spans; a plain string is normal text."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def plain(line: Iterable[Span]) -> str:
    """Return the text of a line."""
    return "".join(span.text for span in line)


def cells_in(text: str) -> int:
    """Return how many cells of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if category(sign) in ("Mn", "Me") else 1 + (east_asian_width(sign) in "WF") for sign in text)


def cells_of_spans(line: Iterable[Span]) -> int:
    """Return how many cells a line takes."""
    return sum(cells_in(span.text) for span in line)


def shortened(text: str, width: int) -> str:
    """Return a name in at most `width` cells: its beginning and its end, which tells pods of one set apart."""
    if cells_in(text) <= width:
        return text
    tail_width = min(12, max(1, (width - 1) * 2 // 3))
    tail = _taken(reversed(text), tail_width)[::-1]
    return f"{_taken(text, width - 1 - cells_in(tail))}{_ELLIPSIS}{tail}"


def _taken(signs: Iterable[str], width: int) -> str:
    taken, used = "", 0
    for sign in signs:
        used += cells_in(sign)
        if used > width:
            break
        taken += sign
    return taken


def fitted(variants: Sequence[Spans], width: int) -> Spans:
    """Return the first variant that fits in `width` cells, else the last one with its names shortened."""
    for variant in variants:
        if cells_of_spans(variant) <= width:
            return variant
    return _with_short_names(variants[-1], width)


def _with_short_names(line: Spans, width: int) -> Spans:
    excess = cells_of_spans(line) - width
    result = list(line)
    # The longest name gives way first.
    for index in sorted(range(len(line)), key=lambda place: -cells_in(line[place].text)):
        if excess <= 0 or line[index].role != "name":
            continue
        cells = cells_in(line[index].text)
        text = shortened(line[index].text, max(_MIN_NAME, cells - excess))
        excess -= cells - cells_in(text)
        result[index] = line[index]._replace(text=text)
    return tuple(result)
