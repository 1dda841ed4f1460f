"""The list of allocation failures and OOM kills: groups that unfold, the newest first."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_list import FailureGroup
from fragtui.model.node.source_state import NOT_SAVED, Sight
from fragtui.render.incident_text import brief_title, cause_words, denial_words
from fragtui.render.source_text import no_denials, state_word
from fragtui.text import counted
from fragtui.ui.panels.pod_links import pods_cell, pods_of
from fragtui.ui.panels.sight_rows import sight_rows, sight_style
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of, fit, fit_path, fit_right, spans_width, wrap
from fragtui.ui.widgets.framed import Framing, Spans
from fragtui.ui.widgets.incident_cells import clock_time
from fragtui.ui.widgets.list_panel import ListPanel, columns
from fragtui.ui.widgets.rows import Line, Span, line

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.model.failures.groups import GroupKey
    from fragtui.model.failures.incident import Incident
    from fragtui.model.pods.pod_update import PodUpdate

_LIMITS = "The kernel logs at most one failure per 10 s, and no NOWARN request."

_MIN_NOTE = 30
"""Cells of the log's state and path beside the keys; with fewer the keys go."""
_FRAME, _GAP = 6, 3
"""Cells of the lower border around its text, and between that and the keys."""
_POSITION = 22
"""Cells that the heading leaves for which rows are shown."""
_WHO, _OTHERS, _TIMES, _CAUSE = 15, 4, 5, 16
"""Cells of columns; the kernel's names of tasks have at most 15 characters, and `` +12`` counts the other ones."""
_WITH_OTHERS = 76
"""Cells from which on there is room for a whole name with that count."""


class FailureRow(NamedTuple):
    """One row: a group, or a member of one that is unfolded."""

    group: FailureGroup
    """What the row stands for; of a member, that one incident."""
    parent: GroupKey | None
    """The key of a member's group; None for a group."""


class FailuresPanel(ListPanel[FailureRow]):
    """One row for the incidents of one task, size and cause: when last, how many, and the pods that they block."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="failures")
        self._session = session
        self._heading_alone = False
        self._has_others = False
        """Whether a group has several tasks, so that its name is followed by a count."""
        self._groups: Sequence[FailureGroup] = ()
        self._traced: tuple[FailureGroup, ...] = ()
        """The groups of denied requests that only a trace has."""
        self._traced_of: tuple[object, ...] = ()
        """What they were made from."""
        self._view = 0
        self._rows: tuple[FailureRow, ...] = ()
        self._pods: dict[Hashable, tuple[str, ...]] = {}
        self._pods_of: PodUpdate | None = None

    @property
    def follows_samples(self) -> bool:
        """Failures come with the log, not with samples."""
        return False

    def items(self) -> Sequence[FailureRow]:
        """Return the groups, the newest first, each with its members if it is unfolded."""
        groups = self._session.failures.rows
        traced, self._traced = self._traced, self._not_logged()
        if groups is not self._groups or traced is not self._traced or self.changed_view != self._view:
            self._groups, self._view = groups, self.changed_view
            shown = (*self._traced, *groups)
            self._has_others = any(group.who[1] for group in shown)
            self._rows = tuple(row for group in shown for row in self._rows_of(group))
            self._pods.clear()
        return self._rows

    def _not_logged(self) -> tuple[FailureGroup, ...]:
        """Return the denied requests that only the trace has: the same object until they change."""
        trace, failures = self._session.trace, self._session.failures
        made_of = (trace, trace.denied, failures.rows) if trace is not None else ()
        if made_of != self._traced_of:
            self._traced_of, self._traced = made_of, ()
            if trace is not None and trace.denied:
                from fragtui.model.state.not_logged import not_logged  # noqa: PLC0415  # Only with a trace.

                groups, wanted = not_logged(trace, failures.incidents), failures.wanted.casefold()
                self._traced = tuple(group for group in groups if wanted in f"{group.last.comm} {group.last.cause}")
        return self._traced

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines; if only the heading has room, it also says what an empty list means."""
        self._heading_alone = height < 2
        return super().build(width, height)

    def _rows_of(self, group: FailureGroup) -> list[FailureRow]:
        rows = [FailureRow(group, None)]
        if len(group.incidents) > 1 and group.key in self._unfolded:
            rows += [FailureRow(FailureGroup((incident,)), group.key) for incident in reversed(group.incidents)]
        return rows

    def key(self, item: FailureRow) -> Hashable:
        """Return the group's key, or the id of a member."""
        return item.group.key if item.parent is None else item.group.last.id

    def group(self, item: FailureRow) -> Hashable | None:
        """Return the key of the group that unfolds here."""
        if item.parent is not None:
            return item.parent
        return item.group.key if len(item.group.incidents) > 1 else None

    @property
    def wanted(self) -> str:
        """The text that listed failures contain."""
        return self._session.failures.wanted

    @wanted.setter
    def wanted(self, text: str) -> None:
        self._session.failures.filter(text)

    @property
    def matches(self) -> tuple[int, int]:
        """The failures that contain that text, and all of them."""
        return self._session.failures.listed, self._session.failures.failures

    @property
    def noun(self) -> str:
        """The rows are groups if there are fewer of them than failures."""
        groups = self._session.failures.rows
        return "groups" if not self._unfolded and any(len(group.incidents) > 1 for group in groups) else ""

    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the counts and where they are from."""
        failures, trace = self._session.failures, self._session.trace
        spans: list[Span] = [(" Denied requests ", "title")]
        if failures.failures:
            denials = self._session.denials
            if denials.unlogged is not None:  # The trace counts what the rate limit hides.
                denials = denials._replace(suppressed=0)
            *longer, shortest = denial_words(denials)
            room = width - spans_width(spans) - _POSITION
            count, comma, more = next((words for words in longer if cells_of(words) < room), shortest).partition(",")
            spans.append((count, "bad" if denials.requests else "muted"))
            spans.append((f"{comma}{more} ", "warn"))
        if trace is not None and self._traced:
            least = "" if trace.exact else "at least "
            count = f"{least}{sum(group.count for group in self._traced):,} not logged, traced since"
            spans.append((f"{count} {clock_time(trace.since)} ", "warn"))
        if failures.lost_records:
            spans.append((f"{counted(failures.lost_records, 'record')} lost ", "warn"))
        if failures.unlisted:
            spans.append((f"{failures.unlisted} no longer listed ", "warn"))
        if failures.unread_lines:
            spans.append((f"{counted(failures.unread_lines, 'line')} could not be read ", "warn"))
        state = failures.state
        if self._heading_alone and not self.items() and not failures.wanted:
            none = no_denials(state)
            text = none.text
            if cells_of(text) > width - spans_width(spans) - 2:
                text = text.partition(": " if none.sight is Sight.LOOKED else " among ")[0]
            return (*spans, (text, sight_style(none)))
        if state.sight is Sight.BLIND:
            spans.append(("unknown ", "unknown"))
        return (*spans, *(() if self.framed or state.sight is Sight.LOOKED else self._source(width)))

    def _source(self, room: int) -> Spans:
        """Return where the failures are read, in that many cells if it can be: of a long path its end stays."""
        failures, state = self._session.failures, self._session.failures.state
        words = f"{state.name}: {state_word(state)}"
        if failures.source in (None, "none", NOT_SAVED):
            return ((words, "muted"),)
        problem = f" ({failures.problem})" if failures.problem else ""
        room -= cells_of(words) + 1
        place = f"{failures.source}{problem}" if cells_of(f"{failures.source}{problem}") <= room else failures.source
        return ((f"{words} {fit_path(place, room).rstrip()}", "muted"),)

    def framing(self, width: int) -> Framing:
        """Return the heading, and in the lower border where the failures are read, beside the keys."""
        framing = super().framing(width)
        room, keys = width - _FRAME, spans_width(framing.keys)
        beside = room - keys - _GAP
        return framing._replace(note=self._source(beside if keys and beside >= _MIN_NOTE else room))

    def keys(self) -> Spans:
        """Return the panel's keys."""
        if not self.items():
            return ()
        return self._session.hints(("filter", "filter"), ("unfold", "unfold"), ("open", "open"))

    @property
    def clear_key(self) -> str:
        """The key that clears the filter."""
        return self._session.key("unwind")

    def header(self, width: int) -> tuple[Span, ...]:
        """Return the names of the columns."""
        cells = (("  last", 14), ("who", self._who_width), ("size", self._size_width(width)), ("times", _TIMES + 1))
        spans = columns(*((name, size, "muted") for name, size in cells))
        if (room := width - spans_width(spans)) >= _CAUSE + 30:
            return (*spans, *columns(("cause", _CAUSE, "muted"), ("pods", 4, "muted")))
        both = "cause, pods"
        return (*spans, (both if cells_of(both) <= room else "cause", "muted"))

    def row(self, item: FailureRow, width: int) -> tuple[Span, ...]:
        """Return one row; a narrow one leaves out the cause for the pods."""
        last = item.group.last
        style = "text" if last.memory is False else "bad" if last.kind is ReportKind.ALLOCATION_FAILURE else "warn"
        spans = [self._sign(item), *columns((clock_time(last.time), 12, "muted"))]
        who, others = item.group.who
        more = f" +{others}" if others else ""
        asked_for = (self._asked_for(last, width), self._size_width(width), style)
        cells = self._who_width
        spans += columns((fit(who or "?", cells - len(more)).rstrip() + more, cells, "strong"), asked_for)
        spans.append((fit_right(f"{item.group.count}×", _TIMES) + "  ", "text"))
        names = self._pod_names(item)
        room = width - sum(cells_of(text) for text, _ in spans)
        if not names:
            return (*spans, (cause_words(last), "text"))
        if room >= _CAUSE + 30:
            spans += columns((cause_words(last), _CAUSE, "text"))
            room -= _CAUSE + 1
        return (*spans, (f"⇒ {pods_cell(names, room - 2)}", "strong"))

    def _asked_for(self, incident: Incident, width: int) -> str:
        """Return what was asked for; a narrow row leaves out the order."""
        title = brief_title(incident, self._session.snapshot.host.page_size if self._session.snapshot else 4096)
        return title if width >= 100 else title.partition(" (")[0]

    @property
    def _who_width(self) -> int:
        """The cells of the tasks' names, with those of the counts if there is room for both."""
        return _WHO + _OTHERS if self._has_others and self.size.width >= _WITH_OTHERS else _WHO

    def _size_width(self, width: int) -> int:
        return 15 if width >= 100 else 11

    def _sign(self, item: FailureRow) -> Span:
        if item.parent is not None:
            return "· ", "muted"
        if len(item.group.incidents) == 1:
            return "  ", "text"
        return "- " if item.group.key in self._unfolded else "+ ", "key"

    def _pod_names(self, item: FailureRow) -> tuple[str, ...]:
        """Return the pods of a row, looked up once for each update: rows are drawn at every tick."""
        if self._pods_of is not self._session.pods:
            self._pods_of = self._session.pods
            self._pods.clear()
        if (key := self.key(item)) not in self._pods:
            self._pods[key] = pods_of(self._session.pods, item.group)
        return self._pods[key]

    def empty(self, width: int) -> Sequence[Line]:
        """Return why there is nothing: none was logged, or the log can't be read."""
        failures = self._session.failures
        if failures.wanted:
            return [line((" no failure contains that text", "muted"))]
        rows = sight_rows(no_denials(failures.state), width)
        if failures.state.sight is Sight.LOOKED:
            rows += [line((f" {row}", "muted")) for row in wrap(_LIMITS, width - 2, 2)]
            rows += [line((f" {row}", "warn")) for row in wrap(failures.problem or "", width - 2, 3) if row]
        return rows
