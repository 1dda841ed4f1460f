"""The terminal's driver: sleeps until a key comes, and tells when the terminal is gone."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import Any

from textual import constants
from textual.drivers.linux_driver import LinuxDriver

from fragtui.ui.arrivals import Arrivals
from fragtui.ui.messages import TerminalLost
from fragtui.ui.terminal_input import TerminalInput

_WAITED = 0.001
"""Seconds: a poll that ends sooner found what was there before it began."""


class QuietDriver(LinuxDriver):
    """Textual's driver with an input thread that waits without end.

    Its own looks for keys ten times a second, a fifth of what fragtui takes of a processor, and takes all of one
    where the terminal was closed and nobody says so.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ending = self.exit_event = _WakingEvent()
        self.arrivals = Arrivals()
        """What the terminal sent lately, and when."""
        self.arrivals.more_waits = self._more_waits

    @property
    def is_behind(self) -> bool:
        """Whether something that was drawn waits for the terminal to take it."""
        return self._writer_thread is not None and not self._writer_thread._queue.empty()

    def run_input_thread(self) -> None:
        """Hand on what the terminal sends until the application, or the terminal, ends."""
        woken = self._ending.descriptor
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(woken, select.POLLIN)
        arriving = TerminalInput(self.arrivals, self._debug)
        while not self._ending.is_set():
            began = time.monotonic()
            ready = dict(poll.poll(constants.ESCAPE_DELAY * 1000 if arriving.in_doubt else None))
            now = time.monotonic()
            if woken in ready:
                os.read(woken, 1)
            if self.fileno in ready:
                if (data := self._read()) is None:
                    self.send_message(TerminalLost())
                    return
                came = arriving.take(data, now, waited=now - began < _WAITED) if data else []
            else:
                came = arriving.time_out(now)
            for event in came:
                self.process_message(event)

    def _more_waits(self) -> bool:
        """Tell whether the terminal sent something that has not been read."""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        return bool(poll.poll(0))

    def _read(self) -> bytes | None:
        """Return what the terminal sent, None where it was closed."""
        try:
            return os.read(self.fileno, 4096) or None
        except BlockingIOError:  # Whoever shares the terminal made it so, and was quicker.
            return b""
        except OSError:
            return None


class _WakingEvent(threading.Event):
    """An event that can be waited for together with a terminal: while it is set, its descriptor can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor, self._wake = os.pipe()

    def set(self) -> None:
        super().set()
        os.write(self._wake, b"x")
