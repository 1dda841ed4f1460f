"""The reader of one log, line by line: incidents of the kernel and observations of pods, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fragtui.cluster.api_objects import read_event_line
from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.kernel.gfp.flags import GfpTable
from fragtui.kernel.reports.collector import ReportCollector
from fragtui.kernel.reports.report import KernelReport
from fragtui.logs.markup import joiner_of
from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from fragtui.logs.syslog_line import KERNEL_PROGRAMS
from fragtui.model.failures.from_report import incident_of
from fragtui.model.failures.incident import Incident

PodLine = Incident | PodObservation

_FOLLOWING = 4
"""Lines read after one about a pod: a wrapped message of kubelet or runtime has a few."""


@dataclass(frozen=True, slots=True)
class LogTerms:
    """The context of a log.

    `name` distinguishes logs in ids, `now` (epoch seconds) and `utc_offset` (seconds) date stamps without a year or a
    zone, `shift` (seconds) corrects the former, `running` is the flag table for reports with neither flags
    nor kernel, `kernel` a release for them. `head` is the beginning of the log: it shows whether its lines are wrapped.
    """

    name: str
    now: float
    utc_offset: float = 0.0
    running: GfpTable | None = None
    kernel: str | None = None
    shift: float = 0.0
    head: bytes = b""


class LogReading:
    """Reads the lines of one log in order; returns the incidents and observations that they complete.

    A line that makes a parser fail is counted in `unread` and does not end the reading.
    """

    def __init__(self, terms: LogTerms) -> None:
        self._terms = terms
        self._wraps = joiner_of(terms.head)
        self._parser = LogParser(now=terms.now, shift=terms.shift)
        self._collector = ReportCollector()
        self._pods = PodLogReader(lambda: terms.now, terms.utc_offset)
        self.time: float | None = None
        """The latest stamp so far."""
        self.unread = 0
        """Lines that made a parser fail."""
        self._after = 0
        self._busy = False

    @property
    def wanted(self) -> bool:
        """Whether the next line is needed, with any text."""
        return self._busy or self._after > 0 or (self._wraps is not None and self._wraps.busy) or self._pods.busy

    def skip(self) -> None:
        """Note that lines without interest are left out here."""
        self._parser.skip()
        self._collector.skip()

    def feed(self, line: bytes, number: int, torn: bool) -> Sequence[PodLine]:
        """Take a line without its newline (`torn` if it had none); return what it completes."""
        if self._wraps is None:
            return self._feed(line, number, torn)
        completed: Sequence[PodLine] = ()
        for joined in self._wraps.feed(line, number, torn):
            completed = (*completed, *self._feed(*joined))
        return completed

    def _feed(self, line: bytes, number: int, torn: bool) -> Sequence[PodLine]:
        if not self._busy and (events := read_event_line(line, number)) is not None:
            self._after = 0
            return events
        parser, collector = self._parser, self._collector
        if self._busy:  # Within a report most lines are the kernel's: a search for words about pods is wasted.
            of_pods = True
            self._after -= 1
        else:
            of_pods = parser.busy or self._pods.worth_reading(line)
            self._after = _FOLLOWING if of_pods else self._after - 1
        completed: Sequence[PodLine] = ()
        try:
            for record in parser.feed(line, number, torn):
                time = record.time
                if time is not None and (self.time is None or time > self.time):
                    self.time = time
                reports = collector.feed(record)
                if reports or (of_pods and not _is_kernel(record)):
                    completed = (*completed, *self._completed(reports, record, of_pods))
        except Exception:
            self.unread += 1
        self._busy = collector.busy or parser.busy
        return completed

    def finish(self) -> Iterator[PodLine]:
        """Yield what the end of the log completes."""
        for step in (self._finish_lines, self._finish_reports, self._pods.finish):
            try:
                yield from step()
            except Exception:
                self.unread += 1

    def _finish_lines(self) -> Iterator[PodLine]:
        for line in () if self._wraps is None else self._wraps.finish():
            yield from self._feed(*line)
        for record in self._parser.finish():
            if record.time is not None and (self.time is None or record.time > self.time):
                self.time = record.time
            yield from self._completed(self._collector.feed(record), record, True)

    def _finish_reports(self) -> Iterator[PodLine]:
        return map(self._incident, self._collector.finish())

    def _completed(self, reports: Iterable[KernelReport], record: LogRecord, of_pods: bool) -> Iterator[PodLine]:
        yield from map(self._incident, reports)
        if of_pods and not _is_kernel(record):
            yield from self._pods.feed(record)

    def _incident(self, report: KernelReport) -> Incident:
        terms = self._terms
        return incident_of(report, terms.name, terms.running, terms.kernel)


def _is_kernel(record: LogRecord) -> bool:
    return record.from_kernel is True or record.program in KERNEL_PROGRAMS
