"""Whether a session still has a terminal and a user: the terminal answers status requests, the user presses keys.

A cut `kubectl exec` or a closed laptop may leave a pseudo terminal that stays open: nothing reports that it is gone. A
terminal that answered once must go on answering; tmux, screen and mosh answer while no client is attached. One that
never answered proves nothing by its silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from fragtui.text import format_duration
from fragtui.ui.terminal.input_pieces import ESC

ASK_SECONDS = 20.0
"""Seconds without input after which the terminal is asked for its status, and between two requests."""
SILENT_SECONDS = 60.0
"""Seconds after the first request without an answer at which the session ends."""
_ANSWER_SECONDS = 0.3
"""Seconds that the end of input waits for an answer, which would else arrive in the shell."""
_REQUEST = f"{ESC}[5n"
_ANSWERS = (f"{ESC}[0n", f"{ESC}[3n")
"""Device status report: ready, malfunction (ECMA-48 8.3.35). No key sends either."""


class Presence:
    """What one terminal and its user sent, by a clock that stands still while the process is stopped.

    `ask` writes to the terminal. `idle_exit` is the seconds without a key after which the session ends; None is never.
    All times are those of the monotonic clock, s.
    """

    def __init__(self, ask: Callable[[str], object], idle_exit: float | None, now: float) -> None:
        self._ask = ask
        self._idle_exit = idle_exit
        self._now = now
        self._silent = self._idle = 0.0
        """Seconds since anything came from the terminal, and since a key did."""
        self._next = 0.0
        """The silence, in seconds, at which the next request is due."""
        self._asked = -math.inf
        self._answers = False

    def due_in(self) -> float | None:
        """Return the seconds until `check` has something to do without input, None for never."""
        if self._idle_exit is None and not self._answers:
            return None
        idle = math.inf if self._idle_exit is None else self._idle_exit - self._idle
        return max(0.0, min(idle, ASK_SECONDS, self._next - self._silent))

    def check(self, now: float) -> str | None:
        """Send a request if one is due; return why the session is to end, or None."""
        # A longer time passed while the process was stopped: `due_in` is at most ASK_SECONDS.
        passed = min(now - self._now, ASK_SECONDS)
        self._now = now
        self._silent += passed
        self._idle += passed
        if self._idle_exit is not None and self._idle >= self._idle_exit:
            return f"no key for {format_duration(self._idle_exit)} (--idle-exit)"
        if self._silent >= ASK_SECONDS + SILENT_SECONDS and self._answers:
            return f"the terminal has not answered for {format_duration(SILENT_SECONDS)}"
        if self._silent >= self._next:
            self._next = self._silent + ASK_SECONDS if self._answers else math.inf
            self._asked = now
            self._ask(_REQUEST)
        return None

    def heard(self, now: float) -> None:
        """Note that something came from the terminal."""
        self._now, self._silent = now, 0.0
        self._next = ASK_SECONDS if self._answers else math.inf

    def pressed(self) -> None:
        """Note that the user did something."""
        self._idle = 0.0

    def take(self, text: str) -> bool:
        """Return whether a piece of input is an answer."""
        if text not in _ANSWERS:
            return False
        self._answers, self._asked, self._next = True, -math.inf, ASK_SECONDS
        return True

    def awaits(self, now: float) -> float:
        """Return the seconds for which an answer may still arrive; 0 or less if none is expected."""
        return self._asked + _ANSWER_SECONDS - now
