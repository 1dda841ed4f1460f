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
_DMESG = re.compile(rb"\s*(?:\[|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6})")
"""What `dmesg` prints with -T, -e and --time-format iso, without a name of the kernel."""
_BINARY = re.compile(rb"[\0-\x06\x0e-\x1a\x7f]|[\xc0-\xff][\0-\x7f]")
"""What a text in UTF-8 does not contain; an escape starts a colour."""


def writers_of(lines: Iterable[bytes]) -> Counter[str]:
    """Return how many lines each has written: `KERNEL`, a program, or one of `UNKNOWN_WRITERS`."""
    found: Counter[str] = Counter()
    parser = LogParser()
    writer: str | None = None
    waiting = 0
    for line in lines:
        waiting += 1
        if _BINARY.search(line):
            writer = BINARY
        elif (records := parser.feed(line)) and records[0].text:
            writer = _writer(records[0], line)
        elif writer is None or parser.busy:
            continue  # A record of many lines, whose writer is known at its end.
        # An empty line, or one without a record of its own, belongs to the record before it.
        found[writer] += waiting
        waiting = 0
    if waiting:
        records = parser.finish()
        found[_writer(records[0], b"") if records else writer or NOT_UNDERSTOOD] += waiting
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
    is_dmesg = _DMESG.match(line) is not None and not line.lstrip().startswith(record.text[:40].encode() or b"?")
    return KERNEL if has_stamp or is_dmesg else NOT_UNDERSTOOD
