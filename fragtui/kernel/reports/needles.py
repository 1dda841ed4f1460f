"""Needles to search a log for before parsing: every line that can open a report contains one of them."""

from __future__ import annotations

REPORT_NEEDLES: tuple[bytes, ...] = (
    b"lloc",  # page allocation failure and stalls, SLUB, SLAB, vmalloc, HugeTLB, CMA, per-CPU, IOMMU, and those of 2.4
    b"oom",  # oom-killer, oom-kill:, oom_reaper: one word costs less than two, and few other words have it.
    b"ut of memory",
    b"illed ",  # Killed process ..., killed as a result of ...
    b" callbacks suppressed",  # Applies to the next head line, at any distance.
    b"for more than",  # A hung task.
    b"swiotlb buffer",
    b'"MESSAGE":[',  # The journal's JSON prints text that is not UTF-8 as numbers: a comm can hide its line like that.
    b'"MESSAGE" : [',  # With the spaces of older systemd.
)
"""Literal bytes. Those of a kill find only lines without their report, as in a filtered log.

Each costs as much as a third of `grep`: a rare line without one of them is read near another.
"""

DRIVER_NEEDLES = (b"NO_MEMORY", b" -12")
"""Further ones, in lines that have ``ailed`` or ``rror``: NVIDIA's driver; kmem_cache_create, virtio_mem and others."""

REMEDY_NEEDLE = b"drop_caches: "

BEFORE = 8
"""Records before a hit that matter: lines about the rate limit, vmalloc's line, a running dump."""
