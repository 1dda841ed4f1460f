"""A remote node: the moments of a recording as another fragtui writes it, over a link that may be lost."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fragtui import __version__
from fragtui.model.node.history import History
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.player import Moment, PlayedStep, Position, Start, step_of
from fragtui.sources.backoff import Backoff
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.host.snapshot_builder import SnapshotBuilder, Tick
from fragtui.sources.recording.format import NotARecording
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import RecordedEvent
from fragtui.sources.recording.remote_shell import LinkError, RemoteNode, RemoteShell
from fragtui.sources.recording.stream import StreamDecoder, Streamed, StreamStart
from fragtui.text import counted, printable

SILENT_SECONDS = 20.0
"""Seconds without a byte after which a link is opened again: a stream has one each sample."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_MAX_SAID = 200
_MAX_EARLY = 4096
"""Updates kept before the first sample, the newest: a damaged stream may have none."""


class Link(Protocol):
    """A way to the bytes of a stream."""

    name: str
    """What the user named, to show."""
    again: bool
    """Whether it can be opened again."""

    @property
    def no_remedies(self) -> str | None:
        """Why no remedy can be run over it, and how one is; None if one can."""

    @property
    def node(self) -> RemoteNode | None:
        """What it leads to; None if the caller opened it."""

    @property
    def shell(self) -> RemoteShell | None:
        """What runs verbs of the fragtui that writes the stream; None before it was opened."""

    def open(self) -> None:
        """Open it. Raises LinkError."""

    def read(self, seconds: float) -> bytes | None:
        """Return bytes, empty if none came in so many seconds, None at the end."""

    def why_ended(self) -> str:
        """Return what it said last, or how it ended."""

    def end(self) -> None:
        """End what it started, so that `read` ends; called on any thread, never waits."""

    def close(self) -> None:
        """Close it; called on the thread that reads, never waits."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """What is known of the link; `latest` is when the last byte came, in monotonic seconds of this machine."""

    latest: float
    problem: str | None = None
    """Why there is no data, or None while there is."""
    retry_at: float | None = None
    """Monotonic seconds of this machine."""
    note: str | None = None
    """Two versions that differ, or damage."""


class StreamedNode:
    """Reads on its own daemon thread; has the methods of `Sampler`, so that an application accepts either."""

    def __init__(self, link: Link, on_moment: Callable[[Moment], None], on_crash: Callable[[str], None]) -> None:
        self.link = link
        self.interval = 1.0
        self.hurried = self.resting = False
        self.state = LinkState(time.monotonic())
        self.position = Position(time.time(), 1.0, 1, True)
        self._on_moment = on_moment
        self._on_crash = on_crash
        self._stopping = threading.Event()
        self._backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        self._builder: SnapshotBuilder | None = None
        self._last: Snapshot | None = None
        self._early: list[PlayedStep] = []
        self._versions: str | None = None
        self._pod_update: PodUpdate | None = None
        self._begin()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def _begin(self) -> None:
        """Expect a new stream."""
        self._decoder = StreamDecoder()
        self._log, self._pods = RecordedLog(), RecordedPods()
        self._data_came = False

    def start(self) -> None:
        """Start to read; does nothing if it is started."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopping.set()
        self.link.end()

    def tick_now(self, *, page_types: bool = False) -> None:
        """Do nothing: the remote end samples."""

    def stuck(self) -> tuple[str, float] | None:
        """Return None: the state of the link says what does not respond."""
        return None

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                why = self._read_stream()
                self.link.close()
                wait = self._backoff.wait() if self.link.again else None
                retry = None if wait is None else time.monotonic() + wait
                self.state = LinkState(self.state.latest, why, retry, self.state.note)
                if self._last is not None:
                    self._on_moment(Moment(None, (), None, self.position))
                if wait is None:
                    return
                self._stopping.wait(wait)
        except Exception:
            if not self._stopping.is_set():
                self._on_crash(traceback.format_exc())

    def _read_stream(self) -> str:
        """Read one stream to its end; return why it ended."""
        self._begin()
        try:
            self.link.open()
            while not self._stopping.is_set():
                data = self.link.read(1.0)
                if data is None:
                    return self._why_ended()
                if data:
                    self._take(data)
                elif time.monotonic() - self.state.latest > SILENT_SECONDS and self.link.again and self._data_came:
                    return f"no byte for {SILENT_SECONDS:.0f} s"
        except NotARecording as error:
            return f"{error}{self._noise()}"
        except LinkError as error:
            return str(error)
        except OSError as error:
            return os_reason(error)
        return "stopped"

    def _why_ended(self) -> str:
        return f"{self.link.why_ended()}{'' if self._data_came else self._noise()}"

    def _noise(self) -> str:
        """Return what came instead of a stream."""
        said = printable(self._decoder.noise.decode("utf-8", "replace").strip().rpartition("\n")[2], _MAX_SAID)
        return f"; it printed: {said}" if said else ""

    def _take(self, data: bytes) -> None:
        steps: list[PlayedStep] = []
        starts = False
        for item in self._decoder.feed(data):
            starts |= self._take_item(item, steps)
        damage = f"{counted(self._decoder.damaged, 'damaged part')} skipped" if self._decoder.damaged else None
        self.state = LinkState(time.monotonic(), note=self._versions or damage)
        if self._data_came:
            self._backoff.reset()
        if self._last is None:
            self._early = [*self._early, *steps][-_MAX_EARLY:]  # Nothing can be drawn before the first sample.
            return
        if starts:
            steps = [*self._early, *steps]
            self._early = []
        now = self._last.time
        update = self._pods.update(now)
        changed, self._pod_update = update != self._pod_update, update
        if steps or changed:
            start = Start(History(), self._last) if starts else None
            self.position = Position(now, 1.0, 1, True)
            self._on_moment(Moment(start, tuple(steps), update if changed else None, self.position))

    def _take_item(self, item: Streamed, steps: list[PlayedStep]) -> bool:
        """Add the steps of an item; return whether the history begins with it."""
        if isinstance(item, StreamStart):
            self._data_came = True
            self._builder = SnapshotBuilder(item.host)
            if item.version != __version__:
                self._versions = f"fragtui there is {item.version or 'of an unknown version'}, here {__version__}"
            return False
        if isinstance(item, RecordedEvent):
            if (step := step_of(item, self._log, self._pods)) is not None:
                steps.append(step)
            return False
        assert isinstance(item, Tick) and self._builder is not None
        snapshot = self._builder.snapshot(item)
        begins = self._last is None or snapshot.monotonic < self._last.monotonic  # Or it was booted again.
        if self._last is not None and not begins:
            self.interval = max(0.1, min(60.0, snapshot.monotonic - self._last.monotonic))
        self._last = snapshot
        steps.append(snapshot)
        return begins
