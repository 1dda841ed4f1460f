"""Lines common to all dumps of the kernel: the task line, the stack, Mem-Info and its zones.

Sources: lib/dump_stack.c, arch show_stack, mm/page_alloc.c and mm/show_mem.c show_free_areas(), 2.4 to 6.19.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fragtui.kernel.procfs.buddyinfo import MAX_ORDER
from fragtui.kernel.reports.report import ReportedZone, StackFrame

_TASK = re.compile(
    r"(?:CPU: (\d{1,20}) (?:UID: \d+ )?)?P(?:ID|id): (\d{1,20})(?=[ ,]|$),? ?[Cc]omm: (.+?)"
    r" (?=Not tainted|Tainted:|Kdump:|[GP] |\d+\.\d+\.\d+)(.*)$"
)
_TASK_SHORT = re.compile(r"CPU: (\d{1,20}) (?:UID: \d+ )?PID: (\d{1,20})(?= )", re.ASCII)
_RELEASE = re.compile(r"(?<= )(\d+\.\d[-+~.\w]*+)(?= |$)")
_FRAME = re.compile(
    r"\s*+(?:(?:<|&lt;)[/\w]++(?:>|&gt;)\s*+)*+(?:\(?\[(?:<|&lt;)?[0-9a-f]*+(?:>|&gt;)?\]\s*+)*+"
    r"\(?(\? )?+\s*+(?:0x[0-9a-f]++ )?+(?::(\w++):)?+\.?([A-Za-z_][\w.$]*+)\+0x[0-9a-f]++/0x[0-9a-f]++"
    r"(?:\s++\[([^\s\]]++)[^\]]*+\])?+",
)
"""Web pages show stacks with ``[&lt;ffffffff81127933&gt;]``, or its rest: ``[]``; 2.6.18 writes ``:module:symbol``."""
_ARM_FRAME = re.compile(
    r"\s*+(?:\[<[0-9a-f]++>\] \()?+([A-Za-z_][\w.$]*+)(?: \[([\w-]++)\])?+\)?+(?: \[([\w-]++)\])?+"
    r" from (?:\[<|[A-Za-z_(])"
)
"""``f from g+0x/0x``, ``f [module] from g+0x/0x [module]``, ``[<c0>] (f [module]) from [<c1>] (g+0x/0x)``."""
_INTERRUPT_END = re.compile(r"\s*(?:</(?:IRQ|SOFTIRQ|NMI)>|<EOI>|<<EOE>>)")
"""After it the frames are those of what was interrupted (arch/x86/kernel/dumpstack.c)."""
_DECIMAL_FRAME = re.compile(r"\[([A-Za-z_]\w*)\+\d+/\d+\]")
_TRACE = re.compile(r"\s*(?:Call [Tt]race|Backtrace):")
_ZONE = re.compile(
    r"(?:Node (\d{1,20}) )?([A-Za-z]\w*) free:(\d{1,20})kB(?: boost:(\d{1,20})kB)?"
    r"(?: min:(\d{1,20})kB(?: low:(\d{1,20})kB(?: high:(\d{1,20})kB)?)?)?",
    re.ASCII,
)
_ZONE_EXTRA = re.compile(r" (reserved_highatomic|free_highatomic|managed|free_cma):(\d{1,20})[kK]B", re.ASCII)
_BUDDY = re.compile(
    r"(?:Node (\d{1,20}) )?([A-Za-z]\w*): ((?:\d{1,20}\*\d{1,20}kB (?:\([A-Z]+\) )?)+)= (\d{1,20})kB", re.ASCII
)
_STARLESS = re.compile(
    r"(?:Node (\d{1,20}) )?([A-Za-z]\w*): ((?:\d{2,20}kB (?:\([A-Z]+\) )?){5,64})= (\d{1,20})kB", re.ASCII
)
_SIZES = re.compile(r"(\d{2,20})kB(?: \(([A-Z]+)\))?", re.ASCII)
_PAGE_KB = re.compile(r"(?:4|8|16|64)$")
_BUDDY_PART = re.compile(
    r"(?:Node \d{1,20} ?)?(?:[A-Za-z]\w*: ?)?(?:\d{1,20}\*\d{1,20}kB ?|\([A-Z]+\) ?)*(?:= ?)?(?:\d{1,20}kB)?", re.ASCII
)
_ZONE_PART = re.compile(r"(?:[a-z_]{2,30}:\d{1,20}[kK]B|pages_scanned:\d|all_unreclaimable\?)", re.ASCII)
_BLOCKS = re.compile(r"(\d{1,20})\*(\d{1,20})kB(?: \(([A-Z]+)\))?", re.ASCII)
_RESERVE = re.compile(r"(?:lowmem_reserve|protections?)\[\]:((?: \d{1,20})+)\s*$", re.ASCII)
_TRAILER = re.compile(
    r"\s*(?:\d+ (?:total pagecache pages|pages |reserved pages|slab pages|free pages)|Free swap|Total swap|Swap cache"
    r"|Node \d+ hugepages_|Memory allocations|[\d.]+ [KMG]?i?B +\d+ \S+:\d+)",
    re.ASCII,
)
_LAST = re.compile(
    r"\s*\d+ pages (?:hwpoisoned|non-shared|cma reserved|reserved|in pagetable cache|swap cached)", re.ASCII
)
_COUNTERS = re.compile(
    r"\s*(?:Node \d+ )?(?:active_anon|active_file|unevictable|slab_reclaimable|mapped|sec_pagetables"
    r"|kernel_misc_reclaimable|free|bounce|dirty|active):\d",
    re.ASCII,
)
_REGISTERS = re.compile(
    r"\s*(?:R[A-Z0-9]{1,2}[0-9PXSI]?: |Code: |RIP: |RSP: |ORIG_RAX|</?[A-Z]{2,8}>\s*$|Hardware name"
    r"|(?:[0-9a-f]{8}|[0-9a-f]{16})(?: |$))"
)
_OF_COUNTERS = frozenset("Nabdfkmsu")
_OF_REGISTERS = frozenset("0123456789abcdefRCOH<")
_WORKQUEUE = re.compile(r"\s*Workqueue: (\S.*)$")

OUR_FRAMES = (
    "dump_stack", "show_stack", "dump_backtrace", "warn_alloc", "__alloc_", "alloc_pages", "alloc_page", "get_page",
    "__get_free_pages", "get_zeroed_page", "kmalloc", "__kmalloc", "___kmalloc", "kzalloc", "kmem_cache", "slab_",
    "new_slab", "__slab", "allocate_slab", "krealloc", "kvmalloc", "__kvmalloc", "cache_", "fallback_alloc",
    "____cache",
    "vmalloc",
    "__vmalloc", "kmem_", "unwind_backtrace", "page_frag", "folio_alloc", "kcalloc", "devm_kmalloc", "show_trace",
)  # fmt: skip
"""Frames of the allocator itself, by prefix: its caller is below them."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """``CPU: 27 PID: 70623 Comm: runc:[1:CHILD] Not tainted 3.10.0``: task, CPU and kernel."""

    cpu: int | None
    pid: int
    comm: str | None
    release: str | None


def parse_task_line(text: str) -> TaskLine | None:
    """Return the task line of a dump (2.6 ``Pid: 0, comm: swapper`` too), or None. `text` is settled."""
    if found := _TASK.match(text):
        release = _RELEASE.search(" " + found[4])
        cpu = int(found[1][:9]) if found[1] else None
        return TaskLine(cpu, int(found[2][:9]), found[3], release[1] if release else None)
    if found := _TASK_SHORT.match(text):
        return TaskLine(int(found[1][:9]), int(found[2][:9]), None, None)
    return None


def is_trace_head(text: str) -> bool:
    """Return whether a line is the heading of a stack."""
    return _TRACE.match(text) is not None


MAX_FRAME_CHARACTERS = 1024
"""Most characters read of a line of frames: the cache stays small."""


@lru_cache(maxsize=4096)  # A kernel prints the same frames again and again.
def parse_frames(text: str) -> tuple[StackFrame, ...]:
    """Return the frames of a line: one since 2.6, several in the symbolised traces of 2.4; empty if it has no frame."""
    if found := _FRAME.match(text):
        return (StackFrame(found[3], found[1] is None, found[4] or found[2]),)
    if " from " in text and (found := _ARM_FRAME.match(text)):
        return (StackFrame(found[1], True, found[2] or found[3]),)
    if "+" in text and "/" in text and "[" in text and (names := _DECIMAL_FRAME.findall(text)):
        return tuple(StackFrame(name) for name in names)
    return ()


def ends_interrupt(text: str) -> bool:
    """Return whether a line of a stack begins with the end of an interrupt."""
    return "<" in text[:20] and _INTERRUPT_END.match(text) is not None


def parse_zone_line(text: str) -> ReportedZone | None:
    """Return a zone's watermarks from ``[Node 0 ]Normal free:..kB ... high:..kB ...``, or None. `text` is settled.

    Without CONFIG_NUMA the kernel prints no node: it is node 0. A boost that is not printed is None (before 5.17).
    """
    if (found := _ZONE.match(text)) is None:
        return None
    numbers = [None if part is None else int(part) for part in found.groups()[2:]]
    extra = {name: int(value) for name, value in _ZONE_EXTRA.findall(text, found.end())}
    return ReportedZone(
        node=int(found[1] or 0),
        zone=found[2],
        free_kb=numbers[0],
        boost_kb=numbers[1],
        min_kb=numbers[2],
        low_kb=numbers[3],
        high_kb=numbers[4],
        reserved_highatomic_kb=extra.get("reserved_highatomic"),
        free_highatomic_kb=extra.get("free_highatomic"),
        managed_kb=extra.get("managed"),
        free_cma_kb=extra.get("free_cma"),
    )


def parse_reserve(text: str) -> tuple[int, ...] | None:
    """Return a ``lowmem_reserve[]:`` row in pages, or None."""
    if (found := _RESERVE.match(text)) is None:
        return None
    return tuple(int(part) for part in found[1].split())


def parse_buddy_line(text: str) -> ReportedZone | None:
    """Return a zone's free blocks from ``[Node 0 ]Normal: 7662*4kB (UE) ... = 81296kB``, or None.

    The line is used only with its total: a cut list of orders is not a shorter list. The page size is the size
    of its first entry; every next one must be twice the one before.
    """
    if (found := _BUDDY.match(text)) is None:
        return _starless_blocks(text)
    counts, sizes, letters = zip(*_BLOCKS.findall(found[3]), strict=True)
    page_kb = int(sizes[0])
    if page_kb < 1 or len(sizes) > MAX_ORDER + 1 or tuple(map(int, sizes)) != _block_sizes(page_kb, len(sizes)):
        return None
    return ReportedZone(
        node=int(found[1] or 0),
        zone=found[2],
        free_blocks=tuple(map(int, counts)),
        letters=letters if any(letters) else None,
        page_kb=page_kb,
    )


def _starless_blocks(text: str) -> ReportedZone | None:
    """Return a zone's free blocks from a line whose ``*`` Markdown has taken for emphasis: ``14kB 18kB = 12kB``.

    A block's size follows from its place; the total proves it.
    """
    if (found := _STARLESS.match(text)) is None:
        return None
    parts = _SIZES.findall(found[3])
    if not (first := _PAGE_KB.search(parts[0][0])):
        return None
    sizes = _block_sizes(int(first[0]), len(parts))
    if not all(
        digits.endswith(str(size)) and len(digits) > len(str(size))
        for (digits, _), size in zip(parts, sizes, strict=True)
    ):
        return None
    counts = tuple(int(digits[: -len(str(size))]) for (digits, _), size in zip(parts, sizes, strict=True))
    if sum(count * size for count, size in zip(counts, sizes, strict=True)) != int(found[4]):
        return None
    letters = tuple(types for _, types in parts)
    return ReportedZone(
        int(found[1] or 0), found[2], counts, letters=letters if any(letters) else None, page_kb=sizes[0]
    )


def is_buddy_part(text: str) -> bool:
    """Return whether a line is a piece of a zone's free blocks: 4.9 printed each as a record, mail wraps them."""
    return _BUDDY_PART.fullmatch(text) is not None


def is_zone_part(text: str) -> bool:
    """Return whether a line may be the rest of a wrapped line of a zone's watermarks."""
    return _ZONE_PART.match(text) is not None


@lru_cache(maxsize=16)
def _block_sizes(page_kb: int, orders: int) -> tuple[int, ...]:
    return tuple(page_kb << order for order in range(orders))


def is_trailer(text: str) -> bool:
    """Return whether a line belongs to the end of Mem-Info: page cache, swap, page totals, allocation profile."""
    return _TRAILER.match(text) is not None


def is_last_trailer(text: str) -> bool:
    """Return whether a line ends Mem-Info in some kernel; another such line may still follow."""
    return _LAST.match(text) is not None


def is_body(text: str, first: str) -> bool:
    """Return whether a line belongs to a dump without giving a fact: counters, registers, hex words.

    `first` is its first character other than a space: few lines are searched twice then.
    """
    if first in _OF_COUNTERS and _COUNTERS.match(text) is not None:
        return True
    return first in _OF_REGISTERS and _REGISTERS.match(text) is not None


def parse_workqueue(text: str) -> str | None:
    """Return the work item of a ``Workqueue:`` line, such as ``nvme-wq nvme_scan_work [nvme_core]``, or None."""
    return found[1] if (found := _WORKQUEUE.match(text)) else None
