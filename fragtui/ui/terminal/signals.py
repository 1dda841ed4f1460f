"""Signals that end the process while the terminal is in use: each restores the terminal, even if threads hang."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LEAVE = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
"""Signals after which the application quits in the normal way, even if the parent ignored them."""
ACT = 0.6
"""Seconds within which the application must begin to quit."""
_DIE = 0.25
"""Seconds within which the main thread must then end the process."""
LEAVING = 5.0
"""Seconds that quitting may take: a remedy is aborted and its end is logged, a recording is ended."""

_NOT_FATAL = {
    *(signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH),
    *(signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
}
"""Signals whose default action does not end a process: signal(7)."""
_NOT_CAUGHT = {signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
"""Python code runs after the C handler has returned: after a fault of the processor, it would fault again for ever."""


class TerminalSignals:
    """Handles signals from `start` to `stop`, both called once, on the main thread.

    On one of `LEAVE` it calls `leave`, on a thread of its own. Any other signal that would end the process does so,
    after `give_back`; one that is ignored stays ignored. If the main thread does not act in time, this thread restores
    the terminal and ends the process: by the same signal if the main thread still runs Python code, else by SIGKILL.
    """

    def __init__(self, leave: Callable[[], object], give_back: Callable[[], object]) -> None:
        self.leaving = threading.Event()
        """To be set as soon as the application quits, for any reason."""
        self._leave = leave
        self._give_back = give_back
        self._late = False
        self._stopped = threading.Event()
        self._before: dict[int, Any] = {}

    def start(self) -> None:
        """Begin."""
        global _started  # noqa: PLW0603
        _started = self
        came, wake = os.pipe()
        os.set_blocking(wake, False)
        self._wake = wake
        fatal = signal.valid_signals() - _NOT_FATAL - _NOT_CAUGHT - LEAVE
        self._fatal = {number for number in fatal if signal.getsignal(number) is signal.SIG_DFL}
        for number in self._fatal | LEAVE:
            self._before[number] = signal.signal(number, self._handle)
        # The handler in C writes here at once, on whichever thread the signal came.
        self._wake_before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(came,), name="signals", daemon=True).start()

    def stop(self) -> None:
        """End, with every signal handled as before."""
        global _started  # noqa: PLW0603
        _started = None
        self._stopped.set()
        signal.set_wakeup_fd(self._wake_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._wake)

    def forget(self) -> None:
        """Do nothing in a forked child: its signals are its own, and the pipe is its parent's."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if handler is signal.SIG_IGN else signal.SIG_DFL)

    def _handle(self, number: int, frame: object) -> None:
        """Run on the main thread between two bytecodes, or in a system call that the signal interrupted."""
        if number in self._fatal or self._late:
            self._give_back()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _watch(self, came: int) -> None:
        while (numbers := os.read(came, 1)) and not self._stopped.is_set():
            number = numbers[0]
            if number in LEAVE:
                with suppress(RuntimeError):  # The application's loop is closed.
                    self._leave()
                if self.leaving.wait(ACT):
                    self._stopped.wait(LEAVING)
            elif number in self._fatal:
                self._stopped.wait(ACT)
            else:
                continue
            if not self._stopped.is_set():
                self._end(number)
        os.close(came)

    def _end(self, number: int) -> None:
        self._late = True
        os.kill(os.getpid(), number)
        time.sleep(_DIE)
        self._give_back()
        os.kill(os.getpid(), signal.SIGKILL)


_started: TerminalSignals | None = None


def _forget_in_child() -> None:
    if _started is not None:
        _started.forget()


os.register_at_fork(after_in_child=_forget_in_child)
