"""From the bytes of a log of kubelet or runtime to observations, at a limited pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fragtui.cluster.api_objects import read_event_line
from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.logs.parser import LogParser
from fragtui.sources.kernel_log.incident_stream import LineSplitter
from fragtui.sources.pods.line_tally import LineTally

_PARSED_A_SECOND = 500.0
_PARSED_AT_ONCE = 8000.0
"""Lines that may be parsed at once: as many as the journal has in half an hour."""


class PodLineParser:
    """Converts the relevant lines of one log to observations. If a parser fails on a line, only this line is lost."""

    def __init__(self, clock: Callable[[], float], utc_offset: float) -> None:
        self._parser = LogParser(now=clock())
        self._reader = PodLogReader(clock, utc_offset)
        self.unread = 0
        """Lines on which a parser failed."""

    @property
    def busy(self) -> bool:
        """Whether the next line may belong to the last one."""
        return self._parser.busy or self._reader.busy

    def worth_reading(self, line: bytes) -> bool:
        """Return whether the line may report on a pod, or continue a line that does."""
        return self._parser.busy or self._reader.worth_reading(line)

    def feed(self, line: bytes, number: int | None = None, torn: bool = False) -> list[PodObservation]:
        """Return the observations of the line."""
        try:
            if (events := read_event_line(line, number)) is not None:
                return list(events)
            records = self._parser.feed(line, number, torn)
            return [observation for record in records for observation in self._reader.feed(record)]
        except Exception:
            self.unread += 1
            return []

    def skip(self) -> None:
        """Mark that lines were left out here."""
        self._parser.skip()

    def finish(self) -> tuple[PodObservation, ...]:
        """Return pending observations: no more lines for now."""
        try:
            return self._reader.finish()
        except Exception:
            self.unread += 1
            return ()

    def end(self) -> tuple[PodObservation, ...]:
        """Return the observations completed by the end of the log."""
        try:
            rest = [observation for record in self._parser.finish() for observation in self._reader.feed(record)]
        except Exception:
            self.unread += 1
            rest = []
        return (*rest, *self.finish())


class PacedReader:
    """Converts the bytes of one log to observations. It limits the lines parsed per second: a flood is sampled."""

    def __init__(
        self,
        on_lines: Callable[[Sequence[bytes]], None] | None = None,
        writer: str | None = None,
    ) -> None:
        """`on_lines`, if set, gets the relevant lines of each reading; `writer` writes the lines that name none."""
        self._splitter = LineSplitter()
        self.tally = LineTally(writer)
        self._lines = PodLineParser(time.time, float(time.localtime().tm_gmtoff))
        self._on_lines = on_lines
        self._room = _PARSED_AT_ONCE
        self._filled = time.monotonic()
        self.left_out = 0
        """Relevant lines that were not read."""

    @property
    def unread(self) -> int:
        """Lines that no parser could read."""
        return self._lines.unread

    @property
    def cut(self) -> int:
        """Lines that were too long."""
        return self._splitter.cut.count

    @property
    def not_read(self) -> tuple[int, int, int]:
        """The numbers of unread lines of a flood, of unparsable lines and of cut lines."""
        return self.left_out, self.unread, self.cut

    def read(self, data: bytes, whole: bool = False) -> tuple[PodObservation, ...]:
        """Return the observations of the data; `whole` reads all of it, of any length."""
        now = time.monotonic()
        self._room = min(_PARSED_AT_ONCE, self._room + (now - self._filled) * _PARSED_A_SECOND)
        self._filled = now
        observations: list[PodObservation] = []
        taken: list[bytes] = []
        lines = self._splitter.lines(data)
        self.tally.see(lines)
        for line in lines:
            if not self._lines.worth_reading(line):
                continue
            if self._room < 1 and not whole:
                self.left_out += 1
                continue
            self._room -= 1
            observations.extend(self._lines.feed(line))
            if self._on_lines is not None:
                taken.append(line)
        observations.extend(self._lines.finish())
        if self._on_lines is not None and taken:
            self._on_lines(taken)
        return tuple(observations)
