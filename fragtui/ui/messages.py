"""What the threads that read the node post to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from fragtui.model.node.snapshot import Snapshot
from fragtui.ui.mailbox import MailboxMessage

if TYPE_CHECKING:
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate
    from fragtui.model.pods.pod_update import PodUpdate
    from fragtui.remedies.service import HistoryView, RemedyState


class Sampled(MailboxMessage):
    """A new snapshot; a screen that lags gets the newest only."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Return True for an older snapshot still in the queue."""
        return isinstance(message, Sampled)


class Crashed(MailboxMessage):
    """A reading thread met a fault of fragtui's own; it goes on at its next turn."""

    def __init__(self, traceback: str) -> None:
        super().__init__()
        self.traceback = traceback


class TerminalLost(Message, bubble=False):
    """The terminal was closed."""


class TerminalUnread(Message, bubble=False):
    """The terminal has read nothing for a minute."""


class TerminalRead(Message, bubble=False):
    """The terminal reads again after output was dropped, or was taken again: what it shows is unknown."""


class LeaveAsked(Message, bubble=False):
    """A signal asks the application to leave."""


class RemediesUpdated(MailboxMessage):
    """News of the remedies; each holds all that is known, so the newest is enough."""

    def __init__(self, state: RemedyState) -> None:
        super().__init__()
        self.state = state

    def can_replace(self, message: Message) -> bool:
        """Return True for older news still in the queue."""
        return isinstance(message, RemediesUpdated)


class HistoryLoaded(MailboxMessage):
    """The remedies on record, read because a key asked for them."""

    def __init__(self, recalled: HistoryView) -> None:
        super().__init__()
        self.recalled = recalled


class KernelLogUpdated(MailboxMessage):
    """News of the kernel log."""

    def __init__(self, news: KernelLogUpdate) -> None:
        super().__init__()
        self.news = news

    def after(self, earlier: KernelLogUpdated) -> KernelLogUpdated:
        """Return one message with the incidents of both."""
        return KernelLogUpdated(self.news.after(earlier.news))


class PodsUpdated(MailboxMessage):
    """News of the pods; each holds the whole board, so the newest is enough."""

    def __init__(self, news: PodUpdate) -> None:
        super().__init__()
        self.news = news

    def can_replace(self, message: Message) -> bool:
        """Return True for older news still in the queue."""
        return isinstance(message, PodsUpdated)
