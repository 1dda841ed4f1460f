"""``/proc/buddyinfo``: free blocks per zone and order.

Format (mm/vmstat.c frag_show_print, unchanged from 2.6.24 to 6.19): ``"Node %d, zone %8s "``, then ``"%6lu "`` for
each order. The number of orders is the number of columns: 11 on x86-64, 14 on arm64 with 64 KiB pages.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fragtui.kernel.procfs.parse_problem import MAX_PROBLEMS, ParseProblem
from fragtui.text import printable

# No unsigned long has more than 20 digits, and Python refuses to convert some thousands of them.
MAX_ORDER = 63
"""No kernel has blocks of a larger order: a text that names one is not the kernel's."""
_ROW = re.compile(r"Node\s+(\d{1,9}),\s*zone\s+(\S+)((?:[ \t]+\d{1,20})+)(\s*)", re.ASCII)
_PADDED = re.compile(r"[ \t](?=[ \d]{6}$) +\d{1,5}$", re.ASCII)
"""A last count in the kernel's own width of six: the blanks before it show that no digit is missing."""
_QUOTE = re.compile(r"^(?:> ?)+", re.MULTILINE)
_WRAPPED = re.compile(r"(?<![ \t])[ \t]*+\n(?=[ \t]*\d+(?:[ \t]+\d+)*[ \t]*(?:\n|\Z))", re.ASCII)
_EXPECTED = "'Node N, zone NAME COUNT...'"


class ZoneBlocks(NamedTuple):
    """Free blocks of one zone: `free_blocks[k]` counts the blocks of exactly order k, of every migratetype."""

    node: int
    zone: str
    free_blocks: tuple[int, ...]

    @property
    def free_pages(self) -> int:
        """Pages in all free blocks, without those on per-CPU lists."""
        return sum(count << order for order, count in enumerate(self.free_blocks))


def parse_buddyinfo(text: str) -> tuple[tuple[ZoneBlocks, ...], tuple[ParseProblem, ...]]:
    """Return the zones in the file's order, and the lines that are not rows of this format.

    A torn count is not a smaller count: a last line without its newline is a row only if it has as many columns as
    the others and its last count is whole, by the blank after it or by its width. Every zone has the same number of
    orders and one row, so a shorter row (wrapped by a terminal) and a second one are named as problems. Only
    populated zones of online nodes are in the file, so zones come and go with hotplug.
    """
    zones: dict[tuple[int, str], ZoneBlocks] = {}
    rows: dict[tuple[int, str], tuple[int, str]] = {}
    problems: list[ParseProblem] = []
    lines = (_unquoted(text) if text[:1] == ">" else text).split("\n")
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        row = _ROW.fullmatch(line)
        if row is None:
            if len(problems) < MAX_PROBLEMS:
                problems.append(ParseProblem(number, _EXPECTED, line))
            continue
        counts = tuple(map(int, row[3].split()))
        key = int(row[1]), printable(row[2])
        torn = number == len(lines) and (not zones or not (row[4] or _PADDED.search(line)))
        if torn or key in zones or len(counts) > MAX_ORDER + 1:
            expected = "a whole line" if torn else "one row a zone" if key in zones else f"orders up to {MAX_ORDER}"
            problems.append(ParseProblem(number, expected, line))
            continue
        zones[key] = ZoneBlocks(*key, counts)
        rows[key] = number, line
    orders = max((len(zone.free_blocks) for zone in zones.values()), default=0)
    for key in [key for key, zone in zones.items() if len(zone.free_blocks) < orders]:
        del zones[key]
        problems.append(ParseProblem(rows[key][0], f"{orders} counts as in the other rows", rows[key][1]))
    return tuple(zones.values()), tuple(problems)


def _unquoted(text: str) -> str:
    """Return text that a mail quotes without its marks; a row that the mail program wrapped is one line again."""
    return _WRAPPED.sub(" ", _QUOTE.sub("", text))
