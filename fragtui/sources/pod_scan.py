"""What a saved log of any size says of pods: large blocks are searched for needles, only their lines are parsed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import IO

from fragtui.cluster.pod_log import PodLogReader
from fragtui.cluster.read_line import SCAN_NEEDLES
from fragtui.cluster.sighting import Sighting
from fragtui.logs.transport import LogParser
from fragtui.sources.log_scan import near_lines


def scan_pods(log: IO[bytes], now: float | None = None, utc_offset: float = 0.0) -> Iterator[Sighting]:
    """Yield what a log (of kubelet, runtime, syslog, journal, events) says of the start of pods, lines from 1.

    `now` (epoch seconds, the log's last change) dates stamps without a year, `utc_offset` (seconds) those without a
    zone. Give the sightings of all logs to `fragtui.model.sandbox_incidents.assemble`.
    """
    moment = time.time() if now is None else now
    parser = LogParser(now=moment)
    reader = PodLogReader(lambda: moment, utc_offset)
    for number, line, torn, gap in near_lines(log, SCAN_NEEDLES, lambda: reader.busy or parser.busy, before=1):
        if gap:
            parser.skip()
        if not parser.busy and not reader.worth_reading(line):
            continue
        for record in parser.feed(line, number, torn):
            yield from reader.feed(record)
    for record in parser.finish():
        yield from reader.feed(record)
    yield from reader.finish()
