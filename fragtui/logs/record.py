"""One line of a log, whatever carried it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogRecord:
    r"""One message of a log with what its transport knew about it; what it did not know is None.

    `text` is the message without its prefixes, unescaped, one line (a transport that keeps embedded newlines
    gives one record a line, all with the same stamp), and already passed through `printable`.
    """

    text: str
    line: int | None = None
    """Line number in the source, counted from 1."""
    time: float | None = None
    """Wall clock, seconds since the epoch."""
    monotonic: float | None = None
    """Seconds since boot as the kernel stamps its records."""
    sequence: int | None = None
    """Sequence number of a /dev/kmsg record."""
    facility: int | None = None
    level: int | None = None
    caller: str | None = None
    """Printing context under CONFIG_PRINTK_CALLER: ``T<tid>`` or ``C<cpu>``."""
    host: str | None = None
    program: str | None = None
    """Syslog identifier or journal unit, without its pid: ``kernel``, ``kubelet``, ``containerd``."""
    pid: int | None = None
    from_kernel: bool | None = None
    """True if only the kernel can have written it, False if something else did, None if the transport can't tell."""
    torn: bool = False
    """True for the last line of a text that ends without a newline: its last word may be the half of a word."""
    repeats: int | None = None
    """Set on `last message repeated N times` lines: how often the record before it came again."""
