"""What the threads that read the node post to the screen."""

from __future__ import annotations

from textual.message import Message

from fragtui.model.snapshot import Snapshot
from fragtui.remedies.outcome import Outcome


class Sampled(Message, bubble=False):
    """A new snapshot; a screen that lags gets the newest only."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Return True for an older snapshot still in the queue."""
        return isinstance(message, Sampled)


class Crashed(Message, bubble=False):
    """A reading thread met a fault of fragtui's own; it goes on at its next turn."""

    def __init__(self, traceback: str) -> None:
        super().__init__()
        self.traceback = traceback


class RemedyEnded(Message, bubble=False):
    """The remedy under way has ended, or was refused with these words."""

    def __init__(self, result: Outcome | str) -> None:
        super().__init__()
        self.result = result
