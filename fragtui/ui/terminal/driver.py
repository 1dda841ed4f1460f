"""The terminal's driver: sleeps until input arrives, and reports when the terminal is gone."""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import termios
import threading
import time
from contextlib import suppress
from typing import Any

from textual import constants, events
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from fragtui.ui.messages import LeaveAsked, TerminalRead, TerminalUnread
from fragtui.ui.terminal.input import TerminalInput
from fragtui.ui.terminal.key_arrivals import KeyArrivals
from fragtui.ui.terminal.output import TerminalOutput, in_foreground
from fragtui.ui.terminal.presence import Presence
from fragtui.ui.terminal.questions import TerminalQuestions
from fragtui.ui.terminal.signals import TerminalSignals
from fragtui.ui.widgets.resilient import ResilientApp

_WAITED = 0.001
"""Seconds: a poll that ends sooner found input that had arrived before it."""


_USED = (events.Key, events.Paste, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp)
"""What only a user does: a terminal reports moves of the mouse and its focus by itself."""


class TerminalApp(ResilientApp):
    """An application that may ask its terminal something."""

    questions: TerminalQuestions | None = None
    idle_exit: float | None = None
    """Seconds without a key after which it ends; None is never."""


class QuietDriver(LinuxDriver):
    """Textual's driver with an input thread that waits without a timeout, and an output that never waits.

    Textual's own input thread polls ten times a second, which is a fifth of fragtui's CPU time, and uses a whole CPU if
    the terminal was closed without SIGHUP. Its own output blocks the main thread as soon as the terminal stops reading.
    Signals that end the process are handled while the terminal is in use: see `TerminalSignals`.
    """

    def __init__(self, app: App[Any], *args: Any, **options: Any) -> None:
        super().__init__(app, *args, **options)
        self._ending = self.exit_event = _WakingEvent()
        self._output: TerminalOutput | None = None
        self._signals: TerminalSignals | None = None
        self._asked = False
        self.arrivals = KeyArrivals()
        """The recent input of the terminal, and when it arrived."""
        self.arrivals.more_waits = self._more_waits
        self._questions = app.questions if isinstance(app, TerminalApp) else None
        self._idle_exit = app.idle_exit if isinstance(app, TerminalApp) else None
        self._last_words = ""

    @property
    def is_behind(self) -> bool:
        """Whether the terminal has not read all of the output."""
        return self._output is not None and self._output.is_behind

    def start_application_mode(self) -> None:
        """Take over the terminal and the signals."""
        file = sys.__stderr__  # Where Textual writes.
        assert file is not None
        self._output = TerminalOutput(
            file.fileno(),
            file.encoding,
            on_read=lambda: self.send_message(TerminalRead()),
            on_unread=lambda: self.send_message(TerminalUnread()),
            on_lost=self._hang_up,
        )
        self._signals = TerminalSignals(lambda: self.send_message(LeaveAsked()), self._give_back)
        self._signals.start()
        # After a crash in C code no Python code runs; this prints the place of the crash on the screen.
        faulthandler.enable(self._output.fileno())
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual annotates it so
        super().close()  # Ends Textual's own writing thread, which is not used.
        if self._questions is not None and not self._asked:
            self._asked = True
            self.write(self._questions.ask(time.monotonic()))

    def resume_application_mode(self) -> None:
        """Take over the terminal again after SIGCONT."""
        if self._output is not None:
            # SIGSTOP, which has no handler, stopped the process: nothing was restored, and a shell changed the modes.
            self.suspend_application_mode()
        super().resume_application_mode()
        self.send_message(TerminalRead())

    def note_leaving(self) -> None:
        """Note that the application quits in the normal way, so that no further signal interrupts it."""
        if self._signals is not None:
            self._signals.leaving.set()

    def write(self, data: str) -> None:
        """Queue `data` to be written, unless the terminal was restored; never waits."""
        if self._output is not None:
            self._output.write(data)

    def close(self) -> None:
        """Restore the terminal and the signals; takes less than a second."""
        if (output := self._output) is not None:
            faulthandler.disable()
            output.close(self._last_words)
            self._output = None
        if self._signals is not None:
            self._signals.stop()
            self._signals = None

    def _give_back(self) -> None:
        """Restore the terminal at once, from any thread or signal handler."""
        if (output := self._output) is not None:
            output.give_back()
        if self.attrs_before is not None and in_foreground(self.fileno):
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
                termios.tcflush(self.fileno, termios.TCIFLUSH)

    def run_input_thread(self) -> None:
        """Pass on the terminal's input until the application or the terminal ends."""
        woken = self._ending.descriptor
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(woken, select.POLLIN)
        is_answer = self._questions.take if self._questions else None
        presence = Presence(self.write, self._idle_exit, time.monotonic())
        arriving = TerminalInput(self.arrivals, is_answer, presence.take)
        while not self._ending.is_set():
            if (why := presence.check(time.monotonic())) is not None:
                self._hang_up(why)
                return
            began = time.monotonic()
            waits = (presence.due_in(), constants.ESCAPE_DELAY if arriving.in_doubt else None)
            ready = dict(poll.poll(min((1000 * wait for wait in waits if wait is not None), default=None)))
            now = time.monotonic()
            if woken in ready:
                os.read(woken, 1)
            if self.fileno in ready:
                if (data := self._read()) is None:
                    self._hang_up()
                    return
                presence.heard(now)
                came = arriving.take(data, now, waited=now - began < _WAITED) if data else []
            else:
                came = arriving.time_out(now)
            for event in came:
                if isinstance(event, _USED):
                    presence.pressed()
                self.process_message(event)
        while (left := presence.awaits(time.monotonic())) > 0 and self._more_waits(left) and (data := self._read()):
            arriving.take(data, time.monotonic())

    def _hang_up(self, why: str = "") -> None:
        """Have the application quit as after a hang-up, even if the main thread hangs; for any thread."""
        self._last_words = why and f"fragtui ended: {why}\n"
        os.kill(os.getpid(), signal.SIGHUP)

    def _more_waits(self, seconds: float = 0.0) -> bool:
        """Return whether the terminal sent something that has not been read, or sends it in time."""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def _read(self) -> bytes | None:
        """Return the terminal's input, None if it was closed."""
        try:
            return os.read(self.fileno, 4096) or None
        except BlockingIOError:  # Another process that shares the terminal set O_NONBLOCK and read first.
            return b""
        except OSError:
            return None


class _WakingEvent(threading.Event):
    """An event to wait for together with a terminal: its descriptor is readable while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor, self._wake = os.pipe()

    def set(self) -> None:
        super().set()
        os.write(self._wake, b"x")
