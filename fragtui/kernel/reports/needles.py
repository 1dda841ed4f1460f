"""What to search a log for before any of it is parsed: every line that can open a report holds one of these."""

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
    b" callbacks suppressed",  # Counts for the next head line, however far.
    b'"MESSAGE":[',  # The journal's JSON gives a text that is not UTF-8 as numbers: a comm can hide its line so.
    b'"MESSAGE" : [',  # As older systemd spaces it.
)
"""Literal bytes. Those of a kill only find lines without their report, as in a log that somebody filtered."""

REMEDY_NEEDLE = b"drop_caches: "

BEFORE = 8
"""Records before a hit that matter to it: what the rate limit hid, vmalloc's own line, a dump that still runs."""
