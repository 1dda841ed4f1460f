"""Prefixes of a kernel line: priorities, timestamps and callers, as dmesg and similar tools print them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.logs.timestamps import dated_time, iso_time, month_number

_MONOTONIC = re.compile(r"\[ *(\d{1,10})\.(\d{3,9})(?:[ ,/@<][^\]]{0,40})?\] ?", re.ASCII)
_CALLER = re.compile(r"\[ *([TC]\d+)\] ?", re.ASCII)
_DATE = re.compile(
    r"\[(?:\S{1,12} +)?(\d{1,2}[月월]|[^\W\d_]{3,9}\.?) *(\d{1,2}) (\d\d:\d\d:\d\d)(?:\.\d+)? (\d{4})\] ?"
)
_ISO_BRACKET = re.compile(r"\[(\d{4}-\d\d-\d\d[T ][^\]]{8,24})\]:? ?")
_OTHER_BRACKET = re.compile(
    r"\[(?: *+\+\d++\.\d++|\S{3,6} ?\d{1,2} \d\d:\d\d(?::\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?| *+<? *+\d++\.\d++>)\] ?"
)
_VENDOR = re.compile(r"(?:<\d>)?\.?\(\d+\)\[\d+:[^\]]{0,20}\]|\[\d+: *[^\]:]{1,16}: *\d+\] ?")
_PRIORITY = re.compile(r"<(\d{1,3})>")
_DECODED = re.compile(
    r"(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local\d) *:"
    r" *(emerg|alert|crit|err|error|warn|warning|notice|info|debug) *: ?"
)
_LEVELS = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warn": 4, "warning": 4}
_LEVELS |= {"notice": 5, "info": 6, "debug": 7}
_FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp")
STAMPED = re.compile(
    r"(?:(?:[^\s:()\[\]]+ )?kernel: |\[ *\d+\.\d|<\d+>|\S{1,5} +\d{1,2} \d\d:\d\d:\d\d"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:|\[(?=[^\]]*+\])[^\]]*?\d\d:\d\d)"
)
"""A stamp that a line of the kernel or of a syslog daemon begins with."""
MONOTONIC_HOST = re.compile(r"(?:\S+ )?(?:kernel|[a-zA-Z][\w.@-]*\[\d+\]): ")
DATELESS = re.compile(
    r"(?!.{1,15}(?:: page allocation| invoked oom-killer| cpuset=|: vm))([^\s:()\[\]]+) kernel: ",
)
"""A syslog line whose date was cut off; not matched if the words could be a task's name."""


@dataclass(slots=True)
class Prefix:
    """The prefixes of a line, and where its text begins (`end`, an index into the line)."""

    end: int = 0
    time: float | None = None
    monotonic: float | None = None
    caller: str | None = None
    facility: int | None = None
    level: int | None = None
    stamped: bool = False


def read_priority(line: str, prefix: Prefix) -> None:
    """Read ``<4>`` (raw dmesg, syslog) or ``kern  :warn  :`` (dmesg -x, Talos) at the prefix's end."""
    if found := _PRIORITY.match(line, prefix.end):
        priority = int(found[1])
        prefix.facility, prefix.level, prefix.end = priority >> 3, priority & 7, found.end()
        prefix.stamped = True
    elif found := _DECODED.match(line, prefix.end):
        name = found[1]
        prefix.facility = 16 + int(name[5:]) if name.startswith("local") else _FACILITIES.index(name)
        prefix.level, prefix.end, prefix.stamped = _LEVELS[found[2]], found.end(), True


def read_brackets(line: str, prefix: Prefix) -> None:
    """Read every bracketed timestamp and caller at the prefix's end, in any order.

    Seen: ``[ 12.345678]``, ``[ 12.345678][  T460]``, ``[Di Aug 12 03:54:03 2025]``, ``[二 9月  3 05:57:48 2024]``,
    ``[ 12.345 <  0.000012>]``, ``[  +0.000005]``, ``[Apr20 15:09]``, ``[ 12.345678 / 01-22 10:00:00.123]``,
    ``[2025-01-21T08:41:30.287Z]:``, ``<0>.(0)[1:init]``, ``[2: kworker/2:1: 123]``.
    """
    for _ in range(4):
        if line[prefix.end : prefix.end + 1] not in {"[", "<", "(", "."}:
            return
        if found := _MONOTONIC.match(line, prefix.end):
            # The first timestamp is the kernel's; a vendor's addition after it is another clock.
            if prefix.monotonic is None:
                prefix.monotonic = int(found[1]) + int(found[2]) / 10 ** len(found[2])
        elif found := _CALLER.match(line, prefix.end):
            prefix.caller = found[1]
        elif found := _DATE.match(line, prefix.end):
            month = month_number(found[1])
            if prefix.time is None and month is not None:
                prefix.time = dated_time(int(found[4]), month, int(found[2]), found[3])
        elif found := _ISO_BRACKET.match(line, prefix.end):
            prefix.time = prefix.time if prefix.time is not None else iso_time(found[1])
        elif not (
            (found := _OTHER_BRACKET.match(line, prefix.end))
            or (prefix.stamped and (found := _VENDOR.match(line, prefix.end)))
        ):
            return
        prefix.end, prefix.stamped = found.end(), True
