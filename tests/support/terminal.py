"""A pseudo terminal with a screen that is understood: the installed command as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte


def command() -> list[str]:
    """Return the installed ``fragtui``, that of this Python first."""
    beside = Path(sys.executable).with_name("fragtui")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "fragtui"]


class Terminal:
    """A program on a pseudo terminal of `columns` by `rows`; all that it writes is kept in `written`."""

    def __init__(self, argv: Sequence[str], columns: int = 120, rows: int = 40, **environment: str) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.status: int | None = None
        self.answers: dict[bytes, bytes] = {}
        """What this terminal answers to each request."""
        self.pid, self.fd = pty.fork()
        size = struct.pack("HHHH", rows, columns, 0, 0)
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            # An environment of its own: readline sets COLUMNS and LINES behind Python's back.
            dropped = ("COLUMNS", "LINES", "NO_COLOR", "FRAGTUI_")  # The last ones would be settings.
            kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
            colours = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
            os.execvpe(argv[0], list(argv), kept | colours | environment)

    @property
    def text(self) -> str:
        """The screen as it is now."""
        return "\n".join(self.screen.display)

    def pump(self, seconds: float = 0.05) -> None:
        """Take what the program writes for so long."""
        for data in self._arriving(seconds):
            self.written += data
            for request, answer in self.answers.items():
                os.write(self.fd, answer * data.count(request))
            self._stream.feed(data)

    def drain(self, seconds: float) -> None:
        """Take what the program writes for so long, and forget it: to draw the screen here takes long."""
        for _ in self._arriving(seconds):
            continue

    def _arriving(self, seconds: float) -> Iterator[bytes]:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    data = os.read(self.fd, 65_536)
                except OSError:
                    return
                if not data:
                    return
                yield data

    def until(self, condition: Callable[[str], bool] | str, seconds: float = 40.0) -> str:
        """Return the screen once it holds a text or meets a condition."""
        wanted = (lambda text: condition in text) if isinstance(condition, str) else condition
        end = time.monotonic() + seconds
        while not wanted(self.text):
            assert time.monotonic() < end, f"{condition!r} not within {seconds} s; the screen was:\n{self.text}"
            self.pump(0.05)
        self.pump(0.15)  # The match may be in the first half of a frame.
        return self.text

    def rest(self, quiet: float = 0.15, seconds: float = 20.0) -> str:
        """Return the screen once the program has written nothing for `quiet` seconds."""
        end, before = time.monotonic() + seconds, -1
        while before < len(self.written):
            assert time.monotonic() < end, f"it still writes after {seconds} s; the screen was:\n{self.text}"
            before = len(self.written)
            self.pump(quiet)
        return self.text

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.fd, keys.encode())
        self.pump(0.1)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size as a window does."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self.fd)

    def wait(self, seconds: float = 20.0) -> int:
        """Return the exit status, negative for a signal; fail if the program does not end in time."""
        end = time.monotonic() + seconds
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                break
            assert time.monotonic() < end, f"still running after {seconds} s; the screen was:\n{self.text}"
            with suppress(OSError, ValueError):
                self.pump(0.05)
        with suppress(OSError, ValueError):
            self.pump(0.1)
        return self.status

    def children(self) -> list[int]:
        """Return the program's children."""
        found = []
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text().split()]
        return found

    def close(self) -> None:
        """End the program, whatever it does."""
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        with suppress(OSError):
            os.close(self.fd)


@contextmanager
def terminal(
    *arguments: str, columns: int = 120, rows: int = 40, argv: Sequence[str] | None = None, **environment: str
) -> Iterator[Terminal]:
    """Run the installed command with these arguments in a terminal."""
    program = Terminal([*(argv or command()), *arguments], columns, rows, **environment)
    try:
        yield program
    finally:
        program.close()
