"""A large file read from any place on, in stretches: between them lines are left out and nothing is open.

What a stretch tells depends on what was read before only by the few things that `LogPast` answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fragtui.kernel.reports.needles import BEFORE
from fragtui.model.log_reader import Ending, FoundIncident, LogReading
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.kernel_log.scan import MAX_BEFORE
from fragtui.sources.large_logs.hits import HIT_BLOCK, FileHits
from fragtui.sources.large_logs.window import FileWindow
from fragtui.text import LINE_BYTES


@dataclass(frozen=True, slots=True)
class Rest:
    """The end of a stretch from `begin` to `end`, `lines` lines behind the place from which lines are counted.

    `cut` of them were too long.
    """

    begin: int
    end: int
    lines: int
    ending: Ending
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What of a file of that `size` is read: the stretches with a needle between `begin` and `end`.

    The last stretch may go on behind the end, but not behind `until`. `floor` is what is read already: a stretch
    begins there or later, and lines are known to be left out there.
    """

    descriptor: int
    size: int
    begin: int
    end: int
    until: int
    floor: int = 0


class StretchReader:
    """Reads the stretches of a part; lines are counted from its beginning."""

    def __init__(self, part: Part, needles: Sequence[bytes], at_once: int = HIT_BLOCK, block: int = HIT_BLOCK) -> None:
        self._part = part
        self._cut = CutLines()
        self._text = FileWindow(part.descriptor, part.size, part.until, self._cut)
        self._hits = FileHits(
            part.descriptor, needles, part.begin, part.end, part.until, self._is_enough, at_once, block
        )
        self._following = iter(self._hits)
        self._reading: LogReading | None = None
        self._number = 0
        self.gave_up = False
        """Whether a stretch did not come to its end where it had to."""

    def _is_enough(self, newlines: int) -> bool:
        """Tell whether no hit behind so many newlines can go on with what is read."""
        reading = self._reading
        return reading is None or (reading.at_rest and newlines - self._number > MAX_BEFORE)

    def newlines(self) -> int:
        """Return the newlines between the two offsets; what is not read yet is passed over."""
        self._reading = None
        for _ in self._following:
            pass
        self._text.data = b""  # The reader is part of a circle, which a child seldom collects.
        return self._hits.newlines

    def broken_off(self) -> Iterator[FoundIncident]:
        """Yield what is told when nothing more can be read."""
        if self._reading is not None:
            yield from self._reading.finish()

    def read(self, new_reading: Callable[[], LogReading]) -> Iterator[FoundIncident | Rest]:
        """Yield what every stretch tells, and its end. Raises OSError."""
        part, text, hits = self._part, self._text, self._following
        at = begin = part.floor
        following = next(hits, None)
        while at < part.until:
            gap, reading = False, self._reading
            if reading is not None and reading.wanted:
                through = at
            else:
                while following is not None and following[0] < at:
                    following = next(hits, None)
                if following is None:
                    break
                through = following[0]
                start, lines = text.step_back(through, at, BEFORE)
                gap = start > at
                if reading is not None and gap and reading.at_rest:
                    yield self._rest(reading, begin, at)
                    reading = None
                if reading is None:
                    if through >= part.end:
                        return
                    reading, begin = new_reading(), start
                elif gap:
                    reading.skip()
                self._reading, at, self._number = reading, start, following[1] - lines
            data, window = text.data, text.begin
            while at <= through:
                place = at - window
                line_end = data.find(b"\n", place)
                if place <= line_end <= place + LINE_BYTES and data[place]:
                    line, whole, end = data[place:line_end], True, window + line_end
                else:
                    line, end, whole = text.line(at)
                    data, window = text.data, text.begin
                    if not line and not whole:
                        at = max(end, part.until) if end > at else part.size  # A hole, or cut while we read.
                        break
                self._number += 1
                if found := reading.feed(line, self._number, not whole):
                    yield from found
                at = end + 1
                if at > through and at < part.until and reading.wanted:
                    found, lines, end = reading.feed_run(data, at - window, part.until - window, self._number + 1)
                    if found:
                        yield from found
                    self._number += lines
                    at = window + end
                    if at < part.until and reading.wanted:
                        through = at
        if (reading := self._reading) is not None:
            if self._hits.had_enough:
                yield self._rest(reading, begin, at)
            elif at < part.size and part.until < part.size:
                self.gave_up = True
            else:
                yield from reading.finish()
                yield self._rest(reading, begin, part.size)

    def _rest(self, reading: LogReading, begin: int, end: int) -> Rest:
        self._reading = None
        cut, self._cut.count = self._cut.count, 0
        return Rest(begin, end, self._number, reading.ending(), cut)
