"""Records of /dev/kmsg: ``prefix,sequence,microseconds,flag[,key=value...];text`` and its dictionary lines.

Format: Documentation/ABI/testing/dev-kmsg and kernel/printk/printk.c, 3.5 to 6.19.
"""

from __future__ import annotations

import re

from fragtui.logs.record import LogRecord, message_lines
from fragtui.text import LINE_BYTES, epoch_seconds, printable

_RECORD = re.compile(r"(\d{1,20}),(\d{1,20}),(\d{1,20}),[-c+](?:,([^;]*))?;", re.ASCII)
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


def looks_like_kmsg(line: str) -> bool:
    """Return whether a line starts like a record of /dev/kmsg."""
    return _RECORD.match(line) is not None


def parse_kmsg_record(
    data: bytes, boot: float | None = None, line: int | None = None, torn: bool = False
) -> tuple[LogRecord, ...]:
    r"""Return the messages of one record as read from /dev/kmsg, one for each line of its text; empty if it is not one.

    The device escapes every byte outside printable ASCII and the backslash as ``\xNN``, newlines included, so the
    text is unescaped after its own line is cut off. `boot` is the epoch second of the kernel's time zero, if known.
    """
    head, _, _dictionary = data[:LINE_BYTES].partition(b"\n")
    found = _RECORD.match(head.decode("latin-1"))
    if found is None:
        return ()
    prefix, sequence, stamp = int(found[1]), int(found[2]), int(found[3]) / 1e6
    caller = None
    for extra in (found[4] or "").split(","):
        key, _, value = extra.partition("=")
        if key == "caller":
            caller = printable(value, 32)
    raw = head[found.end() :]
    if b"\\" in raw:
        raw = _ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), raw)
    lines = message_lines(raw.decode("utf-8", "surrogateescape"))
    torn = torn or (len(data) > LINE_BYTES and len(head) == LINE_BYTES)
    return tuple(
        LogRecord(
            text=text,
            line=line,
            time=None if boot is None else epoch_seconds(boot + stamp),
            monotonic=stamp,
            sequence=sequence,
            facility=prefix >> 3,
            level=prefix & 7,
            caller=caller,
            # A writer cannot claim facility 0 (devkmsg_write makes it LOG_USER), so 0 is the kernel.
            from_kernel=prefix >> 3 == 0,
            torn=torn and index == len(lines) - 1,
        )
        for index, text in enumerate(lines)
    )
