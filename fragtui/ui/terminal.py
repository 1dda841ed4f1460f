"""What the terminal can show, and whether it is still there."""

from __future__ import annotations

import locale
import os
import select
import sys


def has_true_colour() -> bool:
    """Tell whether the terminal says that it shows 24-bit colour; the Linux console never does."""
    return os.environ.get("COLORTERM", "") in ("truecolor", "24bit") and os.environ.get("TERM") != "linux"


def has_unicode() -> bool:
    """Tell whether the locale can show block characters."""
    return "utf" in (locale.nl_langinfo(locale.CODESET) or "").lower()


def is_gone() -> bool:
    """Tell whether the terminal behind standard input has been closed."""
    try:
        poll = select.poll()
        poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)
        return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
    except (OSError, ValueError):
        return True
