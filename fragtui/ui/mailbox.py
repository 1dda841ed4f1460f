"""What the readers' threads have for the screen, bounded however long the screen is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from textual.message import Message


class MailboxMessage(Message, bubble=False):
    """A message of a reader's thread. The newest replaces one that still waits, unless `after` says otherwise."""

    def after(self, earlier: Self) -> Self:
        """Return what stands for `earlier`, which was not read yet, and for this."""
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

    def put(self, news: MailboxMessage) -> None:
        """Have the screen read this; before it runs, until the next is put."""
        with self._lock:
            earlier = self._waiting.get(type(news))
            self._waiting[type(news)] = news if earlier is None else news.after(earlier)
            if not self._posted:
                with suppress(RuntimeError):  # no application yet or any more, or its loop is closed
                    self._posted = self._post(MailArrived())

    def empty(self) -> tuple[MailboxMessage, ...]:
        """Return what waits."""
        with self._lock:
            waiting, self._waiting, self._posted = self._waiting, {}, False
        return tuple(waiting.values())
