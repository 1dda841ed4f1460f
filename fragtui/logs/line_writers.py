"""Who wrote the lines of a log: the kernel, a program, or something that no format explains."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from fragtui.logs.syslog_line import KERNEL_PROGRAMS

KERNEL = "kernel"
BINARY = "binary"
NOT_UNDERSTOOD = "not understood"
UNKNOWN_WRITERS = (NOT_UNDERSTOOD, BINARY)
"""Of text in no known format, and of data that is no text."""
_KLOG = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+:\d+\] ")
_LOGFMT = ("time=", "level=", "msg=")
_BINARY = re.compile(rb"[\0-\x06\x0e-\x1a\x7f]|[\xc0-\xff][\0-\x7f]")
"""What a text in UTF-8 does not contain; an escape starts a colour."""


def writers_of(lines: Iterable[bytes]) -> Counter[str]:
    """Return how many lines each has written: `KERNEL`, a program, or one of `UNKNOWN_WRITERS`."""
    found: Counter[str] = Counter()
    parser = LogParser()
    writer = NOT_UNDERSTOOD
    for line in lines:
        if _BINARY.search(line):
            writer = BINARY
        elif line.strip() and (records := parser.feed(line)):
            writer = _writer(records[0], line)
        # An empty line, or one without a record of its own, belongs to the record before it.
        found[writer] += 1
    return found


def _writer(record: LogRecord, line: bytes) -> str:
    if record.from_kernel or record.program in KERNEL_PROGRAMS:
        return KERNEL
    if record.program is not None:
        return record.program
    if _KLOG.match(record.text):
        return "kubelet"
    if record.text.startswith(_LOGFMT):
        return "container runtime"
    has_stamp = record.monotonic is not None or record.sequence is not None or record.level is not None
    # `dmesg -T` prints the time of day in brackets.
    return KERNEL if has_stamp or (record.time is not None and line.lstrip()[:1] == b"[") else NOT_UNDERSTOOD
