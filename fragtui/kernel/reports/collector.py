"""Reports out of a stream of records: which line belongs to which report, and when a report is over.

A report has no terminator and reports of several CPUs interleave: the stack dumps are serialised by the kernel, head
lines and Mem-Info are not (mm/page_alloc.c warn_alloc, lib/dump_stack.c). Lines are attributed by the printing caller
where the kernel prints it (CONFIG_PRINTK_CALLER), else by the task line of a dump; what cannot be told is left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from fragtui.kernel.reports.builder import ReportBuilder, Stage
from fragtui.kernel.reports.dump_collector import DumpCollector
from fragtui.kernel.reports.head_lines import (
    FailureHead,
    parse_drop_caches_line,
    parse_failure_head,
    parse_slab_cache,
    parse_slab_head,
    parse_slab_node,
    parse_suppressed,
)
from fragtui.kernel.reports.needles import BEFORE
from fragtui.kernel.reports.oom_collector import OomCollector
from fragtui.kernel.reports.report import ExternalDrop, KernelReport, ReportKind
from fragtui.kernel.reports.torn_heads import take_head_piece
from fragtui.logs.record import LogRecord

MAX_OPEN = 32
_OTHERS = 1000
"""Records of other callers after which a report is over."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many reports the rate limit hid, by a line that belongs to the next head line. `at` counts records."""

    count: int
    host: str | None
    caller: str | None
    at: int

    def concerns(self, host: str | None, at: int) -> bool:
        """Return whether a head line at that record is close enough."""
        return self.host == host and at - self.at <= BEFORE


class ReportCollector:
    """Feed it the records of one source in order; it gives back reports, in the order of their head lines."""

    def __init__(self) -> None:
        self.reports: list[ReportBuilder] = []
        self.foreign_remedies: deque[ExternalDrop] = deque(maxlen=1000)
        self._next_key = 1
        self._count = 0
        self._hidden: Hidden | None = None
        self._previous: ReportBuilder | None = None
        self._dump = DumpCollector(self)
        self._oom = OomCollector(self)

    @property
    def busy(self) -> bool:
        """Whether a report is open, so that further records may belong to it."""
        return bool(self.reports)  # The first one is: closed ones are given back up to the first open one.

    @property
    def count(self) -> int:
        """Records so far, whoever wrote them; those left out count as a few."""
        return self._count

    def feed(self, record: LogRecord) -> tuple[KernelReport, ...]:
        """Take a record; return the reports that it finished."""
        self._count += 1
        if record.from_kernel is False:
            self._previous = None
            return self._age(record)
        previous, self._previous = self._previous, None
        if record.repeats is not None:
            if previous is not None and previous.host == record.host:
                previous.repeated = (previous.repeated or 0) + record.repeats
                previous.touch(record)
            return ()
        self._take(record)
        return self._age(record) if self.reports else ()

    def skip(self) -> None:
        """Note that records were left out here: what was before is not near what comes."""
        self._count += BEFORE

    def open_reports(self) -> tuple[KernelReport, ...]:
        """Return the reports that are not finished, as far as they are known."""
        return tuple(report.freeze() for report in self.reports if not report.closed)

    def finish(self) -> tuple[KernelReport, ...]:
        """Return all that is left, at the end of the stream or where records were lost."""
        done = tuple(report.freeze() for report in self.reports)
        self.reports.clear()
        self._previous = None
        self._hidden = None
        self._dump.reset()
        return done

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
        hidden = self._hidden
        if hidden is not None and hidden.caller in {record.caller, None}:
            if hidden.concerns(record.host, self._count):
                report.suppressed = hidden.count
            self._hidden = None
        self.reports.append(report)
        self._previous = report
        if sum(not other.closed for other in self.reports) > MAX_OPEN:
            next(other for other in self.reports if not other.closed).closed = True
        return report

    def _take(self, record: LogRecord) -> None:
        text = record.text
        # Most lines of a report are stack frames.
        if not text or ("+0x" in text and self.reports and self._dump.take_frame(record)):
            return
        if self._take_head(record) or self._oom.take(record):
            return
        if "callbacks suppressed" in text and (hidden := parse_suppressed(text)) is not None:
            if self._hidden is not None and self._hidden.host == record.host:
                hidden += self._hidden.count
            self._hidden = Hidden(hidden, record.host, record.caller, self._count)
            return
        if "drop_caches: " in text and (found := parse_drop_caches_line(text)) is not None:
            remedy = ExternalDrop(*found, time=record.time, monotonic=record.monotonic, line=record.line)
            self.foreign_remedies.append(remedy)
            return
        if not self.reports:
            self._dump.note_foreign(record)
            return
        if not (self._dump.take(record) or take_head_piece(self.candidates(record), record) or self._slab(record)):
            self._end_after_tail(record)

    def _take_head(self, record: LogRecord) -> bool:
        text = record.text
        if not ("page allocation " in text or "vm" in text or "cation failed" in text or "SL" in text):
            return False
        head = parse_failure_head(text, record.torn)
        if head is None and text.startswith("SL"):
            head = parse_slab_head(text, record.torn)
        if head is None:
            return False
        if self._joins_vmalloc(head, record):
            return True
        report = self.open(head.kind, record)
        report.comm, report.stalled_ms, report.vmalloc = head.comm, head.stalled_ms, head.vmalloc
        report.request = head.request
        if head.kind is ReportKind.SLAB_FAILURE or head.alone:
            report.idle_limit = 12
            report.stack = report.memory = Stage.DONE
        report.touch(record)
        self._dump.note_head(report)
        return True

    def _joins_vmalloc(self, head: FailureHead, record: LogRecord) -> bool:
        """Up to 4.8 vmalloc's own line comes first, then the head line of warn_alloc_failed with order 0."""
        if head.kind is not ReportKind.ALLOCATION_FAILURE or head.request.order not in (
            {0, None} if record.torn else {0}
        ):
            return False
        last = next((report for report in reversed(self.candidates(record))), None)
        if last is None or last.kind is not ReportKind.VMALLOC_FAILURE or last.comm or last.idle > 1:
            return False
        last.comm, last.head = head.comm, record.text
        last.merge_request(head.request)
        last.touch(record)
        return True

    def _slab(self, record: LogRecord) -> bool:
        mine = [report for report in self.candidates(record) if report.kind is ReportKind.SLAB_FAILURE]
        if not mine:
            return False
        report = mine[-1]
        if (cache := parse_slab_cache(record.text)) is not None and not record.torn and report.slab_cache is None:
            report.slab_cache = cache[0]
            if report.request.order is None and cache[1] is not None:
                report.merge_request(type(report.request)(order=cache[1]))
            report.slab_facts.append(cache[2])
        elif (node := parse_slab_node(record.text)) is not None and not record.torn and len(report.slab_facts) < 64:
            report.slab_facts.append(node)
        else:
            return False
        report.touch(record)
        return True

    def _end_after_tail(self, record: LogRecord) -> None:
        """Close the report whose last part is read once its caller says something else."""
        for report in self.candidates(record):
            if report.is_over:
                if record.text.startswith(("kmem_cache_create(", "Unable to create ")):
                    report.follow_up = record.text
                    report.touch(record)
                report.closed = report.complete = True

    def _age(self, record: LogRecord) -> tuple[KernelReport, ...]:
        """Close what has waited too long; return the finished reports before the first open one."""
        for report in self.reports:
            if not report.closed and report is not self._previous:
                if record.caller is None or report.caller is None or record.caller == report.caller:
                    report.idle += 1
                else:  # What another caller prints meanwhile says little.
                    report.others += 1
                if report.idle + report.others > 1 and (
                    report.idle > report.idle_limit or report.others > _OTHERS or report.is_stale(record)
                ):
                    report.closed = report.complete = True
        if not self.reports or not self.reports[0].closed:
            return ()
        done: list[KernelReport] = []
        while self.reports and self.reports[0].closed:
            done.append(self.reports.pop(0).freeze())
        return tuple(done)
