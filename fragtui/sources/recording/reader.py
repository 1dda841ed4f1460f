"""The reader of a recording: an index of its ticks by time, its events, and the snapshot at any tick."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks, parse_buddyinfo
from fragtui.kernel.procfs.version import parse_version
from fragtui.logs.bounded_json import read_json
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import open_at_once
from fragtui.sources.host.snapshot_builder import BUDDYINFO, PAGETYPEINFO, ZONEINFO, FileText, SnapshotBuilder, Tick
from fragtui.sources.recording.format import (
    MARK,
    RECORDING_VERSION,
    NotARecording,
    SegmentReader,
    TickReader,
    check_beginning,
    tick_times,
)
from fragtui.text import epoch_seconds, format_bytes, printable

_KEPT = (ZONEINFO, PAGETYPEINFO)
_MAX_PAGE = 1 << 24
_MAX_SECONDS = 1e12
_MAX_BYTES = 1 << 28
"""Bytes of the longest recording that is replayed: ten days."""
_MAX_TEXT = 1 << 32
"""Most bytes of its unpacked text."""
_MAX_MEMORY = 1 << 30
"""Most bytes of memory, about, for its ticks and events; those of a real recording take less than its own size."""
_LINE_BYTES = 256
"""Bytes of memory that a tick or an event takes besides its facts."""
_VALUE_BYTES = 100
"""Bytes of memory that a value of an event takes besides its text."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event between ticks; `kind` is ``L`` for the kernel log, ``P`` for pods, ``R`` for remedies."""

    at: float
    """Monotonic seconds."""
    time: float
    """Wall clock."""
    kind: str
    facts: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class RecordedTick:
    """The place of a tick: `segment` is the index of its segment's first tick, `start` the segment's first byte."""

    at: float
    """Monotonic seconds."""
    time: float
    """Wall clock."""
    segment: int
    start: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording, up to the place where its file is cut."""

    host: Host
    ticks: tuple[RecordedTick, ...]
    events: tuple[RecordedEvent, ...]
    damaged: bool
    """Whether the end is missing: the file is cut or damaged, or is being written."""
    data: bytes = field(repr=False)
    """The file; the texts of a tick are unpacked when it is read."""

    def tick_at(self, at: float) -> int:
        """Return the index of the last tick not after a monotonic second; 0 if there is none."""
        return max(0, bisect_right(self.ticks, at, key=lambda tick: tick.at) - 1)


def read_recording(path: Path) -> Recording:
    """Return the recording of a file; raise NotARecording, with the reason, if it can't be replayed."""
    try:
        with os.fdopen(open_at_once(path), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NotARecording("not a regular file")
            if status.st_size > _MAX_BYTES:
                raise NotARecording(f"{format_bytes(status.st_size)}, at most {_MAX_BYTES >> 20} MiB are replayed")
            return parse_recording(file.read(status.st_size))
    except OSError as error:
        raise NotARecording(os_reason(error)) from None


def parse_recording(data: bytes) -> Recording:
    """Return the recording of a file's bytes, up to the first flush that is cut or damaged.

    Raises NotARecording for a file of another kind or version, and for one that would take too much memory.
    """
    check_beginning(data)
    index = _Index()
    start: int | None = 0
    while start is not None and start < len(data):
        segment = SegmentReader(data, start)
        try:
            index.begin(start)
            for flush in segment.flushes():
                index.take(flush)
            start = segment.end
        except (ValueError, TypeError, KeyError):
            start = None
    if index.host is None or not index.ticks:
        raise NotARecording("no whole sample in this recording: it was cut too early")
    return Recording(index.host, tuple(index.ticks), tuple(index.events), start is None, data)


class RecordedReader:
    """Returns the snapshots of a recording through the methods of `NodeReader`, parsed by the same parsers."""

    def __init__(self, recording: Recording) -> None:
        self.host = recording.host
        self.live = False
        self.reading: str | None = None
        self._recording = recording
        self._next = 0
        self._texts = TickReader()
        self._lines: Iterator[bytes] = iter(())
        self._passed: dict[str, FileText] = {}
        self._maker = SnapshotBuilder(recording.host)

    @property
    def place(self) -> int:
        """The tick that `sample` returns next."""
        return self._next

    def sample(self, *, page_types: bool = False) -> Snapshot:
        """Return the next tick, at the end the last one again. Raises ValueError for a tick that can't be read."""
        if self._next >= len(self._recording.ticks):
            self.seek(len(self._recording.ticks) - 1)
        tick = self._read()
        passed, self._passed = self._passed, {}
        return self._maker.snapshot(Tick(tick.time, tick.monotonic, passed | dict(tick.files)))

    def blocks(self) -> tuple[float, tuple[ZoneBlocks, ...] | None]:
        """Return the time (monotonic seconds) and the free blocks of the next tick only: fast, for a long history."""
        tick = self._read()
        self._pass(tick)
        file = tick.files.get(BUDDYINFO)
        return tick.monotonic, parse_buddyinfo(file.text)[0] or None if file is not None and file.text else None

    def seek(self, place: int) -> None:
        """Make `sample` return this tick next."""
        segment = self._recording.ticks[place].segment
        if not segment <= self._next <= place:
            self._next = segment
            self._passed = {}
        while self._next < place:
            self._pass(self._read())

    def _pass(self, tick: Tick) -> None:
        """Keep the files that are not read at every tick: the next `sample` parses them."""
        self._passed |= {name: file for name, file in tick.files.items() if name in _KEPT}

    def _read(self) -> Tick:
        tick = self._recording.ticks[self._next]
        if tick.segment == self._next:
            self._texts = TickReader()
            self._lines = SegmentReader(self._recording.data, tick.start).lines()
        self._next += 1
        line = next(line for line in self._lines if tick_times(line) is not None)
        return self._texts.tick(line, tick.at, tick.time)


class _Index:
    """The ticks and events of the flushes taken so far."""

    def __init__(self) -> None:
        self.host: Host | None = None
        self.ticks: list[RecordedTick] = []
        self.events: list[RecordedEvent] = []
        self._latest = 0.0
        self._ahead = 0.0
        self._start = self._segment = 0
        self._first = True
        self._text = _MAX_TEXT
        self._memory = _MAX_MEMORY

    def begin(self, start: int) -> None:
        """Start the segment at a byte of the file."""
        self._start, self._segment, self._first = start, len(self.ticks), True

    def take(self, flush: list[bytes]) -> None:
        """Take a flush, all of its lines or none."""
        ticks: list[RecordedTick] = []
        events: list[RecordedEvent] = []
        for line in flush:
            times = tick_times(line)
            self._charge(line, times is not None)
            if self._first:
                self._ahead, self.host = read_beginning(line)
                self._first = False
            elif times is not None:
                # Threads report events at the same time: the time of an event is never before that of the previous one.
                at = self._latest = max(self._latest, times[0])
                wall = wall_clock(times[1])
                self._ahead = wall - at
                ticks.append(RecordedTick(at, wall, self._segment, self._start))
            else:
                kind, when, facts = read_event(line)
                at = self._latest = max(self._latest, when)
                events.append(RecordedEvent(at, wall_clock(at + self._ahead), kind, facts))
        self.ticks += ticks
        self.events += events

    def _charge(self, line: bytes, tick: bool) -> None:
        """Raise NotARecording if no memory is left for a line: a small file may unpack to more than any machine has."""
        needed = _LINE_BYTES + len(line) + _VALUE_BYTES * sum(map(line.count, (b",", b"[", b"{")))
        self._text -= len(line)
        if needed > self._memory or self._text < 0:
            raise NotARecording(f"needs more than {_MAX_MEMORY >> 30} GiB of memory")
        self._memory -= _LINE_BYTES if tick else needed


def read_beginning(line: bytes) -> tuple[float, Host]:
    """Return the offset of the wall clock from the monotonic one, seconds, and the host, of a segment's first line.

    Raises ValueError, TypeError or KeyError for any other line.
    """
    _, version, begun, wall, facts = read_json(line)
    page_size = facts["page_size"]
    if not line.startswith(MARK) or version != RECORDING_VERSION:
        raise ValueError("the beginning of a segment")
    if not isinstance(page_size, int) or not 1 <= page_size <= _MAX_PAGE:
        raise ValueError("page size")
    name, release = (printable(facts[key]) if isinstance(facts[key], str) else None for key in ("name", "release"))
    host = Host(name, release, parse_version(release) if release else None, page_size, bool(facts["page_size_assumed"]))
    return wall_clock(wall) - _seconds(begun), host


def read_event(line: bytes) -> tuple[str, float, tuple[object, ...]]:
    """Return kind, monotonic seconds and facts of an event's line. Raises ValueError or TypeError for another one."""
    kind, at, facts = read_json(line)
    if kind not in ("L", "P", "R") or not isinstance(facts, list):
        raise ValueError("a line of no known kind")
    if kind == "R" and not all(isinstance(fact, str) for fact in facts):
        raise TypeError("a line of the audit log")
    return kind, _seconds(at), tuple(facts)


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not abs(value) < _MAX_SECONDS:
        raise ValueError("not a time")
    return float(value)


def wall_clock(seconds: object) -> float:
    """Return a time of a recording if the calendar has it, else raise ValueError."""
    if (time := epoch_seconds(_seconds(seconds))) is None:
        raise ValueError("a time outside the calendar")
    return time
