"""All keys and signs, made from the key table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fragtui.ui.keys import Key
from fragtui.ui.widgets.cells import fit, wrap
from fragtui.ui.widgets.rows import Line, bar_tones, line

_SIGNS = (
    (
        ("cell-enough", " 755 "),
        "free blocks of exactly that order; the background shows how many requests of it succeed at once: blue enough, "
        "amber under 16, red none",
    ),
    (("muted", "   3 "), "not available to GFP_KERNEL because of a watermark or the lowmem reserve, or not asked for"),
    (("strong", "▾3 "), "the target order: that of the last failures, or the one chosen with [ and ]"),
    (
        ("bad", "✗ none"),
        "no block of the order; if larger ones can be split for it, that is shown instead",
    ),
    (
        ("muted", "UMEHCI"),
        "migratetypes with free blocks, as the kernel writes them: unmovable, movable, reclaimable, ...",
    ),
    (("key", "▼"), "on sparkline and timeline: a remedy ran, by fragtui or another tool"),
    (("bad", "✗ ×"), "on the timeline: a request was denied; there was no block at all"),
    (
        ("muted", "unus."),
        "share of the zone's free memory in blocks too small for the order (unusable free space index)",
    ),
    (
        ("muted", "fragm."),
        "the kernel's fragmentation index: -1 a block is free, towards 0 lack of memory, towards 1 fragmentation",
    ),
)


def _bar_signs() -> tuple[tuple[tuple[str, str], str], ...]:
    cells = bar_tones()
    return (
        (("bar", cells.kept * 4), "blocks of the order on a logarithmic scale, with a dot at each power of ten"),
        (("gained", cells.gained * 4), "gained since the baseline"),
        (("lost", cells.lost * 4), "gone since the baseline: of small sizes that is good, they were merged"),
        (("lost", cells.reserved * 4), "free, but the kernel keeps them in reserve"),
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
    for (style, sign), text in (*_bar_signs(), *_SIGNS):
        rows = wrap(text, width - 12, 4)
        lines.append(line(("   ", "text"), (fit(sign, 7), style), (" " + rows[0], "text")))
        lines += [line((" " * 11 + row, "text")) for row in rows[1:]]
    return lines
