"""The reader of the trace: one thread, which looks a few times a second and never waits for an event."""

from __future__ import annotations

import atexit
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.tracing.event_lines import parse_events
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_collector import TraceCollector
from fragtui.model.tracing.trace_tally import BATCH_SECONDS
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.host.processes import cgroup_path, hidden_processes
from fragtui.sources.tracing.instance import TraceInstance, TracingError, remove_stale, tracefs
from fragtui.text import shortage

_LOOK_SECONDS = 0.25
"""Seconds between two looks. Tasks are named by /proc then: later, more of them have ended."""
_MAX_LOOK = 1 << 18
"""Bytes read in one look, about 1,700 events: of a flood the rest is lost, and counted."""
_CHUNK = 1 << 16
_QUIET_SECONDS = 5.0
"""Seconds between batches without events."""
_STAT_CPUS = 8
"""CPUs whose statistics may be read each second; those of more are read as much less often."""
_CLOSE_SECONDS = 2.0
_MAX_CGROUPS, _CGROUP_SECONDS = 1024, 30.0
"""Tasks whose cgroup is remembered, and for how many seconds."""


class TraceReader:
    """Traces from `start` to `stop`; `deliver` gets the batches on the reading thread, the last with why it ended."""

    def __init__(
        self,
        root: Path,
        deliver: Callable[[TraceBatch], None],
        on_crash: Callable[[str], None],
        version: KernelVersion | None = None,
    ) -> None:
        """`root` is that of this node, `version` that of its kernel, None if unknown."""
        self._root = root
        self._deliver = deliver
        self._on_crash = on_crash
        self._old = version is not None and not version.at_least(4, 4)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trace", daemon=True)

    def start(self) -> None:
        """Start; returns at once."""
        # Whatever ends the program but SIGKILL: the instance is removed. The next fragtui removes it after SIGKILL.
        atexit.register(self.close)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._deliver(TraceBatch(time.time(), ended=shortage(error) or str(error)))

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopping.set()

    def close(self) -> None:
        """Stop, and wait until the instance is removed."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_SECONDS)
        atexit.unregister(self.close)

    def _run(self) -> None:
        ended = ""
        try:
            place = tracefs(self._root)
            with suppress(OSError):
                remove_stale(place)
            self._trace(TraceInstance(place))
        except TracingError as error:
            ended = str(error)
        except OSError as error:
            ended = f"reading the trace failed: {os_reason(error)}"
        except Exception as error:
            ended = shortage(error) or "internal error"
            self._on_crash(traceback.format_exc())
        self._deliver(TraceBatch(time.time(), ended=ended))

    def _trace(self, instance: TraceInstance) -> None:
        """Read until it is stopped, then remove the instance. Raises OSError."""
        collector = TraceCollector(_Cgroups(self._root).of, old_migratetypes=self._old)
        try:
            begun = time.monotonic()
            self._deliver(collector.batch(time.time(), parts=instance.parts))
            lost, rest, stats_due, stopping = 0, b"", begun, False
            while not stopping:
                stopping = self._stopping.wait(_LOOK_SECONDS)
                data = rest + _look(instance)
                events, read = parse_events(data)
                rest = data[read:]
                collector.take(events)
                now = time.monotonic()
                if now - begun < BATCH_SECONDS and not stopping:
                    continue
                before = lost
                if now >= stats_due or stopping:
                    lost = instance.lost()
                    stats_due = now + max(1.0, instance.cpus / _STAT_CPUS)
                batch = collector.batch(time.time(), max(0, lost - before), instance.parts)
                if batch.matters or now - begun >= _QUIET_SECONDS:
                    begun = now
                    self._deliver(batch)
        finally:
            instance.close()


def _look(instance: TraceInstance) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size < _MAX_LOOK and (chunk := instance.read(_CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


class _Cgroups:
    """The cgroups of tasks, read when they are first seen: soon after, many of them have ended."""

    def __init__(self, root: Path) -> None:
        self._proc = f"{root}/proc".replace("//", "/")
        # The trace has the pids of the machine, which mean other tasks in a container's own namespace.
        self._usable = hidden_processes(self._proc) is None
        self._known: dict[tuple[int, str], tuple[float, str | None]] = {}

    def of(self, pid: int, comm: str) -> str | None:
        """Return the cgroup of a task; None if it has ended or /proc does not show it."""
        now = time.monotonic()
        key = (pid, comm)
        if (known := self._known.get(key)) is not None and now - known[0] < _CGROUP_SECONDS:
            return known[1]
        if len(self._known) >= _MAX_CGROUPS:
            del self._known[next(iter(self._known))]
        path = self._read(pid) if self._usable else None
        self._known[key] = (now, path)
        return path

    def _read(self, pid: int) -> str | None:
        try:
            with open(f"{self._proc}/{pid}/cgroup", "rb", buffering=0) as file:
                path = cgroup_path(file.read(4096).decode("utf-8", "replace"))
            # A task that has ended is in the root of version 1 until its parent has taken its status.
            return None if path == "/" and self._has_ended(pid) else path
        except OSError:
            return None

    def _has_ended(self, pid: int) -> bool:
        """Return whether the task is a zombie or gone. Raises OSError."""
        with open(f"{self._proc}/{pid}/stat", "rb", buffering=0) as file:
            return file.read(4096).rpartition(b")")[2].split()[:1] in ([b"Z"], [b"X"], [])
