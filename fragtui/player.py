"""The player of a recording: snapshots and updates at their recorded times, at any speed, from any position."""

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
from fragtui.model.node.source_state import NOT_SAVED
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.model.remedy.remedy_history import IntentEntry
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import RecordedEvent, RecordedReader, Recording
from fragtui.sources.recording.trace import recorded_trace

SPEEDS = (1, 4, 16, 60)
_FRAME = 0.05
"""Shortest time between two moments, seconds: at a high speed one moment holds several ticks."""
_STRIDE = 40
"""Ticks up to which a move forward is played; a longer one is a jump."""
_MIN_MARK_GAP = 1.0
"""Incidents less than this many seconds apart are one mark."""
_AFTER_REMEDY = 10
"""A jump reads each of this many ticks after a remedy, and later every tenth."""

PlayedStep = Snapshot | KernelLogUpdate | TraceBatch | str


@dataclass(frozen=True, slots=True)
class Mark:
    """A position to jump to: an incident or a remedy."""

    at: float
    """Monotonic seconds of the recording."""
    remedy: bool


@dataclass(frozen=True, slots=True)
class Start:
    """The history before the position that a jump goes to."""

    history: History
    first: Snapshot
    """The recording's first snapshot."""


@dataclass(frozen=True, slots=True)
class Position:
    """The position of the player."""

    time: float
    """Wall clock of the recording."""
    share: float
    """0 at the beginning, 1 at the end."""
    speed: int
    playing: bool

    @property
    def at_end(self) -> bool:
        """Whether the end is reached."""
        return self.share >= 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The events played since the last moment; after a jump (`start`) the whole history."""

    start: Start | None
    steps: tuple[PlayedStep, ...]
    """In order; a text is a line of the audit log."""
    pods: PodUpdate | None
    position: Position

    def after(self, earlier: Moment) -> Moment:
        """Return both as one, with the newest `TICKS` snapshots, as many as a history keeps."""
        if self.start is not None:
            return self
        steps = earlier.steps + self.steps
        snapshots = [step for step in steps if isinstance(step, Snapshot)]
        if len(snapshots) > TICKS:
            oldest = snapshots[-TICKS].monotonic
            steps = tuple(step for step in steps if not isinstance(step, Snapshot) or step.monotonic >= oldest)
        return Moment(earlier.start, steps, self.pods or earlier.pods, self.position)


class Player:
    """Plays on its own daemon thread; every method may be called from any thread and returns at once.

    It has the methods of `Sampler`, so that a screen accepts either.
    """

    def __init__(
        self, recording: Recording, on_moment: Callable[[Moment], None], on_crash: Callable[[str], None]
    ) -> None:
        self.recording = recording
        self.interval = _interval(recording)
        self.hurried = False
        self.resting = False
        """While it is set, the recording does not play."""
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
        self._kinds = {event.kind for event in recording.events}
        self._log, self._pods = RecordedLog(), RecordedPods()
        self._next_event = 0
        self._next_tick = 0
        self._last_pods: PodUpdate | None = None
        self._since = 0.0
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    @property
    def length(self) -> float:
        """Length of the recording, seconds."""
        return self._last - self._first

    @property
    def marks(self) -> tuple[tuple[float, Mark], ...]:
        """The incidents and remedies, each with its position, 0 to 1."""
        length = self.length
        return tuple(((mark.at - self._first) / length if length > 0 else 0.0, mark) for mark in self._marks)

    @property
    def position(self) -> Position:
        """The position now."""
        place = self.recording.ticks[self.recording.tick_at(self._at)]
        share = (self._at - self._first) / self.length if self.length > 0 else 1.0
        return Position(place.time + (self._at - place.at), share, self._speed, self._playing)

    def start(self) -> None:
        """Start to play."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def tick_now(self, *, page_types: bool = False) -> None:
        """Send the position again: a recording has no fresh samples."""
        self._seek(self._at)

    def stuck(self) -> tuple[str, float] | None:
        """Return None: no read of a recording gets stuck."""
        return None

    def play_or_pause(self) -> None:
        """Pause or play; at the end, play from the beginning."""
        with self._changed:
            self._playing = not self._playing
            if self._playing and self._at >= self._last:
                self._wanted = self._first
            self._changed.notify()

    def step(self, ticks: int) -> None:
        """Pause, and go to the next or the previous tick."""
        with self._changed:
            self._playing = False
            at = self._target
            place = bisect_right(self._ats, at) - 1 if ticks > 0 else bisect_left(self._ats, at)
            self._wanted = self._ats[max(0, min(place + ticks, len(self._ats) - 1))]
            self._changed.notify()

    def seek_by(self, seconds: float) -> None:
        """Go this many seconds ahead or back."""
        self._seek(self._target + seconds)

    def jump(self, direction: int) -> bool:
        """Go to the next or previous incident or remedy; return False if there is none."""
        at = self._target
        ahead = [mark.at for mark in self._marks if mark.at > at + 0.001]
        behind = [mark.at for mark in self._marks if mark.at < at - 0.001]
        nearest = ahead[:1] if direction > 0 else behind[-1:]
        if nearest:
            self._seek(nearest[0])
        return bool(nearest)

    def to_end(self, *, beginning: bool = False) -> None:
        """Go to the end, or to the beginning."""
        self._seek(self._first if beginning else self._last)

    def change_speed(self, step: int) -> None:
        """Change to the next higher or lower speed."""
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
        """Return the time of the next tick or event, monotonic seconds."""
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
        """Go to a position as if everything before it had been played; read only the ticks that this needs."""
        self._reader = RecordedReader(self.recording)
        self._log, self._pods, self._last_pods = RecordedLog(), RecordedPods(saved="P" in self._kinds), None
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
                history.note(monotonic, {(zone.node, zone.zone): zone.free_blocks for zone in blocks or ()} or None)
        self._next_tick = last + 1
        steps += self._events_until(at)
        if "L" not in self._kinds:
            steps.append(KernelLogUpdate((), (), 0, (), NOT_SAVED, None))
        return self._moment(Start(history, first), at, steps)

    def _wanted_whole(self, last: int) -> set[int]:
        """Return the ticks from which the effect of remedies and the rates are computed, and the last tick."""
        places = set(range(self.recording.tick_at(self._ats[last] - WINDOW), last + 1))
        begun: int | None = None
        for event in self.recording.events:
            place = self.recording.tick_at(event.at)
            if event.kind == "R" and place <= last:
                begun = place if begun is None else begun
                places.update(range(max(0, place - 1), min(place + _AFTER_REMEDY, last)))
        if begun is not None:
            places.update(range(begun, last, _AFTER_REMEDY))
        return places

    def _events_until(self, at: float) -> list[PlayedStep]:
        steps: list[PlayedStep] = []
        events = self.recording.events
        while self._next_event < len(events) and events[self._next_event].at <= at:
            event = events[self._next_event]
            self._next_event += 1
            if (step := step_of(event, self._log, self._pods)) is not None:
                steps.append(step)
        return steps

    def _moment(self, start: Start | None, at: float, steps: list[PlayedStep]) -> Moment:
        with self._changed:
            self._at = at
            if at >= self._last and self._wanted is None:
                self._playing = False
            position = self.position
        update = self._pods.update(position.time)
        last, self._last_pods = self._last_pods, update
        return Moment(start, tuple(steps), update if update != last else None, position)


def step_of(event: RecordedEvent, log: RecordedLog, pods: RecordedPods) -> PlayedStep | None:
    """Pass an event to the readers of log and pods; return what is played of it, None if only pods change by it."""
    if (batch := recorded_trace(event)) is not None:
        return batch
    if event.kind == "P":
        pods.take(event)
    elif event.kind == "L" and (update := log.update(event)) is not None:
        pods.kernel_update(update)
        return update
    elif event.kind == "R":
        line = str(event.facts[0]) if event.facts else ""
        if isinstance(entry := parse_entry(line), IntentEntry):
            pods.remedy_ran(entry.remedy)
        return line
    return None


def find_marks(recording: Recording) -> tuple[Mark, ...]:
    """Return the positions of incidents and remedies that happened while it was recorded."""
    marks: list[Mark] = []
    log = RecordedLog()
    for event in recording.events:
        mark = False
        if event.kind == "L" and (update := log.update(event)) is not None:
            # The kernel's ring also holds incidents from before the recording: no mark for them.
            began = recording.ticks[0].time
            times = [incident.time for incident in update.incidents]
            times += [remedy.time for remedy in update.external_drops]
            mark = any(time is None or time >= began for time in times)
        elif event.kind == "R" and event.facts:
            mark = isinstance(parse_entry(str(event.facts[0])), IntentEntry)
        at = max(recording.ticks[0].at, min(event.at, recording.ticks[-1].at))
        if mark and (not marks or at - marks[-1].at >= _MIN_MARK_GAP or (event.kind == "R") != marks[-1].remedy):
            marks.append(Mark(at, event.kind == "R"))
    return tuple(marks)


def _interval(recording: Recording) -> float:
    """Return the median time between two ticks, seconds."""
    gaps = sorted(later.at - tick.at for tick, later in pairwise(recording.ticks))
    return gaps[len(gaps) // 2] if gaps else 1.0
