"""Ctrl-C that ends a reading, not what was read: it arrives between two blocks or while the reader waits for input."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Raises KeyboardInterrupt at a safe point; the second Ctrl-C ends the verb at once. For the main thread."""

    def __init__(self) -> None:
        self.came = False
        self._waiting = False

    def __enter__(self) -> Interrupt:
        self._before = signal.getsignal(signal.SIGINT)
        if self._before is signal.default_int_handler:  # A shell has the programs behind `&` ignore it.
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        again, self.came = self.came, True
        if again or self._waiting:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self.came:
            raise KeyboardInterrupt

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Raise KeyboardInterrupt at once within this context, which waits for input."""
        self.check()
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
