"""``/proc/pagetypeinfo``: free blocks per zone, migratetype and order, and pageblocks per migratetype.

Format: mm/vmstat.c pagetypeinfo_show. The whole text is printed again for every node with memory. The set and order
of migratetypes differs by version and configuration (Reserve up to 4.3, HighAtomic from 4.4, CMA and Isolate by
configuration), so names are read, never positions. From 5.4 a count stops at ``>100000``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fragtui.kernel.procfs.buddyinfo import MAX_ORDER
from fragtui.kernel.procfs.parse_problem import MAX_PROBLEMS, ParseProblem
from fragtui.text import printable

# Each count starts with a blank or the cap's sign, so a row can be read in one way only: no input makes it slow.
_FREE_ROW = re.compile(r"Node\s+(\d{1,9}),\s*zone\s+(\S+),\s*type\s+([^\s>]+)((?:(?:\s+|\s*>)\d{1,20})+)\s*", re.ASCII)
_BLOCK_ROW = re.compile(r"Node\s+(\d{1,9}),\s*zone\s+(\S+)((?:\s+\d{1,20})+)\s*", re.ASCII)
_BLOCK_ORDER = re.compile(r"Page block order:\s*(\d{1,2})\s*", re.ASCII)
_BLOCK_PAGES = re.compile(r"Pages per block:\s*(\d{1,20})\s*", re.ASCII)
_COUNT = re.compile(r">?\d+", re.ASCII)


class TypeBlocks(NamedTuple):
    """Free blocks of one zone and migratetype, by order; those of the orders in `capped` are lower bounds."""

    node: int
    zone: str
    migratetype: str
    free_blocks: tuple[int, ...]
    capped: frozenset[int] = frozenset()


class ZonePageblocks(NamedTuple):
    """Pageblocks of one zone by migratetype name, free or not."""

    node: int
    zone: str
    blocks: tuple[tuple[str, int], ...]


class PageTypeInfo(NamedTuple):
    """The whole file; what it lacks is None or empty."""

    pageblock_order: int | None
    pages_per_block: int | None
    free: tuple[TypeBlocks, ...]
    pageblocks: tuple[ZonePageblocks, ...]


def parse_pagetypeinfo(text: str) -> tuple[PageTypeInfo, tuple[ParseProblem, ...]]:
    """Return the file's tables of all nodes, and the lines that fit none of them.

    The table of mixed blocks (page_owner=on) has the columns of the pageblock table and is skipped. A last line
    without its newline is torn and not used.
    """
    pageblock_order: int | None = None
    pages_per_block: int | None = None
    free: list[TypeBlocks] = []
    pageblocks: list[ZonePageblocks] = []
    problems: list[ParseProblem] = []
    names: tuple[str, ...] = ()
    mixed = False
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        if number == len(lines):
            problems.append(ParseProblem(number, "a whole line", line))
        elif row := _FREE_ROW.fullmatch(line):
            tokens = _COUNT.findall(row[4])
            if len(tokens) > MAX_ORDER + 1:
                problems.append(ParseProblem(number, f"orders up to {MAX_ORDER}", line))
                continue
            counts = tuple(int(token.lstrip(">")) for token in tokens)
            capped = frozenset(order for order, token in enumerate(tokens) if token[0] == ">")
            free.append(TypeBlocks(int(row[1]), printable(row[2]), printable(row[3]), counts, capped))
        elif row := _BLOCK_ROW.fullmatch(line):
            counts = tuple(map(int, row[3].split()))
            if mixed:
                continue
            if len(counts) != len(names):
                problems.append(ParseProblem(number, "one count for each migratetype of the header", line))
            else:
                pageblocks.append(
                    ZonePageblocks(int(row[1]), printable(row[2]), tuple(zip(names, counts, strict=True)))
                )
        elif line.startswith("Number of blocks type"):
            names = tuple(printable(name) for name in line.removeprefix("Number of blocks type").split())
            mixed = False
        elif line.startswith("Number of mixed blocks"):
            mixed = True
        elif row := _BLOCK_ORDER.fullmatch(line):
            pageblock_order = int(row[1])
        elif row := _BLOCK_PAGES.fullmatch(line):
            pages_per_block = int(row[1])
        elif len(problems) < MAX_PROBLEMS and not line.startswith("Free pages count per migrate type"):
            problems.append(ParseProblem(number, "a line of /proc/pagetypeinfo", line))
    return PageTypeInfo(pageblock_order, pages_per_block, tuple(free), tuple(pageblocks)), tuple(problems)
