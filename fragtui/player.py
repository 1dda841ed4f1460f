"""Playing a recording: its snapshots and news at their recorded times, at any speed, from any place."""

from __future__ import annotations

import threading
import time
import traceback
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.history import TICKS, History
from fragtui.model.node.rate_window import WINDOW
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.model.remedy.remedy_history import IntentEntry
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import RecordedReader, Recording

SPEEDS = (1, 4, 16, 60)
_FRAME = 0.05
"""Shortest time between two moments, seconds: at a high speed several ticks come together."""
_STRIDE = 40
"""Ticks up to which a way forward is played; a longer one is a jump."""
_APART = 1.0
"""Incidents nearer to each other than so many seconds are one place to jump to."""


_AFTER_REMEDY = 10
"""Ticks after a remedy of which a jump reads every one; later on every tenth."""

PlayedStep = Snapshot | KernelLogUpdate | str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to jump to: an incident, or a remedy."""

    at: float
    """Monotonic seconds of the recording."""
    remedy: bool


@dataclass(frozen=True, slots=True)
class Start:
    """What a moment begins with that goes back, or far ahead: the past of the place that it goes to."""

    history: History
    first: Snapshot
    """The recording's first snapshot."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the player is."""

    time: float
    """Wall clock of the recording."""
    share: float
    """0 at its beginning, 1 at its end."""
    speed: int
    playing: bool

    @property
    def at_end(self) -> bool:
        """Whether nothing is left to play."""
        return self.share >= 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What the time since the moment before brought, or the whole past if there is a `start`."""

    start: Start | None
    steps: tuple[PlayedStep, ...]
    """In their order; texts are lines of the audit log."""
    pods: PodUpdate | None
    position: Position

    def after(self, earlier: Moment) -> Moment:
        """Return both as one; of more than `TICKS` snapshots the oldest are left out, as a history does."""
        if self.start is not None:
            return self
        steps = earlier.steps + self.steps
        snapshots = [step for step in steps if isinstance(step, Snapshot)]
        if len(snapshots) > TICKS:
            oldest = snapshots[-TICKS].monotonic
            steps = tuple(step for step in steps if not isinstance(step, Snapshot) or step.monotonic >= oldest)
        return Moment(earlier.start, steps, self.pods or earlier.pods, self.position)


class Player:
    """Plays on a daemon thread of its own; every method may be called from any thread and returns at once.

    It has the methods of `Sampler`, so that a screen takes either.
    """

    def __init__(
        self, recording: Recording, on_moment: Callable[[Moment], None], on_crash: Callable[[str], None]
    ) -> None:
        self.recording = recording
        self.interval = _interval(recording)
        self.hurried = False
        self.resting = False
        """While it is set, the recording does not go on."""
        self._on_moment = on_moment
        self._on_crash = on_crash
        self._ats = [tick.at for tick in recording.ticks]
        self._first, self._last = self._ats[0], self._ats[-1]
        self._changed = threading.Condition()
        self._wanted: float | None = None
        self._at = self._first
        self._speed = SPEEDS[0]
        self._playing = True
        self._stopped = False
        self._marks: tuple[Mark, ...] = ()
        self._reader = RecordedReader(recording)
        self._log, self._pods = RecordedLog(), RecordedPods()
        self._next_event = 0
        self._next_tick = 0
        self._told: PodUpdate | None = None
        self._since = 0.0
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    @property
    def length(self) -> float:
        """How many seconds the recording lasts."""
        return self._last - self._first

    @property
    def marks(self) -> tuple[tuple[float, Mark], ...]:
        """The incidents and remedies, each with the share of the recording that lies before it."""
        length = self.length
        return tuple(((mark.at - self._first) / length if length > 0 else 0.0, mark) for mark in self._marks)

    @property
    def position(self) -> Position:
        """Where it is now."""
        place = self.recording.ticks[self.recording.tick_at(self._at)]
        share = (self._at - self._first) / self.length if self.length > 0 else 1.0
        return Position(place.time + (self._at - place.at), share, self._speed, self._playing)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; never waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def tick_now(self, *, page_types: bool = False) -> None:
        """Tell the position again; nothing can be read that was not recorded."""
        self._seek(self._at)

    def stuck(self) -> tuple[str, float] | None:
        """Return None: a recording answers."""
        return None

    def play_or_pause(self) -> None:
        """Stop or go on; at the end, begin again."""
        with self._changed:
            self._playing = not self._playing
            if self._playing and self._at >= self._last:
                self._wanted = self._first
            self._changed.notify()

    def step(self, ticks: int) -> None:
        """Pause, and go to the next tick or back to the one before."""
        with self._changed:
            self._playing = False
            at = self._target
            place = bisect_right(self._ats, at) - 1 if ticks > 0 else bisect_left(self._ats, at)
            self._wanted = self._ats[max(0, min(place + ticks, len(self._ats) - 1))]
            self._changed.notify()

    def seek_by(self, seconds: float) -> None:
        """Go so many seconds ahead, or back."""
        self._seek(self._target + seconds)

    def jump(self, direction: int) -> bool:
        """Go to the next or previous incident or remedy; return False if there is none."""
        at = self._target
        ahead = [mark.at for mark in self._marks if mark.at > at + 0.001]
        behind = [mark.at for mark in self._marks if mark.at < at - 0.001]
        found = ahead[:1] if direction > 0 else behind[-1:]
        if found:
            self._seek(found[0])
        return bool(found)

    def to_end(self, *, beginning: bool = False) -> None:
        """Go to the end, or to the beginning."""
        self._seek(self._first if beginning else self._last)

    def change_speed(self, step: int) -> None:
        """Take the next higher or lower speed."""
        with self._changed:
            place = SPEEDS.index(self._speed) + step
            self._speed = SPEEDS[max(0, min(place, len(SPEEDS) - 1))]
            self._changed.notify()

    @property
    def _target(self) -> float:
        return self._at if self._wanted is None else self._wanted

    def _seek(self, at: float) -> None:
        with self._changed:
            self._wanted = max(self._first, min(at, self._last))
            self._changed.notify()

    def _run(self) -> None:
        try:
            self._marks = find_marks(self.recording)
            self._on_moment(self._jump_to(self._first))
            self._since = time.monotonic()
            while not self._stopped:
                self._turn()
        except Exception:
            self._on_crash(traceback.format_exc())

    def _turn(self) -> None:
        with self._changed:
            was_playing, speed = self._playing and not self.resting, self._speed
            if self._wanted is None:
                self._changed.wait(max(_FRAME, (self._due() - self._at) / speed) if was_playing else None)
            now = time.monotonic()
            passed, self._since = now - self._since, now
            wanted, self._wanted = self._wanted, None
        if self._stopped:
            return
        if wanted is not None:
            moment = self._go_to(wanted)
        else:
            moment = self._forward(min(self._last, self._at + passed * speed) if was_playing else self._at)
        self._on_moment(moment)

    def _due(self) -> float:
        """Return when the next tick or event is."""
        ats = [self._last]
        if self._next_tick < len(self._ats):
            ats.append(self._ats[self._next_tick])
        if self._next_event < len(self.recording.events):
            ats.append(self.recording.events[self._next_event].at)
        return min(ats)

    def _go_to(self, at: float) -> Moment:
        if at < self._at or self.recording.tick_at(at) - self._next_tick > _STRIDE:
            return self._jump_to(at)
        return self._forward(at)

    def _forward(self, at: float) -> Moment:
        steps: list[PlayedStep] = []
        while self._next_tick < len(self._ats) and self._ats[self._next_tick] <= at:
            steps += self._events_until(self._ats[self._next_tick])
            steps.append(self._reader.sample())
            self._next_tick += 1
        steps += self._events_until(at)
        return self._moment(None, at, steps)

    def _jump_to(self, at: float) -> Moment:
        """Go there as if everything from the beginning had been played; of the ticks only what is needed is read."""
        self._reader = RecordedReader(self.recording)
        self._log, self._pods, self._told = RecordedLog(), RecordedPods(), None
        self._next_event = 0
        first = self._reader.sample()
        last = self.recording.tick_at(at)
        history = History()
        whole = self._wanted_whole(last)
        steps: list[PlayedStep] = []
        for place in range(max(0, min(last - TICKS + 1, *whole)), last + 1):
            if place in whole:
                steps += self._events_until(self._ats[place])
                self._reader.seek(place)
                snapshot = self._reader.sample()
                steps.append(snapshot)
                if place < last:
                    history.add(snapshot)
            elif place > last - TICKS:
                self._reader.seek(place)
                monotonic, blocks = self._reader.blocks()
                history.note(monotonic, {(each.node, each.zone): each.free_blocks for each in blocks or ()} or None)
        self._next_tick = last + 1
        steps += self._events_until(at)
        return self._moment(Start(history, first), at, steps)

    def _wanted_whole(self, last: int) -> set[int]:
        """Return the ticks that tell what remedies brought and what the rates are, and the last itself."""
        found = set(range(self.recording.tick_at(self._ats[last] - WINDOW), last + 1))
        begun: int | None = None
        for event in self.recording.events:
            place = self.recording.tick_at(event.at)
            if event.kind == "R" and place <= last:
                begun = place if begun is None else begun
                found.update(range(max(0, place - 1), min(place + _AFTER_REMEDY, last)))
        if begun is not None:
            found.update(range(begun, last, _AFTER_REMEDY))
        return found

    def _events_until(self, at: float) -> list[PlayedStep]:
        found: list[PlayedStep] = []
        events = self.recording.events
        while self._next_event < len(events) and events[self._next_event].at <= at:
            event = events[self._next_event]
            self._next_event += 1
            if event.kind == "P":
                self._pods.take(event)
            elif event.kind == "L" and (news := self._log.news(event)) is not None:
                for incident in (*news.incidents, *news.updated):
                    self._pods.kernel_incident(incident)
                found.append(news)
            elif event.kind == "R":
                line = str(event.facts[0]) if event.facts else ""
                if isinstance(entry := parse_entry(line), IntentEntry):
                    self._pods.remedy_ran(entry.remedy)
                found.append(line)
        return found

    def _moment(self, start: Start | None, at: float, steps: list[PlayedStep]) -> Moment:
        with self._changed:
            self._at = at
            if at >= self._last and self._wanted is None:
                self._playing = False
            position = self.position
        news = self._pods.news(position.time)
        told, self._told = self._told, news
        return Moment(start, tuple(steps), news if news != told else None, position)


def find_marks(recording: Recording) -> tuple[Mark, ...]:
    """Return the places of incidents and remedies that came while it was recorded."""
    found: list[Mark] = []
    log = RecordedLog()
    for event in recording.events:
        mark = False
        if event.kind == "L" and (news := log.news(event)) is not None:
            # What the kernel's ring held from before is told at the beginning and is no place to go to.
            began = recording.ticks[0].time
            times = [incident.time for incident in news.incidents] + [each.time for each in news.foreign_remedies]
            mark = any(when is None or when >= began for when in times)
        elif event.kind == "R" and event.facts:
            mark = isinstance(parse_entry(str(event.facts[0])), IntentEntry)
        at = max(recording.ticks[0].at, min(event.at, recording.ticks[-1].at))
        if mark and (not found or at - found[-1].at >= _APART or (event.kind == "R") != found[-1].remedy):
            found.append(Mark(at, event.kind == "R"))
    return tuple(found)


def _interval(recording: Recording) -> float:
    """Return the usual time between two ticks."""
    gaps = sorted(later.at - tick.at for tick, later in pairwise(recording.ticks))
    return gaps[len(gaps) // 2] if gaps else 1.0
