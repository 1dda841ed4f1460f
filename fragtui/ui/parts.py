"""What the application is put together from, and the readers that start after the first bars."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fragtui.model.snapshot import Snapshot
from fragtui.sampler import Ticker
from fragtui.ui.mailbox import News
from fragtui.ui.messages import Crashed, KernelTold, PodsTold
from fragtui.ui.tape import Tape

if TYPE_CHECKING:
    from fragtui.model.incident import Incident
    from fragtui.model.kernel_log_news import KernelLogNews
    from fragtui.model.pod_news import PodNews


class Feed(Protocol):
    """A reader on a thread of its own."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End soon; never waits."""


class PodFeed(Feed, Protocol):
    """The watch over pods, which is told what the kernel said and what was done."""

    def kernel_incident(self, incident: Incident) -> None:
        """Tell it of a kernel incident that a pod may hang on."""

    def remedy_ran(self, name: str) -> None:
        """Tell it that a remedy ran."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is put together from."""

    sampler: Callable[[Callable[[Snapshot], None], Callable[[str], None]], Ticker]
    """Makes the sampler, given where snapshots and tracebacks go."""
    kernel_log: Callable[[Callable[[KernelLogNews], None]], Feed]
    """Makes the follower of the kernel log; called on a thread of its own, after the first bars."""
    pods: Callable[[Callable[[PodNews], None]], PodFeed]
    """The same for the watch over pods."""
    root: Path
    live: bool
    """Whether the root is this kernel's own; saved files can't be healed."""
    order: int | None = None
    read_only: bool = False
    theme: str | None = None
    audit: Path | None = None
    """The audit log, if not at its place under the root."""
    write_report: Callable[[], Path] | None = None
    """Writes the report for a ticket and returns where; raises OSError. None where there is nothing to report on."""
    tape: Tape | None = None
    """What the key R records with, or None where there is nothing to record."""

    after_bars: Callable[[], None] | None = None
    """Called once, soon after the first bars are on screen or are known to be long in coming."""

    @property
    def barred(self) -> str | None:
        """Why nothing may be written whatever the node allows, or None."""
        return "started with --read-only" if self.read_only else None


class Feeds:
    """The readers of logs and pods: started after the first bars, since what they import takes its time."""

    def __init__(self, parts: Parts, tell: Callable[[News], object]) -> None:
        self.pods: PodFeed | None = None
        """The watch over pods; None until it has started."""
        self._parts = parts
        self._tell = tell
        self._started: list[Feed] = []

    def start(self) -> None:
        """Begin, on a thread of its own."""
        threading.Thread(target=self._start, name="feeds", daemon=True).start()

    def stop(self) -> None:
        """End them; never waits."""
        for feed in self._started:
            feed.stop()

    def _start(self) -> None:
        try:
            # The pods first: what the kernel tells at once must find somebody to tell it to.
            self.pods = self._parts.pods(self._tell_pods)
            kernel_log = self._parts.kernel_log(self._tell_kernel)
            self._started += [self.pods, kernel_log]
            self.pods.start()
            kernel_log.start()
        except Exception:
            self._tell(Crashed(traceback.format_exc()))

    def _tell_kernel(self, news: KernelLogNews) -> None:
        self._tell(KernelTold(news))

    def _tell_pods(self, news: PodNews) -> None:
        self._tell(PodsTold(news))
