"""Collects reports from a stream of records: which line belongs to which report, and when a report is over.

A report has no terminator and reports of several CPUs interleave: the stack dumps are serialised by the kernel, head
lines and Mem-Info are not (mm/page_alloc.c warn_alloc, lib/dump_stack.c). Lines are attributed by the printing caller
if the kernel prints it (CONFIG_PRINTK_CALLER), else by the task line of a dump; ambiguous lines are left out.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from fragtui.kernel.reports.builder import Stage
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
from fragtui.kernel.reports.memory_lines import parse_memory_line
from fragtui.kernel.reports.needles import BEFORE
from fragtui.kernel.reports.oom_collector import OomCollector
from fragtui.kernel.reports.open_reports import Hidden, OpenReports
from fragtui.kernel.reports.report import ExternalDrop, KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.kernel.reports.torn_heads import take_head_piece
from fragtui.logs.record import LogRecord

_HEAD_START = re.compile(r"(?:: page(?: allocation)?| invoked(?: oom-killer:)?) ?$")
"""The end of a line that a mail program wrapped within the words of a head line."""
_MAX_PARTS = 6
"""Lines that a mail program makes of one."""
_OTHERS = 1000
"""Records of other callers after which a report is over."""


class ReportCollector:
    """Takes the records of one source in order; returns reports in the order of their head lines."""

    def __init__(self) -> None:
        self.external_drops: deque[ExternalDrop] = deque(maxlen=1000)
        """Lines in which the kernel logged a write to drop_caches; the reader clears it."""
        self._open = OpenReports()
        self._dump = DumpCollector(self._open)
        self._oom = OomCollector(self._open)
        self._wrapped: LogRecord | None = None
        """The record before, if it may be the beginning of a head line."""
        self._origin: LogRecord | None = None
        """The last record that named its host or caller, and when it came."""
        self._origin_at = 0

    @property
    def busy(self) -> bool:
        """Whether a report is open, so that further records may belong to it."""
        # The first report is open: closed ones are returned up to the first open one.
        return self._wrapped is not None or bool(self._open.reports)

    def feed(self, record: LogRecord) -> tuple[KernelReport, ...]:
        """Take a record; return the reports that it finished."""
        opened = self._open
        opened.count += 1
        if record.from_kernel is False:
            opened.previous = None
            return self._age(record) if opened.reports else ()
        previous, opened.previous = opened.previous, None
        if record.repeats is not None:
            if previous is not None and previous.host == record.host:
                previous.repeated = (previous.repeated or 0) + record.repeats
                previous.touch(record)
            return ()
        if record.host is not None or record.caller is not None:
            self._origin, self._origin_at = record, opened.count
        elif (
            self._origin is not None
            and opened.count - self._origin_at <= _MAX_PARTS
            and not (record.stamped or ": page alloc" in record.text)
        ):
            # It continues a line that was wrapped.
            record = replace(record, host=self._origin.host, caller=self._origin.caller)
        self._take(record)
        return self._age(record) if opened.reports else ()

    def skip(self) -> None:
        """Mark that records were left out here: earlier records are not near later ones."""
        self._open.count += BEFORE
        self._origin = self._wrapped = None

    def open_reports(self) -> tuple[KernelReport, ...]:
        """Return the unfinished reports, as far as they are known."""
        return tuple(report.freeze() for report in self._open.reports if not report.closed and report.is_real)

    def finish(self) -> tuple[KernelReport, ...]:
        """Return all open reports, at the end of the stream or if records were lost."""
        done = tuple(report.freeze() for report in self._open.reports if report.is_real)
        self._open.reports.clear()
        self._open.previous = None
        self._open.hidden = None
        self._dump.reset()
        return done

    def _take(self, record: LogRecord) -> None:
        text = record.text
        if self._wrapped is not None:
            record, self._wrapped = _joined(self._wrapped, record), None
            text = record.text
        # Most lines of a report are stack frames.
        if not text or ("+0x" in text and self._open.reports and self._dump.take_frame(record)):
            return
        if self._take_head(record) or self._oom.take(record):
            return
        if (
            text.endswith(("page", "allocation", "invoked", "oom-killer:", " "))
            and _HEAD_START.search(text) is not None
        ):
            self._wrapped = record
            return
        if "callbacks suppressed" in text and (hidden := parse_suppressed(text)) is not None:
            if self._open.hidden is not None and self._open.hidden.host == record.host:
                hidden += self._open.hidden.count
            self._open.hidden = Hidden(hidden, record.host, record.caller, self._open.count)
            return
        if "drop_caches: " in text and (found := parse_drop_caches_line(text)) is not None:
            remedy = ExternalDrop(*found, time=record.time, monotonic=record.monotonic, line=record.line)
            self.external_drops.append(remedy)
            return
        if not self._open.reports:
            self._dump.note_unowned(record)
            return
        if not (
            self._dump.take(record) or take_head_piece(self._open.candidates(record), record) or self._slab(record)
        ):
            self._end_after_tail(record)

    def _take_head(self, record: LogRecord) -> bool:
        text = record.text
        if not ("page allocation " in text or "vm" in text or "cation failed" in text or "SL" in text):
            return self._take_line(record)
        head = parse_failure_head(text, record.torn)
        if head is None and text.startswith("SL"):
            head = parse_slab_head(text, record.torn)
        if head is None:
            return self._take_line(record)
        if self._joins_vmalloc(head, record):
            return True
        self._drop_title(head, record)
        report = self._open.open(head.kind, record)
        report.comm, report.stalled_ms, report.vmalloc = head.comm, head.stalled_ms, head.vmalloc
        report.request = head.request
        if head.kind is ReportKind.SLAB_FAILURE or head.alone:
            report.idle_limit = 12
            report.stack = report.memory = Stage.DONE
        report.touch(record)
        self._dump.note_head(report)
        return True

    def _drop_title(self, head: FailureHead, record: LogRecord) -> None:
        """Forget the same head line just before, if it is the title of a page that shows a log.

        A title has no stamp where the log has one, or words before the task's name.
        """
        for report in self._open.candidates(record):
            known = report.record.stamped or report.pid is not None or report.frames
            if known or not (report.comm or "").endswith(head.comm or "?"):
                continue
            differs = record.stamped or report.comm != head.comm or report.host != record.host
            if report.request.order == head.request.order and (differs or not report.head.startswith(head.comm or "")):
                self._open.reports.remove(report)

    def _take_line(self, record: LogRecord) -> bool:
        """Take a single line of the kernel or of a driver about missing memory."""
        text = record.text
        # Called for most lines: any() takes five times as long.
        if not (
            "alloc" in text
            or " blocked " in text
            or "-12" in text
            or "swiotlb" in text
            or "NO_MEMORY" in text
            or "page iova" in text
            or "SW-IOMMU" in text
            or "virtio_mem" in text
        ):
            return False
        if record.torn or (found := parse_memory_line(text)) is None:
            return False
        if found.name in {"slab-cache", "driver", "dma-pool"}:
            for report in self._open.candidates(record):
                if report.kind is ReportKind.ALLOCATION_FAILURE:  # The line follows from it.
                    report.follow_up = report.follow_up or record.text
                    report.touch(record)
                    report.closed = report.complete = report.closed or report.is_over
                    return True
        for report in self._open.candidates(record):
            line = report.line
            if line is None or not line.name == found.name == "swiotlb":
                continue
            if line.facts["size"] == found.facts["size"]:  # 3.x to 4.20 print two lines.
                report.touch(record)
                return True
        report = self._open.open(found.kind, record)
        report.line = found
        report.comm, pid, cpu = found.facts.get("comm"), found.facts.get("pid"), found.facts.get("cpu")
        report.pid, report.cpu = None if pid is None else int(pid[:9]), None if cpu is None else int(cpu)
        report.memory = Stage.DONE
        report.idle_limit = 60 if found.has_stack else 0
        if not found.has_stack:
            report.stack = Stage.DONE
        elif found.kind is ReportKind.HUNG_TASK:  # Its task line is another one.
            report.stack = Stage.NAMED
        report.touch(record)
        self._dump.note_head(report)
        return True

    def _joins_vmalloc(self, head: FailureHead, record: LogRecord) -> bool:
        """Up to 4.8 vmalloc's own line comes first, then the head line of warn_alloc_failed with order 0.

        Before both may be a line about the address space (mm/vmalloc.c alloc_vmap_area).
        """
        is_page = head.kind is ReportKind.ALLOCATION_FAILURE and head.request.order in (
            {0, None} if record.torn else {0}
        )
        if not is_page and (head.kind is not ReportKind.VMALLOC_FAILURE or "address space" in (head.vmalloc or "")):
            return False
        last = next((report for report in reversed(self._open.candidates(record))), None)
        if last is None or last.kind is not ReportKind.VMALLOC_FAILURE or last.comm or last.idle > 1:
            return False
        if not is_page and "address space" not in (last.vmalloc or ""):
            return False
        last.comm, last.head = head.comm, record.text
        last.merge_request(head.request)
        last.touch(record)
        return True

    def _slab(self, record: LogRecord) -> bool:
        mine = [report for report in self._open.candidates(record) if report.kind is ReportKind.SLAB_FAILURE]
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
        for report in self._open.candidates(record):
            if report.is_over:
                if record.text.startswith(("kmem_cache_create(", "Unable to create ")):
                    report.follow_up = report.follow_up or record.text
                    report.touch(record)
                report.closed = report.complete = True

    def _age(self, record: LogRecord) -> tuple[KernelReport, ...]:
        """Close reports that waited too long; return the finished ones before the first open one."""
        opened, caller = self._open, record.caller
        reports = opened.reports
        for report in reports:
            if report.closed or report is opened.previous:
                continue
            if caller is None or report.caller is None or caller == report.caller:
                report.idle += 1
            else:  # Records of other callers prove little.
                report.others += 1
            if report.idle + report.others > 1 and (
                report.idle > report.idle_limit or report.others > _OTHERS or report.is_stale(record)
            ):
                report.closed = report.complete = True
        if not reports[0].closed:
            return ()
        done: list[KernelReport] = []
        while reports and reports[0].closed:
            if (report := reports.pop(0)).is_real:
                done.append(report.freeze())
        return tuple(done)


def _joined(before: LogRecord, record: LogRecord) -> LogRecord:
    """Return a head line whose second half is the record's text, or the record if it is something else."""
    rest = record.text.lstrip()
    if rest.startswith(("allocation ", "failure", "stalls ", "oom-killer:", "gfp_mask=")):
        return replace(before, text=f"{before.text.rstrip()} {rest}", torn=record.torn)
    return record
