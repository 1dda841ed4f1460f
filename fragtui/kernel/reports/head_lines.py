"""Head lines of failed allocations: pages (2.4 to 6.19), stalls (4.9 to 4.14), vmalloc, SLUB and SLAB."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.kernel.reports.request import ReportedRequest, intact_part, parse_order, parse_request
from fragtui.logs.wrapper import comm_in

_HEAD = re.compile(
    r"page allocation (?:failure[.:](?= order)|stalls for (\d{1,20})ms,|failure[.:]?\s*$)"
    r"|vmemmap alloc failure:(?= order)",  # mm/sparse-vmemmap.c
    re.ASCII,
)
_OLD = re.compile(
    r"(?:__alloc_pages: (\d{1,3})-order allo|(?:__alloc_pages: )?[a-z_ -]{0,8})cation failed"
    r" \((?:gfp=)(0x[0-9a-f]+)/\S*\)",
    re.ASCII,
)
_VMALLOC = re.compile(
    r"vmalloc(?: error: size (\d{1,20}), (.+?)(?=, mode:|\n|$)"
    r"|: allocation failure(?:: (\d{1,20}) bytes|, allocated (\d{1,20}) of (\d{1,20}) bytes))",
    re.ASCII,
)
_VMAP = re.compile(r"vmap allocation for size (\d{1,20}) failed: use vmalloc=", re.ASCII)
_SLAB = re.compile(r"(SL[AU]B): Unable to allocate memory on (?:CPU \d+ \(of node -?\d+\) on )?node (-?\d+)", re.ASCII)
_CACHE = re.compile(
    r"\s*cache: (.*?), object size: (\d{1,9})"
    r"(?:, (?:buffer size: (\d{1,9}), default )?order: (\d{1,9})(?:, min order: (\d{1,9}))?)?",
    re.ASCII,
)
_SLAB_NODE = re.compile(
    r"\s*node (\d{1,20}): slabs: (\d+(?:/\d+)?), objs: (\d+(?:/\d+)?)(?:, free: (\d{1,20}))?", re.ASCII
)
_SUPPRESSED = re.compile(r"(?<![\w.])([\w.]{1,64}): (\d{1,12}) callbacks suppressed", re.ASCII)
_COUNTED = frozenset({
    "__ratelimit", "warn_alloc_failed", "warn_alloc", "slab_out_of_memory", "printk",
    # The function that calls printk_ratelimit(), which names it: 2.6.33 to 2.6.39 mm/page_alloc.c, inlined or not.
    "__alloc_pages_slowpath", "__alloc_pages_nodemask", "__alloc_pages_internal", "__alloc_pages",
    "__vmalloc_area_node", "__vmalloc_node_range", "__slab_alloc",
})  # fmt: skip
_CPUSET_LINE = re.compile(r"(.{1,40}?) cpuset=(?:(.*?) mems_allowed=(\d[\d,-]*)?\s*$|(\S*)\s*$)")
_MEMS_LINE = re.compile(r"\s*mems_allowed=(\d[\d,-]*)\s*$", re.ASCII)
_DROP_CACHES = re.compile(r"(.{1,15}) \((\d{1,20})\): drop_caches: (\d{1,20})$", re.ASCII)


@dataclass(frozen=True, slots=True)
class FailureHead:
    """A head line: what failed, and for which task if the line names it (4.9 and 4.10 tore the name off)."""

    kind: ReportKind
    comm: str | None
    request: ReportedRequest
    stalled_ms: int | None = None
    vmalloc: str | None = None
    alone: bool = False
    """2.4 printed this line and nothing else."""


def parse_failure_head(text: str, torn: bool = False) -> FailureHead | None:
    """Return the head of a failure report, or None if the line is not one.

    A comm holds up to 15 arbitrary bytes, so it is everything before the kernel's words.
    """
    if "vmalloc" in text or "vmap alloc" in text:
        return _vmalloc_head(text, torn)
    head = _HEAD.search(text)
    text = intact_part(text, torn, head.start() if head else 0)
    if (found := _HEAD.search(text)) and (not (before := text[: found.start()].rstrip()) or before.endswith(":")):
        kind = ReportKind.STALL if found[1] else ReportKind.ALLOCATION_FAILURE
        return FailureHead(
            kind,
            _comm(text[: found.start()]),
            parse_request(text[found.start() :]),
            int(found[1]) if found[1] else None,
        )
    if "cation failed (gfp=" in text and (found := _OLD.match(text)):
        order = parse_order(found[1]) if found[1] else None
        return FailureHead(
            ReportKind.ALLOCATION_FAILURE, None, ReportedRequest(order=order, mode=int(found[2], 16)), alone=True
        )
    return None


def _vmalloc_head(text: str, torn: bool) -> FailureHead | None:
    text = intact_part(text, torn)
    if found := _VMALLOC.search(text):
        if found[1]:
            what = f"{found[2]}, {found[1]} bytes"
        elif found[3]:
            what = f"{found[3]} bytes"
        else:
            what = f"{found[4]} of {found[5]} bytes were allocated"
        request = parse_request(text[found.start() :])
        return FailureHead(ReportKind.VMALLOC_FAILURE, _comm(text[: found.start()]), request, vmalloc=what)
    if found := _VMAP.search(text):
        what = f"no virtual address space for {found[1]} bytes"
        return FailureHead(ReportKind.VMALLOC_FAILURE, None, ReportedRequest(), vmalloc=what)
    return None


def _comm(before: str) -> str | None:
    """Return the task's name from the text before the kernel's words; what is longer than a name is something else."""
    return comm_in(before.strip().removesuffix(":"))


def parse_slab_head(text: str, torn: bool = False) -> FailureHead | None:
    """Return the head of a SLUB or SLAB out-of-memory report (mm/slub.c slab_out_of_memory), or None."""
    text = intact_part(text, torn)
    if (found := _SLAB.search(text)) is None:
        return None
    return FailureHead(ReportKind.SLAB_FAILURE, None, parse_request(text[found.end() :]))


def parse_slab_cache(text: str) -> tuple[str, int | None, str] | None:
    """Return the cache, the order that failed (its minimum), and the sizes as text; None for another line."""
    if (found := _CACHE.match(text)) is None:
        return None
    order = found[5] or found[4]
    words = f"objects of {found[2]} bytes" + (f", slabs of order {found[4]}" if found[4] else "")
    words += f" (at least {found[5]})" if found[5] else ""
    return found[1], parse_order(order) if order else None, words


def parse_slab_node(text: str) -> str | None:
    """Return a node's line of a slab report as text, or None."""
    if (found := _SLAB_NODE.match(text)) is None:
        return None
    return f"node {found[1]}: {found[2]} slabs, {found[3]} objects" + (f", {found[4]} free" if found[4] else "")


def parse_suppressed(text: str) -> int | None:
    """Return how many reports the rate limit hid before this line, or None.

    ``warn_alloc_show_mem`` (4.12 to 5.3) hides only the Mem-Info part of reports, so it is not counted.
    """
    found = _SUPPRESSED.search(text)
    return int(found[2]) if found and found[1].partition(".")[0] in _COUNTED else None


def parse_cpuset_line(text: str) -> tuple[str, str | None, str | None] | None:
    """Return comm, cpuset, mems_allowed of a line ``COMM cpuset=X mems_allowed=Y`` (up to 4.20), or None.

    The line is printed in pieces, so the cpuset, or the nodes, may be missing here (the former then empty).
    """
    if (found := _CPUSET_LINE.match(text)) is None:
        return None
    return found[1], found[2] if found[2] is not None else (found[4] or None), found[3]


def parse_mems_line(text: str) -> str | None:
    """Return the nodes of a torn-off ``mems_allowed=0-1`` line, or None."""
    return found[1] if (found := _MEMS_LINE.match(text)) else None


def parse_drop_caches_line(text: str) -> tuple[str, int, int] | None:
    """Return comm, pid and value of the kernel's line about dropped caches, or None."""
    if (found := _DROP_CACHES.match(text)) is None:
        return None
    return found[1], int(found[2][:9]), int(found[3][:9])
