"""Memory that came or went while the node is up: hotplug, a zone onlined or offlined, a balloon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fragtui.model.node.snapshot import Snapshot, ZoneKey
from fragtui.text import format_bytes

_MIN_MANAGED_BYTES = 16 << 20
"""Managed pages also change in small steps, by a balloon or by memory that is initialised late."""


class MemoryChange(NamedTuple):
    """A zone whose memory grew or shrank; `pages` is None if the sizes of zones are unknown."""

    key: ZoneKey
    grew: bool
    pages: int | None


def memory_changes(before: Snapshot, after: Snapshot) -> tuple[MemoryChange, ...]:
    """Return the zones that appeared, disappeared or changed their size between two ticks of one node.

    By present pages (mm/memory_hotplug.c online_pages), and by managed ones if those alone change. Empty if a tick has
    no zones: a file that can't be read is no memory that went.
    """
    if before.zones is None or after.zones is None:
        return ()
    if not (before.zone_infos and after.zone_infos):
        old, new = ({zone.key for zone in side.zones or ()} for side in (before, after))
        return tuple(MemoryChange(key, key in new, None) for key in sorted(old ^ new))
    sizes, now = _sizes(before), _sizes(after)
    found = []
    for key in {**sizes, **now}:
        present, managed = (new - old for old, new in zip(sizes.get(key, (0, 0)), now.get(key, (0, 0)), strict=True))
        if present or abs(managed) * after.host.page_size >= _MIN_MANAGED_BYTES:
            found.append(MemoryChange(key, (present or managed) > 0, abs(present or managed)))
    return tuple(found)


def memory_words(changes: Iterable[MemoryChange], page_size: int) -> str:
    """Return what came or went: ``memory +512M (node 1 Movable)``."""
    parts = []
    for change in changes:
        size = "" if change.pages is None else format_bytes(change.pages * page_size)
        parts.append(f"{'+' if change.grew else '−'}{size} (node {change.key[0]} {change.key[1]})")
    return f"memory {', '.join(parts)}"


def _sizes(snapshot: Snapshot) -> dict[ZoneKey, tuple[int, int]]:
    """Return the present and managed pages of each zone; 0 for what this kernel does not print."""
    return {(info.node, info.zone): (info.present or 0, info.managed or 0) for info in snapshot.zone_infos}
