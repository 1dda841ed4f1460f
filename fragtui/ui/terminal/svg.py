"""The screen's cells as an SVG picture that every renderer places alike: browsers, librsvg, image viewers.

Renderers disagree on leading spaces, on `textLength` and on the width of a glyph that the font lacks. So each word is
placed by its column and each glyph outside ASCII by its own; block and frame characters are drawn as shapes, a run of
equal ones as one shape, so that no seams show inside a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment

CELL_WIDTH, CELL_HEIGHT = 8.4, 18.0
"""Pixels of a cell. Common monospaced fonts advance 0.6 of their size."""
_FONT_SIZE, _BASELINE = 14, 13.5
_PAD, _TITLE_HEIGHT = 10, 26
_FONTS = "'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"

_NOT_IN_XML = str.maketrans(dict.fromkeys("\ufffe\uffff", "\ufffd"))

_BLOCKS = {
    **{glyph: (1 - eighths / 8, 1.0, 1.0) for eighths, glyph in enumerate("▁▂▃▄▅▆▇█", 1)},
    **{glyph: (0.0, eighths / 8, 1.0) for eighths, glyph in enumerate("▏▎▍▌▋▊▉", 1)},
    "░": (0.0, 1.0, 0.25),
    "▒": (0.0, 1.0, 0.5),
    "▓": (0.0, 1.0, 0.75),
}
"""The part of the cell that a block fills: from which height, to which width, and how opaque."""

_FRAME = {
    "─": "M0,9h8.4",
    "│": "M4.2,0v18",
    "╭": "M4.2,18v-5a4,4 0 0 1 4,-4h.2",
    "╮": "M4.2,18v-5a4,4 0 0 0 -4,-4h-.2",
    "╰": "M4.2,0v5a4,4 0 0 0 4,4h.2",
    "╯": "M4.2,0v5a4,4 0 0 1 -4,4h-.2",
}


class Cell(NamedTuple):
    """A character at a column, `width` columns wide; the colours are CSS."""

    column: int
    width: int
    text: str
    colour: str
    ground: str
    bold: bool


def cells(segments: Iterable[Segment], colour: str, ground: str) -> Iterator[Cell]:
    """Yield the cells of a rendered line; where a segment sets no colour, it has the given ones."""
    column = 0
    for text, style, control in segments:
        if control:
            continue
        fore, back, bold = colour, ground, False
        if style is not None:
            fore, back, bold = _css(style.color, colour), _css(style.bgcolor, ground), bool(style.bold)
            if style.reverse:
                fore, back = back, fore
        for character in text:
            if width := cell_len(character):
                yield Cell(column, width, character, fore, back, bold)
            column += width


def draw(line: Sequence[Cell], ground: str) -> str:
    """Return the shapes of one line: its grounds unless they are the picture's, then what is on them."""
    shapes = []
    for fill, run in groupby(line, lambda cell: cell.ground):
        if fill != ground:
            shapes.append(_rectangle(list(run), 0, 1, fill, 1))
    for (text, colour, bold), run in groupby(line, _shape):
        some = list(run)
        x = some[0].column * CELL_WIDTH
        if text in _BLOCKS:
            top, width, opacity = _BLOCKS[text]
            if width == 1:
                shapes.append(_rectangle(some, top, width, colour, opacity))
            else:
                shapes += (_rectangle([cell], top, width, colour, opacity) for cell in some)
        elif text == "─":
            shapes.append(_path(x, f"M0,9h{len(some) * CELL_WIDTH:g}", colour))
        elif text in _FRAME:
            shapes += (_path(cell.column * CELL_WIDTH, _FRAME[text], colour) for cell in some)
        elif text != " ":
            word = "".join(cell.text for cell in some)
            weight = ' class="b"' if bold else ""
            shapes.append(f'<text x="{x:g}" y="{_BASELINE}" fill="{colour}"{weight}>{_xml(word)}</text>')
    return "".join(shapes)


def _xml(text: str) -> str:
    """Return the text for XML, which has no way to write two of Unicode's noncharacters."""
    return escape(text.translate(_NOT_IN_XML))


def document(body: str, columns: int, rows: int, title: str, ground: str, css: str = "") -> str:
    """Return the picture around drawn lines, each of which is moved down to its row."""
    width, height = columns * CELL_WIDTH + 2 * _PAD, rows * CELL_HEIGHT + _TITLE_HEIGHT + _PAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}">\n'
        f"<style>text{{font-family:{_FONTS};font-size:{_FONT_SIZE}px}}.b{{font-weight:bold}}"
        f"g rect{{shape-rendering:crispEdges}}{css}</style>\n"
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{ground}"/>\n'
        f'<text x="{width / 2:g}" y="{_TITLE_HEIGHT / 2 + 5:g}" text-anchor="middle" fill="#888888">'
        f'{_xml(title)}</text>\n<g transform="translate({_PAD},{_TITLE_HEIGHT})">\n{body}</g>\n</svg>\n'
    )


def picture(lines: Iterable[Iterable[Segment]], columns: int, title: str, colour: str, ground: str) -> str:
    """Return rendered lines as a picture; the colours are those of cells that set none."""
    rows = [placed(draw(list(cells(line, colour, ground)), ground), row) for row, line in enumerate(lines)]
    return document("".join(rows), columns, len(rows), title, ground)


def placed(shapes: str, row: int) -> str:
    """Return a line's shapes at their row."""
    return f'<g transform="translate(0,{row * CELL_HEIGHT:g})">{shapes}</g>\n'


def _shape(cell: Cell) -> tuple[str | int, str, bool]:
    """Return what neighbours must share to be drawn as one: the block or frame character, or being of one word."""
    if cell.text in _BLOCKS or cell.text in _FRAME or cell.text == " ":
        return cell.text, cell.colour, False
    return "word" if cell.text.isascii() else cell.column, cell.colour, cell.bold


def _rectangle(run: Sequence[Cell], top: float, width: float, fill: str, opacity: float) -> str:
    x, columns = run[0].column, run[-1].column + run[-1].width - run[0].column
    clear = "" if opacity == 1 else f' fill-opacity="{opacity:g}"'
    return (
        f'<rect x="{x * CELL_WIDTH:g}" y="{top * CELL_HEIGHT:g}" width="{columns * width * CELL_WIDTH:g}" '
        f'height="{(1 - top) * CELL_HEIGHT:g}" fill="{fill}"{clear}/>'
    )


def _path(x: float, path: str, colour: str) -> str:
    return f'<path transform="translate({x:g},0)" d="{path}" fill="none" stroke="{colour}" stroke-width="1.2"/>'


def _css(colour: Color | None, default: str) -> str:
    return default if colour is None or colour.is_default else colour.get_truecolor().hex
