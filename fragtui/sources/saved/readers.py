"""Readers of saved logs for the screen: each log is read once, to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from fragtui.cluster.needles import LIFE_NEEDLES, OTHER_NEEDLES, TABLE_NEEDLES
from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.logs.markup import joiner_of
from fragtui.logs.own_stamp import shift_by
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import MAX_MERGED_INCIDENTS, KernelLogUpdate
from fragtui.model.log_reader import LogReading, LogTerms
from fragtui.model.node.source_state import NOT_SAVED, SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.tracker import IncidentTracker
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.files.log_files import as_utf8, head_of, open_log, stamped_in
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.tree import SavedTree
from fragtui.sources.kernel_log.incident_stream import IncidentStream, StreamCall
from fragtui.sources.kernel_log.scan import scan_log
from fragtui.sources.pods.interfaces import PodRecorder
from fragtui.sources.pods.log_directories import read_pod_directories
from fragtui.sources.pods.runtime_log import unread_words
from fragtui.sources.pods.saved_objects import are_objects, read_objects
from fragtui.sources.saved.dating import latest_stamp, moment_of
from fragtui.sources.saved.explain import read_near
from fragtui.text import counted, epoch_seconds, printable

_NAME = "saved logs"
_NEEDLES = (*TABLE_NEEDLES, *LIFE_NEEDLES, *OTHER_NEEDLES)
_CANNOT_TELL = "pods that wait without an error, or what came later"


class SavedKernelLog:
    """Reads all kernel messages of a saved tree, of any age, and sends one update at the end."""

    def __init__(
        self,
        tree: SavedTree,
        on_update: Callable[[KernelLogUpdate], None] = lambda _: None,
        on_stream: Callable[[], Callable[[StreamCall], None]] | None = None,
    ) -> None:
        """`on_stream` returns the receiver of the stream's calls, for a recording."""
        self._tree = tree
        self._on_update = on_update
        self._on_stream = on_stream
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start on a daemon thread."""
        threading.Thread(target=self._run, name="kernel-log", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopped.set()

    def _run(self) -> None:
        # The best log comes last: its proof is the one that stays.
        latest = _latest_in(self._tree)
        for path in self._tree.kernel_logs() or (None,):
            update = self._read(path, latest)
            if self._stopped.is_set():
                return
            self._on_update(update)

    def _read(self, path: Path | None, latest: float | None) -> KernelLogUpdate:
        opened = _opened(self._tree, path, latest) if path is not None else None
        on_call = self._on_stream() if self._on_stream is not None else None
        if path is None or opened is None:
            why = self._tree.ambiguous or "not among the saved files"
            return IncidentStream("none", None, None, on_call=on_call).update(NOT_SAVED, 0, problem=why)
        if isinstance(opened, str):
            why = f"{printable(str(path))}: {opened}"
            return IncidentStream("none", None, None, on_call=on_call).update("none", 0, problem=why)
        log, changed = opened
        stream = IncidentStream("file", None, None, now=changed, on_call=on_call)
        if (stamped := _stamped_in(self._tree)) is not None:
            stream.feed_numbered(stamped.encode(), 0)  # It shows the zone of stamps without one.
        problem, cut = None, CutLines()
        with log:
            try:
                scan_log(log, stream, self._stopped.is_set, cut, joiner_of(head_of(log)))
                problem = cut.words or None
            except (OSError, EOFError) as error:
                problem = f"{printable(str(path))}: {_why(error)}"
        place = printable(path.name)
        stream.looked(f"{cut.lines:,} line{'' if cut.lines == 1 else 's'} of {place}" if cut.lines else "")
        return stream.update(printable(str(path)), 0, problem=problem)


class SavedPods:
    """The pods that failed to start, from saved logs, at the time of the last observation."""

    def __init__(
        self,
        tree: SavedTree,
        on_update: Callable[[PodUpdate], None] = lambda _: None,
        recorder: PodRecorder | None = None,
        incidents: Iterable[Incident] = (),
    ) -> None:
        """`recorder` gets all observations; `incidents` are those of the kernel log."""
        self._tree = tree
        self._on_update = on_update
        self._recorder = recorder
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        """Held until an update is handed over: an older one must not come after a newer one of another thread."""
        self._stopped = threading.Event()
        self._tracker = IncidentTracker(MAX_MERGED_INCIDENTS)
        for incident in incidents:
            self._tracker.kernel_incident(incident)
        self._moment: float | None = None
        self._changed = 0.0
        """The last change of the newest log, for observations without a time."""
        self._unread = 0
        """Lines that no parser could read."""
        self._lines = 0
        self._found = 0
        """Observations so far."""
        self._objects = 0
        """Events and pods of saved lists."""
        self._state: SourceState | None = None

    def start(self) -> None:
        """Start on a daemon thread."""
        threading.Thread(target=self._run, name="fragtui-pods", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopped.set()

    def kernel_update(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log, to be linked to the pods."""
        with self._lock:
            linked = self._tracker.kernel_update(update)
        if linked:
            self._send_update()

    def remedy_ran(self, name: str) -> None:
        """Do nothing: a remedy does not change saved pods."""

    def read(self) -> PodUpdate:
        """Read all logs and return the update; raises no OSError."""
        pods = read_pod_directories(self._tree.root)
        with self._lock:
            for pod in pods:
                self._learn(pod)
        read: list[str] = []
        problems: list[str] = []
        stamped, latest = _stamped_in(self._tree), _latest_in(self._tree)
        for path in self._tree.pod_logs():
            if self._stopped.is_set():
                break
            before = self._found
            problem = self._read(path, stamped, latest)
            if self._tree.layout.every_file and self._found == before:
                continue  # Any file of a folder is tried: those with pods are named.
            name = printable(str(path))
            problems += [f"{name}: {problem}"] if problem else []
            read += [] if problem else [name]
        problems += [unread_words(self._unread)] if self._unread else []
        shows = "; ".join([f"{_CANNOT_TELL} (reads {', '.join(read)})" if read else "", *problems]).strip("; ")
        shows = shows or self._tree.ambiguous or "no log of kubelet or runtime among the saved files"
        with self._lock:
            counts = [f"{self._lines:,} line{'' if self._lines == 1 else 's'}"] if self._lines else []
            counts += [counted(self._objects, "object")] if self._objects else []
            proof = f"{' and '.join(counts)} of {counted(len(read), 'file')}" if counts and read else ""
            self._state = SourceState(_NAME, "live" if proof else "absent", shows, proof)
        if self._recorder is not None:
            self._recorder.state(self._state)
        return self.update()

    def _run(self) -> None:
        self.read()
        self._send_update()

    def _send_update(self) -> None:
        with self._sending:
            if self._state is not None and not self._stopped.is_set():
                self._on_update(self.update())

    def update(self) -> PodUpdate:
        """Return the update from the logs read so far."""
        with self._lock:
            moment = self._moment if self._moment is not None else self._changed or time.time()
            states = (self._state,) if self._state is not None else ()
            return PodUpdate(self._tracker.snapshot(moment), states, self._tracker.names)

    def _read(self, path: Path, stamped: str | None, latest: float | None) -> str | None:
        """Read one log or list of objects; return why that failed, else None.

        `stamped` as for `scan_pods`, `latest` as for `moment_of`.
        """
        opened = _opened(self._tree, path, latest)
        if isinstance(opened, str):
            return opened
        log, changed = opened
        self._changed = max(self._changed, changed)
        offset = float(time.localtime(changed).tm_gmtoff)
        counts, problem = CutLines(), None
        with log:
            try:
                observations: Iterable[PodObservation]
                if are_objects(log):
                    observations, problem = read_objects(log)
                    self._objects += len(observations)
                else:
                    observations = scan_pods(log, changed, offset, self._failed_over, counts, stamped)
                for observation in observations:
                    self._take(observation, changed)
                    if self._stopped.is_set():
                        break
            except (OSError, EOFError) as error:
                problem = _why(error)
        self._lines += counts.lines
        return problem

    def _take(self, observation: PodObservation, changed: float) -> None:
        self._found += 1
        with self._lock:
            at = observation.time if observation.time is not None else self._moment
            if observation.time is not None:
                self._moment = max(self._moment or 0.0, observation.time)
            try:
                self._tracker.observe(observation, changed if at is None else at)
            except Exception:  # Only this observation is lost.
                self._unread += 1
        if self._recorder is not None:
            self._recorder.observations((observation,))

    def _failed_over(self, lines: int) -> None:
        self._unread += lines

    def _learn(self, pod: PodRef) -> None:
        self._tracker.learn(pod)
        if self._recorder is not None:
            self._recorder.learnt(pod)


def _opened(tree: SavedTree, path: Path, latest: float | None = None) -> tuple[IO[bytes], float] | str:
    """Return the open log and the moment that dates its stamps, epoch seconds; or why it can't be read."""
    try:
        changed = epoch_seconds(path.stat().st_mtime)
        log = as_utf8(open_log(path, opener_of(tree.root, live=False)))
        return log, time.time() if changed is None else moment_of(changed, latest)
    except (OSError, EOFError) as error:
        return _why(error)


def _stamped_in(tree: SavedTree) -> str | None:
    """Return a line of the tree's logs that shows year and zone of stamps without them, None if none does."""
    for path in tree.logs():
        opened = _opened(tree, path)
        if not isinstance(opened, str):
            with opened[0] as log:
                if (stamped := stamped_in(log)) is not None:
                    return stamped
    return None


def _latest_in(tree: SavedTree) -> float | None:
    """Return the latest stamp with a year in the tree's logs, epoch seconds."""
    stamps = []
    for path in tree.logs():
        opened = _opened(tree, path)
        if not isinstance(opened, str):
            with opened[0] as log:
                stamps.append(latest_stamp((log,)))
    return max(filter(None, stamps), default=None)


def _why(error: OSError | EOFError) -> str:
    return printable(os_reason(error)) if isinstance(error, OSError) else "it is cut off"


def scan_pods(
    log: IO[bytes],
    now: float | None = None,
    utc_offset: float = 0.0,
    on_unread: Callable[[int], None] = lambda _: None,
    counts: CutLines | None = None,
    stamped: str | None = None,
) -> Iterator[PodObservation]:
    """Yield the observations of pods in a log (kubelet, runtime, syslog, journal, events); lines count from 1.

    `now` (epoch seconds, the log's last change) dates stamps without a year, `utc_offset` (seconds) those without a
    zone; `stamped` is a line that shows the zone, see `stamped_twice`. At the end `on_unread` gets the number of lines
    that no parser could read, and `counts` has that of all lines.
    """
    moment = time.time() if now is None else now
    shift = shift_by(stamped, moment) or 0.0 if stamped is not None else 0.0
    reading = LogReading(LogTerms("", moment, utc_offset - shift, shift=shift, head=head_of(log)))
    for found in read_near(log, reading, _NEEDLES, counts or CutLines()):
        if isinstance(found, PodObservation):
            yield found
    on_unread(reading.unread)
