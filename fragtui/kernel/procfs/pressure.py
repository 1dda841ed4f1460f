"""``/proc/pressure/memory`` (4.20 and later): share of time in which tasks waited for memory."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(
    r"^(some|full) avg10=(\d{1,3}\.\d+) avg60=(\d{1,3}\.\d+) avg300=(\d{1,3}\.\d+) total=(\d{1,20})(?=\r?\n)",
    re.MULTILINE | re.ASCII,
)


class Stall(NamedTuple):
    """One line: averages in percent over 10, 60 and 300 s, and the stall time since boot in microseconds."""

    avg10: float
    avg60: float
    avg300: float
    total: int


class Pressure(NamedTuple):
    """Time in which `some` task, and in which every (`full`) non-idle task, was stalled; None if not in the text."""

    some: Stall | None
    full: Stall | None


def parse_pressure(text: str) -> Pressure:
    """Return the two lines of a PSI file (kernel/sched/psi.c psi_show)."""
    stalls = {
        line[1]: Stall(float(line[2]), float(line[3]), float(line[4]), int(line[5])) for line in _LINE.finditer(text)
    }
    return Pressure(stalls.get("some"), stalls.get("full"))
