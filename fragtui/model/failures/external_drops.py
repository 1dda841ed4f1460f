"""Drops of caches by other tools: the kernel logs which task writes to drop_caches, and counts the writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fragtui.model.node.snapshot import Snapshot

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.kernel.reports.report import ExternalDrop

_OWN = "fragtui-remedy"
"""The task name of fragtui's own child process."""


def is_own_drop(remedy: ExternalDrop) -> bool:
    """Return whether the child of a fragtui process, this one or another, wrote to drop_caches."""
    return remedy.comm == _OWN


def drops_between(before: Snapshot, after: Snapshot) -> tuple[int, int] | None:
    """Return how often page cache and slab were dropped between two ticks, by any process; None if not counted.

    A smaller count is of a later boot (saved files that are replaced, a recording across a restart): then it is
    unknown.
    """
    names = ("drop_pagecache", "drop_slab")
    if any(name not in side.vmstat for side in (before, after) for name in names):
        return None
    pages, slabs = (after.vmstat[name] - before.vmstat[name] for name in names)
    return None if pages < 0 or slabs < 0 else (pages, slabs)
