"""A fleet that is read again and again on a thread of its own, for the screen."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from fragtui.model.fleet.fleet import Fleet, FleetError, FleetSource, Points
from fragtui.model.fleet.series import NodeSeries
from fragtui.sources.backoff import Backoff

MIN_INTERVAL, MAX_INTERVAL = 5.0, 600.0
"""Seconds between two readings of the fleet."""
TREND_SECONDS = 3600.0
"""Seconds of the trend of a node in the list."""
MAX_TRENDS = 50
"""Nodes of which the trend is asked for at once."""
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 300.0
_SCROLLED = 0.2
"""Seconds without another wish after which trends are read: a held key asks thirty times a second."""
_MAX_KEPT = 500
"""Trends kept besides those that are read."""
_MAX_SERIES = 1000
"""Readings kept of the node that is shown."""


class NodeView(NamedTuple):
    """What is known of the node that is shown by itself."""

    name: str
    seconds: float
    """How long its history is."""
    series: tuple[NodeSeries, ...] = ()
    """Its readings, oldest first; empty before the first."""
    problem: str | None = None
    """Why its newest reading failed."""
    points: Points = ()
    """The blocks of the fleet's order over time, read if no series has its zones."""
    no_history: str | None = None
    """Why its history is unknown."""

    @property
    def has_zones(self) -> bool:
        """Whether its newest reading has its zones."""
        return bool(self.series and self.series[-1].zones)


class FleetState(NamedTuple):
    """All that was read; times are monotonic seconds of this machine."""

    fleet: Fleet | None = None
    answered: float | None = None
    """When `fleet` was read."""
    problem: str | None = None
    """Why the last reading failed; None if it did not."""
    retry_at: float | None = None
    trends: Mapping[str, Points] = {}
    """The newest histories of nodes that were asked for."""
    fresh: frozenset[str] = frozenset()
    """The nodes whose trends are as new as `fleet`."""
    no_trends: str | None = None
    """Why the last ones are unknown."""
    node: NodeView | None = None


class PolledFleet:
    """Reads on its own daemon thread: a request that blocks must not prevent quitting.

    What the user waits for comes first: the node that is opened, then the fleet, then the trends of the rows in view.
    """

    def __init__(
        self,
        source: FleetSource,
        on_change: Callable[[], None],
        on_crash: Callable[[str], None],
        interval: float = 30.0,
        state: FleetState | None = None,
        before: PolledFleet | None = None,
    ) -> None:
        """`before` read the same source and is stopped: a source is read by one thread at a time."""
        self.state = state or FleetState()
        """The newest; `on_change` is called after each change, on the reading thread."""
        self.interval = interval
        self._source = source
        self._on_change = on_change
        self._on_crash = on_crash
        self._changed = threading.Condition()
        self._stopped = self._resting = False
        self._due = 0.0
        """When the fleet is read next, monotonic seconds."""
        self._wanted: tuple[str, ...] = ()
        """The nodes whose trends are to be read, at `_wanted_at`."""
        self._wanted_at = 0.0
        self._steps: list[Callable[[], None]] = []
        """What is to be read of the node that is shown."""
        self._backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        self._before = before
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def start(self) -> None:
        """Start to read; does nothing if it is started."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def read_now(self) -> None:
        """Read the fleet at once."""
        with self._changed:
            self._due = 0.0
            self._changed.notify()

    def change_interval(self, seconds: float) -> None:
        """Read each so many seconds."""
        with self._changed:
            self._due += seconds - self.interval
            self.interval = seconds
            self._changed.notify()

    def rest(self, resting: bool) -> None:
        """Read nothing while nobody looks."""
        with self._changed:
            self._resting = resting
            self._changed.notify()

    def want_trends(self, names: Sequence[str]) -> None:
        """Read the trends of these nodes soon, in place of others that were not read yet."""
        with self._changed:
            self._wanted = tuple(names[:MAX_TRENDS])
            self._wanted_at = time.monotonic() + _SCROLLED
            self._changed.notify()

    def open_node(self, name: str, seconds: float) -> None:
        """Read one node at once, with so long a history, and again with each reading of the fleet."""
        with self._changed:
            known = self.state.node
            self._set(node=known._replace(seconds=seconds) if known and known.name == name else NodeView(name, seconds))
            self._steps = [self._read_node, self._read_history]
            self._changed.notify()

    def close_node(self) -> None:
        """Read no node by itself any more."""
        with self._changed:
            self._steps = []
            self._set(node=None)

    def _set(self, **fields: object) -> None:
        self.state = self.state._replace(**fields)  # type: ignore[arg-type]  # mypy knows no types of such fields.

    def _run(self) -> None:
        if self._before is not None and self._before._thread.ident is not None:
            self._before._thread.join()
        self._before = None
        while (step := self._next()) is not None:
            try:
                step()
            except Exception:
                self._lose("an internal error of fragtui")
                self._on_crash(traceback.format_exc())
            self._on_change()

    def _next(self) -> Callable[[], None] | None:
        """Return what to read next, once it is due; None at the end."""
        with self._changed:
            while not self._stopped:
                if self._resting:
                    self._changed.wait()
                    continue
                now = time.monotonic()
                if self._steps:
                    return self._steps.pop(0)
                if now >= self._due:
                    return self._read_fleet
                waits = [self._due - now]
                if self._wanted and self.state.problem is None:
                    if now >= self._wanted_at:
                        return self._read_trends
                    waits.append(self._wanted_at - now)
                self._changed.wait(min(waits))
            return None

    def _read_fleet(self) -> None:
        try:
            fleet = self._source.read(quick=self.state.fleet is None)
        except FleetError as error:
            self._lose(str(error))
            return
        self._backoff.reset()
        now = time.monotonic()
        with self._changed:
            self._due = now + (0.0 if fleet.quick else self.interval)
            self._set(fleet=fleet, answered=now, problem=None, retry_at=None, fresh=frozenset())
            if (node := self.state.node) is not None and not self._steps:
                self._steps = [self._read_node, *([] if node.has_zones else [self._read_history])]

    def _lose(self, why: str) -> None:
        with self._changed:
            self._due = time.monotonic() + self._backoff.wait()
            self._set(problem=why, retry_at=self._due)

    def _read_trends(self) -> None:
        with self._changed:
            names, self._wanted = self._wanted, ()
        try:
            trends, why = self._source.history(names, TREND_SECONDS), None
        except FleetError as error:
            trends, why = {}, str(error)
        with self._changed:
            kept = dict(list(self.state.trends.items())[-_MAX_KEPT:])
            # A node of which nothing is known is not asked for again before the next reading.
            trends = {**kept, **dict.fromkeys(names, ()), **trends}
            self._set(trends=trends, fresh=self.state.fresh.union(names), no_trends=why)

    def _read_node(self) -> None:
        if (node := self.state.node) is None:
            return
        try:
            series, problem = self._source.node(node.name), None
        except FleetError as error:
            series, problem = None, str(error)
        with self._changed:
            if (now := self.state.node) is None or now.name != node.name:
                return
            kept = now.series
            if series is not None and (not kept or series.time > kept[-1].time):
                kept = (*kept, series)[-_MAX_SERIES:]
            self._set(node=now._replace(series=kept, problem=problem))

    def _read_history(self) -> None:
        if (node := self.state.node) is None:
            return
        past: tuple[NodeSeries, ...] = ()
        points: Points = ()
        why = None
        try:
            if node.has_zones:
                past = self._source.node_history(node.name, node.seconds)
            else:
                points = self._source.history((node.name,), node.seconds).get(node.name, ())
        except FleetError as error:
            why = str(error)
        with self._changed:
            if (now := self.state.node) is None or now.name != node.name or now.seconds != node.seconds:
                return
            after = past[-1].time if past else 0.0
            series = (*past, *(one for one in now.series if one.time > after))[-_MAX_SERIES:]
            self._set(node=now._replace(series=series, points=points, no_history=why))
