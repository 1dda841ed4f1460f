"""A trace as tables: requests denied without a line, who fragments, who waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.model.tracing.trace_batch import Fragmentation, Task
from fragtui.model.tracing.trace_collector import OTHERS
from fragtui.model.tracing.trace_tally import DeniedGroup, TraceTally, harm
from fragtui.render.incident_text import block_words
from fragtui.render.numbers import short_bytes, span_words
from fragtui.render.report.markdown import markdown_table
from fragtui.render.terminal_text import Line, Role, wrapped
from fragtui.render.terminal_text import table as terminal_table
from fragtui.text import counted, format_count, format_duration

MAX_DENIED = 10
"""Rows of denied requests on the page and in the report; `more` counts the others."""
PodName = Callable[[str], str | None]
"""Returns the name of the pod of a cgroup path; None if no source names it."""
NO_LOG_OF = (
    "Most requests with NORETRY or NOWARN have a fallback: the caller takes smaller blocks. One with ACCOUNT may have "
    "been denied by its memory cgroup's limit, with free blocks left."
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its width in cells, whether it is a number."""

    name: str
    cells: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Its last column takes the room that is left."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    bad: frozenset[int] = frozenset()
    """The rows that need attention."""
    empty: str = ""
    """What an empty table means."""
    note: str = ""


def trace_state(tally: TraceTally) -> str:
    """Return since when it runs, or why it ended, and whether its counts are exact."""
    begin = _clock(tally.since)
    span = span_words(tally.until - tally.since)
    words = f"Traced since {begin} ({span})" if tally.running else f"Traced from {begin} for {span}"
    if tally.lost:
        words += f"; {counted(tally.lost, 'event')} lost, so all counts are lower bounds"
    else:
        words += "; no event was lost, so the counts are exact"
    return f"{words}. Ended: {tally.ended}." if tally.ended else f"{words}."


def trace_tables(tally: TraceTally, page_size: int, pod_of: PodName) -> tuple[Table, ...]:
    """Return the tables."""
    return _denied(tally, page_size, pod_of), _fragmenters(tally, page_size, pod_of), _waits(tally, page_size, pod_of)


def stalled_words(tally: TraceTally, begin: float, end: float, page_size: int) -> str | None:
    """Return what waited for memory between two times, epoch seconds; None if the trace does not cover them."""
    if not tally.covers(begin, end):
        return None
    stalled = tally.stalled(begin, end)
    if stalled.most is None:
        return "no other request waited for memory meanwhile, by the trace"
    most = stalled.most
    return (
        f"{counted(stalled.times, 'wait')} of other requests, {format_duration(stalled.seconds)} in sum; longest: "
        f"{most.task.comm}, {format_duration(most.seconds)} of {most.kind} for {block_words(most.order, page_size)}"
    )


def task_words(task: Task, pod_of: PodName) -> tuple[str, str]:
    """Return a task's name, and its pod, else its cgroup; ``?`` if that could not be read."""
    if task.cgroup is None:
        return task.comm, "–" if task == OTHERS else "? (ended)"
    owner = cgroup_owner(task.cgroup)
    if owner is not None and owner.uid is not None:
        return task.comm, pod_of(task.cgroup) or f"pod {owner.uid}"
    return task.comm, task.cgroup


_TASK, _POD = Column("task", 15), Column("pod or cgroup", 30)


def _denied(tally: TraceTally, page_size: int, pod_of: PodName) -> Table:
    groups = sorted(tally.groups, key=lambda group: group.times, reverse=True)
    more = sum(group.times for group in groups[MAX_DENIED:])
    orders = ", ".join(
        f"{count:,} of {block_words(order, page_size)}" for order, count in tally.denied_by_order.most_common(4)
    )
    title = f"Denied requests: {tally.denied:,}" + (f" ({orders})" if orders else "")
    columns = (
        Column("times", 6, right=True), Column("size", 15), _TASK, Column("last", 8), _POD, Column("type", 11),
        Column("flags", 40),
    )  # fmt: skip
    return Table(
        title if tally.denied else "Denied requests",
        columns,
        tuple(_denied_row(group, page_size, pod_of) for group in groups[:MAX_DENIED]),
        frozenset(place for place, group in enumerate(groups[:MAX_DENIED]) if group.order),
        "none: no request was left without a page",
        (f"{more:,} more. " if more else "") + NO_LOG_OF if groups else "",
    )


def _denied_row(group: DeniedGroup, page_size: int, pod_of: PodName) -> tuple[str, ...]:
    comm, pod = task_words(group.task, pod_of)
    flags = group.flags.replace("__GFP_", "")
    size = block_words(group.order, page_size)
    return format_count(group.times), size, comm, _clock(group.last), pod, group.migratetype, flags


def _fragmenters(tally: TraceTally, page_size: int, pod_of: PodName) -> Table:
    rows = tally.fragmenters()
    columns = (
        Column("a minute", 8, right=True), Column("times", 6, right=True), _TASK, Column("took", 26),
        Column("asked", 6, right=True), Column("broke", 6, right=True), Column("mixed", 6, right=True), _POD,
    )  # fmt: skip
    return Table(
        f"Who fragments, last {span_words(tally.window)}",
        columns,
        tuple(_fragmenter(row, tally.window, page_size, pod_of) for row in rows),
        frozenset(place for place, row in enumerate(rows) if harm(row) == 2),
        "none: no request took pages from blocks of another type",
        "Unmovable pages in a movable block stay there: compaction can't move them. mixed: the block keeps both types."
        if any(map(harm, rows))
        else "",
    )


def _fragmenter(row: Fragmentation, window: float, page_size: int, pod_of: PodName) -> tuple[str, ...]:
    comm, pod = task_words(row.task, pod_of)
    took = f"{row.wanted} from {row.taken}"
    asked, broke = short_bytes(page_size << row.order), short_bytes(page_size << row.broken)
    rate = format_count(round(row.times * 60 / window))
    return rate, format_count(row.times), comm, took, asked, broke, format_count(row.mixed), pod


def _waits(tally: TraceTally, page_size: int, pod_of: PodName) -> Table:
    columns = (
        Column("ms/s", 7, right=True), Column("times", 6, right=True), Column("longest", 9, right=True), _TASK,
        Column("waits for", 10), Column("size", 15), _POD,
    )  # fmt: skip
    rows = []
    for wait in tally.waits():
        comm, pod = task_words(wait.task, pod_of)
        rate, size = f"{wait.seconds * 1000 / tally.window:.1f}", block_words(wait.order, page_size)
        rows.append((rate, format_count(wait.times), f"{wait.longest * 1000:.1f} ms", comm, wait.kind, size, pod))
    return Table(
        f"Who waits, last {span_words(tally.window)}",
        columns,
        tuple(rows),
        frozenset(),
        "none: no request waited for direct compaction or direct reclaim",
    )


def without(table: Table, *names: str) -> Table:
    """Return the table without these columns."""
    places = [place for place, column in enumerate(table.columns) if column.name not in names]
    rows = tuple(tuple(row[place] for place in places) for row in table.rows)
    return replace(table, columns=tuple(table.columns[place] for place in places), rows=rows)


def saved_lines(tally: TraceTally, events: int, page_size: int, width: int) -> list[Line]:
    """Return a saved trace for a terminal: its size, then the tables, without what no trace names."""
    span = f"{counted(events, 'event')} over {format_duration(tally.until - tally.since)}"
    lost = f", {counted(tally.lost, 'event')} lost: all counts are lower bounds" if tally.lost else ""
    lines = wrapped(f"Trace: {span}{lost}.", width, Role.WARN if lost else Role.TEXT)
    for full in trace_tables(tally, page_size, lambda cgroup: None):
        shown = without(full, "last", "pod or cgroup")
        lines += [(), *wrapped(shown.title, width, Role.TITLE)]
        if not shown.rows:
            lines += wrapped(f"{shown.empty}.", width, indent=2)
            continue
        body = [
            [(cell, Role.BAD if number in shown.bad and column.name in ("size", "took") else Role.TEXT)
             for cell, column in zip(row, shown.columns, strict=True)]
            for number, row in enumerate(shown.rows)
        ]  # fmt: skip
        lines += terminal_table([column.name for column in shown.columns], body, width)
        lines += wrapped(shown.note, width, Role.MUTED) if shown.note else []
    return lines


def report_section(tally: TraceTally, page_size: int, out: Callable[[str], str]) -> list[str]:
    """Return the section of the report as Markdown; `out` escapes, and redacts if that is wanted."""
    lines = ["## What the log never prints", "", trace_state(tally), *(f"- off: {out(part)}" for part in tally.parts)]
    for table in trace_tables(tally, page_size, lambda cgroup: None):
        lines += ["", f"{table.title}{'' if table.rows else f': {table.empty}'}."]
        if table.rows:
            rows = [[out(cell) for cell in row] for row in table.rows]
            lines += ["", *markdown_table([column.name for column in table.columns], rows)]
        lines += ["", table.note] if table.note else []
    return lines


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
