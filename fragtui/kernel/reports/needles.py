"""Needles to search a log for before parsing: every line that can open a report contains one of them."""

from __future__ import annotations

REPORT_NEEDLES: tuple[bytes, ...] = (
    b"alloc",  # page allocation failure and stalls, SLUB and SLAB, vmalloc, the 2.4 head line
    b"oom-kill",
    b"oom_reaper: ",
    b"ut of memory",
    b"ut of Memory",  # 2.6.18
    b"Killed process ",
    b"killing process ",  # 2.4
    b"killed as a result",
    b" callbacks suppressed",  # Applies to the next head line, at any distance.
    b"NO_MEMORY",
    b"swiotlb buffer",
    b"blocked for more",
    b"memory failed",
    b"failed with error -12",
    b"victim process",  # The kubelet's events.
    b'"MESSAGE":[',  # The journal's JSON prints text that is not UTF-8 as numbers: a comm can hide its line like that.
    b'"MESSAGE" : [',  # With the spaces of older systemd.
)
"""Literal bytes. Those of a kill find only lines without their report, as in a filtered log."""

REMEDY_NEEDLE = b"drop_caches: "

BEFORE = 8
"""Records before a hit that matter: lines about the rate limit, vmalloc's line, a running dump."""
