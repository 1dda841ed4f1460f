"""Logs given by name or on standard input, as incidents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import IO

from fragtui.cluster.read_line import worth_reading
from fragtui.kernel.gfp import GfpTable
from fragtui.kernel.needles import SCAN_NEEDLES
from fragtui.logs.transport import LogParser
from fragtui.model.incident import Incident
from fragtui.model.log_digest import LogDigest
from fragtui.sources.log_scan import near_lines

POD_NEEDLES: tuple[bytes, ...] = (b"andbox", b"ntainer process", b"unshar")
"""What finds the lines of failing sandboxes in a large log; what else tells of their pods stands around them."""


def explain_log(
    log: IO[bytes], name: str = "", running: GfpTable | None = None, now: float | None = None, kernel: str | None = None
) -> Iterator[Incident]:
    """Yield a log's incidents, about in its order, with flat memory.

    `running` is the flag table to use where a report tells neither flags nor kernel, `kernel` a release to use then.
    `now` (epoch seconds) dates stamps without a year. Raises OSError and EOFError as the log does.
    """
    parser = LogParser(now=time.time() if now is None else now)
    digest = LogDigest(name, running, kernel)
    after = 0
    busy = False

    def wanted() -> bool:
        return busy or after > 0

    for number, line, torn, gap in near_lines(log, (*SCAN_NEEDLES, *POD_NEEDLES), wanted):
        if gap:
            parser.skip()
        # A wrapped message of kubelet or runtime goes on for a few lines.
        after = 4 if not busy and worth_reading(line) else after - 1
        for record in parser.feed(line, number, torn):
            yield from digest.feed(record)
        busy = digest.busy or parser.busy
    for record in parser.finish():
        yield from digest.feed(record)
    yield from digest.finish()
