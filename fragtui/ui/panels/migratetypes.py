"""A size's blocks by migratetype, as letters in the bar."""

from __future__ import annotations

from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.ui.widgets.rows import Span

_LETTERS = {
    "Unmovable": "U",
    "Movable": "M",
    "Reclaimable": "E",
    "HighAtomic": "H",
    "Reserve": "R",
    "CMA": "C",
    "Isolate": "I",
}
_STYLES = {"U": "warn", "M": "bar", "E": "text"}

Split = dict[str, tuple[int, ...]]
"""Free blocks of each order by migratetype."""


def types_of(snapshot: Snapshot, zone: Zone) -> Split:
    """Return a zone's free blocks by migratetype; empty if they were not read."""
    if snapshot.page_types is None:
        return {}
    return {
        row.migratetype: row.free_blocks for row in snapshot.page_types.info.free if (row.node, row.zone) == zone.key
    }


def typed_bar(width: int, split: Split, first: int, last: int) -> list[Span]:
    """Return a bar of letters, `width` cells long, parted as the blocks of these orders are among migratetypes."""
    counts = {name: held for name, row in split.items() if (held := sum(row[first : last + 1]))}
    total = sum(counts.values())
    if not total:
        return [("?" * width, "unknown")]
    spans: list[Span] = []
    used = 0
    for index, (name, count) in enumerate(counts.items()):
        cells = width - used if index == len(counts) - 1 else round(width * count / total)
        letter = _LETTERS.get(name, "?")
        spans.append((letter * cells, _STYLES.get(letter, "muted")))
        used += cells
    return spans
