"""Reading one log line after line: incidents of the kernel, sightings of pods, and when nothing is left open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.gfp.flags import GfpTable
from fragtui.kernel.reports.carry_over import ParserState, Question, StateDelta, UnknownState, is_no_to_all
from fragtui.kernel.reports.collector import ReportCollector
from fragtui.kernel.reports.report import KernelReport
from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from fragtui.logs.syslog_line import KERNEL_PROGRAMS
from fragtui.model.failures.from_report import incident_of, with_time
from fragtui.model.failures.incident import Incident

PodLine = Incident | PodObservation

_FOLLOWING = 4
"""Lines read after one that tells of a pod: a wrapped message of kubelet or runtime goes on for a few."""


@dataclass(frozen=True, slots=True)
class LogTerms:
    """What a log is read with.

    `name` tells logs apart in ids, `now` (epoch seconds) and `utc_offset` date stamps without a year or a zone,
    `running` is the flag table for reports that tell neither flags nor kernel, `kernel` a release to use then.
    """

    name: str
    now: float
    utc_offset: float = 0.0
    running: GfpTable | None = None
    kernel: str | None = None


@dataclass(frozen=True, slots=True)
class FoundIncident:
    """What a log tells. `time` is the latest stamp so far: it was written about then.

    For `counted_from`: the stamp of the incident's report, and whether the id is made of its line.
    """

    told: PodLine
    time: float | None
    monotonic: float | None = None
    id_by_line: bool = False

    def counted_from(self, line: int, source: str) -> PodLine:
        """Return what is told, its lines counted from the line of its log at which the reading began."""
        told = self.told
        if isinstance(told, Incident):
            return with_time(told, line, source, self.monotonic, self.id_by_line)
        if not line or told.line is None:
            return told
        return replace(told, line=told.line + line, last_line=None if told.last_line is None else told.last_line + line)


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a reading came to rest: its latest stamp, what it leaves, and what it asked of a past that it did not know.

    `described` is the pod that was described last, None if none was.
    """

    time: float | None
    remains: StateDelta
    described: PodRef | None
    asked: tuple[Question, ...] = ()
    asked_described: bool = False
    unread: int = 0
    """Lines over which a parser failed."""


class LogPast:
    """What was read of a log before a place where nothing is open and lines are left out."""

    def __init__(self) -> None:
        self.reports = ParserState()
        self.described = PodRef()
        self.time: float | None = None
        self.unread = 0

    def holds(self, ending: Ending) -> bool:
        """Tell whether a reading that did not know this would have been the same knowing it."""
        known = ending.asked_described and self.described != PodRef()
        return not known and is_no_to_all(self.reports, ending.asked)

    def add(self, ending: Ending) -> None:
        """Take what was read next."""
        self.time = self.latest(ending.time)
        self.reports.add(ending.remains)
        self.unread += ending.unread
        if ending.described is not None:
            self.described = ending.described

    def latest(self, time: float | None) -> float | None:
        """Return the latest stamp, given that of what follows."""
        return time if self.time is None or (time is not None and time > self.time) else self.time


class LogReading:
    """Feed it the lines of one log in order; it gives back what they tell.

    `past` is what was read of the log before, None if it is not known: then the reading goes on as if there were none.
    """

    def __init__(self, terms: LogTerms, past: LogPast | None) -> None:
        self._terms = terms
        self._past = UnknownState() if past is None else past.reports
        self._parser = LogParser(now=terms.now)
        self._gatherer = ReportCollector(self._past)
        described = None if past is None else past.described
        self._pods = PodLogReader(lambda: terms.now, terms.utc_offset, described)
        self.time: float | None = None
        """The latest stamp so far."""
        self.unread = 0
        """Lines over which a parser failed: each costs itself, not the reading."""
        self._after = 0
        self._busy = False

    @property
    def wanted(self) -> bool:
        """Whether the next line is wanted whatever it says."""
        return self._busy or self._after > 0

    @property
    def at_rest(self) -> bool:
        """Whether, if lines are left out now, a new reading would go on as this one, knowing its `ending`."""
        return self._parser.at_rest and self._gatherer.at_rest and not self._pods.busy and not self.wanted

    def ending(self) -> Ending:
        """Return what the lines so far leave to those that follow, at rest."""
        asked = tuple(self._past.asked) if isinstance(self._past, UnknownState) else ()
        pods = self._pods
        return Ending(self.time, self._gatherer.remains(), pods.described, asked, pods.asked_described, self.unread)

    def skip(self) -> None:
        """Note that lines without interest were left out here."""
        self._parser.skip()

    def feed(self, line: bytes, number: int, torn: bool) -> Sequence[FoundIncident]:
        """Take a line without its newline (`torn` if it had none); return what it completes."""
        parser, gatherer = self._parser, self._gatherer
        if self._busy:  # Within a report most lines are the kernel's, which nobody asks about pods.
            of_pods = True
            self._after -= 1
        else:
            of_pods = parser.busy or self._pods.worth_reading(line)
            self._after = _FOLLOWING if of_pods else self._after - 1
        found: Sequence[FoundIncident] = ()
        try:
            for record in parser.feed(line, number, torn):
                time = record.time
                if time is not None and (self.time is None or time > self.time):
                    self.time = time
                reports = gatherer.feed(record)
                if reports or (of_pods and not record.from_kernel and record.program not in KERNEL_PROGRAMS):
                    found = (*found, *self._told(reports, record, of_pods))
        except Exception:
            self.unread += 1
        self._busy = gatherer.busy or parser.busy
        return found

    def feed_run(self, data: bytes, at: int, stop: int, number: int) -> tuple[Sequence[FoundIncident], int, int]:
        """Take lines of an open report in one go; return what they complete, how many they are and where they end.

        `at` is where the first of them begins, `number` its number. None is taken that begins at `stop` or later, or
        that needs a closer look: `feed` that one. It would have told the same, line by line.
        """
        gatherer, first = self._gatherer, number
        found: Sequence[FoundIncident] = ()
        if gatherer.busy and not self._parser.busy:
            for record, end in self._parser.known_lines(data, at, stop, number):
                number, at = number + 1, end + 1
                try:
                    if reports := gatherer.feed(record):
                        self._busy = gatherer.busy
                        found = [self._incident(report) for report in reports]
                        break
                except Exception:
                    self.unread += 1
                    break
            self._after -= number - first
        return found, number - first, at

    def finish(self) -> Iterable[FoundIncident]:
        """Yield what the end of the log completes."""
        for step in (self._finish_lines, self._finish_reports, self._finish_pods):
            try:
                yield from step()
            except Exception:
                self.unread += 1

    def _finish_lines(self) -> Iterable[FoundIncident]:
        for record in self._parser.finish():
            if record.time is not None and (self.time is None or record.time > self.time):
                self.time = record.time
            yield from self._told(self._gatherer.feed(record), record, True)

    def _finish_reports(self) -> Iterable[FoundIncident]:
        for report in self._gatherer.finish():
            yield self._incident(report)

    def _finish_pods(self) -> Iterable[FoundIncident]:
        for observation in self._pods.finish():
            yield FoundIncident(observation, self.time)

    def _told(self, reports: Iterable[KernelReport], record: LogRecord, of_pods: bool) -> list[FoundIncident]:
        found = [self._incident(report) for report in reports]
        if of_pods and not record.from_kernel and record.program not in KERNEL_PROGRAMS:
            found.extend(FoundIncident(observation, self.time) for observation in self._pods.feed(record))
        return found

    def _incident(self, report: KernelReport) -> FoundIncident:
        terms = self._terms
        incident = incident_of(report, terms.name, terms.running, terms.kernel)
        return FoundIncident(incident, self.time, report.monotonic, report.sequence is None)
