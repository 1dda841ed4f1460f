"""``/proc/zoneinfo``: each zone's free pages, watermarks and lowmem reserve.

Format: mm/vmstat.c zoneinfo_show_print. Sections moved between 3.10 and 6.19, so lines are found by their key.
All values are pages.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from fragtui.text import printable

_HEADER = re.compile(r"^Node (\d{1,9}), zone +(\S+)[ \t\r]*(?=\n)", re.MULTILINE | re.ASCII)
_LINE = re.compile(
    r"^ +(?:pages )?([a-z_]+):? +(\d{1,20}|\(\d{1,20}(?:, *\d{1,20})*\))[ \t\r]*(?=\n)", re.MULTILINE | re.ASCII
)
_LIST = re.compile(r"\n +count: +(\d{1,20})[ \t\r]*(?:\n +high: +(\d{1,20})[ \t\r]*)?(?=\n)", re.ASCII)
_WANTED = frozenset(
    (
        *("free", "boost", "min", "low", "high", "spanned", "present", "managed", "cma", "nr_free_cma", "protection"),
        "free_highatomic",
    )
)
_FILE_PAGES = (("nr_zone_inactive_file", "nr_zone_active_file"), ("nr_inactive_file", "nr_active_file"))
_LISTS = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")
_LRU = tuple(tuple(f"nr_{prefix}{name}" for name in _LISTS) for prefix in ("zone_", ""))
_REMEMBERED = 32
_MUCH = 0.02
"""Share of a zone on per-CPU lists above which they are worth a word."""
_READ = _WANTED | {key for keys in _LRU for key in keys}


class ZoneInfo(NamedTuple):
    """One zone, in pages; None for what this kernel does not print (or what was cut off).

    `min`, `low` and `high` include the current `boost` from 5.0 on; it is printed from 5.17 on.
    `protection[i]` is the lowmem reserve against requests whose highest zone has index i.
    """

    node: int
    zone: str
    free: int | None = None
    boost: int | None = None
    min: int | None = None
    low: int | None = None
    high: int | None = None
    spanned: int | None = None
    present: int | None = None
    managed: int | None = None
    cma: int | None = None
    free_cma: int | None = None
    free_highatomic: int | None = None
    """Free pages on HighAtomic lists; few kernels print it."""
    file: int | None = None
    """Page cache on this zone's LRU lists, including mapped and dirty pages, without shmem."""
    lru: int | None = None
    """Pages on this zone's LRU lists, including unevictable ones."""
    percpu: int | None = None
    """Free pages on per-CPU lists: not on a free list, so neighbours can't merge with them."""
    percpu_room: int | None = None
    """Pages that the emptiest of these lists takes before it gives any to the free lists."""
    protection: tuple[int, ...] | None = None

    @property
    def much_percpu(self) -> int:
        """Pages on per-CPU lists if they are worth a word, else 0: from 6.7 on they may be an eighth of the zone."""
        pages = self.percpu or 0
        return pages if self.managed and pages > self.managed * _MUCH else 0

    @property
    def populated(self) -> bool:
        """Whether the zone has memory: since 4.12 the file lists the others too."""
        return self.present != 0


def parse_zoneinfo(text: str) -> tuple[ZoneInfo, ...]:
    """Return every zone of the text, unpopulated ones included, in the file's order.

    A line without its newline is torn and not read, so a cut text gives fewer facts, never wrong ones. Of a text that
    was saved several times into one file the first counts, as in buddyinfo.
    """
    headers = list(_HEADER.finditer(text))
    zones: dict[tuple[str, str], ZoneInfo] = {}
    for index, header in enumerate(headers):
        end = headers[index + 1].start() if index + 1 < len(headers) else len(text)
        # Per-CPU lists are most of the file on large machines: only their counts are read.
        pagesets = text.find("\n  pagesets", header.end(), end)
        percpu: tuple[int | None, int | None] = (None, None)
        tail = ""
        if pagesets >= 0:
            lists = _LIST.findall(text, pagesets, end)
            rooms = [int(high) - int(count) for count, high in lists if high]
            percpu = sum(int(count) for count, _ in lists), max(0, *rooms) if rooms else None
            if text.find("protection:", pagesets, end) < 0:
                behind = text.rfind("\n  node_unreclaimable:", pagesets, end)
                tail = text[behind + 1 : end] if behind >= 0 else ""
                end = pagesets + 1
        if header.groups() not in zones:
            zones[header[1], header[2]] = _parse_zone(header[1], header[2], text[header.end() : end] + tail, percpu)
    return tuple(zones.values())


@lru_cache(_REMEMBERED)
def _parse_zone(node: str, zone: str, text: str, percpu: tuple[int | None, int | None]) -> ZoneInfo:
    """Return the facts of a zone's section (cached: small zones seldom change)."""
    found: dict[str, int] = {}
    protection: tuple[int, ...] | None = None
    node_stats = text.find("  per-node stats")
    start = 0
    if node_stats >= 0:
        pages = text.find("\n  pages free", node_stats)
        start = pages if pages >= 0 else len(text)
    for line in _LINE.finditer(text, start):
        key, value = line.groups()
        if key not in _READ:
            continue
        if key == "protection":
            if value[0] == "(":
                protection = tuple(map(int, value[1:-1].split(",")))
        elif value[0] != "(":
            # The first occurrence is the zone's: 'high' is repeated under each CPU's pageset.
            found.setdefault(key, int(value))
    file = next((_sum(found, keys) for keys in _FILE_PAGES if _sum(found, keys) is not None), None)
    lru = next((_sum(found, keys) for keys in _LRU if _sum(found, keys) is not None), None)
    free_cma = found.pop("nr_free_cma", None)
    fields = {key: value for key, value in found.items() if key in _WANTED}
    return ZoneInfo(
        int(node),
        printable(zone),
        **fields,
        free_cma=free_cma,
        file=file,
        lru=lru,
        percpu=percpu[0],
        percpu_room=percpu[1],
        protection=protection,
    )


def _sum(found: dict[str, int], keys: tuple[str, ...]) -> int | None:
    """Return the sum of the values, or None if one is missing."""
    return sum(found[key] for key in keys) if all(key in found for key in keys) else None
