"""How a verb that goes on until it is told to end hears SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndSignals:
    """Whether a signal asked for the end, to be waited for on the main thread."""

    def __init__(self, came: int) -> None:
        """Read the signals from `came`, the reading end of the pipe that the interpreter writes their numbers to."""
        self._came = came
        self._poll = select.poll()
        self._poll.register(came, select.POLLIN)

    def wait(self, seconds: float | None = None) -> bool:
        """Return True as soon as a signal has come, False when none came in so long; None waits for ever."""
        return bool(self._poll.poll(None if seconds is None else max(0.0, seconds) * 1000))

    @property
    def came(self) -> bool:
        """Whether one has come."""
        return self.wait(0)


@contextmanager
def end_signals() -> Iterator[EndSignals]:
    """Have the signals told instead of ending the process; for the main thread.

    A handler that sets an Event is not enough. It runs between two bytecodes: where the signal comes after the last of
    them and before the lock is slept on, nothing wakes the thread, and where it comes within `Event.wait` the handler
    waits for the lock that its own thread holds. The interpreter's C handler writes to the pipe at once.
    """
    came, told = os.pipe()
    os.set_blocking(told, False)
    before = {each: signal.signal(each, lambda *_: None) for each in _SIGNALS}
    descriptor = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    try:
        yield EndSignals(came)
    finally:
        signal.set_wakeup_fd(descriptor)
        for each, handler in before.items():
            signal.signal(each, handler)
        os.close(told)
        os.close(came)
