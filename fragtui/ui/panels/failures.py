"""The following tail of allocation failures and OOM kills."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fragtui.kernel.reports.report import ReportKind
from fragtui.model.failures.failure_list import FailureGroup, FailureList
from fragtui.render.incident_text import brief_title, cause_words, flag_names
from fragtui.text import counted
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.incident_cells import clock_time
from fragtui.ui.widgets.list_panel import ListPanel, columns
from fragtui.ui.widgets.rows import Line, Span, line


class FailuresPanel(ListPanel[FailureGroup]):
    """One row for alike incidents: when last, who, what, flags, why, how many; and the pods that it blocks."""

    newest_last = True

    def __init__(self, session: Session, tail: FailureList, pod_of: Callable[[FailureGroup], str | None]) -> None:
        super().__init__(id="failures")
        self._session = session
        self._tail = tail
        self._pod_of = pod_of
        self._flag_width = 0

    def items(self) -> Sequence[FailureGroup]:
        """Return the rows, the newest last."""
        return self._tail.rows

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines, the flags' column as wide as the newest rows' flags need."""
        self._flag_width = max((len(flag_names(row.last)) for row in self._tail.rows[-height:]), default=0)
        return super().build(width, height)

    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the counts and where they are from."""
        tail = self._tail
        spans: list[Span] = [(" Allocation failures ", "title")]
        if tail.failures:
            spans.append((f"≥{tail.failures} ", "bad"))
        if tail.suppressed:
            spans.append((f"+{tail.suppressed} suppressed ", "warn"))
        if tail.lost_records:
            spans.append((f"{counted(tail.lost_records, 'record')} lost ", "warn"))
        if tail.unlisted:
            spans.append((f"{tail.unlisted} no longer listed ", "warn"))
        if tail.unread_lines:
            spans.append((f"{counted(tail.unread_lines, 'line')} could not be read ", "warn"))
        if tail.wanted:
            spans.append((f"with '{tail.wanted}' ", "accent"))
        if tail.source == "none":
            return (*spans, ("unknown ", "warn"))
        spans.append((f" {tail.source}" if tail.source else " kernel log not read yet", "dim"))
        if tail.problem:
            spans.append((f" ({tail.problem})", "dim"))
        return tuple(spans)

    def row(self, item: FailureGroup, width: int) -> tuple[Span, ...]:
        """Return one row; narrow panels leave out the flags."""
        last = item.last
        size = self._session.snapshot.host.page_size if self._session.snapshot else 4096
        style = "text" if last.memory is False else "bad" if last.kind is ReportKind.ALLOCATION_FAILURE else "warn"
        pod = self._pod_of(item)
        flag_width = max(0, min(self._flag_width, width - 67 - (len(pod) + 3 if pod else 0)))
        cells = [
            (f" {clock_time(last.time)}", 13, "dim"),
            (last.comm or "?", 16, "text"),
            (brief_title(last, size), 15, style),
        ]
        if flag_width >= 10:
            cells.append((flag_names(last), flag_width, "dim"))
        spans = list(columns(*cells))
        if item.count > 1:
            spans.append((f"×{item.count} ", "accent"))
        if item.suppressed:
            spans.append((f"+{item.suppressed} ", "warn"))
        if pod:
            spans.append((f"⇒ {pod} ", "accent"))
        spans.append((cause_words(last), "text"))
        return tuple(spans)

    def empty(self, width: int) -> Sequence[Line]:
        """Return why there is nothing: none was logged, or the log can't be read."""
        tail = self._tail
        if tail.wanted:
            return [line((" nothing holds that text", "dim"))]
        if tail.source is None:
            return [line((" reading the kernel log…", "dim"))]
        if tail.source == "none":
            why = tail.problem or "switched off by --kernel-log none"
            return [line((f" {row}", "warn")) for row in wrap(f"the kernel log can't be read: {why}", width - 2, 3)]
        text = "none in the kernel log (NOWARN requests fail without a line; from 5.4 on one report in 10 s)"
        rows = [line((f" {row}", "dim")) for row in wrap(text, width - 2, 2)]
        if tail.problem:
            rows += [line((f" {row}", "warn")) for row in wrap(tail.problem, width - 2, 3)]
        return rows
