"""The moment that dates stamps without a year: a log's last change, unless that is only the day of its copy."""

from __future__ import annotations

import io
import os
import re
import time
from calendar import timegm
from collections.abc import Iterable
from typing import IO

from fragtui.sources.files.log_files import HEAD_BYTES, head_of

_FULL = re.compile(
    rb"^(?:\S{1,64}[ :] ?)?(?:time=\"|\[)?"
    rb"(?:(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)|\w{3} (\w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\])",
    re.MULTILINE,
)
_DAY = 86_400.0
_COPIED = 300 * _DAY
"""Between the last full stamp of a bundle and a log's last change: it was copied, and its time was not kept."""
_YET_TO_COME = 180 * _DAY
"""Half a year behind that stamp: stamps without a year lie around it."""


def latest_stamp(logs: Iterable[IO[bytes]]) -> float | None:
    """Return the latest stamp with a year in the beginnings and ends of logs, epoch seconds; None if there is none.

    The logs stay where they are. A zone counts as UTC.
    """
    return max(filter(None, (_moment(found) for log in logs for found in _FULL.finditer(_ends_of(log)))), default=None)


def moment_of(changed: float, latest: float | None) -> float:
    """Return the moment that no stamp of a log is later than; `latest` is that of all logs of the node."""
    return changed if latest is None or changed - latest < _COPIED else latest + _YET_TO_COME


def _ends_of(log: IO[bytes]) -> bytes:
    try:
        head = head_of(log)
    except (OSError, EOFError):  # The reader reports it.
        return b""
    if not isinstance(log, io.FileIO) or len(head) < HEAD_BYTES:
        return head
    at = log.tell()
    log.seek(-HEAD_BYTES, os.SEEK_END)
    tail = log.read(HEAD_BYTES)
    log.seek(at)
    return head + b"\n" + tail


def _moment(found: re.Match[bytes]) -> float | None:
    text = (found[1] or found[2]).decode().replace("T", " ", 1 if found[1] else 0)
    try:
        moment = timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S" if found[1] else "%b %d %H:%M:%S %Y"))
    except ValueError:
        return None
    return float(moment) if moment < time.time() + _DAY else None
