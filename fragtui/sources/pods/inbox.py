"""Changes that the tracker has not taken yet, bounded for any log."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from fragtui.model.failures.incident import Incident
from fragtui.model.tracker import IncidentTracker

Change = Callable[[IncidentTracker, float], bool]
"""Changes the tracker at an epoch second; returns whether its state may have changed."""
MAX_OBSERVATIONS = 2048
"""Observations that wait, plus one batch; a source with more waits for room."""
MAX_INCIDENTS = 128
"""Kernel incidents that wait."""
_AT_ONCE = 16
_REST_SECONDS = 0.25
"""After `_AT_ONCE` kernel incidents none is taken for this long: each may be compared with every pod."""
_LOOK_SECONDS = 1.0


class PodInbox:
    """Filled from any thread, emptied by one. Keeps the newest kernel incidents and counts the dropped ones."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches: deque[tuple[int, Change, bool]] = deque()
        self._waiting = 0
        self._incidents: dict[str, Incident] = {}
        self._rests_until = 0.0
        self._state_changed = False
        self._closed = False
        self.dropped = 0
        """Kernel incidents that were dropped before the tracker took them."""

    def put(self, change: Change, observations: int = 1) -> None:
        """Add a change of this number of observations; waits for room unless closed."""
        with self._changed:
            while self._waiting >= MAX_OBSERVATIONS and not self._closed:
                self._changed.wait(_LOOK_SECONDS)
            if not self._closed:
                self._append(observations, change)

    def remedy(self, change: Change) -> None:
        """Add a remedy after the observations so far; it replaces a remedy directly before it. Never waits."""
        with self._changed:
            if self._batches and self._batches[-1][2]:
                self._batches[-1] = (0, change, True)
            else:
                self._append(0, change, remedy=True)

    def incident(self, incident: Incident) -> None:
        """Add a kernel incident, or replace one that waits by a more complete one. Never waits.

        If there are too many, drops the oldest that is not a denial of the node's memory, else the oldest.
        """
        with self._changed:
            if incident.id not in self._incidents and len(self._incidents) >= MAX_INCIDENTS:
                oldest = next(iter(self._incidents))
                del self._incidents[
                    next((key for key, waiting in self._incidents.items() if waiting.memory is False), oldest)
                ]
                self.dropped += 1
            self._incidents[incident.id] = incident
            self._changed.notify_all()

    def source_changed(self) -> None:
        """Note that the state of a source has changed. Never waits."""
        with self._changed:
            self._state_changed = True
            self._changed.notify_all()

    def close(self) -> None:
        """End all waiting, now and later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, seconds: float) -> tuple[Change, ...]:
        """Return the next changes, at most one batch of observations; waits at most `seconds` for one."""
        end = time.monotonic() + seconds
        with self._changed:
            while not (self._batches or self._state_changed or self._closed or self._incidents_due()):
                now = time.monotonic()
                if now >= end:
                    return ()
                self._changed.wait(min(end, self._rests_until) - now if self._incidents else end - now)
            changes: list[Change] = []
            if self._state_changed:
                self._state_changed = False
                changes.append(_no_change)
            if self._batches:
                observations, change, _ = self._batches.popleft()
                self._waiting -= observations
                changes.append(change)
                self._changed.notify_all()
            if self._incidents_due():
                changes += [_of_incident(self._incidents.pop(key)) for key in list(self._incidents)[:_AT_ONCE]]
                self._rests_until = time.monotonic() + _REST_SECONDS
            return tuple(changes)

    def _incidents_due(self) -> bool:
        return bool(self._incidents) and time.monotonic() >= self._rests_until

    def _append(self, observations: int, change: Change, *, remedy: bool = False) -> None:
        self._batches.append((observations, change, remedy))
        self._waiting += observations
        self._changed.notify_all()


def _of_incident(incident: Incident) -> Change:
    return lambda tracker, _: tracker.kernel_incident(incident)


def _no_change(_tracker: IncidentTracker, _now: float) -> bool:
    """Change nothing; return True, because the state of a source has changed."""
    return True
