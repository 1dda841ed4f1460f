"""A recording as read from its file: its frames in order, and the snapshot at any tick."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks, parse_buddyinfo
from fragtui.kernel.procfs.version import parse_version
from fragtui.logs.bounded_json import read_json
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import open_at_once
from fragtui.sources.host.snapshot_builder import BUDDYINFO, PAGETYPEINFO, ZONEINFO, FileText, SnapshotBuilder, Tick
from fragtui.sources.recording.format import Cursor, NotARecording, check_header, read_chunks
from fragtui.sources.recording.tick_frames import TickReader, tick_time
from fragtui.text import epoch_seconds, format_bytes, printable

_KINDS = b"STLPR"
_KEPT = (ZONEINFO, PAGETYPEINFO)
_MOST_PAGE = 1 << 24
_MOST_SECONDS = 1e12
_MOST_BYTES = 1 << 28
"""Bytes of the longest recording that is replayed: nine days of the busiest node."""
_MOST_MEMORY = 1 << 30
"""Bytes that its frames may take of memory, about; those of a real one take four to five times its own size."""
_FRAME_BYTES = 256
"""What a frame takes beside its body."""
_VALUE_BYTES = 100
"""What a value of an event takes beside its text."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """Something that was told between ticks: ``L`` of the kernel log, ``P`` of pods, ``R`` of remedies."""

    at: float
    """Monotonic seconds."""
    time: float
    """Wall clock."""
    kind: str
    facts: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class RecordedTick:
    """Where one tick is: `segment` is the place of the first tick that can be read without those before it."""

    at: float
    time: float
    segment: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording, up to where its file is cut."""

    host: Host
    ticks: tuple[RecordedTick, ...]
    events: tuple[RecordedEvent, ...]
    damaged: bool
    """Whether something follows the last whole chunk: the file was cut, or is being written."""

    def tick_at(self, at: float) -> int:
        """Return the place of the last tick not after a monotonic second; the first one before all."""
        return max(0, bisect_right(self.ticks, at, key=lambda tick: tick.at) - 1)


def read_recording(path: Path) -> Recording:
    """Return what a file holds; raise NotARecording, in words, where it can't be replayed."""
    try:
        with os.fdopen(open_at_once(path), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NotARecording("is not a regular file")
            if status.st_size > _MOST_BYTES:
                raise NotARecording(f"has {format_bytes(status.st_size)}, at most {_MOST_BYTES >> 20} MiB are replayed")
            return parse_recording(file.read(status.st_size))
    except OSError as error:
        raise NotARecording(os_reason(error)) from None


def parse_recording(data: bytes) -> Recording:
    """Return what a file's bytes hold up to the first chunk that is cut or damaged.

    Raises NotARecording for one of another kind, and for one that would take too much memory.
    """
    start = check_header(data)
    gathered = _Gathered()
    for chunk in read_chunks(data, start):
        start += chunk.size
        try:
            gathered.take(chunk.data)
        except (ValueError, TypeError, KeyError):
            break
    if gathered.host is None or not gathered.ticks:
        raise NotARecording("is a recording without a single whole sample: it was cut too early")
    return Recording(gathered.host, tuple(gathered.ticks), tuple(gathered.events), start < len(data))


class RecordedReader:
    """Hands out the snapshots of a recording with the shape of `NodeReader`, read anew by the same parsers."""

    def __init__(self, recording: Recording) -> None:
        self.host = recording.host
        self.live = False
        self.reading: str | None = None
        self._recording = recording
        self._next = 0
        self._texts = TickReader()
        self._passed: dict[str, FileText] = {}
        self._maker = SnapshotBuilder(recording.host)

    @property
    def place(self) -> int:
        """The tick that `sample` returns next."""
        return self._next

    def sample(self, *, page_types: bool = False) -> Snapshot:
        """Return the next tick; the last one again at the end. Ticks that can't be read raise ValueError."""
        if self._next >= len(self._recording.ticks):
            self.seek(len(self._recording.ticks) - 1)
        tick = self._read()
        passed, self._passed = self._passed, {}
        return self._maker.snapshot(Tick(tick.time, tick.monotonic, passed | dict(tick.files)))

    def blocks(self) -> tuple[float, tuple[ZoneBlocks, ...] | None]:
        """Return when the next tick was and its free blocks, and nothing else of it: quick, for a past of many."""
        tick = self._read()
        self._pass(tick)
        file = tick.files.get(BUDDYINFO)
        return tick.monotonic, parse_buddyinfo(file.text)[0] or None if file is not None and file.text else None

    def seek(self, place: int) -> None:
        """Have `sample` return that tick next."""
        segment = self._recording.ticks[place].segment
        if not segment <= self._next <= place:
            self._next = segment
            self._passed = {}
        while self._next < place:
            self._pass(self._read())

    def _pass(self, tick: Tick) -> None:
        """Keep the files that are not read every tick: they are parsed with the next one that is wanted whole."""
        self._passed |= {name: file for name, file in tick.files.items() if name in _KEPT}

    def _read(self) -> Tick:
        tick = self._recording.ticks[self._next]
        if tick.segment == self._next:
            self._texts = TickReader()
        self._next += 1
        return self._texts.tick(tick.body, tick.at)


class _Gathered:
    """The frames of the chunks taken so far."""

    def __init__(self) -> None:
        self.host: Host | None = None
        self.ticks: list[RecordedTick] = []
        self.events: list[RecordedEvent] = []
        self._begun = 0.0
        self._latest = 0.0
        self._ahead = 0.0
        self._segment = 0
        self._room = _MOST_MEMORY

    def take(self, text: bytes) -> None:
        """Take a chunk's frames, all of them or none."""
        ticks: list[RecordedTick] = []
        events: list[RecordedEvent] = []
        cursor = Cursor(text)
        while cursor.more:
            kind, body = cursor.byte(), cursor.data()
            if kind not in _KINDS:
                raise ValueError("a frame of no known kind")
            inside = Cursor(body)
            offset = inside.signed() / 1e6
            rest = inside.rest()
            self._charge(rest, kind == ord("T"))
            if kind == ord("S"):
                self._begin(read_json(rest), len(self.ticks) + len(ticks))
                continue
            # Threads told their events side by side: time never runs back here.
            at = self._latest = max(self._latest, self._begun + offset)
            if kind == ord("T"):
                wall = _wall(tick_time(rest))
                self._ahead = wall - at
                ticks.append(RecordedTick(at, wall, self._segment, rest))
            else:
                facts = tuple(read_json(rest))
                if kind == ord("R") and not all(isinstance(fact, str) for fact in facts):
                    raise TypeError("a line of the audit log")
                events.append(RecordedEvent(at, _wall(at + self._ahead), chr(kind), facts))
        self.ticks += ticks
        self.events += events

    def _charge(self, body: bytes, tick: bool) -> None:
        """Raise NotARecording if no memory is left for a frame: a few bytes may unpack to more than any machine has."""
        values = 0 if tick else body.count(b",") + body.count(b"[") + body.count(b"{")
        self._room -= _FRAME_BYTES + len(body) + values * _VALUE_BYTES
        if self._room < 0:
            raise NotARecording(f"needs more than {_MOST_MEMORY >> 30} GiB of memory")

    def _begin(self, facts: list[object], place: int) -> None:
        begun, wall, told = facts
        if not isinstance(begun, float | int) or not isinstance(wall, float | int) or not isinstance(told, dict):
            raise TypeError("the beginning of a segment")
        page_size = told["page_size"]
        if not isinstance(page_size, int) or not 1 <= page_size <= _MOST_PAGE:
            raise ValueError("page size")
        if not abs(begun) < _MOST_SECONDS:
            raise ValueError("the beginning of a segment")
        name, release = (printable(told[key]) if isinstance(told[key], str) else None for key in ("name", "release"))
        self._begun, self._ahead, self._segment = float(begun), _wall(wall) - begun, place
        version = parse_version(release) if release else None
        self.host = Host(name, release, version, page_size, bool(told["page_size_assumed"]))


def _wall(seconds: float) -> float:
    if (found := epoch_seconds(seconds)) is None:
        raise ValueError("a moment that no calendar shows")
    return found
