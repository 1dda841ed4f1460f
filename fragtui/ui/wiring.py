"""The dependencies of the application, and the readers that start after the first bars."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.sampler import Ticker
from fragtui.text import shortage
from fragtui.ui.messages import Crashed, KernelLogUpdated, MailboxMessage, PodsUpdated

if TYPE_CHECKING:  # For annotations only: see fragtui.ui.messages.
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate
    from fragtui.model.node.cgroup_memory import CgroupMemories
    from fragtui.model.node.consumers import Consumers
    from fragtui.model.pods.pod_update import PodUpdate
    from fragtui.model.remedy.risk import NodeConditions
    from fragtui.model.tracing.trace_batch import TraceBatch


class BackgroundReader(Protocol):
    """A reader on a thread of its own."""

    def start(self) -> None:
        """Start; returns at once."""

    def stop(self) -> None:
        """Stop soon; never waits."""


class PodReader(BackgroundReader, Protocol):
    """The watcher of pods, which also notes remedies."""

    def remedy_ran(self, name: str) -> None:
        """Note that a remedy ran."""


class ConsumerReader(Protocol):
    """A reader of the largest processes, which reads only when it is asked to."""

    def look(self) -> None:
        """Start a reading if one is due; never waits."""


class TracePlan(NamedTuple):
    """What a trace would write, for the question before it."""

    path: str
    """The directory of its instance."""
    buffer_kb: int
    """KiB of the buffer of each CPU."""
    cpus: int
    events: tuple[str, ...]


class Tracing(NamedTuple):
    """Makes the reader of a trace, only after the user or an option asked for it."""

    plan: Callable[[], TracePlan | str]
    """Returns what it would write, or why the kernel can't be traced."""
    reader: Callable[[Callable[[TraceBatch], None], Callable[[str], None]], BackgroundReader]
    """Makes it from the receivers of batches and tracebacks."""
    tidy: Callable[[], None]
    """Removes what fragtuis that were killed left in tracefs."""
    at_start: bool
    """Whether an option or a setting asks for a trace."""
    forbidden: str | None
    """Why nothing may be traced; None if it may."""


class CgroupsReader(Protocol):
    """A reader of the memory of cgroups, which reads only when it is asked to."""

    def look(self) -> bool:
        """Start a reading if one is due; return whether one runs. Never waits."""


class ActiveRecording(Protocol):
    """A recording that is being written."""

    @property
    def path(self) -> Path:
        """Its path."""

    @property
    def problem(self) -> str | None:
        """Why writing ended, or None."""

    @property
    def written(self) -> int:
        """Bytes written."""


class ScreenRecorder(Protocol):
    """Keeps the last minutes in memory, and writes them and all that follows to a file."""

    @property
    def file(self) -> ActiveRecording | None:
        """The file that is written, or None."""

    def save(self, path: Path) -> ActiveRecording:
        """Start a file; raise OSError if it can't be created."""

    def end(self, seconds: float = 5.0) -> None:
        """End the file; wait at most this many seconds for the disk."""


@dataclass(frozen=True, slots=True)
class AppDependencies:
    """The dependencies of the application."""

    sampler: Callable[[Callable[[Snapshot], None], Callable[[str], None]], Ticker]
    """Makes the sampler from the receivers of snapshots and tracebacks."""
    kernel_log: Callable[[Callable[[KernelLogUpdate], None]], BackgroundReader]
    """Makes the follower of the kernel log; called on a thread of its own, after the first bars."""
    pods: Callable[[Callable[[PodUpdate], None]], PodReader]
    """The same for the watcher of pods."""
    read_conditions: Callable[[Path], NodeConditions]
    """Reads the conditions on which the cost of a remedy depends, of the node under a root."""
    root: Path
    live: bool
    """Whether the root is this kernel's own; no remedy runs on saved files."""
    order: int | None = None
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    read_only: str | None = None
    """What asks for no remedy at all, such as an option; None if nothing does."""
    keymap: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Other keys for commands, see `keys.KeyMap`."""
    as_root: str | None = None
    """This command, for a user who is not root: sudo would show more. None as root and for saved files."""
    audit: Path | None = None
    """The audit log, if not at its usual path under the root."""
    write_report: Callable[[Path], object] | None = None
    """Writes the report for a ticket into a new file; raises OSError. None if there is no node to report on."""
    consumers: Callable[[Callable[[Consumers], None], Callable[[str], None]], ConsumerReader] | None = None
    """Makes the reader of processes from the receivers of readings and tracebacks; called while the node is out of
    memory. None for saved files."""
    cgroups: Callable[[Callable[[CgroupMemories], None], Callable[[str], None]], CgroupsReader] | None = None
    """The same for the reader of cgroups, called on request; also for saved files."""
    recorder: ScreenRecorder | None = None
    """Records the node into a file; None if there is nothing to record."""
    tracing: Tracing | None = None
    """Traces the kernel; None for saved files."""

    @property
    def disabled_reason(self) -> str | None:
        """Why nothing may be written even if the node allows it, or None."""
        return None if self.read_only is None else f"started with {self.read_only}"


RETRY_SECONDS = 10.0
"""Seconds after which a reader that could not be started is tried again."""


class BackgroundReaders:
    """The readers of logs and pods: started after the first bars, since their imports take time.

    A reader that can't be started (no descriptors, no threads) says so in its panel, and is tried again.
    """

    def __init__(self, dependencies: AppDependencies, post: Callable[[MailboxMessage], object]) -> None:
        self.pods: PodReader | None = None
        """The watcher of pods; None until it has started."""
        self._dependencies = dependencies
        self._post = post
        self._started: list[BackgroundReader] = []
        # Each is made once, since that takes descriptors, and only its start is tried again.
        self._pods: PodReader | None = None
        self._kernel_log: BackgroundReader | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start, on a separate thread."""
        try:
            threading.Thread(target=self._start, name="feeds", daemon=True).start()
        except RuntimeError as error:
            self._report_no_pods(_reason(error))
            self._report_no_kernel_log(_reason(error))

    def stop(self) -> None:
        """Stop them; never waits."""
        self._stopping.set()
        for feed in self._started:
            feed.stop()

    def _start(self) -> None:
        missing = [(self._start_pods, self._report_no_pods), (self._start_kernel_log, self._report_no_kernel_log)]
        while missing and not self._stopping.is_set():
            missing = [(start, report) for start, report in missing if not self._has_started(start, report)]
            self._stopping.wait(RETRY_SECONDS if missing else 0)
        if (tracing := self._dependencies.tracing) is not None and tracing.forbidden is None:
            tracing.tidy()

    def _has_started(self, start: Callable[[], None], report: Callable[[str], None]) -> bool:
        try:
            start()
        except Exception as error:
            report(_reason(error))
            if shortage(error) is not None or isinstance(error, OSError):
                return False
            self._post(Crashed(traceback.format_exc()))
        return True

    def _start_pods(self) -> None:
        self._pods = self._pods or self._dependencies.pods(self._post_pods)
        self._pods.start()
        self.pods = self._pods
        self._started.append(self._pods)

    def _start_kernel_log(self) -> None:
        self._kernel_log = self._kernel_log or self._dependencies.kernel_log(self._post_kernel)
        self._kernel_log.start()
        self._started.append(self._kernel_log)

    def _report_no_pods(self, why: str) -> None:
        from fragtui.model.node.source_state import SourceState  # noqa: PLC0415  # Seldom; see above.
        from fragtui.model.pods.pod_update import PodUpdate  # noqa: PLC0415
        from fragtui.model.pods.stuck_pods import StuckPods  # noqa: PLC0415

        state = SourceState("pods", "waiting", f"no source can be started: {why}")
        self._post(PodsUpdated(PodUpdate(StuckPods(), (state,))))

    def _report_no_kernel_log(self, why: str) -> None:
        from fragtui.model.failures.kernel_log_update import KernelLogUpdate  # noqa: PLC0415  # Seldom; see above.

        self._post(KernelLogUpdated(KernelLogUpdate((), (), 0, (), "none", f"its reader can't be started: {why}")))

    def _post_kernel(self, update: KernelLogUpdate) -> None:
        self._post(KernelLogUpdated(update))

    def _post_pods(self, update: PodUpdate) -> None:
        self._post(PodsUpdated(update))


def _reason(error: Exception) -> str:
    return shortage(error) or (isinstance(error, OSError) and error.strerror) or str(error)
