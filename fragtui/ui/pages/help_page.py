"""All keys and signs, made from the key table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fragtui.ui.keys import Key
from fragtui.ui.widgets.cells import fit, wrap
from fragtui.ui.widgets.rows import Line, line

_SIGNS = (
    (
        ("heat-many", " 755 "),
        "free blocks of exactly that order; the background shows how many requests of it can be met at once: "
        "many (green), under 256 (pale), under 16 (yellow), none (red, also with '·')",
    ),
    (
        ("heat-held", " (3) "),
        "free blocks that a watermark or the lowmem reserve keeps from GFP_KERNEL",
    ),
    (("target", "▾3 "), "the target order: that of the last failures, or the one chosen with [ and ]"),
    (
        ("good", "███▌"),
        "blocks of the order on a logarithmic scale; green is available, red is not, violet is reserved",
    ),
    (
        ("bad", "✗ none"),
        "no block of the order; if larger ones can be split for it, that is shown instead",
    ),
    (("ghost", "┊"), "the end of the bar at the baseline"),
    (
        ("dim", "UMEHCI"),
        "migratetypes with free blocks, as the kernel writes them: unmovable, movable, reclaimable, ...",
    ),
    (("key", "▼"), "on sparkline and timeline: a remedy ran, by fragtui or another tool"),
    (("bad", "✗ ×"), "on the timeline: a request was denied; there was no block at all"),
    (
        ("dim", "unus."),
        "share of the zone's free memory in blocks too small for the order (unusable free space index)",
    ),
    (
        ("dim", "fragm."),
        "the kernel's fragmentation index: -1 a block is free, towards 0 lack of memory, towards 1 fragmentation",
    ),
)


def help_lines(keys: Sequence[Key], width: int) -> list[Line]:
    """Return the help page: the keys by group, then the signs."""
    lines: list[Line] = []
    for group, members in groupby(sorted(keys, key=lambda key: key.group), key=lambda key: key.group):
        lines.append(line((f" {group}", "title")))
        for key in members:
            rows = wrap(key.help, width - 12, 4) or [""]
            lines.append(line(("   " + fit(key.shown, 8), "key"), (rows[0], "text")))
            lines += [line((" " * 11 + row, "text")) for row in rows[1:]]
        lines.append(line())
    lines.append(line((" Signs", "title")))
    for (style, sign), text in _SIGNS:
        rows = wrap(text, width - 12, 4)
        lines.append(line(("   ", "text"), (fit(sign, 7), style), (" " + rows[0], "text")))
        lines += [line((" " * 11 + row, "text")) for row in rows[1:]]
    return lines
