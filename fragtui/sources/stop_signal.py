"""The end of a reader: it wakes the reader's threads, which wait for input in poll(2)."""

from __future__ import annotations

import os
import select
import threading
from types import TracebackType


class StopSignal:
    """Set once, for good. A thread that waits enters it; its descriptor is closed when the last of them has left.

    So no descriptor is closed, and its number used again, while another thread polls it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._users = 0
        self._wake = -1

    def __enter__(self) -> StopSignal:
        """Raises OSError if there is no descriptor left."""
        with self._lock:
            if not self._users:
                self._wake = os.eventfd(int(self._is_set), os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._users += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the descriptor after the last thread."""
        with self._lock:
            self._users -= 1
            if not self._users:
                os.close(self._wake)

    def set(self) -> None:
        """Wake all threads that wait, now or later. Never blocks."""
        with self._lock:
            was_set, self._is_set = self._is_set, True  # Before a thread wakes, and looks.
            if not was_set and self._users:
                os.eventfd_write(self._wake, 1)

    def is_set(self) -> bool:
        """Return whether it is set."""
        return self._is_set

    def wait(self, descriptor: int | None, seconds: float | None) -> bool:
        """Wait for input of the descriptor, at most `seconds`; return False once it is set. Only if entered."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
        poll.poll(None if seconds is None else max(0.0, seconds) * 1000)
        return not self._is_set
