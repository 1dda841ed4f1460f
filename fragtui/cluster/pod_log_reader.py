"""One log of kubelet or runtime, line by line: joins lines that a terminal wrapped, and reads each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from fragtui.cluster.event_tables import BOX, Row, read_table_row, table_of
from fragtui.cluster.failure_reason import CUT
from fragtui.cluster.line_reader import read_line
from fragtui.cluster.needles import is_about_a_pod
from fragtui.cluster.needles import worth_reading as line_worth_reading
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.logs.klog import KlogLine, dated
from fragtui.logs.record import LogRecord
from fragtui.text import printable

_MAX_PARTS = 16
_MAX_TEXT = 16_000
_DESCRIBED = re.compile(r"^(Name|Namespace|UID):\s+([a-z0-9][a-z0-9.\-]*)\s*$")
_DESCRIBED_BYTES = re.compile(rb"[\s>|]*+(?:<\w+>)?(?:Name|Namespace|UID):")
"""A line of a description, also quoted or indented."""
_MAX_KEY = 32
"""Characters in which a description's key ends."""
_HEADERS = ((b"MESSAGE", b"REASON"), (b"Message", b"Reason"), (b"MSG", b"REASON"))
_ROW = re.compile(r"[\s│┃|║]*(?:Warning|Normal)\s")
_NEW_RECORD = re.compile(r'time="|level=|\{"|[IWEF]\d{4} \d\d:|\s*(?:Warning|Normal)\s|\w{3} +\d+ \d\d:')
_GLOG = re.compile(r'E\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\] (?!")')
"""A plain-text error may break anywhere if a terminal wrapped it."""
_MAX_APART = 4
"""Lines between ``Name:``, ``Namespace:`` and ``UID:`` of one description."""
_MAX_DESCRIPTION = 1000
"""Lines from there to the events of the description."""
_MAX_OTHER_ROWS = 3
"""Lines in a table of events that are no rows of it (its rule, a wrapped message) before it counts as ended."""
_STRUCTURED = re.compile(r'[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\] "|time=|level=|msg=')
_CUT_FIELD = re.compile(r' (?!err|msg)\w+="[^"\\]*$')
_CUT = re.compile(r"[>…]$")


class PodLogReader:
    """Reads the records of one log in order; the next record or `finish` completes one that may be continued."""

    def __init__(self, now: Callable[[], float] | None = None, utc_offset: float = 0.0) -> None:
        """`now` (epoch seconds) and `utc_offset` (seconds) date klog lines without another date."""
        self._now = now
        self._utc_offset = utc_offset
        self._held: LogRecord | None = None
        self._parts = 0
        self._described = PodRef()
        """The pod that was described last."""
        self._name: tuple[str | None, int | None] = (None, None)
        """The last ``Name:`` and its line: a pod's if its namespace follows."""
        self._namespace_line: int | None = None
        self._describing = 0
        """Lines that a description may still have before its events."""
        self._row: Row | None = None
        """The rows of the table of events that is read, None outside of a table."""
        self._other_rows = 0

    @property
    def busy(self) -> bool:
        """Whether the next line may continue the last one, a table or a description."""
        return self._held is not None or self._row is not None or self._describing > 0

    def worth_reading(self, line: bytes) -> bool:
        """Return whether this raw line is worth parsing: it may be about a pod, or continue a line that is."""
        if self._held is not None or self._row is not None:
            return True
        if line_worth_reading(line) or _DESCRIBED_BYTES.match(line):
            return True
        if line[:1] > b"\x7f" and b"Name" in line:  # Of a terminal program, in a box.
            return True
        return (b"REASON" in line or b"Reason" in line) and any(
            message in line and reason in line for message, reason in _HEADERS
        )

    def feed(self, record: LogRecord) -> tuple[PodObservation, ...]:
        """Return the observations complete with this record. Never raises."""
        held = self._held
        if held is not None and self._continues(held, record):
            joined = replace(held, text=held.text + record.text)
            self._parts += 1
            if _open_ended(joined) and self._parts < _MAX_PARTS and len(joined.text) < _MAX_TEXT:
                self._held = joined
                return ()
            self._held = None
            return self._read(joined, record.line)
        observations = self.finish()
        if self._describes(record):
            return observations
        if self._row is not None and (row := self._read_row(self._row, record)) is not None:
            return (*observations, *row)
        if (table := table_of(record.text)) is not None:
            self._row, self._other_rows = table, 0
            return observations
        if _open_ended(record):
            self._held, self._parts = record, 1
            return observations
        return (*observations, *self._read(record, record.line))

    def finish(self) -> tuple[PodObservation, ...]:
        """Return the observations of the waiting record: the log ends here, or pauses."""
        held, self._held = self._held, None
        return () if held is None else self._read(held, held.line)

    def _continues(self, held: LogRecord, record: LogRecord) -> bool:
        # A continuation that starts with a space has the program of the line before it.
        rest_of_same = record.program == held.program and record.text.startswith(" ")
        if (record.program is not None and not rest_of_same) or _NEW_RECORD.match(record.text):
            return False
        stamped_itself = record.time is not None and record.time != held.time
        follows = record.line is None or held.line is None or record.line - held.line <= self._parts
        return not stamped_itself and follows and bool(record.text)

    def _read_row(self, row: Row, record: LogRecord) -> tuple[PodObservation, ...] | None:
        """Return the observations of a table's row, None for another line; enough of these end the table."""
        # A row that begins with a date looks like a line of syslog, its next cell like the host.
        text = record.text if record.host is None or record.program is not None else f"{record.host}  {record.text}"
        read = read_table_row(row, text, record.time, record.line)
        if read is not None:
            self._other_rows = 0
            return tuple(self._named(observation, record.line) for observation in read)
        self._other_rows += 1
        if not record.text.strip() or self._other_rows > _MAX_OTHER_ROWS:
            self._row, self._described = None, PodRef()
        return None

    def _describes(self, record: LogRecord) -> bool:
        """Remember the pod that ``kubectl describe`` names above its table of events."""
        self._describing -= self._describing > 0 and self._row is None
        if ":" not in record.text[:_MAX_KEY]:
            return False
        match = _DESCRIBED.match(record.text.strip(BOX))
        if match is None:
            return False
        key, value = match[1], printable(match[2])
        if key == "Name":
            self._name = (value, record.line)
        elif key == "Namespace":
            name, line = self._name
            self._described = PodRef(value, name if _is_near(line, record.line) else None)
            self._namespace_line = record.line
            self._describing, self._row = _MAX_DESCRIPTION if self._described else 0, None
        elif _is_near(self._namespace_line, record.line):
            self._described = replace(self._described, uid=value)
        return True

    def _read(self, record: LogRecord, last_line: int | None) -> tuple[PodObservation, ...]:
        date = None if self._now is None else self._date
        observations = read_line(record, date)
        if observations and _is_cut(record):
            whole = replace(record, text=_CUT_FIELD.sub("", record.text))  # A name that is cut is another pod's.
            observations = read_line(whole, date)
            if _is_cut(whole):
                observations = tuple(map(_cut, observations))
        if record.time is not None and not _ROW.match(record.text):  # A line of a log among those of a description.
            return tuple(_ending(observation, last_line) for observation in observations)
        return tuple(self._named(observation, last_line) for observation in observations)

    def _date(self, klog: KlogLine) -> float | None:
        return None if self._now is None else dated(klog, self._now(), self._utc_offset)

    def _named(self, observation: PodObservation, last_line: int | None) -> PodObservation:
        from_event_table = observation.fact is PodFact.FAILED and observation.source == "event"
        if from_event_table and (pod := self._described):
            told = observation.pod
            if not told.name or told.may_be(pod):  # The name of its cgroup may have another uid, a static pod's hash.
                observation = replace(observation, pod=told.merged_with(pod))
        return _ending(observation, last_line)


def _is_cut(record: LogRecord) -> bool:
    """Return whether a structured line breaks off inside a quoted value, and no other line continues it."""
    return not record.text.startswith("{") and _STRUCTURED.match(record.text) is not None and _quote_open(record.text)


def _cut(observation: PodObservation) -> PodObservation:
    """Return an observation whose error shows that it is cut."""
    error = observation.error.rstrip(' "\\')
    return replace(observation, error=f"{error}{CUT}") if error and not error.endswith(CUT) else observation


def _ending(observation: PodObservation, last_line: int | None) -> PodObservation:
    return observation if last_line is None else replace(observation, last_line=last_line)


def _is_near(before: int | None, line: int | None) -> bool:
    """Return whether two lines of a description are close to each other; without numbers they are."""
    return before is None or line is None or line - before <= _MAX_APART


def _open_ended(record: LogRecord) -> bool:
    """Return whether the text breaks off inside a relevant quoted value."""
    text = record.text
    if not is_about_a_pod(text) or _CUT.search(text):
        return False
    if text.startswith(("time=", "level=", "msg=")):
        return _quote_open(text)
    if text.lstrip().startswith("{"):
        return False
    if _GLOG.match(text):
        return True
    return '"' in text and _quote_open(text)


def _quote_open(text: str) -> bool:
    unescaped = re.sub(r"\\.", "", text)
    return unescaped.count('"') % 2 == 1
