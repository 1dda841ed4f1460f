"""``memory.stat`` and ``io.stat`` of a memory cgroup, version 1 and 2."""

from __future__ import annotations

import re
from typing import NamedTuple

from fragtui.kernel.procfs.counters import parse_vmstat

_READ = re.compile(r"^\d+:\d+ .*?\brbytes=(\d{1,20})\b", re.MULTILINE | re.ASCII)
_READ_V1 = re.compile(r"^\d+:\d+ Read (\d{1,20})(?=\r?\n)", re.MULTILINE | re.ASCII)


class MemoryStat(NamedTuple):
    """The memory of a cgroup and all cgroups below it, in bytes; None for what the kernel does not count."""

    cache: int | None
    """Page cache without shmem: the file LRU lists."""
    dirty: int | None
    """Dirty pages and those under writeback."""
    slab: int | None
    """Reclaimable slab; version 1 does not count it."""
    refaults: int | None
    """Pages read back soon after they had been reclaimed, since the cgroup was made; not bytes."""


def parse_memory_stat(text: str) -> MemoryStat:
    """Return the memory by ``memory.stat``; never raises.

    Version 2 counts all below in each field, version 1 in those with the prefix ``total_`` (mm/memcontrol-v1.c
    memcg1_stat_format). A last line without its newline is torn and not read.
    """
    fields = parse_vmstat(text)
    first = "total_" if "total_inactive_file" in fields else ""
    written = ("total_dirty", "total_writeback") if first else ("file_dirty", "file_writeback")
    file = [fields.get(f"{first}{name}") for name in ("inactive_file", "active_file")]
    dirty = [fields.get(name) for name in written]
    refaults = fields.get(f"{first}workingset_refault_file", fields.get(f"{first}workingset_refault"))
    return MemoryStat(
        None if None in file else sum(filter(None, file)),
        None if None in dirty else sum(filter(None, dirty)),
        fields.get("slab_reclaimable"),
        refaults,
    )


def parse_read_bytes(text: str) -> int | None:
    """Return the bytes read from all devices: of ``io.stat`` or ``blkio.throttle.io_service_bytes``; None if unknown.

    An empty text is one of a cgroup that has read nothing.
    """
    if not text.strip():
        return 0
    found = _READ.findall(text) or _READ_V1.findall(text)
    if found:
        return sum(map(int, found))
    return 0 if text.strip() == "Total 0" else None
