"""Observations of pods in a saved log of any size: large blocks are searched for needles, only their lines parsed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import IO

from fragtui.cluster.line_reader import POD_NEEDLES
from fragtui.cluster.observation import PodObservation
from fragtui.sources.kernel_log.scan import near_lines
from fragtui.sources.pods.runtime_log import PodLineParser


def scan_pods(
    log: IO[bytes],
    now: float | None = None,
    utc_offset: float = 0.0,
    on_unread: Callable[[int], None] = lambda _: None,
) -> Iterator[PodObservation]:
    """Yield the observations of pods in a log (kubelet, runtime, syslog, journal, events); lines count from 1.

    `now` (epoch seconds, the log's last change) dates stamps without a year, `utc_offset` (seconds) those without a
    zone. At the end `on_unread` gets the number of lines that no parser could read.
    """
    moment = time.time() if now is None else now
    lines = PodLineParser(lambda: moment, utc_offset)
    for number, line, torn, gap in near_lines(log, POD_NEEDLES, lambda: lines.busy, before=1):
        if gap:
            lines.skip()
        if lines.worth_reading(line):
            yield from lines.feed(line, number, torn)
    yield from lines.end()
    on_unread(lines.unread)
