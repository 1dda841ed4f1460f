"""``/proc/buddyinfo``: free blocks per zone and order.

Format (mm/vmstat.c frag_show_print, unchanged from 2.6.24 to 6.19): ``"Node %d, zone %8s "``, then ``"%6lu "`` for
each order. The number of orders is the number of columns: 11 on x86-64, 14 on arm64 with 64 KiB pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.kernel.problem import Problem
from fragtui.text import printable

_ROW = re.compile(r"Node\s+(\d+),\s*zone\s+(\S+)((?:[ \t]+\d+)+)\s*", re.ASCII)
_EXPECTED = "'Node N, zone NAME COUNT...'"


@dataclass(frozen=True, slots=True)
class ZoneBlocks:
    """The free blocks of one zone: `free_blocks[k]` counts the blocks of exactly order k, of every migratetype."""

    node: int
    zone: str
    free_blocks: tuple[int, ...]

    @property
    def free_pages(self) -> int:
        """Pages in all free blocks; per-CPU lists are not among them."""
        return sum(count << order for order, count in enumerate(self.free_blocks))


def parse_buddyinfo(text: str) -> tuple[tuple[ZoneBlocks, ...], tuple[Problem, ...]]:
    """Return the zones in the file's order, and the lines that are not rows of this format.

    A last line without its newline is a row only if it has as many columns as the others: a torn count is not
    a smaller count. Only populated zones of online nodes are in the file, so zones come and go with hotplug.
    """
    zones: list[ZoneBlocks] = []
    problems: list[Problem] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        row = _ROW.fullmatch(line)
        if row is None:
            problems.append(Problem(number, _EXPECTED, line))
            continue
        counts = tuple(map(int, row[3].split()))
        if number == len(lines) and (not zones or len(counts) != len(zones[-1].free_blocks)):
            problems.append(Problem(number, "a whole line", line))
            continue
        zones.append(ZoneBlocks(int(row[1]), printable(row[2]), counts))
    return tuple(zones), tuple(problems)


def format_buddyinfo(zones: tuple[ZoneBlocks, ...]) -> str:
    """Return the file as the kernel prints it."""
    return "".join(
        f"Node {zone.node}, zone {zone.zone:>8} " + "".join(f"{count:6d} " for count in zone.free_blocks) + "\n"
        for zone in zones
    )
