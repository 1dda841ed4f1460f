"""A large plain file read by child processes: they search and parse its segments, what it tells comes in order."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from fragtui.model.log_reader import FoundIncident, LogPast, LogReading, LogTerms, PodLine
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.large_logs.hits import HIT_BLOCK
from fragtui.sources.large_logs.sections import Part, Rest, StretchReader
from fragtui.sources.large_logs.worker_pool import WorkerPool
from fragtui.text import counted

SEGMENT = 8 << 20
"""Large enough for several reports: the more are parsed after one search, the warmer the cache."""
REACH = 2 << 20
"""More than the longest report: a log without rest is read here, the children only lose their time over it."""
_MOST_CHILDREN = 4
_AHEAD = 6
"""Segments read before they are asked for: what is found in them waits in memory."""
_MOST_FOUND = 4_096
"""What a child keeps of one segment at most; of more the rest is read here, where it is told at once."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a child read of a segment: what each stretch tells with its end, its newlines, whether that is all."""

    stretches: tuple[tuple[tuple[FoundIncident, ...], Rest], ...]
    newlines: int
    complete: bool


@dataclass(frozen=True, slots=True)
class LargeLog:
    """A file to read, `size` bytes of it, in segments of that many bytes, each searched in blocks.

    `reach` is how far behind the end of its segment a child reads on with what is open.
    """

    descriptor: int
    size: int
    needles: Sequence[bytes]
    terms: LogTerms
    segment: int = SEGMENT
    reach: int = REACH
    block: int = HIT_BLOCK
    cut: CutLines = field(default_factory=CutLines)
    """Counts the lines that are too long."""


def read_forked(log: LargeLog) -> Generator[tuple[float | None, PodLine]] | None:
    """Return what a file tells, each with the latest stamp so far. None if no child can be started.

    Closing the iterator ends the children. Raises OSError, what was told until then comes before.
    """
    team = WorkerPool()
    try:
        for _ in range(max(2, min(_MOST_CHILDREN, len(os.sched_getaffinity(0))))):
            team.add(lambda begin: pickle.dumps(read_segment(log, begin), pickle.HIGHEST_PROTOCOL))
    except OSError:  # A node without memory may refuse to fork.
        team.end()
        return None
    return join_segments(log, team)


def join_segments(log: LargeLog, team: WorkerPool) -> Generator[tuple[float | None, PodLine]]:
    """Yield what the segments tell that a team reads, as if one had read them all."""
    return _Joined(log, team).read()


def read_segment(log: LargeLog, begin: int) -> Segment:
    """Read a segment, knowing nothing of what is before it."""
    end = min(begin + log.segment, log.size)
    until = min(end + log.reach, log.size)
    reader = StretchReader(Part(log.descriptor, log.size, begin, end, until), log.needles, log.segment, log.block)
    stretches: list[tuple[tuple[FoundIncident, ...], Rest]] = []
    found: list[FoundIncident] = []
    kept = 0
    for each in reader.read(lambda: LogReading(log.terms, None)):
        if isinstance(each, Rest):
            stretches.append((tuple(found), each))
            found = []
        else:
            found.append(each)
            kept += 1
            if kept > _MOST_FOUND:
                reader.gave_up = True
                break
    return Segment(tuple(stretches), reader.newlines(), not reader.gave_up)


def raise_unread(lines: int) -> None:
    """Raise OSError if there are lines over which a parser failed: the log is read, but not all of it."""
    if lines:
        raise OSError(errno.EBADMSG, f"{counted(lines, 'line')} could not be read")


class _Joined:
    """Puts the segments together as if one had read them all: what no child could know is read here."""

    def __init__(self, log: LargeLog, team: WorkerPool) -> None:
        self._log = log
        self._team = team
        self._past = LogPast()
        self._place = -1
        """Everything before is read, nothing is open, and the next stretch begins behind it."""
        self._lines = 0
        """Lines before that place."""

    def read(self) -> Generator[tuple[float | None, PodLine]]:
        log, team = self._log, self._team
        segments = range(0, log.size, log.segment)
        answers: dict[int, bytes] = {}
        newlines = 0
        try:
            for begin in segments[:_AHEAD]:
                team.assign(begin)
            for number, begin in enumerate(segments):
                try:
                    while begin not in answers:
                        which, answer = team.answer()
                        answers[which] = answer
                except EOFError:  # Ended from outside, as by the kernel for want of memory.
                    yield from self._read_here(log.size)
                    break
                segment: Segment = pickle.loads(answers.pop(begin))
                if number + _AHEAD < len(segments):
                    team.assign(segments[number + _AHEAD])
                yield from self._take(segment, newlines, min(begin + log.segment, log.size))
                newlines += segment.newlines
        finally:
            team.end()
        raise_unread(self._past.unread)

    def _take(self, segment: Segment, before: int, end: int) -> Generator[tuple[float | None, PodLine]]:
        """Yield what a segment tells whose first line has that number; what does not fit is read again."""
        past, name = self._past, self._log.terms.name
        for found, rest in segment.stretches:
            while rest.end > self._place:
                if rest.begin > self._place and past.holds(rest.ending):
                    for each in found:
                        yield past.latest(each.time), each.counted_from(before, name)
                    self._rest(rest, before)
                else:
                    place = self._place
                    yield from self._read_stretch(end)
                    if self._place == place:
                        break
        if not segment.complete:
            yield from self._read_here(end)

    def _rest(self, rest: Rest, before: int) -> None:
        self._place, self._lines = rest.end, before + rest.lines
        self._past.add(rest.ending)
        self._log.cut.count += rest.cut

    def _read_here(self, end: int) -> Generator[tuple[float | None, PodLine]]:
        """Read on until an offset is passed."""
        place = None
        while self._place < end and place != self._place:
            place = self._place
            yield from self._read_stretch(end)

    def _read_stretch(self, end: int) -> Generator[tuple[float | None, PodLine]]:
        """Read the next stretch, if one begins before an offset."""
        log, past, before = self._log, self._past, self._lines
        floor = max(self._place, 0)
        if floor >= end:
            return
        reader = StretchReader(
            Part(log.descriptor, log.size, floor, end, log.size, floor), log.needles, log.block, log.block
        )
        try:
            for each in reader.read(lambda: LogReading(log.terms, past)):
                if isinstance(each, Rest):
                    self._rest(each, before)
                    return
                yield past.latest(each.time), each.counted_from(before, log.terms.name)
        except OSError:
            for each in reader.broken_off():
                yield past.latest(each.time), each.counted_from(before, log.terms.name)
            raise
