"""The terminal's driver: sleeps until a key comes, and tells when the terminal is gone."""

from __future__ import annotations

import faulthandler
import os
import select
import sys
import termios
import threading
import time
from contextlib import suppress
from typing import Any

from textual import constants
from textual.drivers.linux_driver import LinuxDriver

from fragtui.ui.messages import LeaveAsked, TerminalLost, TerminalRead, TerminalUnread
from fragtui.ui.terminal.input import TerminalInput
from fragtui.ui.terminal.key_arrivals import KeyArrivals
from fragtui.ui.terminal.output import TerminalOutput, in_foreground
from fragtui.ui.terminal.questions import TerminalQuestions
from fragtui.ui.terminal.signals import TerminalSignals
from fragtui.ui.widgets.resilient import ResilientApp

_WAITED = 0.001
"""Seconds: a poll that ends sooner found what was there before it began."""


class TerminalApp(ResilientApp):
    """An application that may ask its terminal something."""

    questions: TerminalQuestions | None = None


class QuietDriver(LinuxDriver):
    """Textual's driver with an input thread that waits without end, and an output that never waits.

    Its own looks for keys ten times a second, a fifth of what fragtui takes of a processor, and takes all of one
    where the terminal was closed and nobody says so. Its own output blocks the main thread as soon as the terminal
    stops reading. Signals that end the process are handled while the terminal is in use: see `TerminalSignals`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ending = self.exit_event = _WakingEvent()
        self._output: TerminalOutput | None = None
        self._signals: TerminalSignals | None = None
        self._asked = False
        self.arrivals = KeyArrivals()
        """What the terminal sent lately, and when."""
        self.arrivals.more_waits = self._more_waits
        self._questions = self._app.questions if isinstance(self._app, TerminalApp) else None

    @property
    def is_behind(self) -> bool:
        """Whether the terminal has not taken all that was drawn."""
        return self._output is not None and self._output.is_behind

    def start_application_mode(self) -> None:
        """Take the terminal, and the signals."""
        file = sys.__stderr__  # Where Textual writes.
        assert file is not None
        self._output = TerminalOutput(
            file.fileno(),
            file.encoding,
            on_read=lambda: self.send_message(TerminalRead()),
            on_unread=lambda: self.send_message(TerminalUnread()),
        )
        self._signals = TerminalSignals(lambda: self.send_message(LeaveAsked()), self._give_back)
        self._signals.start()
        # Of a crash in C code this much remains: where it was, on the screen. No Python code runs after it.
        faulthandler.enable(self._output.fileno())
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual annotates it so
        super().close()  # Ends Textual's own writing thread, which is not used.
        if self._questions is not None and not self._asked:
            self._asked = True
            self.write(self._questions.ask(time.monotonic()))

    def resume_application_mode(self) -> None:
        """Take the terminal again after SIGCONT."""
        if self._output is not None:
            # A SIGSTOP, which no handler sees, stopped the process: nothing was given back, a shell changed the modes.
            self.suspend_application_mode()
        super().resume_application_mode()
        self.send_message(TerminalRead())

    def note_leaving(self) -> None:
        """Note that the application leaves in good order, so that no further signal cuts that short."""
        if self._signals is not None:
            self._signals.leaving.set()

    def write(self, data: str) -> None:
        """Have `data` written, unless the terminal was given back; never waits."""
        if self._output is not None:
            self._output.write(data)

    def close(self) -> None:
        """Give the terminal and the signals back; takes less than a second."""
        if (output := self._output) is not None:
            faulthandler.disable()
            output.close()
            self._output = None
        if self._signals is not None:
            self._signals.stop()
            self._signals = None

    def _give_back(self) -> None:
        """Give the terminal back at once, from any thread or signal handler."""
        if (output := self._output) is not None:
            output.give_back()
        if self.attrs_before is not None and in_foreground(self.fileno):
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
                termios.tcflush(self.fileno, termios.TCIFLUSH)

    def run_input_thread(self) -> None:
        """Hand on what the terminal sends until the application, or the terminal, ends."""
        woken = self._ending.descriptor
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(woken, select.POLLIN)
        is_answer = self._questions.take if self._questions else None
        arriving = TerminalInput(self.arrivals, self._debug, is_answer)
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
        """Return whether the terminal sent something that has not been read."""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        return bool(poll.poll(0))

    def _read(self) -> bytes | None:
        """Return what the terminal sent, None if it was closed."""
        try:
            return os.read(self.fileno, 4096) or None
        except BlockingIOError:  # Another process sharing the terminal made it so, and was faster.
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
