"""The ticker: reads the node on its own daemon thread and delivers one Snapshot a tick."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fragtui.model.node.snapshot import Snapshot
from fragtui.sources.host.reader import NodeReader

if TYPE_CHECKING:
    from fragtui.model.node.snapshot import SelfUsage
    from fragtui.sources.host.self_usage import SelfUsageMeter

MIN_INTERVAL = 0.2
MAX_INTERVAL = 60.0
HURRIED_INTERVAL = 0.25
"""Seconds between ticks while a remedy runs."""
RESTING_INTERVAL = 10.0
"""Minimum seconds between ticks while the terminal is not read."""
_OWN_COST_EVERY = 5.0
_STARTING = 3.0
"""Seconds after the start that the self usage leaves out: imports are paid only once."""


class Ticker(Protocol):
    """Delivers snapshots to a screen, live or from a recording."""

    interval: float
    hurried: bool
    resting: bool
    """True while the terminal is not read and no remedy, guard or recording runs."""

    def start(self) -> None:
        """Start; returns at once."""

    def stop(self) -> None:
        """Stop soon; never waits."""

    def tick_now(self, *, page_types: bool = False) -> None:
        """Deliver a snapshot at once."""

    def stuck(self) -> tuple[str, float] | None:
        """Return what does not respond and for how many seconds, or None."""


class Sampler:
    """Samples `reader` every `interval` seconds without drift and calls `on_snapshot` on its own thread.

    It is a daemon thread, not a Textual worker: a read that blocks in the kernel must not prevent quitting.
    """

    def __init__(
        self,
        reader: NodeReader,
        on_snapshot: Callable[[Snapshot], None],
        on_crash: Callable[[str], None],
        interval: float = 1.0,
    ) -> None:
        self.interval = interval
        self.hurried = False
        self.resting = False
        self._reader = reader
        self._on_snapshot = on_snapshot
        self._on_crash = on_crash
        self._wake = threading.Event()
        self._stopped = False
        # The first bars don't wait for pagetypeinfo, which takes longest.
        self._page_types_wanted: bool | None = None
        self._reading_since: float | None = None
        self._started = 0.0
        self._own: SelfUsage | None = None
        self._meter: SelfUsageMeter | None = None
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Start to tick; does nothing if it is started."""
        if self._thread.ident is None:
            self._started = time.monotonic()
            self._thread.start()

    def stop(self) -> None:
        """Stop after the current tick; never waits for it."""
        self._stopped = True
        self._wake.set()

    def tick_now(self, *, page_types: bool = False) -> None:
        """Sample at once, with /proc/pagetypeinfo if `page_types`."""
        self._page_types_wanted = page_types or self._page_types_wanted
        self._wake.set()

    def stuck(self) -> tuple[str, float] | None:
        """Return the file that is being read and for how many seconds, or None between reads."""
        since, reading = self._reading_since, self._reader.reading
        if since is None or reading is None:
            return None
        return reading, time.monotonic() - since

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped:
            try:
                self._on_snapshot(self._sample())
            except Exception:
                self._on_crash(traceback.format_exc())
            due = max(due + self._pace, time.monotonic())
            if self._wake.wait(due - time.monotonic()):
                self._wake.clear()
                due = time.monotonic()

    @property
    def _pace(self) -> float:
        if self.hurried:
            return HURRIED_INTERVAL
        return max(self.interval, RESTING_INTERVAL) if self.resting else self.interval

    def _sample(self) -> Snapshot:
        wanted, self._page_types_wanted = self._page_types_wanted, False
        self._reading_since = time.monotonic()
        try:
            snapshot = self._reader.sample(page_types=wanted)
        finally:
            self._reading_since = None
        return snapshot._replace(own=self._own_cost())

    def _own_cost(self) -> SelfUsage | None:
        if self._meter is None:
            if time.monotonic() - self._started >= _STARTING:
                from fragtui.sources.host.self_usage import SelfUsageMeter  # noqa: PLC0415

                self._meter = SelfUsageMeter()
        elif self._meter.seconds >= _OWN_COST_EVERY:
            self._own = self._meter.read()
        return self._own
