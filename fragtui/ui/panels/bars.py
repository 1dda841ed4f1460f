"""The chosen zone in detail: a bar for each order, in the tones of what was there before, gained and lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from fragtui.model.node.indices import format_index
from fragtui.model.node.rate_window import rate_words
from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.model.node.verdict import ZoneJudgement
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.text import format_bytes, format_count, format_duration
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import SPARKS, bar_cells, fit, fit_right, spans_width
from fragtui.ui.widgets.log_scale import DECADES, decades, log_share
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, bar_tones, line

SPARK_SECONDS = 300.0
_EMPTY = {
    Verdict.AVAILABLE: ("· by splitting larger ones", "muted"),
    Verdict.RESERVED: ("◦ reserved", "bad"),
    Verdict.FRAGMENTED: ("✗ none", "bad"),
    Verdict.SHORT: ("▽ none: short of memory", "bad"),
    Verdict.UNKNOWN: ("? unknown", "unknown"),
}
"""The text instead of a bar if there is no block of the order."""
_LETTERS = {
    "Unmovable": "U",
    "Movable": "M",
    "Reclaimable": "E",
    "HighAtomic": "H",
    "Reserve": "R",
    "CMA": "C",
    "Isolate": "I",
}
_LETTER_STYLES = {"U": "warn", "M": "bar", "E": "text"}
_REMEDY = "▼"
"""Mark on the sparkline for a remedy, of fragtui or of another tool."""


class _Columns(NamedTuple):
    """The columns that fit, and the remaining cells for the bar."""

    indices: bool
    share: bool
    types: bool
    bar: int


class BarsPanel(LinesWidget):
    """One line an order: blocks, bytes, share, the kernel's two indices, migratetypes, and a bar of the blocks.

    Bars are on a logarithmic scale of blocks: whether there are none, a few or thousands of an order is what decides
    allocations, and a linear scale would show a hundred large blocks as nothing beside a million pages.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="bars")
        self._session = session
        self.shows_rates = True
        """Whether the rates are shown below the bars: not if the timeline shows them."""

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the zone's heading and as many orders around the target as there is room for."""
        session = self._session
        zone, snapshot, judgement = session.zone, session.snapshot, session.judgement
        if zone is None or snapshot is None or judgement is None:
            return []
        judged = next((judged for judged in judgement.zones if judged.zone.key == zone.key), None)
        if judged is None:
            return []
        split = _split(snapshot, zone)
        columns = _columns(width, bool(split) or _to_come(snapshot))
        baseline = session.baseline.free_blocks(zone.key) if session.baseline else None
        span = decades([*zone.free_blocks, *(baseline or ())])
        rows = [self._heading(zone, snapshot, width)]
        room = height - 1
        if room > len(zone.free_blocks):
            rows.append(_column_names(columns, span))
            room -= 1
        first = max(0, min(session.order - room // 2, len(zone.free_blocks) - room))
        shown = range(first, min(len(zone.free_blocks), first + room))
        rows += [self._row(judged, order, columns, split, baseline, span) for order in shown]
        if room > len(zone.free_blocks):
            rows.append(_note(session, snapshot))
        if room > len(zone.free_blocks) + 1 and self.shows_rates:
            rows.append(line((fit(f" {rate_words(session.rates.rates)}", width), "muted")))
        return rows

    def _heading(self, zone: Zone, snapshot: Snapshot, width: int) -> Line:
        size = snapshot.host.page_size
        free = format_bytes(zone.blocks.free_pages * size)
        spans: list[Span] = [(f" N{zone.node} {zone.name}", "title"), (f"  {free}", "text")]
        info = zone.info
        if info is None:
            spans.append((f" free  zoneinfo: {snapshot.why('zoneinfo') or 'this zone is not in it'}", "warn"))
        else:
            managed = "" if info.managed is None else f" of {format_bytes(info.managed * size)}"
            spans.append((f" free{managed}", "muted"))
            marks = [(name, getattr(info, name)) for name in ("min", "low", "high", "boost")]
            text = "".join(f" {name} {format_bytes(pages * size)}" for name, pages in marks if pages)
            if spans_width(spans) + len(text) + 24 < width:
                spans.append(("  watermarks" + text if width > 110 else " " + text, "muted"))
        return line(*spans, *self._spark(zone, width - spans_width(spans)))

    def _spark(self, zone: Zone, room: int) -> tuple[Span, ...]:
        session = self._session
        label = f"≥{session.order} "
        tail = f" {format_duration(SPARK_SECONDS)}"
        points = min(60, room - len(label) - len(tail) - 2)
        if points < 6:
            return ()
        series = session.history.series((zone.key,), session.order, SPARK_SECONDS, points)
        top = math.log1p(max((value for value in series if value is not None), default=0)) or 1.0
        marks = "".join(
            " " if value is None else SPARKS[round(math.log1p(value) / top * (len(SPARKS) - 1))] for value in series
        )
        gap = " " * (room - points - len(label) - len(tail) - 1)
        remedy_result = session.marks_in(SPARK_SECONDS, points)
        spark = tuple(
            (_REMEDY, "key") if index in remedy_result else (mark, "history-some") for index, mark in enumerate(marks)
        )
        return (gap + label, "muted"), *spark, (tail + " ", "muted")

    def _row(
        self,
        judged: ZoneJudgement,
        order: int,
        columns: _Columns,
        split: dict[str, tuple[int, ...]],
        baseline: tuple[int, ...] | None,
        span: int,
    ) -> Line:
        session = self._session
        assert session.snapshot is not None
        size = session.snapshot.host.page_size
        count = judged.zone.free_blocks[order]
        pages = judged.zone.blocks.free_pages
        target = order == session.order
        verdict = judged.verdict(RequestKind.GFP_KERNEL, order)
        word, role = _EMPTY[verdict] if judged.serves_kernel else ("", "muted")
        if order > session.order and role == "bad":
            word, role = word.lstrip("✗▽ "), "muted"  # Nobody asked for so much: red is for what is needed.
        spans: list[Span] = [
            ("▾" if target else " ", "key"),
            (f"{order:2d} ", "muted"),
            (fit_right(format_bytes(size << order), 5), "strong" if target else "text"),
            (fit_right(format_count(count), 7), "strong" if count else "bad-text" if role == "bad" else "muted"),
            (fit_right(format_bytes(count * (size << order)) if count else "·", 7), "text" if count else "muted"),
        ]
        if columns.share:
            share = count * (1 << order) * 100 / pages if pages else 0.0
            spans.append((fit_right(f"{share:.1f}%" if count else "·", 7), "muted"))
        if columns.indices:
            spans.append((f"  {judged.unusable[order] / 1000:.3f}", "muted"))
            spans.append((f" {format_index(judged.fragmentation[order])}", "muted"))
        if columns.types:
            # The reading is older than the count: nothing is known of the blocks that are gone.
            there = (name for name, row in split.items() if count and order < len(row) and row[order])
            letters = "".join(_LETTERS.get(name, "?") for name in there)
            spans.append((" " + fit(letters, 5), "muted"))
        spans.append((" ", "text"))
        ghost = baseline[order] if baseline and order < len(baseline) else None
        before = spans_width(spans)
        filled = bar_cells(log_share(count, span), columns.bar)
        if session.by_type and split and count:
            spans += _typed_bar(filled, split, order)
        else:
            reserved = judged.serves_kernel and verdict is Verdict.RESERVED
            old = filled if ghost is None else bar_cells(log_share(ghost, span), columns.bar)
            spans += _bar(filled, old, reserved=reserved)
        if not count and word:
            spans.append((f" {word}" if ghost else word, role))
        used = spans_width(spans) - before
        return line(*spans, (_grid(used, columns.bar, span), "grid"), asked=target)


def _bar(now: int, before: int, *, reserved: bool) -> list[Span]:
    """Return a bar of `now` cells in the tones of what was there before, what is gained and what is lost."""
    tones = bar_tones()
    kept = (tones.reserved * min(now, before), "lost") if reserved else (tones.kept * min(now, before), "bar")
    return [kept, (tones.gained * max(0, now - before), "gained"), (tones.lost * max(0, before - now), "lost")]


def _grid(used: int, width: int, span: int) -> str:
    """Return what follows `used` cells of a bar's place: a dot at each power of ten."""
    cells = [" "] * width
    for decade in range(span + 1):
        cells[min(width - 1, int(log_share(10**decade, span) * width))] = "·"
    return "".join(cells[used + 1 :]).rjust(max(0, width - used))


def _columns(width: int, typed: bool) -> _Columns:
    """Choose the columns: the bar keeps at least 16 cells."""
    room = width - 4 - 5 - 7 - 7 - 1
    share = room - 7 >= 16
    room -= 7 if share else 0
    indices = room - 14 >= 16
    room -= 14 if indices else 0
    types = typed and room - 6 >= 16
    room -= 6 if types else 0
    return _Columns(indices, share, types, max(1, room))


def _column_names(columns: _Columns, span: int) -> Line:
    text = " ord" + fit_right("size", 5) + fit_right("blocks", 7) + fit_right("bytes", 7)
    if columns.share:
        text += fit_right("share", 7)
    if columns.indices:
        text += "  unus. fragm."
    if columns.types:
        text += " types"
    scale = [" "] * columns.bar
    for decade in range(span + 1):
        at = min(int(log_share(10**decade, span) * columns.bar), columns.bar - 1)
        label = DECADES[min(decade, len(DECADES) - 1)]
        if at + len(label) <= columns.bar:
            scale[at : at + len(label)] = label
    return line((text + " " + "".join(scale), "muted"))


def _note(session: Session, snapshot: Snapshot) -> Line:
    """Return the note on the columns' sources: the age of the migratetypes and of the baseline."""
    reading = snapshot.page_types
    if reading is None:
        types = f"migratetypes: {snapshot.why('pagetypeinfo') or 'not read yet'}"
    else:
        age = format_duration(max(0.0, snapshot.monotonic - reading.at))
        types = f"migratetypes {age} old (reading took {reading.cost * 1000:.1f} ms)"
    spans: list[Span] = [(f" {types}", "muted")]
    if session.baseline:
        ago = format_duration(snapshot.time - session.baseline.snapshot.time)
        cells = bar_tones()
        spans += [("   " + cells.gained, "gained"), (" gained ", "muted"), (cells.lost, "lost")]
        spans.append((f" lost since the baseline: {session.baseline.reason}, {ago} ago", "muted"))
    return line(*spans)


def _to_come(snapshot: Snapshot) -> bool:
    """Return whether the migratetypes are not read yet: their column is kept for them."""
    return snapshot.page_types is None and snapshot.why("pagetypeinfo") is None


def _split(snapshot: Snapshot, zone: Zone) -> dict[str, tuple[int, ...]]:
    if snapshot.page_types is None:
        return {}
    return {
        row.migratetype: row.free_blocks for row in snapshot.page_types.info.free if (row.node, row.zone) == zone.key
    }


def _typed_bar(width: int, split: dict[str, tuple[int, ...]], order: int) -> list[Span]:
    """Return a bar in letters, as long as the plain one, divided like the order's blocks among the migratetypes."""
    counts = {name: row[order] for name, row in split.items() if order < len(row) and row[order]}
    total = sum(counts.values())
    if not total:
        return [("?" * width, "muted")]
    spans: list[Span] = []
    used = 0
    for index, (name, count) in enumerate(counts.items()):
        cells = width - used if index == len(counts) - 1 else round(width * count / total)
        letter = _LETTERS.get(name, "?")
        spans.append((letter * cells, _LETTER_STYLES.get(letter, "muted")))
        used += cells
    return spans
