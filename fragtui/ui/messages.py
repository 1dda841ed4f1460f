"""The messages of the reading threads to the screen, and the mailbox in which they wait while the screen is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from textual.message import Message

from fragtui.model.node.snapshot import Snapshot

if TYPE_CHECKING:  # For annotations only; the first bars don't wait for what comes after them.
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate
    from fragtui.model.node.cgroup_memory import CgroupMemories
    from fragtui.model.node.consumers import Consumers
    from fragtui.model.pods.pod_update import PodUpdate
    from fragtui.model.tracing.trace_batch import TraceBatch
    from fragtui.remedies.remote_run import RemoteState
    from fragtui.remedies.service import HistoryView, RemedyState


class MailboxMessage(Message, bubble=False):
    """A message of a reader's thread. The newest replaces a waiting one, unless `after` merges them."""

    def after(self, earlier: Self) -> Self:
        """Return one message for `earlier`, which is not read yet, and this one."""
        return self


class MailArrived(Message, bubble=False):
    """The mailbox is to be emptied."""


class Mailbox:
    """Holds at most one message of each kind, and has at most one `MailArrived` posted at a time; for any thread."""

    def __init__(self, post: Callable[[Message], bool]) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._waiting: dict[type[MailboxMessage], MailboxMessage] = {}
        self._posted = False

    def put(self, message: MailboxMessage) -> None:
        """Deliver a message to the screen; before the screen runs, it waits until the next call."""
        with self._lock:
            earlier = self._waiting.get(type(message))
            self._waiting[type(message)] = message if earlier is None else message.after(earlier)
            if not self._posted:
                with suppress(RuntimeError):  # the application has not started or has ended, or its loop is closed
                    self._posted = self._post(MailArrived())

    def empty(self) -> tuple[MailboxMessage, ...]:
        """Return the waiting messages and remove them."""
        with self._lock:
            waiting, self._waiting, self._posted = self._waiting, {}, False
        return tuple(waiting.values())


class Sampled(MailboxMessage):
    """A new snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class Crashed(MailboxMessage):
    """A reading thread met an internal error; it continues with its next reading."""

    def __init__(self, traceback: str) -> None:
        super().__init__()
        self.traceback = traceback


class TerminalUnread(Message, bubble=False):
    """The terminal has read nothing for a minute."""


class TerminalRead(Message, bubble=False):
    """The terminal reads again after output was dropped, or after a suspension: its content is unknown."""


class GroundReported(Message, bubble=False):
    """The terminal reported its ground: `theme` is the one for it."""

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.theme = theme


class GlyphsMeasured(Message, bubble=False):
    """The terminal drew an ambiguous glyph: one cell wide, or more."""

    def __init__(self, narrow: bool) -> None:
        super().__init__()
        self.narrow = narrow


class LeaveAsked(Message, bubble=False):
    """A signal asks the application to quit, or the terminal is lost."""


class RemediesUpdated(MailboxMessage):
    """An update of the remedies."""

    def __init__(self, state: RemedyState) -> None:
        super().__init__()
        self.state = state


class RemoteRemedyChanged(MailboxMessage):
    """An update of a remedy on a remote node."""

    def __init__(self, state: RemoteState) -> None:
        super().__init__()
        self.state = state


class HistoryLoaded(MailboxMessage):
    """The logged remedies, read on request by a key."""

    def __init__(self, recalled: HistoryView) -> None:
        super().__init__()
        self.recalled = recalled


class KernelLogUpdated(MailboxMessage):
    """An update of the kernel log."""

    def __init__(self, update: KernelLogUpdate) -> None:
        super().__init__()
        self.update = update

    def after(self, earlier: KernelLogUpdated) -> KernelLogUpdated:
        """Return one message with the incidents of both."""
        return KernelLogUpdated(self.update.after(earlier.update))


class PodsUpdated(MailboxMessage):
    """An update of the pods."""

    def __init__(self, update: PodUpdate) -> None:
        super().__init__()
        self.update = update


class ConsumersRead(MailboxMessage):
    """The largest processes."""

    def __init__(self, consumers: Consumers) -> None:
        super().__init__()
        self.consumers = consumers


class TraceRead(MailboxMessage):
    """What a trace brought; each batch counts."""

    def __init__(self, *batches: TraceBatch) -> None:
        super().__init__()
        self.batches = batches

    def after(self, earlier: TraceRead) -> TraceRead:
        """Return one message with the batches of both."""
        return TraceRead(*earlier.batches, *self.batches)


class CgroupsRead(MailboxMessage):
    """The cgroups with most page cache."""

    def __init__(self, cgroups: CgroupMemories) -> None:
        super().__init__()
        self.cgroups = cgroups
