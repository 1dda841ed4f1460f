"""One line of a log, independent of its format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from fragtui.text import LINE_BYTES, printable

_MAX_LINES = 1024
_MIN_FALLS = 2


@dataclass(slots=True)
class LogRecord:
    r"""One message of a log with what its format says about it; what it does not say is None.

    `text` is the message without its prefixes, unescaped, one line (a format that keeps embedded newlines
    gives one record a line, all with the same stamp), and already passed through `printable`. The type checker keeps
    it from being changed: a class frozen at run time takes three times as long to make, once for every line.
    """

    text: Final[str]
    line: Final[int | None] = None
    """Line number in the source, counted from 1."""
    time: Final[float | None] = None
    """Wall clock, seconds since the epoch."""
    monotonic: Final[float | None] = None
    """Seconds since boot as the kernel stamps its records."""
    sequence: Final[int | None] = None
    """Sequence number of a /dev/kmsg record."""
    facility: Final[int | None] = None
    level: Final[int | None] = None
    caller: Final[str | None] = None
    """Printing context under CONFIG_PRINTK_CALLER: ``T<tid>`` or ``C<cpu>``."""
    host: Final[str | None] = None
    program: Final[str | None] = None
    """Syslog identifier or journal unit, without its pid: ``kernel``, ``kubelet``, ``containerd``."""
    pid: Final[int | None] = None
    from_kernel: Final[bool | None] = None
    """True if only the kernel can have written it, False if something else did, None if the format does not say."""
    torn: Final[bool] = False
    """True for the last line of a text that ends without a newline: its last word may be cut."""
    repeats: Final[int | None] = None
    """Set on `last message repeated N times` lines: how often the record before it was repeated."""

    @property
    def stamped(self) -> bool:
        """Whether it has a time of any clock."""
        return self.time is not None or self.monotonic is not None

    def dated_by(self, time: float | None, host: str | None) -> LogRecord:
        """Return the record with what was written around it: the time (epoch seconds) and the host, if it has none."""
        return replace(
            self, time=time if self.time is None else self.time, host=host if self.host is None else self.host
        )


def message_lines(message: str) -> list[str]:
    """Return the lines of a message, safe to show: at most 1024 lines of its first `LINE_BYTES` characters."""
    lines = message[:LINE_BYTES].replace("\t", " ").split("\n", _MAX_LINES)
    return [printable(line, LINE_BYTES) for line in lines[:_MAX_LINES]]


def is_newest_first(records: Iterable[LogRecord]) -> bool:
    """Return whether no stamp is later than the one before it, and some are earlier."""
    clocks: tuple[list[float], list[float]] = ([], [])
    for record in records:
        for times, stamp in zip(clocks, (record.monotonic, record.time), strict=True):
            if stamp is not None:
                times.append(stamp)
    steps = [after - before for times in clocks for before, after in pairwise(times)]
    return all(step <= 0 for step in steps) and sum(step < 0 for step in steps) >= _MIN_FALLS
