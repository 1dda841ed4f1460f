"""A report whose lines are still arriving."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import IntEnum

from fragtui.kernel.reports.memory_lines import MemoryLine
from fragtui.kernel.reports.oom_tasks import TaskTable
from fragtui.kernel.reports.report import KernelReport, KilledTask, ReportedZone, StackFrame
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.kernel.reports.request import ReportedRequest
from fragtui.logs.record import LogRecord

_PROSE = re.compile(r" mode:0x[0-9a-f]+[\"'`)]*[.,]? +[a-z]+ +[a-z]+ ")
"""Words behind the request in a sentence that quotes a head line."""
_ORDER_LAST = re.compile(r" order:\d{1,2},?\s*$", re.ASCII)
_MODULE = re.compile(r"\[([A-Za-z][\w-]{0,63})\]")
_RECLAIM = (
    "compact_", "kcompactd", "migrate_pages", "isolate_migratepages", "shrink_", "try_to_free_", "kswapd",
    "balance_pgdat", "khugepaged", "collapse_huge", "__alloc_pages_direct_", "__alloc_pages_slowpath",
)  # fmt: skip
"""Frames of a task that waits for compaction or reclaim."""
_GAP_S = 10.0
_SPAN_S = 2.0
"""Seconds: longer than a report takes to be written, by timestamps of whole seconds."""
MAX_FRAMES = 200
MAX_ZONES = 4096


class Stage(IntEnum):
    """Progress of a part of the report (its stack, its Mem-Info)."""

    AWAITED = 0
    NAMED = 1
    RUNNING = 2
    DONE = 3


class ReportBuilder:
    """Collects one report. Contradictory facts (two interleaved dumps) become unknown."""

    def __init__(self, key: int, kind: ReportKind, record: LogRecord) -> None:
        self.key = key
        self.kind = kind
        self.host = record.host
        self.caller = record.caller
        self.record = record
        self.head = record.text
        self.first_line = self.last_line = record.line
        self.seen_time, self.seen_monotonic = record.time, record.monotonic
        self.request = ReportedRequest()
        self.comm: str | None = None
        self.pid: int | None = None
        self.cpu: int | None = None
        self.release: str | None = None
        self.workqueue: str | None = None
        self.suppressed: int | None = None
        self.repeated: int | None = None
        self.stalled_ms: int | None = None
        self.vmalloc: str | None = None
        self.slab_cache: str | None = None
        self.slab_facts: list[str] = []
        self.constraint: str | None = None
        self.oom_memcg: str | None = None
        self.task_memcg: str | None = None
        self.victim: KilledTask | None = None
        self.tasks = TaskTable()
        self.killed = self.summarised = self.group_kill = False
        self.follow_up: str | None = None
        self.no_victim = self.panicked = False
        self.line: MemoryLine | None = None
        self.frames: list[StackFrame] = []
        self.interrupted_from: int | None = None
        self.stack = Stage.AWAITED
        self.stack_mixed = False
        self.maybe_dumped = False
        """Whether an unnamed dump ran that may belong to this report."""
        self.memory = Stage.AWAITED
        self.memory_mixed = False
        self.tail_done = False
        self.wants_cpuset = self.wants_mems = False
        self.torn = record.torn
        self.idle = 0
        """Records since the last one with a fact; `others`: those of other callers."""
        self.others = 0
        self.idle_limit = 100
        self.closed = self.complete = False
        self.version = 0
        self._zones: dict[tuple[int, str], ReportedZone | None] = {}
        """The zones in order, with their watermarks; blocks and reserves are printed separately."""
        self._blocks: dict[tuple[int, str], ReportedZone] = {}
        self._reserves: dict[tuple[int, str], tuple[int, ...]] = {}
        self._last_zone: tuple[int, str] | None = None

    def touch(self, record: LogRecord) -> None:
        """Mark that a record gave a fact to this report."""
        self.idle = self.others = 0
        self.version += 1
        self.seen_time, self.seen_monotonic = record.time, record.monotonic
        self.torn = self.torn or record.torn
        if record.line is not None:
            self.last_line = record.line

    def is_stale(self, record: LogRecord) -> bool:
        """Return whether a record is so much later than this report's last one that the report is over."""
        return self._since(record) > _GAP_S

    def is_past(self, record: LogRecord) -> bool:
        """Return whether a record is so much later than the last one that it hardly belongs to this report."""
        return self._since(record) > _SPAN_S

    def _since(self, record: LogRecord) -> float:
        """Return the seconds since the last record of this report; 0 without timestamps."""
        if record.monotonic is not None and self.seen_monotonic is not None:
            return record.monotonic - self.seen_monotonic
        if record.time is not None and self.seen_time is not None:
            return record.time - self.seen_time
        return 0.0

    @property
    def is_real(self) -> bool:
        """Whether it is more than a text that mentions a report, such as a title, or a task that hangs elsewhere."""
        if self.kind is ReportKind.HUNG_TASK:
            return not self.frames or any(frame.symbol.startswith(_RECLAIM) for frame in self.frames)
        if self.kind is not ReportKind.ALLOCATION_FAILURE or self.pid is not None or self.frames or self.torn:
            return True
        if _PROSE.search(self.head) is not None:
            return False
        if self.request.mode is not None:
            return True
        record = self.record
        from_kernel = record.monotonic is not None or record.from_kernel is True or record.program == "kernel"
        return (from_kernel and " order" in self.head) or _ORDER_LAST.search(self.head) is not None

    @property
    def awaits_memory(self) -> bool:
        """Whether its Mem-Info may still come: a memory cgroup's OOM has none, and no OOM has one after the kill."""
        return self.memory is Stage.AWAITED and not self.killed and self.constraint != "CONSTRAINT_MEMCG"

    @property
    def is_over(self) -> bool:
        """Whether its last part is read; an OOM's is the kill, far below its Mem-Info."""
        return self.tail_done and (self.kind is not ReportKind.OOM or self.killed)

    def merge_request(self, more: ReportedRequest) -> None:
        """Take the unknown facts of the request from another part of its head line."""
        mine = self.request
        self.request = ReportedRequest(
            order=mine.order if mine.order is not None else more.order,
            mode=mine.mode if mine.mode is not None else more.mode,
            names=mine.names if mine.names is not None else more.names,
            nodemask=mine.nodemask if mine.nodemask is not None else more.nodemask,
            cpuset=mine.cpuset if mine.cpuset is not None else more.cpuset,
            mems_allowed=mine.mems_allowed if mine.mems_allowed is not None else more.mems_allowed,
        )

    def end_interrupt(self) -> None:
        """Mark that the frames from here on are those of the interrupted task."""
        if self.stack is Stage.RUNNING and self.frames and self.interrupted_from is None:
            self.interrupted_from = len(self.frames)

    def add_module(self, text: str) -> bool:
        """Take the module of the last frame from a line of its own, where a mail program has put it."""
        if self.stack is not Stage.RUNNING or not self.frames or (found := _MODULE.fullmatch(text)) is None:
            return False
        self.frames[-1] = replace(self.frames[-1], module=self.frames[-1].module or found[1])
        return True

    def add_zone(self, zone: ReportedZone) -> None:
        """Take a zone's watermarks or its free blocks; the same ones twice are two dumps mixed."""
        key = (zone.node, zone.zone)
        if key not in self._zones:
            if len(self._zones) >= MAX_ZONES:
                return
            self._zones[key] = None
        if zone.free_blocks is not None:
            if key in self._blocks:
                self.memory_mixed = True
            else:
                self._blocks[key] = zone
            return
        self._last_zone = key
        if self._zones[key] is None:
            self._zones[key] = zone
        else:
            self.memory_mixed = True

    def replace_zone(self, zone: ReportedZone) -> None:
        """Take a zone's watermarks again, read from more of its wrapped line."""
        if self._last_zone == (zone.node, zone.zone):
            self._zones[zone.node, zone.zone] = zone

    def add_reserve(self, row: tuple[int, ...]) -> None:
        """Take the lowmem_reserve row of the zone printed just before it."""
        if self._last_zone is not None:
            self._reserves[self._last_zone] = row
            self._last_zone = None

    def _joined_zones(self) -> tuple[ReportedZone, ...]:
        return tuple(
            self._blocks[key] if zone is None else zone.joined(self._blocks.get(key), self._reserves.get(key))
            for key, zone in self._zones.items()
        )

    def freeze(self) -> KernelReport:
        """Return the report as far as it is known."""
        request = self.request
        lines = None
        if self.first_line is not None and self.last_line is not None:
            lines = (min(self.first_line, self.last_line), max(self.first_line, self.last_line))
        return KernelReport(
            key=self.key,
            kind=self.kind,
            complete=self.complete,
            torn=self.torn,
            time=self.record.time,
            monotonic=self.record.monotonic,
            sequence=self.record.sequence,
            host=self.host,
            caller=self.caller,
            head=self.head,
            comm=self.comm,
            pid=self.pid,
            cpu=self.cpu,
            order=request.order,
            mode=request.mode,
            names=request.names,
            nodemask=request.nodemask,
            cpuset=request.cpuset,
            mems_allowed=request.mems_allowed,
            release=self.release,
            workqueue=self.workqueue,
            stack=() if self.stack_mixed else tuple(self.frames),
            stack_mixed=self.stack_mixed,
            interrupted_from=None if self.stack_mixed else self.interrupted_from,
            zones=() if self.memory_mixed else self._joined_zones(),
            suppressed=self.suppressed,
            repeated=self.repeated,
            stalled_ms=self.stalled_ms,
            vmalloc=self.vmalloc,
            slab_cache=self.slab_cache,
            slab_facts="; ".join(self.slab_facts) or None,
            constraint=self.constraint,
            oom_memcg=self.oom_memcg,
            task_memcg=self.task_memcg,
            victim=self.victim,
            sysrq=request.order == -1,
            line=self.line,
            no_victim=self.no_victim,
            panicked=self.panicked,
            follow_up=self.follow_up,
            lines=lines,
            tasks=self.tasks.largest,
            task_count=self.tasks.count,
        )
