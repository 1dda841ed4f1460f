"""The chosen zone opened: a row a size, its blocks now as a bar and over time as a line of levels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from fragtui.model.node.indices import format_index
from fragtui.model.node.rate_window import rate_words
from fragtui.model.node.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.node.verdict import ZoneJudgement
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.panels.migratetypes import typed_bar, types_of
from fragtui.ui.panels.timeline import mark_signs
from fragtui.ui.panels.zones import short
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import bar_cells, cells_of, fit, fit_clauses, fit_right
from fragtui.ui.widgets.framed import FramedPanel, Framing
from fragtui.ui.widgets.log_scale import DECADES, decades, log_share
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

WANTED, PLENTY = 64, 1000
"""Requests that would succeed: below the first a size is short, from the second on it is plenty."""
INDEX_NAMES = ("unusable", "frag")
"""The columns of the unusable free space index and of the fragmentation index."""
_LEVELS = (("·", "history-none"), ("▂", "history-few"), ("▄", "history-some"), ("▆", "history-plenty"))
_MARKS = (("✗", "bad", "denied"), ("▼", "good", "remedy"), ("▲", "warn", "memory"))


class SizeRow(NamedTuple):
    """The orders that a row stands for: one, or several folded into one."""

    first: int
    last: int


class _Columns(NamedTuple):
    """Cells of each column; 0 leaves it out."""

    share: int
    indices: int
    bar: int
    history: int


class SizesPanel(FramedPanel):
    """Bars are on a logarithmic scale: whether there are none, a few or thousands of a size decides allocations."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="sizes")
        self._session = session
        self._compares = False
        self._history = 0

    def framing(self, width: int) -> Framing:
        """Return the zone and its reserve, the legend of the bars, and the keys."""
        session = self._session
        zone, snapshot = session.zone, session.snapshot
        if zone is None or snapshot is None:
            return Framing((("Sizes", "title"),))
        size = snapshot.host.page_size
        title: list[Span] = [
            (f"N{zone.node} {zone.name}", "title"),
            (f" {short_bytes(zone.blocks.free_pages * size)} free", "muted"),
        ]
        if zone.info is None:
            title.append((f", zoneinfo: {snapshot.why('zoneinfo') or 'this zone is not in it'}", "unknown"))
        elif self.framed:
            marks = (("reserve", zone.info.min), ("boost", zone.info.boost))
            title += [(f", {name} {short_bytes(pages * size)}", "muted") for name, pages in marks if pages]
        if self._compares:
            tones = bar_tones()
            legend: tuple[Span, ...] = (
                *((tones.kept, "bar"), (" as before  ", "muted"), (tones.gained, "gained"), (" gained  ", "muted")),
                *((tones.lost, "lost"), (" lost or merged", "muted")),
            )
        else:
            legend = (("blocks of each size, now and over time" if self._history else "blocks of each size", "muted"),)
        if not self.framed:
            return Framing(tuple(title), legend)
        return Framing(tuple(title), legend, levels_legend() if self._history else (), self._keys)

    @property
    def _keys(self) -> tuple[Span, ...]:
        return self._session.hints(("baseline", "set baseline"), ("long-history", "history"))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the axis and a row a size, the small ones folded where room is short, and what happened when."""
        session = self._session
        zone, snapshot, judgement = session.zone, session.snapshot, session.judgement
        if zone is None or snapshot is None or judgement is None:
            return [line(("? unknown: no zone can be shown", "unknown"))] if snapshot else []
        judged = next((judged for judged in judgement.zones if judged.zone.key == zone.key), None)
        if judged is None:
            return []
        baseline = session.baseline
        before = baseline.snapshot.zone(zone.key) if baseline and baseline.reason != "start" else None
        self._compares = before is not None
        # Up to the largest count of this run, so that the axis never shrinks.
        span = decades([session.history.largest(zone.key), *zone.free_blocks, *(before.free_blocks if before else ())])
        columns = _columns(width, self._compares, has_history=not session.saved)
        self._history = columns.history
        rows = fold(len(zone.free_blocks), session.order, height - 1)
        drawing = _Drawing(session, snapshot, judged, before, columns, span)
        if height < 2:
            return [drawing.row(SizeRow(session.order, session.order))]
        lines = [drawing.axis(), *(drawing.row(row) for row in rows)]
        if columns.history and len(lines) < height:
            lines.append(drawing.marks())
        if len(lines) < height:
            lines.append(line((fit(_note(session, snapshot, width), width), "muted")))
        if len(lines) < height and not session.saved:
            lines.append(line((fit_clauses(rate_words(session.rates.rates), width, ","), "muted")))
        return lines


def levels_legend() -> tuple[Span, ...]:
    """Return the signs of the history with their meaning."""
    words = ("none", f"under {WANTED}  ", f"under {PLENTY:,}  ", "plenty  ")
    pairs = [((f"{sign} ", style), (word, "muted")) for (sign, style), word in zip(_LEVELS, words, strict=True)]
    return (("over time: ", "muted"), *(span for pair in reversed(pairs) for span in pair))


def fold(orders: int, asked: int, room: int) -> tuple[SizeRow, ...]:
    """Return the rows for `room` lines: the asked-for size and two below it first, then larger ones, then smaller."""
    if room >= orders:
        return tuple(SizeRow(order, order) for order in range(orders))
    if room <= 0:
        return ()
    low = high = min(asked, orders - 1)

    def lines(low: int, high: int) -> int:
        return high - low + 1 + (low > 0) + (high < orders - 1)

    for _ in range(2):
        if low and lines(low - 1, high) <= room:
            low -= 1
    while high < orders - 1 and lines(low, high + 1) <= room:
        high += 1
    while low and lines(low - 1, high) <= room:
        low -= 1
    rows = [SizeRow(order, order) for order in range(low, high + 1)]
    if low and len(rows) < room:
        rows.insert(0, SizeRow(0, low - 1))
    if high < orders - 1 and len(rows) < room:
        rows.append(SizeRow(high + 1, orders - 1))
    return tuple(rows)


def _columns(width: int, compares: bool, *, has_history: bool) -> _Columns:
    """Return what there is room for: the bar keeps at least 20 cells, the history is whole or absent."""
    share = 8 if width >= 90 or compares else 0
    room = width - 2 - 5 - 9 - share - 3
    history = 0
    if has_history and width >= 70:
        history = 27 if width < 96 else 36 if width < 112 else 46 if width < 150 else 60
    room -= history + 3 if history else 0
    indices = 16 if room >= 60 else 0
    return _Columns(share, indices, max(1, min(60, room - indices)), history)


class _Drawing:
    """One drawing of one zone."""

    def __init__(
        self,
        session: Session,
        snapshot: Snapshot,
        judged: ZoneJudgement,
        before: Zone | None,
        columns: _Columns,
        span: int,
    ) -> None:
        self._session = session
        self._size = snapshot.host.page_size
        self._judged = judged
        self._pages = judged.zone.blocks.free_pages
        self._before = before.free_blocks if before else None
        self._columns = columns
        self._span = span
        last = columns.bar - 1
        self._decades = [
            (decade, min(int(log_share(10**decade, span) * columns.bar), last)) for decade in range(span + 1)
        ]
        """The decades of the axis, and the cell of each."""
        self._seconds = session.history_seconds
        self._split = types_of(snapshot, judged.zone) if session.by_type else {}

    def axis(self) -> Line:
        """Return the columns' names and the decades."""
        columns = self._columns
        names = fit_right("size", 7) + fit_right("before" if self._before else "blocks", 9)
        if columns.share:
            names += fit_right("now" if self._before else "share", columns.share)
        if columns.indices:
            names += fit_right("  ".join(INDEX_NAMES), columns.indices)
        scale = [" "] * columns.bar
        end = -1
        for decade, at in self._decades:
            text = DECADES[min(decade, len(DECADES) - 1)]
            if end < at and at + len(text) <= columns.bar:
                scale[at : at + len(text)] = text
                end = at + len(text)
        spans: list[Span] = [(names + "   " + "".join(scale), "muted")]
        if columns.history:
            ago = f"last {span_words(self._seconds)}"
            spans.append(("   " + fit(ago, columns.history - 3) + "now", "muted"))
        return line(*spans)

    def row(self, row: SizeRow) -> Line:
        """Return a size's numbers, bar and history."""
        columns, asked = self._columns, row.first <= self._session.order <= row.last
        judged = self._judged
        counts = judged.zone.free_blocks[row.first : row.last + 1]
        count = sum(counts)
        bad = self._missing(row) and row.first <= self._session.order
        number: Span = (short(count), "bad" if bad else "strong" if count else "muted")
        spans: list[Span] = [
            ("▾ " if asked else "  ", "key"),
            (fit_right(self._name(row), 5), "strong" if asked else "text"),
        ]
        if self._before is not None:
            spans.append((fit_right(short(sum(self._before[row.first : row.last + 1])), 9), "muted"))
            spans.append((fit_right(number[0], columns.share), number[1]))
        else:
            spans.append((fit_right(number[0], 9), number[1]))
            if columns.share:
                share = sum(held << order for order, held in enumerate(counts, row.first)) * 100
                spans.append((fit_right(_percent(share, self._pages) if count else "", columns.share), "muted"))
        if columns.indices:
            index = judged.fragmentation[row.last]
            fragmented = format_index(index).strip() if index >= 0 else "    –"
            text = f"{judged.unusable[row.last] / 1000:.3f}  {fragmented}"
            spans.append((fit_right(text, columns.indices), "muted"))
        spans.append(("   ", "text"))
        spans += self._bar(row, count)
        if columns.history:
            spans += [("   ", "text"), *self._levels_of(row)]
        return line(*spans, asked=asked)

    def marks(self) -> Line:
        """Return when requests were denied and remedies ran."""
        columns = self._columns
        points = columns.history
        session = self._session
        places = (
            session.refusals_in(self._seconds, points),
            session.marks_in(self._seconds, points),
            session.memory_changes_in(self._seconds, points),
        )
        kinds = [(*mark, held) for mark, held in zip(_MARKS, places, strict=True) if held]
        legend = [((f"{sign} ", style), (f"{word}  ", "muted")) for sign, style, word, _ in kinds]
        width = 2 + 5 + 9 + columns.share + columns.indices + 3 + columns.bar + 3
        while (used := sum(len(sign[0]) + len(word[0]) for sign, word in legend)) > width:
            legend.pop()
        spans: list[Span] = [(" " * (width - used), "text")]
        spans += [span for pair in legend for span in pair]
        spans += _runs(mark_signs(session, self._seconds, points, ("·", "grid")))
        return line(*spans)

    def _name(self, row: SizeRow) -> str:
        if row.first == row.last:
            return short_bytes(self._size << row.first)
        if row.first == 0:
            return f"<{short_bytes(self._size << row.last + 1)}"
        return f"{short_bytes(self._size << row.first)}+"

    def _verdict(self, row: SizeRow) -> Verdict:
        return self._judged.verdict(RequestKind.GFP_KERNEL, row.first)

    def _missing(self, row: SizeRow) -> bool:
        return self._judged.serves_kernel and self._verdict(row) in (Verdict.FRAGMENTED, Verdict.SHORT)

    def _cells(self, count: int) -> int:
        return bar_cells(log_share(count, self._span), self._columns.bar)

    def _bar(self, row: SizeRow, count: int) -> list[Span]:
        width, session, tones = self._columns.bar, self._session, bar_tones()
        reserved = self._judged.serves_kernel and self._verdict(row) is Verdict.RESERVED
        now = self._cells(count)
        before = now if self._before is None else self._cells(sum(self._before[row.first : row.last + 1]))
        spans: list[Span] = []
        if session.by_type and count:
            spans += typed_bar(now, self._split, row.first, row.last)
        elif reserved:
            spans.append((tones.reserved * now, "lost"))
        else:
            spans.append((tones.kept * min(now, before), "bar"))
            spans.append((tones.gained * max(0, now - before), "gained"))
        spans.append((tones.lost * max(0, before - now), "lost"))
        if not count:
            spans += self._empty(row, width - before)
        used = sum(len(text) for text, _ in spans)
        spans += self._grid(used, width)
        return [span for span in spans if span[0]]

    def _empty(self, row: SizeRow, room: int) -> list[Span]:
        """Return what is written in the place of a bar if there is no block."""
        session = self._session
        if not self._judged.serves_kernel:
            return []
        verdict = self._verdict(row)
        if verdict is Verdict.AVAILABLE:
            words: list[Span] = [("none, larger ones can be split", "muted")]
        elif verdict is Verdict.RESERVED:
            words = [("reserved by the kernel", "muted")]
        elif verdict is Verdict.UNKNOWN:
            words = [("? unknown", "unknown")]
        elif row.first > session.order:
            words = [("none", "muted")]
        else:
            words = [("✗ none", "bad")]
            if row.first <= session.order <= row.last and session.failed_order == session.order:
                words.append((" · this size was denied" if room > 40 else " · denied", "bad"))
        total = sum(len(text) for text, _ in words)
        if total > room:
            words = [(fit(words[0][0], room), words[0][1])] if room > 3 else []
        return words

    def _grid(self, used: int, width: int) -> list[Span]:
        spots = [at for decade, at in self._decades if decade and at > used]
        cells = [" "] * max(0, width - used)
        for at in spots:
            cells[at - used] = "·"
        return [("".join(cells), "grid")]

    def _levels_of(self, row: SizeRow) -> list[Span]:
        beyond = row.first > self._session.order
        keys = (self._judged.zone.key,)
        return levels_of(self._session, keys, row.last, self._columns.history, beyond=beyond)


def levels_of(
    session: Session, zones: Sequence[ZoneKey], order: int, points: int, *, beyond: bool = False
) -> list[Span]:
    """Return how many requests of `order` these zones could serve, over time; `beyond`: it is above the target."""
    series = session.history.series(zones, order, session.history_seconds, points)
    # From tick to tick only the newest point changes.
    return [*_levels_past(series[:-1], beyond), _level(series[-1], beyond)] if series else []


def _level(value: int | None, beyond: bool) -> Span:
    """Return the sign of how many requests would have succeeded; larger sizes than asked for are never red."""
    if value is None:
        return " ", "text"
    if value == 0:
        return ("·", "grid") if beyond else _LEVELS[0]
    return _LEVELS[1 if value < WANTED else 2 if value < PLENTY else 3]


@lru_cache(maxsize=64)
def _levels_past(series: tuple[int | None, ...], beyond: bool) -> tuple[Span, ...]:
    return tuple(_runs(_level(value, beyond) for value in series))


def _runs(cells: Iterable[Span]) -> list[Span]:
    return [("".join(text for text, _ in same), style) for style, same in groupby(cells, key=lambda cell: cell[1])]


def _percent(hundredfold: int, pages: int) -> str:
    if not pages:
        return ""
    share = hundredfold / pages
    return f"{share:.0f} %" if share >= 1 else "<1 %"


def _note(session: Session, snapshot: Snapshot, width: int) -> str:
    """Return what the view was made from: the baseline's and the migratetypes' age, and what reading those took."""
    notes = []
    if session.baseline and not session.saved:
        # Not by the wall clock, which may be set while the screen runs.
        ago = span_words(snapshot.monotonic - session.baseline.snapshot.monotonic)
        notes.append(f"baseline: {session.baseline.reason}, {ago} ago")
    reading = snapshot.page_types
    if reading is None:
        why = snapshot.why("pagetypeinfo")
        notes.append(f"migratetypes unknown: /proc/pagetypeinfo: {why}" if why else "migratetypes: not read yet")
    else:
        age = span_words(max(0.0, snapshot.monotonic - reading.at))
        notes.append(f"migratetypes {age} old")
        took = f" (reading took {reading.cost * 1000:.1f} ms)"
        if cells_of(text := " · ".join(notes) + took) <= width:
            return text
    return " · ".join(notes)
