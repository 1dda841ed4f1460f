"""Lists of CPUs and NUMA nodes as the kernel prints them."""

from __future__ import annotations

import re

from fragtui.text import bounded_int

_RANGE = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)


def parse_number_list(text: str, largest: int) -> frozenset[int] | None:
    """Return the numbers of a list such as ``0-3,8``, or None for any other text and for numbers above `largest`.

    Format: "%*pbl" of lib/vsprintf.c.
    """
    # As one integer of a bit a number, ranges that overlap a thousand times take no time.
    mask = 0
    for part in text.split(","):
        if (match := _RANGE.fullmatch(part)) is None:
            return None
        first, last = bounded_int(match[1], largest), bounded_int(match[2] or match[1], largest)
        if first is None or last is None or first > last:
            return None
        mask |= (2 << last) - (1 << first)
    return frozenset(number for number, bit in enumerate(reversed(f"{mask:b}")) if bit == "1")
