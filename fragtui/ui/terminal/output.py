"""Output to the terminal that never waits: unread output is dropped, and drawn again when the terminal reads."""

from __future__ import annotations

import os
import re
import select
import termios
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

STALLED = 1.0
"""Seconds that one write may take before the waiting output is dropped."""
UNREAD = 60.0
"""Seconds without a byte read after which the terminal counts as unread."""
LOST = 90.0
"""Seconds without a byte read after which it counts as lost."""
MAX_PENDING_OUTPUT = 4 << 20
"""Most waiting characters, far above the largest frame; a burst beyond it is dropped too."""
WRITE_GRACE_SECONDS = 0.2
"""Seconds that `close` waits for the terminal to read the rest."""

GIVE_BACK = (
    "\x18\x1b\\"  # CAN and ST end a sequence or a string that was cut.
    "\x1b[?2026l\x1b[0m"  # No synchronized update, no attributes.
    "\x1b[?2004l\x1b[?7h\x1b[?2048l"  # No bracketed paste, line wrap, no reports of the size.
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"  # No reports of mouse and focus.
    "\x1b[<u\x1b[?1049l\x1b[?25h"  # The keyboard's own codes, the main screen, the cursor.
)
"""Resets every mode that Textual's LinuxDriver sets, also if its output was cut at any byte."""

_PIECE = 4096
"""Bytes written at once: few enough for a terminal whose queue was just emptied."""
_AGAIN = 0.05
_CUT_WAIT = 0.1
_MODE = re.compile(r"\x1b\[(?:\?(\d{1,5})[hl]|[<>]\d{0,5}u)")


class TerminalOutput:
    """Writes to the terminal behind `descriptor` on a thread of its own, in the order of `write`.

    While one write takes longer than `STALLED`, the waiting output is dropped except the last setting of each mode.
    `on_read` is called once the terminal has read again after a drop, `on_unread` when it has read nothing for `UNREAD`
    seconds, `on_lost` after `LOST` seconds with the reason, and with none if the terminal was closed; all on the
    writing thread. Output to a terminal that was closed is discarded.
    """

    def __init__(
        self,
        descriptor: int,
        encoding: str,
        on_read: Callable[[], None],
        on_unread: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._descriptor = _open_without_blocking(descriptor)
        self._encoding = encoding
        self._on_read = on_read
        self._on_unread = on_unread
        self._on_lost = on_lost
        # Reentrant: the handler of SIGTSTP writes too, and may interrupt a write.
        self._changed = threading.Condition(threading.RLock())
        self._waiting: list[str] = []
        self._length = 0
        self._since: float | None = None
        """When the current write began, monotonic seconds; None between writes."""
        self._dropped = False
        self._closing = False
        self._closed = False
        self._cut = False
        """From now on only `GIVE_BACK` is written."""
        self._writing = threading.Lock()
        """Held for each system call that writes."""
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Return a descriptor of the terminal on which a write does not block, as far as it could be opened."""
        return self._descriptor

    @property
    def is_behind(self) -> bool:
        """Whether output waits, is being written, or was dropped and must be drawn again."""
        with self._changed:
            return bool(self._waiting) or self._since is not None or self._dropped

    def write(self, text: str) -> None:
        """Queue `text` to be written; never waits."""
        with self._changed:
            if self._cut:
                return
            self._waiting.append(text)
            self._length += len(text)
            late = self._since is not None and (
                self._length > MAX_PENDING_OUTPUT or time.monotonic() - self._since > STALLED
            )
            if self._dropped or late:
                self._drop()
            self._changed.notify()

    def close(self, last_words: str = "") -> None:
        """Write the settings of modes and `last_words`, drop the frames, and end.

        It takes less than a second for any terminal; one that does not read gets no words.
        """
        if self._closed:
            return
        with self._changed:
            self._closing = True
            self._drop()
            self._waiting.append(last_words)
            self._changed.notify()
        self._thread.join(WRITE_GRACE_SECONDS)
        if self._thread.is_alive():
            self.give_back()
            self._thread.join(_CUT_WAIT)
        self._cut = self._closed = True
        if not self._thread.is_alive():
            os.close(self._descriptor)

    def give_back(self) -> None:
        """Write `GIVE_BACK` instead of the waiting output; takes less than a second.

        It takes no lock that another caller holds, so a signal handler may call it at any time. Output that an
        unresponsive terminal has not read is discarded from its queue to make room.
        """
        if self._closed:
            return
        self._cut = True
        held = self._writing.acquire(timeout=_CUT_WAIT)
        try:
            left = _write_for(_CUT_WAIT, self._descriptor, GIVE_BACK.encode())
            if left and in_foreground(self._descriptor):
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
                _write_for(_CUT_WAIT, self._descriptor, GIVE_BACK.encode())
        except (OSError, termios.error):  # The terminal was closed.
            return
        finally:
            if held:
                self._writing.release()

    def _drop(self) -> None:
        self._dropped = True
        self._waiting = [_modes(self._waiting)]
        self._length = 0

    def _run(self) -> None:
        try:
            while (data := self._next()) is not None:
                self._put(data)
        except OSError:  # The terminal was closed.
            self._cut = True
            if not self._closing:
                self._on_lost("")

    def _next(self) -> bytes | None:
        """Wait for output and return it; None at the end."""
        with self._changed:
            self._since = None
            if self._dropped:
                self._dropped = False
                if not self._closing:
                    self._on_read()
            while not self._waiting:
                if self._closing or self._cut:
                    return None
                self._changed.wait()
            text = "".join(self._waiting)
            self._waiting, self._length = [], 0
            self._since = time.monotonic()
        return text.encode(self._encoding, "replace")

    def _put(self, data: bytes) -> None:
        """Write all of `data`, for as long as the terminal takes, so that no escape sequence is cut."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        left, since = memoryview(data), time.monotonic()
        steps = [(UNREAD, self._unread), (LOST, self._lost)]
        while left and not self._cut:
            wait = max(0.0, since + steps[0][0] - time.monotonic()) * 1000 if steps else None
            poll.poll(wait)
            if steps and time.monotonic() >= since + steps[0][0]:
                steps.pop(0)[1]()
            with self._writing:
                count = 0 if self._cut else _write_some(self._descriptor, left[:_PIECE])
            left = left[count:]
            if count:
                since = time.monotonic()
            else:  # A poll may report room for one byte, but a line feed needs two.
                time.sleep(_AGAIN)

    def _unread(self) -> None:
        with self._changed:
            self._drop()
            if not self._closing:
                self._on_unread()

    def _lost(self) -> None:
        if not self._closing:
            self._on_lost(f"the terminal has read nothing for {LOST:.0f} s")


def _open_without_blocking(descriptor: int) -> int:
    """Return a descriptor of the same terminal with an O_NONBLOCK of its own: the flag of `descriptor` is shared.

    /dev/tty needs no right to the terminal's file, which a user does not have after su. If it can't be opened again, it
    is duplicated: then a write may block, but only the writing thread.
    """
    with suppress(OSError):
        if os.isatty(descriptor):
            path = "/dev/tty" if _is_controlling(descriptor) else f"/proc/self/fd/{descriptor}"
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return os.dup(descriptor)


def _is_controlling(descriptor: int) -> bool:
    try:
        os.tcgetpgrp(descriptor)  # ENOTTY for every other terminal
    except OSError:
        return False
    return True


def in_foreground(descriptor: int) -> bool:
    """Return whether this process may set the terminal; in the background that would stop it by SIGTTOU."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # Not the controlling terminal: every process may set it.
        return True


def _write_some(descriptor: int, data: bytes | memoryview) -> int:
    """Return how many bytes were written, 0 if there was no room. Raises OSError for a terminal that was closed."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0


def _write_for(seconds: float, descriptor: int, data: bytes) -> bytes:
    """Write for at most this many seconds and return the rest. Raises OSError."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    end = time.monotonic() + seconds
    while data and (rest := end - time.monotonic()) > 0:
        if poll.poll(rest * 1000):
            count = _write_some(descriptor, data)
            data = data[count:]
            if not count:
                time.sleep(0.01)
    return data


def _modes(texts: Iterable[str]) -> str:
    """Return the last setting of each mode in `texts`, in the order of those."""
    last: dict[str, str] = {}
    for found in _MODE.finditer("".join(texts)):
        name = found[1] or "keyboard"
        last.pop(name, None)
        last[name] = found[0]
    return "".join(last.values())
