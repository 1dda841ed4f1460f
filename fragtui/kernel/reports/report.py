"""One report of the kernel about memory: absent facts are None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fragtui.kernel.reports.memory_lines import MemoryLine
from fragtui.kernel.reports.report_kind import ReportKind


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One frame of a stack dump, innermost first; `reliable` is False where the kernel printed ``?``."""

    symbol: str
    reliable: bool = True
    module: str | None = None

    def __str__(self) -> str:
        """Return the symbol as the kernel prints it, without its module."""
        return self.symbol if self.reliable else f"? {self.symbol}"


class ReportedZone(NamedTuple):
    """A zone as a report shows it. Sizes in KiB.

    `free_blocks[k]` counts blocks of order k, `letters[k]` names the migratetypes whose lists hold some (U M E H C I; R
    is the reserve up to 4.3), None before 3.9. `lowmem_reserve_pages` is the row `lowmem_reserve[]` in pages, by the
    request's highest zone.
    """

    node: int
    zone: str
    free_blocks: tuple[int, ...] | None = None
    free_kb: int | None = None
    min_kb: int | None = None
    low_kb: int | None = None
    high_kb: int | None = None
    boost_kb: int | None = None
    letters: tuple[str, ...] | None = None
    page_kb: int | None = None
    lowmem_reserve_pages: tuple[int, ...] | None = None
    reserved_highatomic_kb: int | None = None
    free_highatomic_kb: int | None = None
    managed_kb: int | None = None
    free_cma_kb: int | None = None

    def joined(self, blocks: ReportedZone | None, reserve: tuple[int, ...] | None) -> ReportedZone:
        """Return this zone's watermarks with its free blocks and its lowmem reserve, which the kernel prints apart."""
        if blocks is None:
            blocks = self
        return ReportedZone(
            self.node,
            self.zone,
            blocks.free_blocks,
            self.free_kb,
            self.min_kb,
            self.low_kb,
            self.high_kb,
            self.boost_kb,
            blocks.letters,
            blocks.page_kb,
            reserve,
            self.reserved_highatomic_kb,
            self.free_highatomic_kb,
            self.managed_kb,
            self.free_cma_kb,
        )


@dataclass(frozen=True, slots=True)
class KilledTask:
    """The task that the OOM killer chose."""

    comm: str | None
    pid: int | None


@dataclass(frozen=True, slots=True)
class ReportedTask:
    """A row of the OOM killer's table of tasks; `rss` in pages."""

    comm: str
    pid: int
    rss: int


@dataclass(frozen=True, slots=True)
class KernelReport:
    """One report, complete or not; `complete` means that nothing more is expected.

    `key` is unique within one collector and stays the same while the report grows. `stack_mixed` says that another
    CPU's dump was interleaved with this stack, so that no frame is certain and `stack` is empty. From the frame
    `interrupted_from` on the stack is that of the task that an interrupt interrupted. `lines` are the first
    and last line number that gave a fact.
    """

    key: int
    kind: ReportKind
    complete: bool = False
    torn: bool = False
    time: float | None = None
    monotonic: float | None = None
    sequence: int | None = None
    host: str | None = None
    caller: str | None = None
    head: str = ""
    comm: str | None = None
    pid: int | None = None
    cpu: int | None = None
    order: int | None = None
    mode: int | None = None
    names: tuple[str, ...] | None = None
    nodemask: str | None = None
    cpuset: str | None = None
    mems_allowed: str | None = None
    release: str | None = None
    workqueue: str | None = None
    stack: tuple[StackFrame, ...] = ()
    stack_mixed: bool = False
    interrupted_from: int | None = None
    zones: tuple[ReportedZone, ...] = ()
    suppressed: int | None = None
    repeated: int | None = None
    stalled_ms: int | None = None
    vmalloc: str | None = None
    slab_cache: str | None = None
    slab_facts: str | None = None
    constraint: str | None = None
    oom_memcg: str | None = None
    task_memcg: str | None = None
    victim: KilledTask | None = None
    sysrq: bool = False
    line: MemoryLine | None = None
    no_victim: bool = False
    panicked: bool = False
    follow_up: str | None = None
    lines: tuple[int, int] | None = None
    tasks: tuple[ReportedTask, ...] = ()
    """The largest tasks that the OOM killer listed, of `task_count`."""
    task_count: int = 0

    @property
    def page_size(self) -> int | None:
        """Bytes of a page, as its lists of free blocks show them; None without such a list."""
        kilobytes = next((zone.page_kb for zone in self.zones if zone.page_kb), None)
        return None if kilobytes is None else kilobytes << 10


@dataclass(frozen=True, slots=True)
class ExternalDrop:
    """Another process wrote drop_caches, as the kernel logs it: ``bash (1234): drop_caches: 3`` (fs/drop_caches.c)."""

    comm: str
    pid: int
    value: int
    time: float | None = None
    monotonic: float | None = None
    line: int | None = None
