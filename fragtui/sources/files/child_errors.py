"""The error output of a child process: read without waiting, so that the child never waits for room in the pipe."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO

from fragtui.text import printable

_KEPT_BYTES = 4096
_MAX_READ = 1 << 16
"""Bytes read at one call: a pipe holds as many, and a child may write faster than they are read."""
_MAX_LINE = 200
"""Characters of the line that is shown."""


def last_line(output: bytes) -> str:
    """Return the last line of a program's error output, as it may be shown; empty if there is none."""
    return printable(output[-_KEPT_BYTES:].decode("utf-8", "replace").strip().rpartition("\n")[2], _MAX_LINE)


class ChildErrors:
    """The end of the error output of one child."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._end = b""

    def read(self) -> None:
        """Take what is there; never waits."""
        with suppress(OSError, ValueError):
            self._end = (self._end + os.read(self._pipe.fileno(), _MAX_READ))[-_KEPT_BYTES:]

    @property
    def last_line(self) -> str:
        """The last line so far; empty if there is none."""
        self.read()
        return last_line(self._end)

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines so far, as they may be shown."""
        self.read()
        return tuple(printable(line, _MAX_LINE) for line in self._end.decode("utf-8", "replace").splitlines())

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()
