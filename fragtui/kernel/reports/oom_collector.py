"""Which OOM report a line of the OOM killer belongs to."""

from __future__ import annotations

import re
from collections import deque

from fragtui.kernel.reports.builder import ReportBuilder
from fragtui.kernel.reports.oom_lines import (
    has_no_victim,
    is_oom_panic,
    parse_event_victim,
    parse_memcg_limit,
    parse_oom_invoked,
    parse_oom_summary,
    parse_oom_victim,
    parse_reaped,
)
from fragtui.kernel.reports.open_reports import OpenReports
from fragtui.kernel.reports.report import KilledTask
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.kernel.reports.request import ReportedRequest
from fragtui.logs.record import LogRecord

_TASK_ROW = re.compile(r"\s*\[ *(?:\d+|pid) *\] +(?:\d+|uid) ")
_MEMCG = "CONSTRAINT_MEMCG"
Task = tuple[str | None, int | None]
"""Host and pid."""
MAX_KILLED = 32
_AFTER_KILL = 16
_UNTIL_KILL = 500
"""From 4.15 on a list of slab caches is printed between Mem-Info and the tasks."""


class OomCollector:
    """Attributes the lines of the OOM killer. One instance per collector."""

    def __init__(self, open_reports: OpenReports) -> None:
        self._open_reports = open_reports
        self._killed: deque[Task] = deque(maxlen=MAX_KILLED)
        self._events: deque[KilledTask] = deque(maxlen=MAX_KILLED)
        """Victims that the kernel named: an event of the kubelet about them is no other kill."""

    def take(self, record: LogRecord) -> bool:
        """Take a line of the OOM killer; return whether it was one."""
        text = record.text
        if "oom" in text and ("oom-kill" in text or "oom_reaper: " in text):
            return self._invoked(record) or self._summary(record) or self._reaped(record)
        if (
            "ill" in text
            and "no killable" not in text
            and ("process " in text or "OOM victim" in text or "Task" in text)
        ):
            return self._victim(record) or self._limit(record)
        if "ut of memory" in text or "deadlocked on memory" in text:
            return self._ended(record)
        if "victim process: " in text:
            return self._event(record)
        if "emory cgroup stats" in text:
            return self._limit(record)
        if text.lstrip().startswith("[") and _TASK_ROW.match(text):
            mine = self._mine(record)
            for report in mine:
                report.touch(record)
            if mine:
                mine[-1].tasks.take(text)
            return bool(self._open_reports.reports)
        return False

    def _mine(self, record: LogRecord) -> list[ReportBuilder]:
        return [report for report in self._open_reports.candidates(record) if report.kind is ReportKind.OOM]

    def _open(self, record: LogRecord) -> ReportBuilder:
        report = self._open_reports.open(ReportKind.OOM, record)
        report.idle_limit = _UNTIL_KILL
        report.touch(record)
        return report

    def _invoked(self, record: LogRecord) -> bool:
        found = parse_oom_invoked(record.text, record.torn)
        if found is None:
            return False
        report = self._open(record)
        report.comm, report.request = found.comm, found.request
        return True

    def _summary(self, record: LogRecord) -> bool:
        found = parse_oom_summary(record.text, record.torn)
        if found is None:
            return False
        waiting = [report for report in self._mine(record) if not report.killed and not report.summarised]
        waiting = [report for report in waiting if not report.is_stale(record)]
        report = waiting[-1] if waiting else self._open(record)
        report.summarised = True
        report.constraint = found.constraint
        report.merge_request(
            ReportedRequest(nodemask=found.nodemask, cpuset=found.cpuset, mems_allowed=found.mems_allowed)
        )
        report.oom_memcg = found.oom_memcg or report.oom_memcg
        report.task_memcg = found.task_memcg or report.task_memcg
        report.victim = found.victim or report.victim
        report.touch(record)
        return True

    def _victim(self, record: LogRecord) -> bool:
        text = record.text
        found = parse_oom_victim(text, record.torn)
        if found is None:
            if "are going to be killed due to memory.oom.group set" in text:
                for report in self._mine(record)[-1:]:
                    report.group_kill, report.constraint = True, _MEMCG
                    report.touch(record)
                return True
            return False
        mine = [report for report in self._mine(record) if not report.is_stale(record)]
        if mine and mine[-1].group_kill and mine[-1].killed:
            mine[-1].touch(record)
            return True
        waiting = [
            report
            for report in mine
            if not report.killed
            and (not report.summarised or report.victim is None or report.victim.pid == found.victim.pid)
        ]
        report = waiting[-1] if waiting else self._open(record)
        # Both lines of 2.6.39 to 5.2 name a task; the second one is the task that dies.
        report.victim, report.killed = found.victim, found.killed
        if report.constraint is None and found.memcg:
            report.constraint = _MEMCG
        if found.killed:
            report.idle_limit = _AFTER_KILL
            self._killed.append((record.host, found.victim.pid))
            self._events.append(found.victim)
        report.touch(record)
        return True

    def _ended(self, record: LogRecord) -> bool:
        """Take the line about no victim, or the panic that follows it or replaces the kill."""
        none, panic = has_no_victim(record.text), is_oom_panic(record.text)
        if not none and not panic:
            return False
        waiting = [report for report in self._mine(record) if not report.killed and not report.is_stale(record)]
        report = waiting[-1] if waiting else self._open(record)
        report.no_victim = report.no_victim or none
        report.panicked = report.panicked or panic
        report.idle_limit = _AFTER_KILL
        report.touch(record)
        return True

    def _event(self, record: LogRecord) -> bool:
        if (found := parse_event_victim(record.text)) is None or record.torn:
            return False
        victim, memcg = found
        if victim not in self._events:
            report = self._open(record)
            report.victim, report.killed, report.idle_limit = victim, True, 0
            report.constraint = _MEMCG if memcg else None
        return True

    def _limit(self, record: LogRecord) -> bool:
        found = parse_memcg_limit(record.text)
        if found is None:
            return False
        task, limit = found
        mine = self._mine(record)
        if not mine and task is None:
            return True
        report = mine[-1] if mine else self._open(record)
        report.oom_memcg, report.task_memcg = report.oom_memcg or limit, report.task_memcg or task
        report.constraint = report.constraint or _MEMCG
        report.touch(record)
        return True

    def _reaped(self, record: LogRecord) -> bool:
        victim = parse_reaped(record.text)
        if victim is None:
            return False
        for report in self._mine(record):
            if report.victim is not None and report.victim.pid == victim.pid:
                report.touch(record)
                report.closed = report.complete = True
                return True
        if not record.torn and (record.host, victim.pid) not in self._killed:
            report = self._open(record)
            report.victim, report.killed, report.idle_limit = victim, True, _AFTER_KILL
        return True
