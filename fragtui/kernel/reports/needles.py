"""What to search a log for before any of it is parsed: every head line of a report holds one of these."""

from __future__ import annotations

REPORT_NEEDLES: tuple[bytes, ...] = (
    b"alloc",  # page allocation failure and stalls, SLUB and SLAB, vmalloc, the 2.4 head line
    b"oom-kill",
    b"oom_reaper: ",
    b"ut of memory",
    b"ut of Memory",  # 2.6.18
    b"Killed process ",
    b"killing process ",  # 2.4
    b'"MESSAGE":[',  # The journal's JSON gives a text that is not UTF-8 as numbers: a comm can hide its line so.
    b'"MESSAGE" : [',  # As older systemd spaces it.
)
"""Literal bytes. Those of a kill only find victim lines that stand alone, as in a log that somebody filtered."""

SCAN_NEEDLES: tuple[bytes, ...] = (b"alloc", b"oom-kill", b"ut of memory", b"Killed process ", b'"MESSAGE":[')
"""The fewest that find every report in a large log: the others stand within a few lines of one of these."""

REMEDY_NEEDLE = b"drop_caches: "

BEFORE = 8
"""Lines before a hit that may belong to it: what the rate limit hid, vmalloc's own line, torn-off names."""
