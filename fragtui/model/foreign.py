"""Remedies that others ran: the kernel logs who writes to drop_caches, and counts the writes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.model.snapshot import Snapshot

_LINE = re.compile(r"(.*) \((\d+)\): drop_caches: (\d+)", re.ASCII)
OWN = "fragtui-remedy"
"""The name of fragtui's own child."""


@dataclass(frozen=True, slots=True)
class DropLine:
    """A line of the kernel log, 3.16 and later (fs/drop_caches.c drop_caches_sysctl_handler)."""

    comm: str
    pid: int
    value: int
    """1 page cache, 2 slab, 3 both; with 4 the kernel stops logging until it is booted anew."""

    @property
    def own(self) -> bool:
        """Whether fragtui's child wrote it, of this process or another."""
        return self.comm == OWN


def parse_drop_line(text: str) -> DropLine | None:
    """Return who dropped caches by this kernel message, or None if it is another message."""
    found = _LINE.fullmatch(text.strip())
    return DropLine(found[1], int(found[2]), int(found[3])) if found else None


def drops_between(before: Snapshot, after: Snapshot) -> tuple[int, int] | None:
    """Return how often page cache and slab were dropped between two ticks, by whomever; None if not counted."""
    names = ("drop_pagecache", "drop_slab")
    if any(name not in side.vmstat for side in (before, after) for name in names):
        return None
    pages, slabs = (after.vmstat[name] - before.vmstat[name] for name in names)
    return pages, slabs
