"""A remedy on a thread of its own: even its fsync and its fork may block on a node in trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fragtui.remedies.audit import AuditLog
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.run import Asked, Refused, Running

_POLL = 0.05


class Background:
    """Starts a remedy and watches it; `on_end` is called on that thread with the outcome, or why it was refused.

    The thread must live as long as the child (see Running), so it is the one that polls.
    """

    def __init__(
        self,
        remedy: Remedy,
        root: Path,
        audit: AuditLog,
        asked: Asked,
        on_end: Callable[[Outcome | str], None],
        barred: str | None = None,
    ) -> None:
        self.remedy = remedy
        self.started = time.monotonic()
        self._arguments = (remedy, root, audit, asked, barred)
        self._on_end = on_end
        self._abort = threading.Event()
        self._thread = threading.Thread(target=self._run, name="remedy", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def aborting(self) -> bool:
        """Whether it has been asked to end."""
        return self._abort.is_set()

    def abort(self) -> None:
        """Ask it to end; `on_end` is still called."""
        self._abort.set()

    def join(self, seconds: float) -> None:
        """Wait at most so long for its end to be on record."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            running = Running.start(*self._arguments)
        except Refused as refused:
            self._on_end(str(refused))
            return
        while (outcome := running.poll()) is None:
            if self._abort.is_set() and not running.aborting:
                running.abort()
            time.sleep(_POLL)
        self._on_end(outcome)
