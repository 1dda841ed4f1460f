"""``--since`` and ``--until``: moments as journalctl takes them (systemd.time(7))."""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fragtui.text import epoch_seconds

_MAX_TEXT = 64
_EXPECTED = 'expected a time such as "2026-11-28 20:00", "20:00", "1h ago", -1h, today or yesterday'
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]*)\s*", re.ASCII)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})?[ T]?(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?")
_UNITS = {
    name: seconds
    for names, seconds in (
        ("s sec second seconds", 1),
        ("m min minute minutes", 60),
        ("h hr hour hours", 3600),
        ("d day days", 86_400),
        ("w week weeks", 604_800),
    )
    for name in names.split()
} | {"": 1}
"""Seconds of each unit; a number without one is seconds."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A span of time, both ends included, in seconds since the epoch; None is open."""

    since: float | None = None
    until: float | None = None

    def covers(self, moment: float | None) -> bool:
        """Return whether the moment lies in the range; an unknown one only if the range is open on both ends."""
        if moment is None:
            return not self
        return (self.since is None or moment >= self.since) and (self.until is None or moment <= self.until)

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return self.since is not None or self.until is not None

    def __str__(self) -> str:
        """Return it as text in local time; empty if it is open on both ends."""
        ends = (("since", self.since), ("until", self.until))
        return " ".join(f"{name} {_local(at)}" for name, at in ends if at is not None)


def add_time_range(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--since`` and ``--until``; `what` has the times that they are compared with."""
    for option, side in (("--since", "from this time on"), ("--until", "up to this time")):
        parser.add_argument(
            option,
            type=_moment,
            metavar="TIME",
            help=f'only {what} {side}: "2026-11-28 20:00", "1h ago", -1h, today, yesterday',
        )


def time_range_of(args: argparse.Namespace) -> TimeRange:
    """Return the range that the options ask for."""
    return TimeRange(args.since, args.until)


def parse_moment(text: str, now: float) -> float | None:
    """Return the moment that a text names, in seconds since the epoch between 1970 and 2286; else None. Never raises.

    Times without a zone are local, those without a date are of today, dates without a time are their midnight.
    """
    text = text.strip()
    if len(text) > _MAX_TEXT or not text.isascii():
        return None
    word = text.lower()
    try:
        if word == "now":
            return now
        if word in _DAYS:
            return (_midnight(now) + timedelta(days=_DAYS[word])).timestamp()
        if word.startswith("@"):
            return epoch_seconds(float(word[1:])) if re.fullmatch(r"@\d{1,11}(\.\d{1,9})?", word) else None
        if word.endswith("ago") or word[:1] in {"-", "+"}:
            return epoch_seconds(_relative(word, now))
        return epoch_seconds(_absolute(text, now))
    except (ValueError, OverflowError, OSError):  # No such day, no such time, not in the range of time_t.
        return None


def _relative(word: str, now: float) -> float | None:
    sign = 1 if word.startswith("+") else -1
    body = word.removesuffix("ago").strip() if word.endswith("ago") else word[1:].strip()
    seconds, at = 0.0, 0
    while at < len(body):
        found = _SPAN.match(body, at)
        if found is None or found[2] not in _UNITS:
            return None
        seconds += float(found[1]) * _UNITS[found[2]]
        at = found.end()
    return now + sign * seconds if body else None


def _absolute(text: str, now: float) -> float | None:
    found = _DATE.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        return None
    day = datetime.fromisoformat(found[1]) if found[1] else _midnight(now)
    if found[2]:
        hours, minutes, seconds = (*found[2].split(":"), "0")[:3]
        whole, _, fraction = seconds.partition(".")
        day = day.replace(
            hour=int(hours), minute=int(minutes), second=int(whole), microsecond=int(f"{fraction:0<6}"[:6] or 0)
        )
    if found[3] in ("Z", "UTC"):
        return day.replace(tzinfo=UTC).timestamp()
    return datetime.fromisoformat(f"{day.isoformat()}{found[3]}").timestamp() if found[3] else day.timestamp()


def _midnight(now: float) -> datetime:
    return datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _local(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment):%Y-%m-%d %H:%M:%S}"


def _moment(text: str) -> float:
    moment = parse_moment(text, time.time())
    if moment is None:
        raise argparse.ArgumentTypeError(f"{text}: {_EXPECTED}")
    return moment
