"""The OOM killer's table of tasks, 2.6.11 to 6.19 (mm/oom_kill.c dump_tasks): the largest by resident memory."""

from __future__ import annotations

import heapq
import re
from operator import attrgetter

from fragtui.kernel.reports.report import ReportedTask

MAX_TASKS = 16
"""Tasks kept of a table, the largest."""
_MAX_PAGES = 1 << 52
_MAX_NAME = 32
"""Characters; the kernel prints at most 15 (TASK_COMM_LEN)."""
_ROW = re.compile(r"\s*\[ *(\d{1,9}) *\] +(?=\d)", re.ASCII)
_HEADER = re.compile(r"\s*+\[ *+pid *+\] ++uid ++(.*\bname)\s*+$", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}", re.ASCII)
_BEFORE_RSS = 3
"""Columns before rss: uid, tgid, total_vm. They are the same in all versions; those after it are not."""


class TaskTable:
    """Collects one table. A name may contain blanks and numbers, so the header says where it starts."""

    def __init__(self) -> None:
        self.count = 0
        """Rows of the table."""
        self._columns: int | None = None
        self._largest: list[ReportedTask] = []

    @property
    def largest(self) -> tuple[ReportedTask, ...]:
        """The largest tasks, the largest first."""
        return tuple(self._best())

    def take(self, text: str) -> bool:
        """Take a line; return whether it belongs to such a table."""
        if header := _HEADER.match(text):
            # A second table belongs to a second kill: the newest one counts.
            self.count, self._largest = 0, []
            self._columns = 1 + len(header[1].split())
            return True
        if not (row := _ROW.match(text)):
            return False
        if (task := self._task(int(row[1]), text[row.end() :])) is not None:
            self.count += 1
            self._largest.append(task)
            if len(self._largest) >= 4 * MAX_TASKS:
                self._largest = self._best()
        return True

    def _best(self) -> list[ReportedTask]:
        return heapq.nlargest(MAX_TASKS, self._largest, key=attrgetter("rss"))

    def _task(self, pid: int, text: str) -> ReportedTask | None:
        if self._columns is not None:
            fields = text.split(None, self._columns - 1)
            *numbers, name = fields if len(fields) == self._columns else [""]
        else:
            fields = text.split()
            count = next((place for place, field in enumerate(fields) if not _NUMBER.fullmatch(field)), len(fields))
            numbers, name = fields[:count], " ".join(fields[count:])
        if len(numbers) <= _BEFORE_RSS or not name or not all(map(_NUMBER.fullmatch, numbers)):
            return None
        return ReportedTask(name.strip()[:_MAX_NAME], pid, max(0, min(int(numbers[_BEFORE_RSS]), _MAX_PAGES)))
