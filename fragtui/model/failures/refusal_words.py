"""Why a request was denied, in words: zones, free memory and blocks, by the kernel's rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from fragtui.kernel.gfp.flags import GfpReading
from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.reports.report import KernelReport, ReportedZone
from fragtui.model.failures.refusal import RefusalCause, RefusalVerdict, RefusalZone, classify_refusal, page_kb_of
from fragtui.model.node.watermark import Rule, Verdict, halving_floor
from fragtui.text import counted, format_bytes

_MAX_ORDER = 30
ADDRESS_SPACE = re.compile(r"\d+ bytes")
"""Up to 5.12 vmalloc's words if it finds no address space (mm/vmalloc.c __vmalloc_node_range)."""
_MIN_DIGITS = 11
"""Digits of 10 GB: no module or table needs as much."""
_MAX_PLACES = 4
"""Zones or NUMA nodes named in a sentence."""


def block_of(report: KernelReport) -> str:
    """Return the block that a report is about, with its article: ``a 128K block (order 5)``, ``an 8K block``."""
    if report.order is None or report.order < 0:
        return "memory"
    size = _size(report.order, page_kb_of(report))
    return f"a{'n' if size[0] == '8' else ''} {size} block (order {report.order})"


def _size(order: int, page_kb: int) -> str:
    return format_bytes((page_kb << min(order, _MAX_ORDER)) * 1024)


def verdict_words(judgement: RefusalVerdict) -> str:
    """Return the reason, to be put after the denial."""
    if judgement.why is RefusalCause.NO_MEMORY:
        names = " and ".join(sorted({judged.zone.zone for judged in judgement.zones}))
        return f" because zone {names} has no memory at all: usual in a crash kernel (kdump), and harmless there"
    if judgement.why is RefusalCause.TOO_LARGE:
        largest = max(len(judged.state.free_blocks) for judged in judgement.zones) - 1
        return (
            f" because no block is larger than {_size(largest, judgement.page_kb)} (order {largest}) in this kernel: "
            "it is a bug of the code that asked, and no remedy helps"
        )
    node = "; its flags allow only its own NUMA node (__GFP_THISNODE)" if judgement.this_node else ""
    return _zones_words(judgement) + node


def _zones_words(judgement: RefusalVerdict) -> str:
    zones = [judged for judged in judgement.zones if not judged.is_reserved] or list(judgement.zones)
    order = judgement.order
    block = f"{_size(order, judgement.page_kb)} (order {order}) or larger"
    blocks = f"{counted(judgement.blocks, 'block')} of {block}"
    names = " and ".join(dict.fromkeys(judged.zone.zone for judged in zones))
    if judgement.why is RefusalCause.FRAGMENTED:
        fragmented = [judged for judged in zones if judged.verdict is Verdict.FRAGMENTED]
        outside = " outside CMA" if any(_cma_kb(judged, judgement) for judged in fragmented) else ""
        free = _free(zones, judgement)
        return f" because memory is fragmented: {free}, above the watermark, but no block of {block}{outside}"
    if judgement.why is RefusalCause.SHORT:
        free = _free(zones, judgement)
        short = f" because memory was short: {free}, less than the watermarks require"
        boosted = [judged for judged in zones if _by_boost(judged.zone)]
        if not boosted:
            return f"{short}; this is not fragmentation"
        names = " and ".join(
            f"{format_bytes((judged.zone.boost_kb or 0) * 1024)} of that of {_name(judged, judgement)}"
            for judged in boosted[:_MAX_PLACES]
        )
        return f"{short}: {names} is a boost, which the kernel adds for a while when memory fragments"
    if judgement.why is RefusalCause.RESERVED:
        for judged in zones:
            if judgement.rule is Rule.HALVING:
                stop = halving_floor(judged.state, order, judgement.request)
                if stop is not None and any(judged.state.free_blocks[order:]):
                    return (
                        f" because memory is fragmented: {blocks} were free in {names}, "
                        f"but in blocks above {_size(stop, judgement.page_kb)} (order {stop}) "
                        "there was less free memory than this kernel's watermark requires"
                    )
        return f": {'; '.join(_kept(judged, judgement, block) for judged in zones[:_MAX_PLACES])}"
    return f"; {blocks} were free in {names} by the time the report was printed; they were freed just after the denial"


def _kept(judged: RefusalZone, judgement: RefusalVerdict, block: str) -> str:
    """Return why a zone did not give a block: it has none, or it keeps them."""
    zone, state, order = judged.zone, judged.state, judgement.order
    name = _name(judged, judgement)
    free = format_bytes((zone.free_kb or 0) * 1024)
    count = sum(state.free_blocks[order:])
    if judged.verdict is not Verdict.RESERVED or not count:
        short = ", less than its watermark requires," if judged.verdict is Verdict.SHORT else ""
        return f"{name} had {free} free{short} but no block of {block}"
    usable = (state.free_pages or 0) - state.cma_pages - state.highatomic_pages
    if state.mark is None or usable - ((1 << order) - 1) > state.mark + state.reserve:
        return f"{name} had {counted(count, 'block')} of {block}, all kept for atomic requests (HighAtomic)"
    mark = format_bytes((zone.min_kb or 0) * 1024)
    boost = f" ({format_bytes(zone.boost_kb * 1024)} of it a boost, which is temporary)" if zone.boost_kb else ""
    row = format_bytes(state.reserve * judgement.page_kb * 1024)
    reserve = f" and its lowmem reserve of {row}" if state.reserve else ""
    blocks = f"{counted(count, 'block')} of {block}"
    return f"{name} had {blocks}, but its {free} free are kept for its watermark of {mark}{boost}{reserve}"


def _free(zones: Sequence[RefusalZone], judgement: RefusalVerdict) -> str:
    """Return the free memory of zones, by NUMA node if they are on several: ``Normal had 154M free``."""
    nodes: dict[int, list[RefusalZone]] = {}
    for judged in zones:
        nodes.setdefault(judged.zone.node, []).append(judged)
    several = len(nodes) > 1 or judgement.this_node
    parts = []
    for node, members in list(nodes.items())[:_MAX_PLACES]:
        names = " and ".join(dict.fromkeys(judged.zone.zone for judged in members))
        free = sum(judged.zone.free_kb or 0 for judged in members)
        cma = sum(_cma_kb(judged, judgement) for judged in members)
        parts.append(
            f"{names}{f' of NUMA node {node}' if several else ''} had {format_bytes((free - cma) * 1024)} free"
            + (f" outside CMA ({format_bytes(cma * 1024)} of CMA is not for this request)" if cma else "")
        )
    more = len(nodes) - _MAX_PLACES
    return " and ".join(parts) + (f" and {more} more NUMA nodes" if more > 0 else "")


def _by_boost(zone: ReportedZone) -> bool:
    """Return whether only the boost of its watermark makes a zone short."""
    if not zone.boost_kb or zone.min_kb is None or zone.free_kb is None:
        return False
    return zone.min_kb - zone.boost_kb < zone.free_kb <= zone.min_kb


def _name(judged: RefusalZone, judgement: RefusalVerdict) -> str:
    several = len({other.zone.node for other in judgement.zones}) > 1 or judgement.this_node
    return f"{judged.zone.zone} of NUMA node {judged.zone.node}" if several else judged.zone.zone


def _cma_kb(judged: RefusalZone, judgement: RefusalVerdict) -> int:
    return 0 if judgement.uses_cma else min(judged.zone.free_cma_kb or 0, judged.zone.free_kb or 0)


def exceeds_memory(words: str) -> bool:
    """Return whether vmalloc was asked for more than a node has: up to 5.12 it prints only the size."""
    size = words.removesuffix(" bytes")
    return "exceeds total pages" in words or (size.isdecimal() and len(size) >= _MIN_DIGITS)


def vmalloc_reason(report: KernelReport, version: KernelVersion | None, reading: GfpReading) -> str:
    """Return why vmalloc failed: address space, single pages, or a size that no machine has (mm/vmalloc.c)."""
    words = report.vmalloc or ""
    if words.startswith("0 bytes"):
        return "a request for nothing: a bug of the code that asked, not fragmentation."
    if exceeds_memory(words):
        return "larger than the node's memory: a bug of the code that asked, or a damaged input; not fragmentation."
    if "address space" in words or "vm_struct" in words or ADDRESS_SPACE.fullmatch(words):
        return "the kernel's virtual address space for vmalloc was exhausted; this is not fragmentation."
    judgement = classify_refusal(replace(report, order=0), version, reading)
    if judgement is not None and judgement.why is RefusalCause.SHORT:
        return f"single pages were short: {_free(judgement.zones, judgement)}; this is not fragmentation."
    return "single pages were short; this is not fragmentation."
