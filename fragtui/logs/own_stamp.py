"""The full stamp that kubelet and runtimes write themselves, as the truth for the year-less stamp before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from fragtui.logs.dmesg_prefix import Prefix
from fragtui.logs.syslog_line import SyslogLine, parse_syslog
from fragtui.logs.timestamps import rfc3339_time
from fragtui.text import epoch_seconds

_OWN = re.compile(r'\{?.{0,400}?(?:\btime="|"time": ?")(\d{4}-\d\d-\d\d[T ][\d:.]{8,18}(?: ?(?:Z|[+-]\d\d:?\d\d)))"')
_MILLISECONDS = re.compile(r'\{.{0,400}?"ts": ?(\d{12,13})(?:\.\d{1,9})?[,}]')
_LATE_SECONDS = 5.0
"""How much later than its own stamp a line may be logged, to be compared."""
_MAX_ZONE_SECONDS = 14 * 3600.0
_PROGRAM = re.compile(r"container|docker|crio|kube|k[03]s|rke2|podman|nomad")
"""Programs that log the moment at which they write a line."""
_MAX_LINE = 2000
_SOME_MOMENT = 1.7e9
_STEP_SECONDS = 900.0
"""All zones of today are multiples of 15 minutes."""


def own_time(text: str) -> float | None:
    """Return the epoch seconds of the stamp in a message of logfmt or JSON; None if it has none with a zone."""
    if text.startswith("{") and (found := _MILLISECONDS.match(text)) is not None:
        return epoch_seconds(int(found[1]) / 1000)
    if not text.startswith(("time=", "{")) or (found := _OWN.match(text)) is None:
        return None
    return rfc3339_time(found[1])


def zone_shift(own: float, guessed: float) -> float | None:
    """Return the seconds by which guessed times of a log are wrong: its zone, and whole years.

    None if no zone explains the difference: the line is about another moment than that at which it was logged.
    """
    seen, true = datetime.fromtimestamp(guessed, UTC), datetime.fromtimestamp(own, UTC)
    candidates = []
    for year in (true.year - 1, true.year, true.year + 1):  # Near midnight of New Year's Eve.
        try:
            candidates.append(seen.replace(year=year).timestamp())
        except ValueError:
            continue
    zone = min((own - moment for moment in candidates), key=abs, default=_MAX_ZONE_SECONDS + 1)
    step = round(zone / _STEP_SECONDS) * _STEP_SECONDS
    if abs(zone - step) > _LATE_SECONDS or abs(step) > _MAX_ZONE_SECONDS:
        return None
    return own - zone + step - guessed


def date_yearless(line: SyslogLine | None, shift: float) -> float:
    """Correct the guessed time of a line without a year by the shift, and return the shift for those after it.

    A full stamp of its own is the truth for it and for them.
    """
    if line is not None and line.yearless and line.time is not None:
        if line.text.startswith(("time=", "{")) and (found := _shift_of(line)) is not None:
            shift = found
        line.time += shift
    return shift


def stamped_twice(lines: Iterable[bytes]) -> str | None:
    """Return the first line that has a full stamp of its own behind one without a year; None if none has."""
    for line in lines:
        if (b'time="' in line or b'"ts":' in line or b'"time":' in line) and line[:1].isalpha():
            text = line[:_MAX_LINE].decode("utf-8", "replace")
            if shift_by(text, _SOME_MOMENT) is not None:
                return text
    return None


def shift_by(line: str, now: float) -> float | None:
    """Return the shift that such a line shows for stamps dated by `now`, see `LogParser`; None for any other line."""
    parsed = parse_syslog(line, Prefix(), now)
    return None if parsed is None or not parsed.yearless else _shift_of(parsed)


def _shift_of(line: SyslogLine) -> float | None:
    # Other programs write stamps of other moments, too: when a job is due, or when it ran.
    if line.time is None or _PROGRAM.search(line.program or "") is None or (own := own_time(line.text)) is None:
        return None
    return zone_shift(own, line.time)
