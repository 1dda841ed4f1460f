"""Text and numbers: make outside text safe to show, bound outside numbers, format sizes, counts and durations."""

from __future__ import annotations

import errno
import re

LINE_BYTES = 16 * 1024
"""Bytes of a line, and characters of a message, that are read; the rest is cut off before any expression sees it.

The kernel's own limit is about 1 KiB a record.
"""
JSON_BYTES = 1 << 20
"""Bytes of a line that carries JSON; the message inside is cut at `LINE_BYTES`."""
LATEST = 10_000_000_000
"""Epoch seconds of the year 2286: no log, event or recording has a later stamp."""
_MAX_DIGITS = 20
"""Digits of the largest 64-bit number. Python refuses to convert some thousands of them."""
_UNITS = "KMGTPE"
_THOUSANDS = "kMGTPE"
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", re.ASCII)
_SIZE = re.compile(r"(\d{1,9})([KMGT])(?:i?B)?", re.ASCII)
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def printable(text: str, limit: int = 300) -> str:
    r"""Return text from outside made safe to show: nothing in it can move a cursor or hide a word.

    Every character that is not printable (control bytes, C1, escape, bidirectional marks, lone surrogates)
    becomes its escape as Python writes it (``\x1b``, ``\u202e``, ``\n``), and what is longer than `limit`
    characters is cut with an ellipsis. Every text that the node, the kernel or the cluster wrote passes
    through here once, when it is read.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def line_limit(line: bytes) -> int:
    """Return how many bytes of a line are read: more of one that carries JSON than of any other."""
    start = line[:64].lstrip().removeprefix(b"data:").lstrip()
    is_json = start[:1] in {b"{", b'"'} or (start[:1] == b"[" and start[1:].lstrip()[:1] in {b"{", b'"', b"["})
    return JSON_BYTES if is_json else LINE_BYTES


def bounded_int(text: str | bytes | None, most: int = (1 << 64) - 1) -> int | None:
    """Return the number that ASCII digits write, from 0 to `most`; None for anything else. Never raises."""
    if not text or len(text) > _MAX_DIGITS or not text.isdigit() or not text.isascii():
        return None
    value = int(text)
    return value if value <= most else None


def epoch_seconds(seconds: float | None) -> float | None:
    """Return seconds since the epoch if they are between 1970 and 2286, which every calendar has; else None."""
    return seconds if seconds is not None and 0 <= seconds < LATEST else None


_SHORT_OF = {
    errno.EMFILE: "this process has reached its limit of open files (ulimit -n)",
    errno.ENFILE: "this machine has reached its limit of open files (fs.file-max)",
    errno.EAGAIN: "the limit of tasks (pids cgroup, ulimit -u) is reached",
    errno.ENOMEM: "there is no memory left",
}


def shortage(error: BaseException) -> str | None:
    """Return which resource the machine has run out of, None if the error has another cause."""
    if isinstance(error, MemoryError):
        return _SHORT_OF[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        # pthread_create(3) fails in the same way for a limit and for memory; Python keeps no errno.
        return "no thread can be started: the limit of tasks (pids cgroup, ulimit -u) or memory is reached"
    return _SHORT_OF.get(error.errno or 0) if isinstance(error, OSError) else None


def format_bytes(size: int) -> str:
    """Return a size in bytes with three significant digits and a binary unit: ``4K``, ``1.50M``, ``15.9G``."""
    if size < 0:
        return "-" + format_bytes(-size)
    if size < 1024:
        return f"{size}B"
    value, unit = size / 1024, 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    if value == int(value) or value >= 99.95:
        return f"{value:.0f}{_UNITS[unit]}"
    return f"{value:.1f}{_UNITS[unit]}" if value >= 9.995 else f"{value:.2f}{_UNITS[unit]}"


def format_block(page_size: int, order: int) -> str:
    """Return the size of a block, with its order: ``4M (order 10)``."""
    return f"{format_bytes(page_size << order)} (order {order})"


def format_count(count: int) -> str:
    """Return a count in at most five columns: ``842``, ``53.1k``, ``3.81M`` (decimal thousands)."""
    if abs(count) < 10_000:
        return str(count)
    value, unit = count / 1000, 0
    while abs(value) >= 999.5 and unit < len(_THOUSANDS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f}{_THOUSANDS[unit]}" if abs(value) >= 99.95 else f"{value:.1f}{_THOUSANDS[unit]}"


def format_duration(seconds: float) -> str:
    """Return a time span in its one or two leading units: ``0.4s``, ``12s``, ``3m05s``, ``2h10m``, ``4d``."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 172_800:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d"


def parse_duration(text: str) -> float | None:
    """Return the seconds of ``90``, ``90s``, ``10m``, ``1.5h`` or ``2d``; None for any other text."""
    match = _DURATION.fullmatch(text.strip())
    return float(match[1]) * _UNIT_SECONDS[match[2]] if match else None


def parse_size(text: str) -> int | None:
    """Return the bytes of ``64K``, ``32M``, ``1G`` or ``2T`` (binary units); None for any other text, and for 0."""
    match = _SIZE.fullmatch(text.strip())
    return (int(match[1]) << 10 * (1 + "KMGT".index(match[2])) or None) if match else None


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun in the right number: ``1 block``, ``3 blocks``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


HARD_SPACE = "\xa0"
"""A space at which no line is broken. No text from outside has one: `printable` escapes it."""
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h)(?!\w))")


def with_units(text: str) -> str:
    """Return the text with each number and its unit in one word: ``12 s``, ``0.5 %``."""
    return _BEFORE_UNIT.sub(HARD_SPACE, text)
