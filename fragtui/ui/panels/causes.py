"""The kernel's failures counted by cause and size, and over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_list import FailureGroup
from fragtui.model.node.history import place_in
from fragtui.render.incident_text import denial_words
from fragtui.render.numbers import short_bytes, span_words
from fragtui.text import counted
from fragtui.ui.panels.zones import short
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import SPARKS, bar_cells, fit, fit_right
from fragtui.ui.widgets.framed import FramedPanel, Framing
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

_NAME, _CELL, _BAR = 20, 6, 14
_NARROW_NAME, _NARROW_CELL = 14, 5
_TOTAL = 6
_WIDE = 60
"""Cells from which on the causes have their whole names and a bar."""
_TREND = 4
"""Lines of the failures over time: a blank one, a title, the columns, their axis."""
_MIN_POINTS = 12


class CausesPanel(FramedPanel):
    """A row a cause, a column a size, with a bar of the total; below, when they happened."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="causes")
        self._session = session
        self._made: Sequence[Line] = ()
        self._made_of: tuple[object, ...] = ()
        self._hidden = 0
        """Sizes without a column."""

    @property
    def follows_samples(self) -> bool:
        """Whether the filter of the list, which draws only itself, has changed: failures come with the log."""
        return not self._made_of or self._made_of[0] is not self._session.failures.rows

    def framing(self, width: int) -> Framing:
        """Return the title, and how many denials and other reports are counted."""
        failures = self._session.failures
        listed = f"{failures.listed} of {failures.failures}"
        words = denial_words(self._session.denials)
        count = listed if failures.wanted else words[0 if width >= _WIDE else -1]
        hidden: tuple[Span, ...] = ()
        if self._hidden:
            hidden = ((f"{counted(self._hidden, 'size')} more, counted under all", "muted"),)
        return Framing((("Denied by cause and size", "title"),), ((count, "muted"),), hidden)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the table, the largest cause first; what there is no room for is in the last row."""
        session = self._session
        groups = session.failures.rows
        if not groups or session.snapshot is None:
            return []
        size = session.snapshot.host.page_size
        made_of = (groups, session.order, size, width, height)
        if self._made_of[:1] != (groups,) or made_of[1:] != self._made_of[1:]:
            self._made, self._made_of = self._table(groups, size, width, height), made_of
        return self._made

    def _table(self, groups: Sequence[FailureGroup], size: int, width: int, height: int) -> list[Line]:
        order = self._session.order
        counts, sizes = _counts(groups)
        name, cell, bar = (_NAME, _CELL, _BAR) if width >= _WIDE else (_NARROW_NAME, _NARROW_CELL, 0)
        room = max(1, (width - name - _TOTAL - bar) // cell)
        columns = sorted(order for order, _ in sizes.most_common(room))
        self._hidden = len(sizes) - len(columns)
        head: list[Span] = [(fit("cause", name), "muted")]
        head += [
            (fit_right(short_bytes(size << column), cell), "strong" if column == order else "muted")
            for column in columns
        ]
        rows = [line(*head, (fit_right("all", _TOTAL), "muted"))]
        causes = sorted(counts, key=lambda cause: counts[cause].total(), reverse=True)
        shown = causes if len(causes) < height else causes[: max(0, height - 2)]
        most = counts[causes[0]].total()
        bar = width - name - cell * len(columns) - _TOTAL - 2
        rows += [_row(fit(cause, name), counts[cause], columns, cell, most, bar) for cause in shown]
        if rest := causes[len(shown) :]:
            total: Counter[int] = sum((counts[cause] for cause in rest), Counter())
            rows.append(_row(fit(f"{len(rest)} other causes", name), total, columns, cell, most, bar))
        elif len(causes) > 1 and len(rows) < height:
            rows.append(_row(fit("all", name), sum(counts.values(), Counter()), columns, cell, most, 0))
        if height - len(rows) >= _TREND:
            rows += _trend(groups, width)
        return rows


def _counts(groups: Sequence[FailureGroup]) -> tuple[dict[str, Counter[int]], Counter[int]]:
    """Return the failures by cause and order, and by order; an unknown order is -1."""
    counts: dict[str, Counter[int]] = {}
    sizes: Counter[int] = Counter()
    for group in groups:
        last = group.last
        order = -1 if last.order is None else last.order
        cause = last.cause or ("OOM kill" if last.kind is ReportKind.OOM else "unknown cause")
        counts.setdefault(cause, Counter())[order] += group.count
        if order >= 0:
            sizes[order] += group.count
    return counts, sizes


def _row(name: str, counts: Counter[int], columns: Sequence[int], cell: int, most: int, room: int) -> Line:
    total = counts.total()
    spans: list[Span] = [(name, "text")]
    spans += [
        (fit_right(short(counts[order]) if counts[order] else "·", cell), "strong" if counts[order] else "grid")
        for order in columns
    ]
    spans.append((fit_right(short(total), _TOTAL), "strong"))
    if room > 3:
        spans += [("  ", "text"), (bar_tones().kept * bar_cells(total / most, room), "bar")]
    return line(*spans)


def _trend(groups: Sequence[FailureGroup], width: int) -> list[Line]:
    """Return how many failures there were in each part of the time from the first one to the last one."""
    times = [(incident.time, incident.failures) for group in groups for incident in group.incidents]
    known = [(at, count) for at, count in times if at is not None]
    if not known:
        return []
    first, last = min(known)[0], max(known)[0]
    points = min(width, 60)
    if (seconds := last - first) < 1 or points < _MIN_POINTS:
        return []
    parts: Counter[int] = Counter()
    for at, count in known:
        if (place := place_in(at, last, seconds, points)) is not None:
            parts[place] += count
    most = max(parts.values())
    levels = [bar_cells(parts[place] / most, len(SPARKS)) for place in range(points)]
    cells = "".join(SPARKS[level - 1] if level else " " for level in levels)
    ends = [datetime.fromtimestamp(at).astimezone().strftime("%H:%M") for at in (first, last)]
    return [
        line(),
        line((f"over {span_words(seconds)}, at most {most} in {span_words(seconds / points)}", "muted")),
        line((cells, "bad")),
        line((ends[0] + fit_right(ends[1], points - len(ends[0])), "muted")),
    ]
