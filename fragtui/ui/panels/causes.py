"""The kernel's failures counted by cause and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fragtui.model.failures.failure_list import FailureGroup
from fragtui.render.numbers import short_bytes
from fragtui.text import counted
from fragtui.ui.panels.zones import short
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import bar_cells, fit, fit_right
from fragtui.ui.widgets.framed import FramedPanel, Framing
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

_NAME, _CELL, _TOTAL = 20, 6, 7


class CausesPanel(FramedPanel):
    """A row a cause, a column a size; with a bar of the total."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="causes")
        self._session = session

    def framing(self, width: int) -> Framing:
        """Return the title and how many failures are counted."""
        failures = self._session.failures.failures
        return Framing((("Denied by cause and size", "title"),), ((counted(failures, "failure"), "muted"),))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the table, the largest cause first; what there is no room for is in the last row."""
        session = self._session
        counts, sizes = _table(session.failures.rows)
        if not counts or session.snapshot is None:
            return []
        size = session.snapshot.host.page_size
        room = max(1, (width - _NAME - _TOTAL - 14) // _CELL)
        columns = [order for order, _ in sizes.most_common(room)]
        columns.sort()
        head: list[Span] = [(" " * _NAME, "muted")]
        head += [
            (fit_right(short_bytes(size << order), _CELL), "strong" if order == session.order else "muted")
            for order in columns
        ]
        rows = [line(*head, (fit_right("all", _TOTAL), "muted"))]
        order = sorted(counts, key=lambda cause: counts[cause].total(), reverse=True)
        shown = order if len(order) < height else order[: max(0, height - 2)]
        most = counts[order[0]].total()
        bar = width - _NAME - _CELL * len(columns) - _TOTAL - 2
        rows += [_row(cause, counts[cause], columns, most, bar) for cause in shown]
        if rest := order[len(shown) :]:
            total: Counter[int] = sum((counts[cause] for cause in rest), Counter())
            rows.append(_row(f"{len(rest)} other causes", total, columns, most, bar))
        return rows


def _table(groups: Sequence[FailureGroup]) -> tuple[dict[str, Counter[int]], Counter[int]]:
    """Return the failures by cause and order, and by order; an unknown order is -1."""
    counts: dict[str, Counter[int]] = {}
    sizes: Counter[int] = Counter()
    for group in groups:
        last = group.last
        order = -1 if last.order is None else last.order
        counts.setdefault(last.cause or "unknown cause", Counter())[order] += group.count
        if order >= 0:
            sizes[order] += group.count
    return counts, sizes


def _row(cause: str, counts: Counter[int], columns: Sequence[int], most: int, room: int) -> Line:
    total = counts.total()
    spans: list[Span] = [(fit(cause, _NAME), "text")]
    spans += [
        (fit_right(short(counts[order]) if counts[order] else "·", _CELL), "strong" if counts[order] else "grid")
        for order in columns
    ]
    spans.append((fit_right(short(total), _TOTAL), "strong"))
    if room > 3:
        spans += [("  ", "text"), (bar_tones().kept * bar_cells(total / most, room), "bar")]
    return line(*spans)
