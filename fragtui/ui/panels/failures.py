"""The list of allocation failures and OOM kills, which follows the log."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_list import FailureGroup
from fragtui.model.node.source_state import Sight
from fragtui.render.incident_text import brief_title, cause_words, flag_names
from fragtui.render.source_text import no_denials, state_word
from fragtui.text import counted
from fragtui.ui.panels.pod_links import pod_of
from fragtui.ui.panels.sight_rows import sight_rows, sight_style
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.incident_cells import clock_time
from fragtui.ui.widgets.list_panel import ListPanel, columns
from fragtui.ui.widgets.rows import Line, Span, line

_LIMITS = "The kernel logs at most one failure per 10 s, and none of silent (NOWARN) requests."


class FailuresPanel(ListPanel[FailureGroup]):
    """One row for alike incidents: when last, who, what, flags, why, how many; and the pods that it blocks."""

    newest_last = True

    def __init__(self, session: Session) -> None:
        super().__init__(id="failures")
        self._session = session
        self._flag_width = 0
        self._heading_alone = False

    def items(self) -> Sequence[FailureGroup]:
        """Return the rows, the newest last."""
        return self._session.failures.rows

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines, the flags' column as wide as the newest rows' flags need."""
        self._heading_alone = height < 2
        self._flag_width = max((len(flag_names(row.last)) for row in self._session.failures.rows[-height:]), default=0)
        return super().build(width, height)

    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the counts and where they are from."""
        failures = self._session.failures
        spans: list[Span] = [(" Allocation failures ", "title")]
        if failures.failures:
            spans.append((f"≥{failures.failures} ", "bad"))
        if failures.suppressed:
            spans.append((f"+{failures.suppressed} suppressed ", "warn"))
        if failures.lost_records:
            spans.append((f"{counted(failures.lost_records, 'record')} lost ", "warn"))
        if failures.unlisted:
            spans.append((f"{failures.unlisted} no longer listed ", "warn"))
        if failures.unread_lines:
            spans.append((f"{counted(failures.unread_lines, 'line')} could not be read ", "warn"))
        if failures.wanted:
            spans.append((f"with '{failures.wanted}' ", "strong"))
        state = failures.state
        if self._heading_alone and not self.items() and not failures.wanted:
            words = no_denials(state)
            return (*spans, (words.text, sight_style(words)))
        if state.sight is Sight.BLIND:
            spans.append(("unknown ", "unknown"))
        place = f" {failures.source}" if failures.source not in (None, "none") else ""
        spans.append((f" {state.name}: {state_word(state)}{place}", "muted"))
        if failures.problem and failures.source != "none":
            spans.append((f" ({failures.problem})", "muted"))
        return tuple(spans)

    def row(self, item: FailureGroup, width: int) -> tuple[Span, ...]:
        """Return one row; narrow panels leave out the flags."""
        last = item.last
        size = self._session.snapshot.host.page_size if self._session.snapshot else 4096
        style = "text" if last.memory is False else "bad" if last.kind is ReportKind.ALLOCATION_FAILURE else "warn"
        pod = pod_of(self._session.pods, item)
        flag_width = max(0, min(self._flag_width, width - 67 - (len(pod) + 3 if pod else 0)))
        cells = [
            (f" {clock_time(last.time)}", 13, "muted"),
            (last.comm or "?", 16, "strong"),
            (brief_title(last, size), 15, style),
        ]
        if flag_width >= 10:
            cells.append((flag_names(last), flag_width, "muted"))
        spans = list(columns(*cells))
        if item.count > 1:
            spans.append((f"×{item.count} ", "strong"))
        if item.suppressed:
            spans.append((f"+{item.suppressed} ", "warn"))
        if pod:
            spans.append((f"⇒ {pod} ", "strong"))
        spans.append((cause_words(last), "text"))
        return tuple(spans)

    def empty(self, width: int) -> Sequence[Line]:
        """Return why there is nothing: none was logged, or the log can't be read."""
        failures = self._session.failures
        if failures.wanted:
            return [line((" nothing holds that text", "muted"))]
        rows = sight_rows(no_denials(failures.state), width)
        if failures.state.sight is Sight.LOOKED:
            rows += [line((f" {row}", "muted")) for row in wrap(_LIMITS, width - 2, 2)]
            rows += [line((f" {row}", "warn")) for row in wrap(failures.problem or "", width - 2, 3) if row]
        return rows
