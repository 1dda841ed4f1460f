"""The incidents of log files and of standard input."""

from __future__ import annotations

import errno
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import IO

from fragtui.cluster.event_reasons import is_of_image
from fragtui.cluster.needles import FAILED_REASON, FAILURE_MARKS, FAILURE_NEEDLES, REASON_NEEDLE, TABLE_NEEDLES
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.kernel.gfp.flags import GfpTable
from fragtui.kernel.reports.needles import DRIVER_NEEDLES, REPORT_NEEDLES
from fragtui.logs.own_stamp import shift_by
from fragtui.model.log_linker import Explained, LogLinker
from fragtui.model.log_reader import LogReading, LogTerms, PodLine
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.files.log_files import as_utf8, head_of, stamped_in
from fragtui.sources.kernel_log.needle_search import GatedNeedles
from fragtui.sources.kernel_log.scan import near_lines
from fragtui.sources.pods.saved_objects import are_objects, read_objects
from fragtui.sources.saved.dating import latest_stamp, moment_of
from fragtui.sources.saved.read_lines import ReadLines
from fragtui.text import counted, epoch_seconds

_NEEDLES: tuple[bytes, ...] = (*REPORT_NEEDLES, *TABLE_NEEDLES)
"""Needles of the kernel, and of the heads above events; one that reports ENOMEM contains the kernel's ``alloc``."""
POD_NEEDLES = GatedNeedles(FAILURE_MARKS, (*FAILURE_NEEDLES, *DRIVER_NEEDLES), REASON_NEEDLE, FAILED_REASON)
_AHEAD = 8
"""Blocks with needles that are searched before the first is read; more save no time."""
_UNSEARCHED = 1 << 16
"""Bytes at the beginning of a log of which every line is read: a pasted text may break a needle, or lack it."""


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log to read. `now` (epoch seconds, its last change) dates stamps without a year.

    `cut` counts its lines, and those that were too long.
    """

    log: IO[bytes]
    name: str = ""
    now: float | None = None
    cut: ReadLines = field(default_factory=ReadLines)


def explain_logs(
    logs: Sequence[OpenLog],
    running: GfpTable | None = None,
    kernel: str | None = None,
    on_error: Callable[[OpenLog, Exception], None] | None = None,
) -> Iterator[Explained]:
    """Yield the incidents of logs read side by side in the order of time, linked across them, with flat memory.

    `running` is the flag table for reports with neither flags nor kernel, `kernel` a release for them. A log that fails
    ends at that place, its incidents so far are kept; `on_error` gets the error, else it is raised.
    After a KeyboardInterrupt while a log is read, the incidents so far come first, then the interrupt is raised.
    """
    linker = LogLinker()
    interrupt: KeyboardInterrupt | None = None
    # Lines without a year may stand above the first that shows year and zone, or in another log of the same node.
    twice = [stamped_in(log.log) for log in logs]
    some = next(filter(None, twice), None)
    latest = latest_stamp(log.log for log in logs) if len(logs) > 1 else None
    ahead = 1 if len(logs) > 1 else _AHEAD
    readers = [
        _lines_of(log, place, twice[place] or some, latest, running, kernel, on_error, ahead)
        for place, log in enumerate(logs)
    ]
    lines = readers[0] if len(readers) == 1 else heapq.merge(*readers, key=lambda item: item[:2])
    try:
        for _, place, line in lines:
            yield from linker.feed(line, place)
    except KeyboardInterrupt as error:
        interrupt = error
    yield from linker.finish()
    if interrupt is not None:
        raise interrupt


def _lines_of(
    source: OpenLog,
    place: int,
    stamped: str | None,
    newest: float | None,
    running: GfpTable | None,
    kernel: str | None,
    on_error: Callable[[OpenLog, Exception], None] | None,
    ahead: int,
) -> Iterator[tuple[float, int, PodLine]]:
    """Yield the incidents and observations of a log, with time and the log's index; those without a time at once.

    `stamped` is a line that shows year and zone of the log, see `shift_by`; `newest` as `latest` of `moment_of`;
    `ahead` as of `near_lines`.
    """
    changed = epoch_seconds(source.now)
    moment = time.time() if changed is None else moment_of(changed, newest)
    try:
        log = as_utf8(source.log)
        shift = shift_by(stamped, moment) or 0.0 if stamped is not None else 0.0
        offset = time.localtime(moment).tm_gmtoff - shift
        terms = LogTerms(source.name, moment, offset, running, kernel, shift, head_of(log))
        if are_objects(log):
            observations, why = read_objects(log)
            source.cut.objects = len(observations)
            for observation in observations:
                yield observation.time or 0.0, place, _as_failure(observation)
            if why is not None:
                raise OSError(errno.EINVAL, why)
            return
        for latest, line in read_log(log, terms, source.cut, ahead):
            yield latest or 0.0, place, line
    except (OSError, EOFError) as error:
        if on_error is None:
            raise
        on_error(source, error)


def _as_failure(observation: PodObservation) -> PodObservation:
    """Return a pod that waits with the runtime's error as the failure that it is; anything else as it is."""
    if observation.fact is not PodFact.WAITS or not observation.error or is_of_image(observation.error):
        return observation
    return replace(observation, fact=PodFact.FAILED)


def read_log(log: IO[bytes], terms: LogTerms, cut: CutLines, ahead: int = 1) -> Iterator[tuple[float | None, PodLine]]:
    """Yield the incidents and observations of a log, each with the latest stamp so far; `ahead` as of `near_lines`.

    Raises OSError, EOFError and KeyboardInterrupt, after what was read until then.
    """
    reading = LogReading(terms)
    for reported in read_near(log, reading, _NEEDLES, cut, ahead):
        yield reading.time, reported
    if reading.unread:
        raise OSError(errno.EBADMSG, f"{counted(reading.unread, 'line')} could not be read")


def read_near(
    log: IO[bytes], reading: LogReading, needles: Sequence[bytes], cut: CutLines, ahead: int = 1
) -> Iterator[PodLine]:
    """Yield what a reading finds in a log's beginning and near `needles` and `POD_NEEDLES`.

    Raises as `read_log` does.
    """
    unsearched = _UNSEARCHED

    def wanted() -> bool:
        return unsearched > 0 or reading.wanted

    try:
        with closing(near_lines(log, needles, wanted, cut=cut, gated=POD_NEEDLES, ahead=ahead)) as near:
            for number, line, torn, gap in near:
                unsearched -= len(line) + 1
                if gap:
                    reading.skip()
                yield from reading.feed(line, number, torn)
    except (OSError, EOFError, KeyboardInterrupt):
        yield from reading.finish()
        raise
    yield from reading.finish()
