"""The recorder: packs raw texts and lines into a ring in memory, and writes them from there to a file."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.model.node.snapshot import Host
from fragtui.sources.host.snapshot_builder import Tick

if TYPE_CHECKING:
    # Types only: importing them would add 65 ms of CPU to the start of the screen.
    from fragtui.cluster.observation import PodObservation
    from fragtui.cluster.pod_ref import PodRef
    from fragtui.model.node.source_state import SourceState
    from fragtui.model.tracing.trace_batch import TraceBatch
    from fragtui.sources.files.own_files import OwnFile
    from fragtui.sources.files.own_log import OwnLog
    from fragtui.sources.kernel_log.incident_stream import StreamCall
    from fragtui.sources.recording.file_writer import RecordingFile
    from fragtui.sources.recording.format import EventLine, SegmentWriter

    AuditPlace = Path | OwnFile | Callable[[], OwnFile]
    """The log of remedies, or what finds it when it is first read."""

FLUSH_SECONDS = 5.0
"""Seconds between two flushes: a recording that is cut off loses at most this much."""
SEGMENT_SECONDS = 120.0
_MAX_REPEATED = 4096
"""Facts that are repeated in each segment, or wait for the first tick."""
_MAX_WAITING = 200
"""Ticks and events that wait to be packed: a flood of log lines is not kept unpacked."""
RING_BYTES = 700_000
"""About 50 minutes of a node of two CPUs, 15 of a busy one with eight NUMA nodes; the memory budget allows no more."""


class Recorder:
    """Takes ticks and lines from any thread; keeps the last minutes, and writes to a file if one is open.

    It also records the kernel log (`log_stream`) and the pods (it is a `PodRecorder`).
    """

    def __init__(
        self,
        host: Host,
        kept: int = RING_BYTES,
        audit: AuditPlace | None = None,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """`kept` bytes stay in memory without a file; `audit` is the log of remedies whose lines are recorded."""
        self._flush_seconds = flush_seconds
        self._host = host
        self._kept = kept
        self._lock = threading.Lock()
        self._ring: deque[list[bytes]] = deque()
        """The segments, each a list of its flushes."""
        self._size = 0
        self._waiting: list[Tick | EventLine] = []
        """Ticks and events that are not packed yet: packing several together takes half the CPU."""
        self._flushed = 0.0
        self._begun: float | None = None
        """When the open segment began, monotonic seconds; None before the first tick of one."""
        self._first: Tick | None = None
        """The first tick of the open segment, until its first flush makes the writer."""
        self._segment: SegmentWriter | None = None
        self._repeated: dict[str, tuple[str, list[object]]] = {}
        self._numbers = itertools.count()
        self.written_ticks = 0
        """Ticks that were handed to a file since they were taken; those of the memory when it began are not counted."""
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
        """Start a new file with the content of the memory; raise OSError if it can't be created."""
        from fragtui.sources.recording.file_writer import new_file  # noqa: PLC0415  # Not at the start.

        return self.write_to(new_file(path))

    def write_to(self, file: RecordingFile) -> RecordingFile:
        """Write the content of the memory and all that follows to a file or pipe; return it."""
        with self._lock:
            self._flush()
            for segment in self._ring:
                for flush in segment:
                    file.append(flush)
            self._file = file
        return file

    def end(self, seconds: float = 5.0) -> None:
        """End the file, if there is one, after all ticks and events; wait at most `seconds` for the disk."""
        with self._lock:
            self._flush(end=True)
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
            if tick.monotonic - self._flushed >= self._flush_seconds:
                self._flush()
                self._flushed = tick.monotonic

    def _remedies(self) -> list[bytes]:
        """Return the lines that the audit log got since the last call."""
        if self._audit_place is None:
            return []
        if self._audit is None:
            # The first tick, and so the first bars, don't need them.
            from fragtui.sources.files.own_files import OwnFile  # noqa: PLC0415
            from fragtui.sources.files.own_log import OwnLog  # noqa: PLC0415

            place = self._audit_place
            if not isinstance(place, OwnFile):
                place = OwnFile(place) if isinstance(place, Path) else place()
            self._audit = OwnLog(place, kept=1, at_end=True)
        return [line.data for line in self._audit.read().lines if line.data is not None]

    def log_stream(self) -> Callable[[StreamCall], None]:
        """Return a receiver for the calls of one stream of the kernel log."""
        number = next(self._numbers)

        def take(call: StreamCall) -> None:
            facts = [fact.decode("latin-1") if isinstance(fact, bytes) else fact for fact in call]
            self._take("L", [number, *facts], f"L{number}" if call[0] == "open" else None)

        return take

    def log(self) -> Callable[[Sequence[bytes]], None]:
        """See `PodRecorder`."""
        number = next(self._numbers)
        opened = ["log", number, time.time(), float(time.localtime().tm_gmtoff)]
        self._take("P", opened, f"P{number}")
        return lambda lines: self._take("P", ["lines", number, *(line.decode("latin-1") for line in lines)])

    def learnt(self, pod: PodRef) -> None:
        """See `PodRecorder`."""
        self._take("P", ["learnt", asdict(pod)])

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        """See `PodRecorder`."""
        for observation in observations:
            facts = asdict(observation)
            self._take("P", ["seen", {"said": facts.pop("fact").value, **facts}])

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodRecorder`."""
        self._take("P", ["all", *(asdict(pod) for pod in pods)])

    def state(self, state: SourceState) -> None:
        """See `PodRecorder`."""
        self._take("P", ["state", asdict(state)], f"state {state.name}")

    def trace(self, batch: TraceBatch) -> None:
        """Take what a trace brought."""
        from fragtui.sources.recording.trace import trace_facts  # noqa: PLC0415  # Not without a trace.

        self._take("P", trace_facts(batch))

    def _take(self, kind: str, facts: list[object], repeated: str | None = None) -> None:
        """Take an event; one with a name in `repeated` is repeated at the beginning of each segment."""
        with self._lock:
            if repeated is not None:
                self._repeated[repeated] = (kind, facts)
                if len(self._repeated) > _MAX_REPEATED:
                    del self._repeated[next(iter(self._repeated))]
            if self._begun is not None:
                self._event(kind, facts, time.monotonic())
            elif repeated is None and len(self._repeated) < _MAX_REPEATED:
                # No segment is open: the next one starts with this event.
                self._repeated[f"early {len(self._repeated)}"] = (kind, facts)

    def _begin(self, tick: Tick) -> None:
        """Start a segment that needs none before it."""
        self._flush(end=True)
        self._first = tick
        self._begun = self._flushed = tick.monotonic
        self._ring.append([])
        while self._size > self._kept and len(self._ring) > 1:
            self._size -= sum(map(len, self._ring.popleft()))
        for kind, facts in self._repeated.values():
            self._event(kind, facts, tick.monotonic)
        for name in [name for name in self._repeated if name.startswith("early ")]:
            del self._repeated[name]

    def _event(self, kind: str, facts: list[object], at: float) -> None:
        self._waiting.append((kind, at, facts))
        if len(self._waiting) >= _MAX_WAITING:
            self._flush()

    def _flush(self, *, end: bool = False) -> None:
        """Pack the waiting ticks and events; `end` ends the segment, and the next tick starts another."""
        if self._first is not None:
            # The first flush is 5 s after the first bars, which would wait 3 ms of CPU for JSON and zlib.
            from fragtui.sources.recording.format import SegmentWriter  # noqa: PLC0415

            last = self._segment.last if self._segment is not None else {}
            self._segment, self._first = SegmentWriter(self._host, self._first, last), None
        if self._segment is None or self._begun is None or not (self._waiting or end):
            return
        flush = self._segment.pack(self._waiting, end=end)
        if self._file is not None:
            self.written_ticks += sum(isinstance(item, Tick) for item in self._waiting)
        self._waiting.clear()
        if end:
            self._begun = None
        self._size += len(flush)
        self._ring[-1].append(flush)
        if self._file is not None:
            self._file.append(flush)
