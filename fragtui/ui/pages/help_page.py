"""All keys by task, the mouse, and the signs and colours; the keys come from the key table."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.node.verdict import FEW_BLOCKS
from fragtui.ui.keys import Key
from fragtui.ui.panels.sizes import INDEX_NAMES
from fragtui.ui.widgets.cells import cells_of, fit, wrap
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

MIN_TWO_COLUMNS = 100
"""Cells from which on the page has two columns."""
_GAP = 3
_MIN_SIGN, _MAX_SIGN = 9, 20
"""Cells of the column of keys and signs."""
_TASKS = {
    "Fix": ("remedy", "escalate", "reclaim", "guard", "abort", "recovery", "history"),
    "Save": ("copy", "save"),
    "Replay": ("play", "step", "seek", "jump", "speed", "edge"),
}
"""The actions of each task; every other one is for looking."""
_ORDER = ("Fix", "Look", "Save", "Replay")
_MOUSE = (
    (("wheel", "key"), "scrolls the list or page under it"),
    (("click", "key"), "selects a row, a double click opens it; on a key in the last line presses it"),
)
_COUNTS = (
    ((" 755 ", "cell-enough"), "free blocks of exactly that size; the ground shows how many of its requests succeed"),
    (("  9  ", "cell-few"), "under {few} requests succeed"),
    (("  ·  ", "cell-none"), "none: no such block, and no larger one to split"),
    (("  3  ", "muted"), "kept from GFP_KERNEL by a watermark or the lowmem reserve, or not asked for"),
    (("▾3 ", "strong"), "the target order: that of the last failures, or the chosen one"),
)
_SIGNS = (
    (("✓", "good"), "available, or no problem found"),
    (("!", "warn"), "few left, or a warning"),
    (("✗", "bad"), "not available; on the timeline: a request was denied"),
    (("?", "unknown"), "unknown, with the reason"),
    (("▼", "key"), "on the timeline: a remedy ran, by fragtui or another tool"),
    (("▲", "warn"), "on the timeline: memory came or went (hotplug, balloon)"),
    (
        ("UMEHCI", "muted"),
        "migratetypes with free blocks, as the kernel writes them: unmovable, movable, reclaimable, ...",
    ),
    (
        (INDEX_NAMES[0], "muted"),
        "share of the zone's free memory in blocks too small for the order (unusable free space index)",
    ),
    (
        (INDEX_NAMES[1], "muted"),
        "fragmentation index: -1 a block is free, towards 0 lack of memory, towards 1 fragmentation",
    ),
)


def _bar_signs() -> tuple[tuple[Span, str], ...]:
    cells = bar_tones()
    return (
        ((cells.kept * 4, "bar"), "blocks of the size on a logarithmic scale, with a dot at each power of ten"),
        ((cells.gained * 4, "gained"), "gained since the baseline"),
        ((cells.lost * 4, "lost"), "gone since the baseline: of small sizes that is good, they were merged"),
        ((cells.reserved * 4, "lost"), "free, but the kernel keeps them in reserve"),
    )


Table = tuple[str, Sequence[tuple[Span, str]]]
"""A title, and signs with their texts."""


def help_lines(
    keys: Sequence[Key], width: int, few: int = FEW_BLOCKS, tables_after: Sequence[Table] | None = None
) -> list[Line]:
    """Return the help page: the keys by task, the mouse, the signs; in two columns if there is room.

    Under `few` blocks are few. `tables_after` is in place of the signs of a node's screen.
    """
    column = (width - _GAP) // 2 if width >= MIN_TWO_COLUMNS else width
    tables: list[Table] = [(task, _key_rows(keys, task)) for task in _ORDER]
    if tables_after is None:
        counts = [(sign, text.format(few=few)) for sign, text in _COUNTS]
        tables_after = (("Zones", counts), ("Signs", (*_SIGNS, *_bar_signs())))
    tables += [("Mouse", _MOUSE), *tables_after]
    longest = max(cells_of(sign) for _, rows in tables for (sign, _), _ in rows)
    signs = max(_MIN_SIGN, min(_MAX_SIGN, longest + 1))
    blocks = [_block(title, rows, column, signs) for title, rows in tables if rows]
    if column == width:
        return [row for block in blocks for row in block]
    cut = min(range(1, len(blocks)), key=lambda at: max(_height(blocks[:at]), _height(blocks[at:])))
    left, right = ([row for block in side for row in block] for side in (blocks[:cut], blocks[cut:]))
    height = max(len(left), len(right))
    blank = line()
    return [
        _beside(left[row] if row < len(left) else blank, right[row] if row < len(right) else blank, column)
        for row in range(height)
    ]


def _height(blocks: Sequence[Sequence[Line]]) -> int:
    return sum(map(len, blocks))


def _beside(left: Line, right: Line, column: int) -> Line:
    used = sum(cells_of(text) for text, _ in left.spans)
    return line(*left.spans, (" " * (column + _GAP - used), "text"), *right.spans)


def _task_of(key: Key) -> str:
    name = key.action.partition("(")[0]
    return next((task for task, actions in _TASKS.items() if name in actions), "Look")


def _key_rows(keys: Sequence[Key], task: str) -> Sequence[tuple[Span, str]]:
    return [((key.all_shown, "key"), key.help) for key in keys if _task_of(key) == task]


def _block(title: str, rows: Sequence[tuple[Span, str]], width: int, signs: int) -> list[Line]:
    """Return a titled list of signs, in as many cells, and their texts."""
    lines = [line((title, "title"))]
    for (sign, style), text in rows:
        first, *rest = wrap(text, width - signs - 2, 4) or [""]
        word = sign if cells_of(sign) < signs else fit(sign, signs - 1)
        gap = " " * (signs - cells_of(word))
        lines.append(line(("  ", "text"), (word, style), (gap, "text"), (first, "text")))
        lines += [line((fit("", signs + 2) + row, "text")) for row in rest]
    return [*lines, line()]
