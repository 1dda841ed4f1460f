"""Timestamps of logs, as seconds since the epoch."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from fragtui.text import epoch_seconds

ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|[+-]\d\d:?\d\d)| (?:UTC|GMT)(?= ))?"
)
"""ISO 8601 / RFC 3339, with the comma of `dmesg --time-format iso` and the bare offset of `journalctl -o short-iso`."""

# First letters of months in the locales that syslog daemons, dmesg -T and journalctl print;
# digits with a month sign (8月, 8월) are read as numbers.
_MONTHS = (
    "jan ene gen янв січ sty led oca ιαν tammi",
    "feb fév fev фев лют lut úno şub φεβ helmi févr",
    "mar mär mrt мар бер kwi_ bře μαρ maalis mars maa",
    "apr avr abr апр кві kwi dub nis απρ huhti avri",
    "may mai mag mei май мая тра maj kvě μάι touko",
    "jun giu июн чер cze čer haz ιού kesä juin",
    "jul lug июл лип lip čec tem ιού_ heinä juil",
    "aug aoû ago авг сер sie srp ağu αύγ elo août",
    "sep set сен вер wrz zář eyl σεπ syys sept",
    "oct okt out ott окт жов paź říj eki οκτ loka",
    "nov ноя лис lis kas νοέ marras",
    "dec dez dic déc дек гру gru pro ara δεκ joulu",
)
_MONTH_NUMBER = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_DAY = 86_400.0
_MAX_LENGTH = 64
"""Characters of the longest timestamp."""


@lru_cache(maxsize=256)
def month_number(word: str) -> int | None:
    """Return the month (1 to 12) of an abbreviated name in any locale of the table, or None."""
    word = word.casefold().rstrip(".")
    if word[:1].isdigit():
        digits = word.rstrip("月월")
        return int(digits) if digits.isdecimal() and 1 <= int(digits) <= 12 else None
    return _MONTH_NUMBER.get(word) or _MONTH_NUMBER.get(word[:4]) or _MONTH_NUMBER.get(word[:3])


def iso_time(stamp: str) -> float | None:
    """Return the epoch seconds of a timestamp that `ISO` matches; without an offset it is local time."""
    return _iso_time(stamp[:_MAX_LENGTH])


def rfc3339_time(stamp: str) -> float | None:
    """Return the epoch seconds of a text that is one RFC 3339 stamp and nothing else, None without an offset."""
    match = ISO.fullmatch(stamp) if len(stamp) <= _MAX_LENGTH else None
    return _iso_time(stamp) if match is not None and match[8] else None


@lru_cache(maxsize=256)
def _iso_time(stamp: str) -> float | None:
    if (found := ISO.match(stamp)) is None:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    micro = int((found[7] or "0")[:6].ljust(6, "0"))
    zone: timezone | None = None
    if found[8] == "Z" or (found[8] is None and found[0].endswith(("UTC", "GMT"))):
        zone = UTC
    try:
        if zone is None and found[8]:
            digits = found[8].replace(":", "")
            ahead = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
            zone = timezone(-ahead if digits[0] == "-" else ahead)
        return epoch_seconds(datetime(year, month, day, hour, minute, min(second, 59), micro, zone).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def dated_time(year: int, month: int, day: int, clock: str) -> float | None:
    """Return the epoch seconds of a local date and a clock ``hh:mm:ss``."""
    minute = _minute_time(year, month, day, clock[:5])
    return None if minute is None or not clock[6:].isdecimal() else minute + min(int(clock[6:8]), 59)


@lru_cache(maxsize=4096)
def _minute_time(year: int, month: int, day: int, clock: str) -> float | None:
    try:
        return epoch_seconds(datetime(year, month, day, int(clock[:2]), int(clock[3:5])).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def yearless_time(month: int, day: int, clock: str, now: float) -> float | None:
    """Return the epoch seconds of an RFC 3164 timestamp, in the latest year in which it is not after tomorrow."""
    minute = _yearless_minute(month, day, clock[:5], now)
    return None if minute is None or not clock[6:].isdecimal() else minute + min(int(clock[6:8]), 59)


@lru_cache(maxsize=4096)
def _yearless_minute(month: int, day: int, clock: str, now: float) -> float | None:
    year = datetime.fromtimestamp(now).year
    return latest_time(lambda year: _minute_time(year, month, day, clock), year, now)


def latest_time(time_in: Callable[[int], float | None], year: int, now: float) -> float | None:
    """Return the moment of a date without a year: in the latest year that does not put it past tomorrow.

    `time_in` returns the epoch seconds in a year, or None if that year has no such date; `year` is that of `now`. Six
    years are tried, so that a 29 February is found.
    """
    times = (time_in(candidate) for candidate in range(year + 1, year - 5, -1))
    return next((time for time in times if time is not None and time <= now + _DAY), None)
