"""The logs and the sources of pods of a node, all asked at the same time, with one deadline for all of them."""

from __future__ import annotations

import argparse
import threading
import time

from fragtui.commands.cli.source_factory import joined_readers
from fragtui.model.failures.failure_list import FailureList
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import Sight, SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.sources.host.reader import NodeReader

_END_SECONDS = 0.3
"""Time for the readers to end their children."""
_READERS = ("kernel-log", "fragtui-kubelet-log", "fragtui-kube", "fragtui-crictl", "log-history")
"""Names of the threads that own children."""
_ORDER = ("kubelet log", "runtime log", "API", "events", "crictl")
_LOOK_SECONDS = 0.05


class NodeSources:
    """Reads them from now on; `stop` ends it."""

    def __init__(self, args: argparse.Namespace, reader: NodeReader, seconds: float) -> None:
        """Read those that the options of `args` select; `seconds` is the deadline."""
        self.failures = FailureList()
        self.pods: PodUpdate | None = None
        self.still_reading = False
        """Whether they still delivered at the deadline."""
        self._seconds = seconds
        self._end = self._changed = time.monotonic()
        self._end += seconds
        readers = joined_readers(args, reader)
        self._started = (readers.pods(self._take_pods), readers.kernel_log(self._take_log))
        for source in self._started:
            source.start()

    def _take_log(self, update: KernelLogUpdate) -> None:
        self.failures.take(update)
        self._changed = time.monotonic()

    def _take_pods(self, update: PodUpdate) -> None:
        self.pods = update
        self._changed = time.monotonic()

    def wait(self, quiet_seconds: float = 0.0) -> None:
        """Wait until each has answered and then been quiet for `quiet_seconds`, at most until the deadline."""
        while (now := time.monotonic()) < self._end:
            if self._have_answered() and now - self._changed >= quiet_seconds:
                return
            time.sleep(_LOOK_SECONDS)
        self.still_reading = self._have_answered()

    def _have_answered(self) -> bool:
        states = (self.failures.state, *(self.pods.sources if self.pods is not None else ()))
        history = any(thread.name == "log-history" for thread in threading.enumerate())
        return len(states) > 1 and not history and all(state.sight is not Sight.PENDING for state in states)

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def log_state(self) -> SourceState:
        """The state of the kernel log."""
        return self._answered(self.failures.state)

    @property
    def pod_states(self) -> tuple[SourceState, ...]:
        """The states of the sources of pods."""
        if self.pods is None or not self.pods.sources:
            return (self._answered(SourceState("kubelet log", "connecting", "")),)
        order = sorted(self.pods.sources, key=lambda source: _ORDER.index(source.name) if source.name in _ORDER else 0)
        return tuple(self._answered(source) for source in order)

    def _answered(self, source: SourceState) -> SourceState:
        """Return the state; of a source that has not answered yet, that it did not."""
        if source.sight is not Sight.PENDING:
            return source
        late = f"no answer within {self._seconds:g} s"
        why = f"{source.cannot_tell}; {late}" if source.cannot_tell else late
        return SourceState(source.name, "waiting", why, remedy=source.remedy)

    def stop(self) -> None:
        """End the readers, and wait a moment for their children: a followed journal would outlive this process."""
        for source in self._started:
            source.stop()
        end = time.monotonic() + _END_SECONDS
        while time.monotonic() < end and any(thread.name in _READERS for thread in threading.enumerate()):
            time.sleep(0.01)
