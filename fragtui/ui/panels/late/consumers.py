"""Who uses the memory while the node is out of it: the largest processes, their pods, and what the kernel holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.node.consumers import Consumers, Process
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.zone_capacity import pool_pages
from fragtui.render.numbers import short_bytes, span_words
from fragtui.text import counted
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import bar_cells, fit, fit_name, fit_right
from fragtui.ui.widgets.framed import Framing
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

_NAME, _PID, _MEMORY, _GROWTH, _SHARE, _BAR = 21, 9, 9, 11, 7, 22
_WITH_PID, _WITH_BAR = 70, 100
"""Cells from which on pids, and bars, are shown."""
_MIN_SHARE = 0.01
"""Share of the node from which on something that the kernel holds is listed."""


class _Consumer(NamedTuple):
    """A row: a process, or what the kernel holds."""

    name: str
    size: int
    """Bytes."""
    process: Process | None = None


class ConsumersView:
    """The largest first. Shared memory counts for each process that uses it, so that rows may overlap."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown = 0
        self._reported: Consumers | None = None
        self._reported_of: object = None

    def framing(self, width: int) -> Framing:
        """Return the title, whose list it is, how old it is and how much of it is shown."""
        found = self._found()
        title: list[Span] = [("Largest consumers", "title"), (" resident memory", "muted")]
        if found is None:
            return Framing(tuple(title))
        ago = "at an unknown time" if found.at is None else f"{span_words(max(0.0, CLOCK.now() - found.at))} ago"
        title.append((f", by {found.source} {ago}", "muted"))
        position = f"{self._shown} of {counted(found.looked_at, 'process', 'processes')}"
        return Framing(tuple(title), ((position, "muted"),), ((found.why, "warn"),) if found.why else ())

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the rows that there is room for, under their header."""
        session, found = self._session, self._found()
        snapshot = session.snapshot
        if snapshot is None:
            return []
        unknown = () if found is not None else (line((f"? processes unknown: {self._why()}", "unknown")),)
        total = snapshot.meminfo.get("MemTotal")
        held = [_Consumer(name, size) for name, size in _held(snapshot).items() if size >= (total or 0) * _MIN_SHARE]
        rows = [_Consumer(process.comm, process.resident, process) for process in found.processes] if found else []
        rows = sorted((*rows, *held), key=lambda row: row.size, reverse=True)[: max(0, height - 1 - len(unknown))]
        self._shown = sum(row.process is not None for row in rows)
        head = [_head(width, found)] if rows else []
        return [*unknown, *head, *(self._row(row, width, found, total) for row in rows)]

    def _row(self, row: _Consumer, width: int, found: Consumers | None, total: int | None) -> Line:
        process = row.process
        spans: list[Span] = [(fit(row.name, _NAME), "strong" if process else "text")]
        if width >= _WITH_PID:
            spans.append((fit_right(str(process.pid) if process else "–", _PID), "muted"))
        spans.append((fit_right(short_bytes(row.size), _MEMORY), "strong"))
        if found is not None and found.seconds is not None:
            grown = process.grown if process else None
            much = grown is not None and total is not None and grown >= total * _MIN_SHARE
            spans.append((fit_right(_growth(grown), _GROWTH), "bad" if much else "muted"))
        share = row.size / total if total else None
        if width >= _WITH_BAR:
            bar = bar_tones().kept * bar_cells(share, _BAR - 2) if share is not None else ""
            spans.append(("  " + fit(bar, _BAR - 2), "bar"))
        spans.append((fit_right("?" if share is None else f"{min(share, 9.99) * 100:.0f} %", _SHARE), "text"))
        room = width - sum(len(text) for text, _ in spans) - 2
        return line(*spans, ("  ", "text"), (fit_name(self._pod(process) if process else "kernel", room), "text"))

    def _pod(self, process: Process) -> str:
        """Return the pod of a process, a dash if its cgroup is no pod's."""
        if process.cgroup is None:
            return "?"
        owner = cgroup_owner(process.cgroup)
        if owner is None or owner.uid is None:
            return "–"
        pod = self._session.pods.pod_of(process.cgroup) if self._session.pods else None
        return str(pod) if pod else f"pod {owner.uid}"

    def _found(self) -> Consumers | None:
        """Return the processes that /proc shows, else those of the newest OOM report; None if neither is known."""
        read = self._session.consumers
        if read is not None and read.processes:
            return read
        failures = self._session.failures
        if self._reported_of is not failures.rows:
            self._reported_of = failures.rows
            self._reported = _reported(self._session)
        return self._reported

    def _why(self) -> str:
        session = self._session
        if session.consumers is not None:
            return f"/proc: {session.consumers.why or 'it lists none'}"
        if session.recording is not None or session.saved:
            return "no OOM report of the whole node"
        return "reading /proc…"


def _head(width: int, found: Consumers | None) -> Line:
    names = fit("process", _NAME)
    if width >= _WITH_PID:
        names += fit_right("pid", _PID)
    names += fit_right("memory", _MEMORY)
    if found is not None and found.seconds is not None:
        names += fit_right(f"in {span_words(found.seconds)}", _GROWTH)
    names += "  " + fit("share of the node", _BAR - 2 + _SHARE) if width >= _WITH_BAR else fit_right("share", _SHARE)
    return line((f"{names}  pod", "muted"))


def _growth(grown: int | None) -> str:
    if grown is None:
        return ""
    return f"{'+' if grown >= 0 else '−'}{short_bytes(abs(grown))}"


def _held(snapshot: Snapshot) -> Mapping[str, int]:
    """Return the bytes that no process has, by what they are."""
    meminfo = snapshot.meminfo
    return {
        "tmpfs, shared memory": meminfo.get("Shmem", 0),
        "kernel slab": meminfo.get("SUnreclaim", 0),
        "huge page pool": pool_pages(snapshot) * snapshot.host.page_size,
        "page tables": meminfo.get("PageTables", 0),
        "per-CPU data": meminfo.get("Percpu", 0),
    }


def _reported(session: Session) -> Consumers | None:
    """Return the tasks of the newest OOM report of the whole node; a memory cgroup's lists only its own."""
    assert session.snapshot is not None
    for incident in reversed(session.failures.incidents):
        report = incident.report
        if report is None or report.kind is not ReportKind.OOM or not report.tasks or incident.memory is False:
            continue
        size = report.page_size or session.snapshot.host.page_size
        tasks = tuple(Process(task.pid, task.comm, task.rss * size) for task in report.tasks)
        return Consumers(incident.time, tasks, report.task_count, "the last OOM report")
    return None
