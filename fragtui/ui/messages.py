"""What the threads that read the node post to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from fragtui.model.node.snapshot import Snapshot
from fragtui.ui.mailbox import News

if TYPE_CHECKING:
    from fragtui.model.failures.kernel_log_update import KernelLogNews
    from fragtui.model.pods.pod_update import PodNews
    from fragtui.remedies.service import Attended, Recalled


class Sampled(News):
    """A new snapshot; a screen that lags gets the newest only."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Return True for an older snapshot still in the queue."""
        return isinstance(message, Sampled)


class Crashed(News):
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


class RemediesTold(News):
    """News of the remedies; each holds all that is known, so the newest is enough."""

    def __init__(self, state: Attended) -> None:
        super().__init__()
        self.state = state

    def can_replace(self, message: Message) -> bool:
        """Return True for older news still in the queue."""
        return isinstance(message, RemediesTold)


class RemediesRecalled(News):
    """The remedies on record, read because a key asked for them."""

    def __init__(self, recalled: Recalled) -> None:
        super().__init__()
        self.recalled = recalled


class KernelTold(News):
    """News of the kernel log."""

    def __init__(self, news: KernelLogNews) -> None:
        super().__init__()
        self.news = news

    def after(self, earlier: KernelTold) -> KernelTold:
        """Return one message with the incidents of both."""
        return KernelTold(self.news.after(earlier.news))


class PodsTold(News):
    """News of the pods; each holds the whole board, so the newest is enough."""

    def __init__(self, news: PodNews) -> None:
        super().__init__()
        self.news = news

    def can_replace(self, message: Message) -> bool:
        """Return True for older news still in the queue."""
        return isinstance(message, PodsTold)
