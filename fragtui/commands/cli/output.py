"""What a verb may do with its output: how wide it is, and whether it takes colours."""

from __future__ import annotations

import io
import os
from typing import IO

from fragtui.text import bounded_int

MIN_WIDTH = 40
"""Columns below which nothing is wrapped any further."""
WITHOUT_TERMINAL = 80
"""Columns of a file or a pipe."""


def width_of(stream: IO[str]) -> int:
    """Return the columns of COLUMNS, else of the terminal, else `WITHOUT_TERMINAL`; at least `MIN_WIDTH`."""
    if width := bounded_int(os.environ.get("COLUMNS", "")):
        return max(MIN_WIDTH, width)
    try:
        return max(MIN_WIDTH, os.get_terminal_size(stream.fileno()).columns or WITHOUT_TERMINAL)
    except (OSError, ValueError):
        return WITHOUT_TERMINAL


def takes_colour(stream: IO[str]) -> bool:
    """Return whether it is a terminal with colours and the user did not switch them off (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def is_terminal(stream: IO[str]) -> bool:
    """Return whether the stream is a terminal; False if it is closed."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def escape_what_it_lacks(stream: IO[str]) -> None:
    """Have characters that the stream's encoding lacks written as escapes: a name must not end the verb."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
