"""Logs given by name or on standard input, as incidents."""

from __future__ import annotations

import errno
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO

from fragtui.kernel.gfp.flags import GfpTable
from fragtui.kernel.reports.needles import SCAN_NEEDLES
from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import Explained, LogLinker
from fragtui.model.log_reader import LogPast, LogReading, LogTerms, PodLine
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.kernel_log.scan import large_file, near_lines
from fragtui.sources.large_logs.parallel import LargeLog, raise_unread, read_forked
from fragtui.sources.pods.saved_objects import are_objects, read_objects
from fragtui.text import epoch_seconds

POD_NEEDLES: tuple[bytes, ...] = (b"andbox", b"ntainer process")
"""What finds the lines of failing sandboxes in a large log; what else tells of their pods stands around them.

A bare ``failed to unshare namespaces: Cannot allocate memory`` has the kernel's needle ``alloc`` in it.
"""
_DESCRIBED: tuple[bytes, ...] = (b"Namespace:  ",)
"""The head of ``kubectl describe``, far above its events; looked for in logs that are not gigabytes."""


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log to read. `now` (epoch seconds, its last change) dates stamps without a year.

    `cut` counts its lines that were too long.
    """

    log: IO[bytes]
    name: str = ""
    now: float | None = None
    cut: CutLines = field(default_factory=CutLines)


def explain_log(
    log: IO[bytes], name: str = "", running: GfpTable | None = None, now: float | None = None, kernel: str | None = None
) -> Iterator[Incident]:
    """Yield one log's incidents, see `explain_logs`. Raises OSError and EOFError as the log does."""
    for each in explain_logs([OpenLog(log, name, now)], running, kernel):
        yield each.incident


def explain_logs(
    logs: Sequence[OpenLog],
    running: GfpTable | None = None,
    kernel: str | None = None,
    on_error: Callable[[OpenLog, Exception], None] | None = None,
) -> Iterator[Explained]:
    """Yield the incidents of logs read side by side in the order of time, linked across them, with flat memory.

    `running` is the flag table to use where a report tells neither flags nor kernel, `kernel` a release to use then.
    A log that breaks ends there, with what it told so far; `on_error` is told, without it the error is raised.
    """
    digest = LogLinker()
    if len(logs) == 1:
        for _, _, told in _told(logs[0], 0, running, kernel, on_error):
            yield from digest.feed(told)
    else:
        tellers = [_told(log, place, running, kernel, on_error) for place, log in enumerate(logs)]
        for _, place, told in heapq.merge(*tellers, key=lambda each: each[:2]):
            yield from digest.feed(told, place)
    yield from digest.finish()


def _told(
    source: OpenLog,
    place: int,
    running: GfpTable | None,
    kernel: str | None,
    on_error: Callable[[OpenLog, Exception], None] | None,
) -> Iterator[tuple[float, int, PodLine]]:
    """Yield what one log tells, with the moment and the log's place; what has no moment comes at once."""
    try:
        if are_objects(source.log):
            observations, why = read_objects(source.log)
            for observation in observations:
                yield observation.time or 0.0, place, observation
            if why is not None:
                raise OSError(errno.EINVAL, why)
            return
    except (OSError, EOFError) as error:
        if on_error is None:
            raise
        on_error(source, error)
        return
    changed = epoch_seconds(source.now)
    moment = time.time() if changed is None else changed
    terms = LogTerms(source.name, moment, time.localtime(moment).tm_gmtoff, running, kernel)
    try:
        for latest, told in _read(source.log, terms, source.cut):
            yield latest or 0.0, place, told
    except (OSError, EOFError) as error:
        if on_error is None:
            raise
        on_error(source, error)


def _read(log: IO[bytes], terms: LogTerms, cut: CutLines) -> Iterator[tuple[float | None, PodLine]]:
    """Yield what a log tells, each with the latest stamp so far. Raises OSError and EOFError as the log does."""
    needles: tuple[bytes, ...] = (*SCAN_NEEDLES, *POD_NEEDLES)
    if (large := large_file(log)) is None:
        needles = (*needles, *_DESCRIBED)
    elif (parts := read_forked(LargeLog(*large, needles, terms, cut=cut))) is not None:
        with closing(parts):
            yield from parts
        return
    reading = LogReading(terms, LogPast())
    try:
        with closing(near_lines(log, needles, lambda: reading.wanted, cut=cut)) as near:
            for number, line, torn, gap in near:
                if gap:
                    reading.skip()
                for each in reading.feed(line, number, torn):
                    yield each.time, each.told
    except (OSError, EOFError):
        yield from ((each.time, each.told) for each in reading.finish())
        raise
    yield from ((each.time, each.told) for each in reading.finish())
    raise_unread(reading.unread)
