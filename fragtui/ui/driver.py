"""The terminal's driver: sleeps until a key comes, and tells when the terminal is gone."""

from __future__ import annotations

import os
import select
import threading
from codecs import getincrementaldecoder
from typing import Any

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from fragtui.ui.messages import TerminalLost

_UNFINISHED_MS = 100
"""How often the parser is asked for a lone Escape, in milliseconds, while one may wait in it for the rest of a key."""


class QuietDriver(LinuxDriver):
    """Textual's driver with an input thread that waits without end.

    Its own looks for keys ten times a second, a fifth of what fragtui takes of a processor, and takes all of one
    where the terminal was closed and nobody says so.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ending = self.exit_event = _WakingEvent()

    def run_input_thread(self) -> None:
        """Hand on what the terminal sends until the application, or the terminal, ends."""
        woken = self._ending.descriptor
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(woken, select.POLLIN)
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")("replace").decode
        looks = 0
        while not self._ending.is_set():
            ready = dict(poll.poll(_UNFINISHED_MS if looks else None))
            looks = max(0, looks - 1)
            if woken in ready:
                os.read(woken, 1)
            if self.fileno in ready:
                if (data := self._read()) is None:
                    self.send_message(TerminalLost())
                    return
                looks = 1 + int(constants.ESCAPE_DELAY * 1000) // _UNFINISHED_MS
                for event in parser.feed(decode(data)):
                    self.process_message(event)
            for event in parser.tick():
                self.process_message(event)

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
