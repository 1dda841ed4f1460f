"""Words and numbers for people: making outside text safe to show, and sizes short to read."""

from __future__ import annotations

import errno

LINE_BYTES = 16 * 1024
"""A line of a log is cut at this length before anything parses it."""
_UNITS = "KMGTPE"
_THOUSANDS = "kMGTPE"


def printable(text: str, limit: int = 300) -> str:
    r"""Return text from outside made safe to show: nothing in it can move a cursor or hide a word.

    Every character that does not print (control bytes, C1, escape, bidirectional marks, lone surrogates)
    becomes its escape as Python writes it (``\x1b``, ``\u202e``, ``\n``), and what is longer than `limit`
    characters is cut with an ellipsis. Every text that the node, the kernel or the cluster wrote passes here
    once, where it is read.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_SHORT_OF = {
    errno.EMFILE: "this process has reached its limit of open files (ulimit -n)",
    errno.ENFILE: "this machine has reached its limit of open files (fs.file-max)",
    errno.EAGAIN: "the limit of tasks (pids cgroup, ulimit -u) is reached",
    errno.ENOMEM: "there is no memory left",
}


def shortage(error: BaseException) -> str | None:
    """Return in words that the machine is short of what a program needs to go on, None if the error is another."""
    if isinstance(error, MemoryError):
        return _SHORT_OF[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        # pthread_create(3) fails alike for a limit and for memory; Python keeps no errno.
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


def format_count(count: int) -> str:
    """Return a count in at most five cells: ``842``, ``53.1k``, ``3.81M`` (decimal thousands)."""
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


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun in the right number: ``1 block``, ``3 blocks``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
