"""What a trace shows: requests denied without a line, who fragments, who waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from fragtui.render.tracing.trace_tables import Column, Table, trace_state, trace_tables
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit, fit_name, fit_right, wrap
from fragtui.ui.widgets.page import PageScreen
from fragtui.ui.widgets.rows import Line, line

_GAP = 2
_FLEXIBLE = ("pod or cgroup", "flags")
_LEAST = ("type", "last", "mixed", "broke", "asked", "longest", "flags", "pod or cgroup")
"""Columns that a narrow page leaves out, the first ones first."""
_MIN_FLEXIBLE = 12


class TracePage(PageScreen):
    """The page, kept up to date; x switches the trace off, or asks to start it again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "switch", "On/off"), Binding("a", "follow", "Target")]

    def __init__(self, session: Session, switch: Callable[[], None] | None) -> None:
        """`switch` ends the trace or asks for another; None if it can't be, as in a recording."""
        keys = ("x switches it off.", "x starts another.") if switch is not None else ("", "")
        super().__init__("What the log never prints", lambda width: trace_lines(session, width, *keys), every=1.0)
        self._switch = switch
        self._session = session

    def action_switch(self) -> None:
        """Close the page, and switch the trace off or ask."""
        if self._switch is not None:
            self.dismiss(None)
            self._switch()

    def action_follow(self) -> None:
        """Take the order of the newest denied request as the target order, if it is more than a page."""
        if (order := _denied_order(self._session)) is not None:
            self._session.manual_order = None
            self._session.note_failed_order(order)
            self.notify(f"The target order is {order}.", markup=False)


def _denied_order(session: Session) -> int | None:
    groups = session.trace.groups if session.trace is not None else ()
    return next((group.order for group in groups if group.order), None)


def trace_lines(session: Session, width: int, off: str = "", on: str = "") -> Sequence[Line]:
    """Return the page; `off` and `on` say how the trace is switched."""
    if (tally := session.trace) is None:
        return [line(("Starting the trace…", "muted"))]
    page_size = session.snapshot.host.page_size if session.snapshot else 4096
    words = f"{trace_state(tally)} {off if tally.running else on}"
    if (order := _denied_order(session)) is not None and order != session.order:
        words += f" a makes order {order} the target."
    lines = [line((row, "warn" if tally.lost or tally.ended else "text")) for row in wrap(words, width, 3)]
    for part in tally.parts:
        lines += [line((row, "unknown")) for row in wrap(f"? {part}", width, 3)]
    for table in trace_tables(tally, page_size, lambda cgroup: _pod_name(session, cgroup)):
        lines += [line(), *_table(table, width)]
    return lines


def _pod_name(session: Session, cgroup: str) -> str | None:
    pod = session.pods.pod_of(cgroup) if session.pods else None
    return str(pod) if pod else None


def _table(table: Table, width: int) -> list[Line]:
    title = [line((row, "title")) for row in wrap(table.title, width, 2)]
    if not table.rows:
        return [*title, *(line((row, "muted")) for row in wrap(f"  {table.empty}", width, 2))]
    places, cells = _layout(table, width)
    head = line(*((_cell(table.columns[place], table.columns[place].name, room) + " " * _GAP, "muted")
                  for place, room in zip(places, cells, strict=True)))  # fmt: skip
    rows = [
        line(*((_cell(table.columns[place], row[place], room) + " " * _GAP,
                "bad" if number in table.bad and table.columns[place].name in ("size", "took") else
                "strong" if table.columns[place].name == "task" else "text")
               for place, room in zip(places, cells, strict=True)))
        for number, row in enumerate(table.rows)
    ]  # fmt: skip
    return [*title, head, *rows, *(line((row, "muted")) for row in wrap(table.note, width, 3))]


def _layout(table: Table, width: int) -> tuple[list[int], list[int]]:
    """Return the columns that are shown and the cells of each: flexible ones shrink first, then columns go."""
    places = list(range(len(table.columns)))
    dropped = iter(_LEAST)
    while True:
        columns = [table.columns[place] for place in places]
        flexible = [column for column in columns if column.name in _FLEXIBLE]
        fixed = sum(column.cells + _GAP for column in columns if column.name not in _FLEXIBLE)
        room = width - fixed - _GAP * len(flexible)
        if room >= _MIN_FLEXIBLE * len(flexible) or (name := next(dropped, None)) is None:
            break
        places = [place for place in places if table.columns[place].name != name]
    share = room // len(flexible) if flexible else 0
    return places, [share if column.name in _FLEXIBLE else column.cells for column in columns]


def _cell(column: Column, text: str, cells: int) -> str:
    if column.name == "pod or cgroup":
        return fit_name(text, cells)
    return fit_right(text, cells) if column.right else fit(text, cells)
