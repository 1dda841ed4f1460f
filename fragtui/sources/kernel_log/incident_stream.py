"""From raw records or lines to updates of incidents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from fragtui.kernel.gfp.flags import GfpTable
from fragtui.kernel.reports.collector import ReportCollector
from fragtui.kernel.reports.needles import BEFORE, DRIVER_NEEDLES, REMEDY_NEEDLE, REPORT_NEEDLES
from fragtui.kernel.reports.report import KernelReport
from fragtui.logs.kmsg_record import parse_kmsg_record
from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from fragtui.model.failures.external_drops import is_own_drop
from fragtui.model.failures.from_report import incident_of
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.files.line_bounds import CutLines, without_holes
from fragtui.text import line_limit

MAX_WAITING = 2000
"""Most reports waiting for an update, the newest: no list of them is longer."""

StreamCall = tuple[str | bytes | float | None, ...]
"""A call to an `IncidentStream`: its name and arguments. The same calls give the same updates."""


class LineSplitter:
    """Cuts a stream of bytes into lines; keeps at most a line's limit after the last newline."""

    def __init__(self) -> None:
        self._rest = b""
        self.cut = CutLines()
        """Counts lines that were too long."""

    def lines(self, data: bytes) -> list[bytes]:
        """Return the whole lines that the data completes, without their newlines."""
        if not data:
            return []
        lines = (self._rest + without_holes(data)).split(b"\n")
        rest = lines.pop()
        # One more byte marks it as too long.
        self._rest = rest[: line_limit(rest) + 1]
        return [self.cut.cut(line) for line in lines]

    def rest(self) -> bytes:
        """Return the rest without a newline."""
        return self._rest


class NeedleWindow:
    """Lets through the records around a hit: a few before it, and after it as many as the reader needs."""

    def __init__(self, needles: Sequence[bytes], before: int) -> None:
        self._needles = tuple(needles)
        self._before: deque[bytes] = deque(maxlen=before)

    def offer(self, record: bytes, busy: bool) -> tuple[bytes, ...]:
        """Return the records to parse now, in order: none, this one, or this one with those before it.

        `busy` says that the reader is in the middle of a report.
        """
        if busy or any(needle in record for needle in self._needles):
            window = (*self._before, record)
            self._before.clear()
            return window
        self._before.append(record)
        return ()


class IncidentStream:
    """Parses the lines near a needle, collects reports and remembers which incidents were reported.

    A line on which a parser fails is counted in the update: only that line is lost.

    `boot` (epoch of the kernel's time zero) dates records of /dev/kmsg, `now` syslog timestamps without a year.
    `on_call`, if set, gets every call that changes state, in order.
    """

    def __init__(
        self,
        name: str,
        running: GfpTable | None,
        release: str | None,
        *,
        boot: float | None = None,
        now: float | None = None,
        on_call: Callable[[StreamCall], None] | None = None,
    ) -> None:
        self._name = name
        self._running = running
        self._release = release
        self._boot = boot
        self._parser = LogParser(now=now)
        self._collector = ReportCollector()
        self._near = NeedleWindow((*REPORT_NEEDLES, *DRIVER_NEEDLES, REMEDY_NEEDLE), BEFORE)
        self._reported: dict[int, Incident] = {}
        self._done: deque[KernelReport] = deque()
        self._dropped = 0
        self._line = 0
        self.records = 0
        """Records and lines fed."""
        self._proof: str | None = None
        self._remedy = ""
        self._unread = 0
        """Lines since the last update on which a parser failed."""
        self._on_call = on_call
        self._fed = False
        self._asked = False
        if on_call is not None:
            on_call(("open", name, release, boot, now))

    @property
    def busy(self) -> bool:
        """Whether a report is open."""
        return self._collector.busy or self._parser.busy

    def feed_kmsg(self, record: bytes) -> None:
        """Take a raw record of /dev/kmsg."""
        self.records += 1
        for raw in self._near.offer(record, self._collector.busy):
            self.feed_near_kmsg(raw)

    def feed_near_kmsg(self, record: bytes) -> None:
        """Take a raw record that is known to be relevant."""
        self._note("kmsg", record)
        try:
            for parsed in parse_kmsg_record(record, self._boot):
                self.feed(parsed)
        except Exception:
            self._unread += 1

    def feed_line(self, line: bytes) -> None:
        """Take the next line of a log."""
        self._line += 1
        self.records += 1
        waiting = self._near.offer(line, self.busy)
        for offset, raw in enumerate(waiting):
            self.feed_numbered(raw, self._line - len(waiting) + 1 + offset)

    def feed_numbered(self, line: bytes, number: int, torn: bool = False) -> None:
        """Take a line that is known to be relevant, with its number."""
        self._note("line", number, torn, line)
        try:
            for parsed in self._parser.feed(line, number, torn):
                self.feed(parsed)
        except Exception:
            self._unread += 1

    def skip(self) -> None:
        """Mark that irrelevant lines were left out here."""
        self._note("skip")
        self._parser.skip()
        self._collector.skip()

    def feed(self, record: LogRecord) -> None:
        """Take a record."""
        self._take(self._collector.feed(record))

    def looked(self, proof: str, remedy: str = "") -> None:
        """Take what the source delivered so far, and what the user can do about it, for the next update."""
        if (proof, remedy) != (self._proof, self._remedy):
            self._proof, self._remedy = proof, remedy
            self._asked = False
            self._note("looked", proof, remedy)

    def finish(self) -> None:
        """Complete open reports: the log paused, ended, or lost records."""
        if self._fed:
            self._note("finish")
            self._fed = False
        try:
            for record in self._parser.finish():
                self.feed(record)
        except Exception:
            self._unread += 1
        try:
            self._take(self._collector.finish())
        except Exception:
            self._unread += 1

    def update(
        self,
        source: str,
        lost: int,
        *,
        since: float | None = None,
        before: float | None = None,
        problem: str | None = None,
    ) -> KernelLogUpdate:
        """Return what is new since the last call; only incidents between two epoch seconds, if given.

        Reports dropped because too many came at once count as lost records.
        """
        waiting = bool(self._done or self._collector.open_reports() or self._collector.external_drops)
        unread, self._unread = self._unread, 0
        if waiting or lost or problem or unread or not self._asked:
            self._note("news", source, lost, since, before, problem)
            self._asked = True
        fresh: list[Incident] = []
        updated: list[Incident] = []
        finished = [(report, True) for report in self._done]
        self._done.clear()
        for report, done in (*finished, *((report, False) for report in self._collector.open_reports())):
            try:
                incident = self._incident(report)
            except Exception:
                unread += done
                continue
            time = incident.time
            if time is not None and ((since is not None and time < since) or (before is not None and time >= before)):
                continue
            known = self._reported.get(report.key)
            if known is None:
                fresh.append(incident)
            elif known != incident:
                updated.append(incident)
            if done:
                self._reported.pop(report.key, None)
            else:
                self._reported[report.key] = incident
        remedies = tuple(remedy for remedy in self._collector.external_drops if not is_own_drop(remedy))
        self._collector.external_drops.clear()
        if since is not None:
            remedies = tuple(remedy for remedy in remedies if remedy.time is None or remedy.time >= since)
        lost, self._dropped = lost + self._dropped, 0
        return KernelLogUpdate(
            tuple(fresh), tuple(updated), lost, remedies, source, problem, unread, self._proof, self._remedy
        )

    def _take(self, reports: Iterable[KernelReport]) -> None:
        self._done.extend(reports)
        while len(self._done) > MAX_WAITING:
            self._reported.pop(self._done.popleft().key, None)
            self._dropped += 1

    def _note(self, *call: str | bytes | float | None) -> None:
        if self._on_call is not None:
            self._on_call(call)
            self._fed |= call[0] in ("kmsg", "line", "skip")

    def _incident(self, report: KernelReport) -> Incident:
        return incident_of(report, self._name, self._running, self._release)
