"""SIGINT, SIGTERM and SIGHUP, or input, for verbs that run until one of them arrives."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndSignals:
    """Waits for a signal that ends the verb; for the main thread."""

    def __init__(self, *came: int) -> None:
        """Take the read end of the pipe to which the interpreter writes the numbers of signals, and other inputs."""
        self._poll = select.poll()
        for descriptor in came:
            self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float | None = None) -> bool:
        """Return True as soon as a signal arrives, False after so many seconds without one; None waits for ever."""
        return bool(self._poll.poll(None if seconds is None else max(0.0, seconds) * 1000))

    @property
    def came(self) -> bool:
        """Whether a signal has arrived."""
        return self.wait(0)


@contextmanager
def end_signals(*inputs: int) -> Iterator[EndSignals]:
    """Report the signals instead of ending the process; for the main thread.

    A byte on one of the `inputs`, or its end, counts as a signal too.

    A handler that sets an Event is not enough. It runs between two bytecodes: if the signal arrives after the last
    bytecode and before the thread sleeps on the lock, nothing wakes the thread; if it arrives within `Event.wait`, the
    handler waits for the lock that its own thread holds. The interpreter's C handler writes to the pipe at once.
    """
    came, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    descriptor = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    try:
        yield EndSignals(came, *inputs)
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(wakeup)
        os.close(came)
