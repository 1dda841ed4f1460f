"""Making a recording: raw texts and lines into frames, into a ring in memory, and from there into a file."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.model.node.snapshot import Host
from fragtui.sources.host.snapshot_builder import Tick

if TYPE_CHECKING:
    from fragtui.cluster.observation import PodObservation
    from fragtui.cluster.pod_ref import PodRef
    from fragtui.model.pods.pod_update import SourceState
    from fragtui.sources.files.own_files import OwnFile
    from fragtui.sources.files.own_log import OwnLog
    from fragtui.sources.host.snapshot_builder import FileText
    from fragtui.sources.kernel_log.incident_stream import StreamCall
    from fragtui.sources.recording.file_writer import RecordingFile
    from fragtui.sources.recording.segment_writer import RecordedEvent, SegmentWriter

FLUSH_SECONDS = 5.0
"""A recording that is cut off loses at most so much."""
SEGMENT_SECONDS = 120.0
_MOST_STANDING = 4096
"""Facts that are repeated in each segment, or wait for the first tick."""
_MOST_WAITING = 200
"""Frames that wait to be packed at most: a flood of log lines is not kept whole."""
RING_BYTES = 700_000
"""About an hour of a busy node of two CPUs; small enough for the budget of memory that may be added over time."""


class Recorder:
    """Takes ticks and lines from any thread; keeps the last minutes, and writes a file while there is one.

    It is also the witness of kernel log and pods (`log_stream`, `PodRecorder`).
    """

    def __init__(self, host: Host, kept: int = RING_BYTES, audit: Path | OwnFile | None = None) -> None:
        """`kept` bytes are remembered while there is no file; `audit` is the log of remedies to take lines from."""
        self._host = host
        self._kept = kept
        self._lock = threading.Lock()
        self._ring: deque[list[bytes]] = deque()
        self._size = 0
        self._waiting: list[Tick | RecordedEvent] = []
        """What is not yet packed: that costs half where much of it comes together."""
        self._flushed = 0.0
        self._begun: float | None = None
        self._segment: SegmentWriter | None = None
        self._carried: Mapping[str, FileText] = {}
        self._standing: dict[str, tuple[str, list[object]]] = {}
        self._numbers = itertools.count()
        self._file: RecordingFile | None = None
        self._audit_place = audit
        self._audit: OwnLog | None = None

    @property
    def file(self) -> RecordingFile | None:
        """The file that is written, or None."""
        return self._file

    @property
    def remembered(self) -> int:
        """Compressed bytes in memory."""
        return self._size

    def save(self, path: Path) -> RecordingFile:
        """Begin to write a new file with what is remembered; raise OSError where it can't be made."""
        from fragtui.sources.recording.file_writer import RecordingFile  # noqa: PLC0415
        from fragtui.sources.recording.format import HEADER  # noqa: PLC0415

        file = RecordingFile(path)
        with self._lock:
            self._flush()
            file.append(HEADER)
            for segment in self._ring:
                for chunk in segment:
                    file.append(chunk)
            self._file = file
        return file

    def end(self, seconds: float = 5.0) -> None:
        """End the file, if there is one, with all that was taken; wait at most so long for the disk."""
        with self._lock:
            self._flush()
            file, self._file = self._file, None
        if file is not None:
            file.close(seconds)

    def take_tick(self, tick: Tick) -> None:
        """Take the texts of a tick."""
        lines = self._remedies() if self._begun is not None else []
        with self._lock:
            if self._begun is None or tick.monotonic - self._begun >= SEGMENT_SECONDS:
                self._begin(tick)
            for line in lines:
                self._event("R", [line.decode("utf-8", "replace")], tick.monotonic)
            self._waiting.append(tick)
            if tick.monotonic - self._flushed >= FLUSH_SECONDS:
                self._flush()
                self._flushed = tick.monotonic

    def _remedies(self) -> list[bytes]:
        """Return the lines that the audit log got since the last call."""
        if self._audit_place is None:
            return []
        if self._audit is None:
            # Imported here, after the first tick.
            from fragtui.sources.files.own_files import OwnFile  # noqa: PLC0415
            from fragtui.sources.files.own_log import OwnLog  # noqa: PLC0415

            place = self._audit_place
            self._audit = OwnLog(place if isinstance(place, OwnFile) else OwnFile(place), kept=1, at_end=True)
        return [line.data for line in self._audit.read().lines if line.data is not None]

    def log_stream(self) -> Callable[[StreamCall], None]:
        """Return who takes the calls of one stream of the kernel log."""
        number = next(self._numbers)

        def take(call: StreamCall) -> None:
            plain = [word.decode("latin-1") if isinstance(word, bytes) else word for word in call]
            self._tell("L", [number, *plain], f"L{number}" if call[0] == "open" else None)

        return take

    def log(self) -> Callable[[Sequence[bytes]], None]:
        """See `PodRecorder`."""
        number = next(self._numbers)
        opened = ["log", number, time.time(), float(time.localtime().tm_gmtoff)]
        self._tell("P", opened, f"P{number}")
        return lambda lines: self._tell("P", ["lines", number, *(line.decode("latin-1") for line in lines)])

    def learnt(self, pod: PodRef) -> None:
        """See `PodRecorder`."""
        self._tell("P", ["learnt", asdict(pod)])

    def seen(self, told: tuple[PodObservation, ...]) -> None:
        """See `PodRecorder`."""
        for observation in told:
            self._tell("P", ["seen", {**asdict(observation), "said": observation.said.value}])

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodRecorder`."""
        self._tell("P", ["all", *(asdict(pod) for pod in pods)])

    def state(self, state: SourceState) -> None:
        """See `PodRecorder`."""
        self._tell("P", ["state", asdict(state)], f"state {state.name}")

    def _tell(self, kind: str, facts: list[object], standing: str | None = None) -> None:
        """Take an event; one that stands is told again at the beginning of each segment."""
        with self._lock:
            if standing is not None:
                self._standing[standing] = (kind, facts)
                if len(self._standing) > _MOST_STANDING:
                    del self._standing[next(iter(self._standing))]
            if self._begun is not None:
                self._event(kind, facts, time.monotonic())
            elif standing is None and len(self._standing) < _MOST_STANDING:
                # Before the first tick there is nothing to hang it on: it waits for that.
                self._standing[f"early {len(self._standing)}"] = (kind, facts)

    def _begin(self, tick: Tick) -> None:
        """Begin a segment that needs none before it."""
        self._flush()
        early = [name for name in self._standing if name.startswith("early ")]
        self._begun = self._flushed = tick.monotonic
        self._carried = self._segment.last if self._segment is not None else {}
        self._segment = None
        self._ring.append([])
        self._forget()
        host = {
            "name": self._host.name,
            "release": self._host.release,
            "page_size": self._host.page_size,
            "page_size_assumed": self._host.page_size_assumed,
        }
        self._event("S", [tick.monotonic, tick.time, host], tick.monotonic)
        for kind, facts in self._standing.values():
            self._event(kind, facts, tick.monotonic)
        for name in early:
            del self._standing[name]

    def _forget(self) -> None:
        while self._size > self._kept and len(self._ring) > 1:
            self._size -= sum(map(len, self._ring.popleft()))

    def _event(self, kind: str, facts: list[object], at: float) -> None:
        self._waiting.append((kind, at, facts))
        if len(self._waiting) >= _MOST_WAITING:
            self._flush()

    def _flush(self) -> None:
        """Pack what waits."""
        if not self._waiting or self._begun is None:
            return
        if self._segment is None:
            # Imported here, after the first bars.
            from fragtui.sources.recording.segment_writer import SegmentWriter  # noqa: PLC0415

            self._segment = SegmentWriter(self._begun, self._carried)
        chunk = self._segment.chunk(self._waiting)
        self._waiting.clear()
        self._size += len(chunk)
        self._ring[-1].append(chunk)
        if self._file is not None:
            self._file.append(chunk)
