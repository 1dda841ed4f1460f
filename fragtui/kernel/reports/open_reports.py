"""The reports whose lines are still arriving, shared by the collectors that give them facts."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.reports.builder import ReportBuilder
from fragtui.kernel.reports.needles import BEFORE
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.logs.record import LogRecord

MAX_OPEN = 32


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many reports the rate limit hid, by a line that belongs to the next head line. `at` counts records."""

    count: int
    host: str | None
    caller: str | None
    at: int

    def concerns(self, host: str | None, at: int) -> bool:
        """Return whether a head line at that record is close enough."""
        return (self.host == host or None in {self.host, host}) and at - self.at <= BEFORE


class OpenReports:
    """Reports in the order of their head lines. Closed ones stay until all before them are closed too."""

    def __init__(self) -> None:
        self.reports: list[ReportBuilder] = []
        self.count = 0
        """Records so far, of all callers; those left out count as a few."""
        self.hidden: Hidden | None = None
        self.previous: ReportBuilder | None = None
        """The report that the last record opened: a repeated line repeats it."""
        self._next_key = 1

    def candidates(self, record: LogRecord) -> list[ReportBuilder]:
        """Return the open reports that a record may belong to, oldest first."""
        return [
            report
            for report in self.reports
            if not report.closed
            and (report.host is None or record.host is None or report.host == record.host)
            and (record.caller is None or report.caller is None or report.caller == record.caller)
        ]

    def open(self, kind: ReportKind, record: LogRecord) -> ReportBuilder:
        """Open a report at its head line. The same caller prints one report at a time."""
        if record.caller is not None:
            for other in self.reports:
                if other.caller == record.caller and other.host == record.host and not other.closed:
                    other.closed = True
        for other in self.candidates(record):
            if other.is_over:
                other.closed = other.complete = True
        report = ReportBuilder(self._next_key, kind, record)
        self._next_key += 1
        hidden = self.hidden
        if hidden is not None and hidden.caller in {record.caller, None}:
            if hidden.concerns(record.host, self.count):
                report.suppressed = hidden.count
            self.hidden = None
        self.reports.append(report)
        self.previous = report
        if sum(not other.closed for other in self.reports) > MAX_OPEN:
            next(other for other in self.reports if not other.closed).closed = True
        return report
