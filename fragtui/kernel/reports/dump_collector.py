"""Which report a stack frame, a task line or a zone of Mem-Info belongs to."""

from __future__ import annotations

from fragtui.kernel.reports.builder import MAX_FRAMES, ReportBuilder, Stage
from fragtui.kernel.reports.dump_lines import (
    MAX_FRAME_CHARACTERS,
    TaskLine,
    ends_interrupt,
    is_body,
    is_buddy_part,
    is_last_trailer,
    is_trace_head,
    is_trailer,
    is_zone_part,
    parse_buddy_line,
    parse_frames,
    parse_reserve,
    parse_task_line,
    parse_workqueue,
    parse_zone_line,
)
from fragtui.kernel.reports.open_reports import OpenReports
from fragtui.kernel.reports.report import ReportedZone
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.kernel.reports.request import intact_part
from fragtui.logs.record import LogRecord

# The outermost frames of a stack: after one of them the dump is over.
_OUTERMOST = ("entry_", "ret_from_fork", "system_call", "el0", "start_secondary", "secondary_startup", "tracesys",
              "x86_64_start", "sysenter", "ret_fast_syscall", "syscall_", "retint_", "page_fault", "0x")  # fmt: skip
_ARM_INNERMOST = ("unwind_backtrace", "dump_backtrace", "show_stack")
_TRAILERS = frozenset("0123456789.FTSNM")
"""Start of a line at the end of Mem-Info."""
_BUDDY_START = frozenset("NDHMd")
"""Of zones: Node 0 ..., DMA, DMA32, Normal, HighMem, Movable, Device."""
LogSource = tuple[str | None, str | None]
"""Host and printing caller of a record."""
NEAR = 6
"""Most records since the last line of a dump for which it is assumed to continue."""
MAX_SOURCES = 4096
"""Most hosts and callers whose dumps are known to have a task line; no node's log has more."""
_MAX_UNOWNED = 256
"""Most hosts and callers with an unowned dump that are kept."""
_MAX_OWNERS = 1024
"""Most hosts and callers whose last dump is kept, the newest; a log of one host has one per CPU or task."""


class DumpCollector:
    """Attributes the lines of dumps. One instance per collector."""

    def __init__(self, open_reports: OpenReports) -> None:
        self._open_reports = open_reports
        self._owner: dict[LogSource, ReportBuilder | None] = {}
        self._unowned_at: dict[LogSource, int | None] = {}
        """Count of the last record of a dump that belongs to no open report; None: that dump has ended."""
        self._tasked: set[LogSource] = set()
        """Hosts and callers whose dumps have a task line."""
        self._part = ""
        """The beginning of a line that the record after `_part_at` may continue."""
        self._part_at = 0

    def reset(self) -> None:
        """Forget the running dump."""
        self._owner.clear()
        self._tasked.clear()
        self._unowned_at.clear()

    def note_head(self, report: ReportBuilder) -> None:
        """A new head line by a caller ends that caller's dump; a hung task's begins its own."""
        if report.stack is Stage.NAMED:
            self._set_owner((report.host, report.caller), report)
        elif report.caller is not None:
            self._set_owner((report.host, report.caller), None)

    def _set_owner(self, source: LogSource, report: ReportBuilder | None) -> None:
        if source not in self._owner and len(self._owner) >= _MAX_OWNERS:
            del self._owner[next(iter(self._owner))]
        self._owner[source] = report

    def note_unowned(self, record: LogRecord) -> None:
        """Note a line of a dump while no report is open: later lines of that dump must not be taken for a report's."""
        text = record.text
        if "Call Trace:" in text or "Call trace:" in text or "+0x" in text:
            self._note_unowned_line(record, text)

    def _note_unowned_line(self, record: LogRecord, text: str) -> None:
        count = self._open_reports.count
        if len(self._unowned_at) > _MAX_UNOWNED:
            self._unowned_at = {
                source: at for source, at in self._unowned_at.items() if at is not None and count - at <= NEAR
            }
        ended = "+0x" in text and any(word in text for word in _OUTERMOST)
        self._unowned_at[record.host, record.caller] = None if ended else count

    def _unowned_dump_runs(self, record: LogRecord) -> bool:
        at = self._unowned_at.get((record.host, record.caller))
        return at is not None and self._open_reports.count - at <= NEAR

    def take_frame(self, record: LogRecord) -> bool:
        """Take a line if it is a stack frame; its owner is the caller of the last task line or heading."""
        text = record.text
        frames = parse_frames(text[:MAX_FRAME_CHARACTERS])
        if not frames:
            return False
        source = (record.host, record.caller)
        owner = self._owner.get(source)
        if " from " in text and (
            frames[0].symbol in _ARM_INNERMOST if owner is None or owner.closed else owner.stack is Stage.NAMED
        ):
            self._begin_trace(source, record)  # ARM's unwinder prints no heading, and up to 3.x no task line.
            owner = self._owner.get(source)
        if owner is None or owner.closed or owner.stack is not Stage.RUNNING:
            self._note_unowned_line(record, text)
            if owner is not None and not owner.closed and owner.stack is Stage.NAMED:
                owner.stack_mixed = True
            return True
        if "<" in text and ends_interrupt(text):
            owner.end_interrupt()
        if len(owner.frames) < MAX_FRAMES:
            owner.frames.extend(frames)
        owner.touch(record)
        return True

    def take(self, record: LogRecord) -> bool:
        """Take any other line of a dump; return whether it was one."""
        text = intact_part(record.text, record.torn)
        bare = text.strip()
        first = bare[:1]
        if self._part and self._continues(bare, record):
            return True
        if first in {"C", "P", "B", "S", "W"} and self._take_stack_line(text, bare, record):
            return True
        if (
            first == "["
            and (owner := self._owner.get((record.host, record.caller))) is not None
            and owner.add_module(bare)
        ):
            return True
        if first == "<" and ends_interrupt(bare):
            if (owner := self._owner.get((record.host, record.caller))) is not None:
                owner.end_interrupt()
            return True
        if first == "M" and bare.startswith(("Mem-Info:", "Mem-info:")):
            self._begin_memory(record)
            return True
        return self._take_memory_line(text, bare, record)

    def _keep(self, part: str) -> None:
        self._part, self._part_at = part, self._open_reports.count

    def _continues(self, bare: str, record: LogRecord) -> bool:
        """Take the rest of a line that was wrapped or printed in pieces, if the record is such a rest."""
        part, self._part = self._part, ""
        if not bare or self._open_reports.count != self._part_at + 1 or len(part) > MAX_FRAME_CHARACTERS:
            return False
        whole = f"{part} {bare}"
        if part.startswith(("CPU: ", "Pid: ")):
            task = parse_task_line(whole)
            if task is None or task.comm is None or task.release is None:
                return False
            owner = self._owner.get((record.host, record.caller))
            if owner is not None and owner.pid == task.pid:
                owner.release = task.release
                owner.touch(record)
                return True
            return self._take_task(task, record)
        if is_zone_part(bare) and (zone := parse_zone_line(part)) is not None:
            if (owner := self._memory_owner(record)) is not None and (zone := parse_zone_line(whole)) is not None:
                owner.replace_zone(zone)
                owner.touch(record)
            self._keep(whole)
            return True
        return is_buddy_part(part) and is_buddy_part(bare) and self._take_blocks(whole, parse_buddy_line(whole), record)

    def _take_blocks(self, text: str, zone: ReportedZone | None, record: LogRecord) -> bool:
        """Take the free blocks of a zone, or keep their text until the line is whole."""
        if (owner := self._memory_owner(record)) is None:
            return zone is not None
        if zone is None:
            self._keep(text)
        else:
            owner.add_zone(zone)
            owner.touch(record)
        return True

    def _take_stack_line(self, text: str, bare: str, record: LogRecord) -> bool:
        key = (record.host, record.caller)
        if "omm: " in bare or bare.startswith("CPU: "):
            task = parse_task_line(bare)
            if task is None or task.release is None:
                self._keep(bare)
            return False if task is None else self._take_task(task, record)
        if is_trace_head(text):
            self._begin_trace(key, record)
            frames = parse_frames(bare.partition(":")[2][:MAX_FRAME_CHARACTERS]) if "[" in bare else ()
            owner = self._owner.get(key)
            if frames and owner is not None and owner.stack is Stage.RUNNING:
                owner.frames.extend(frames)
            return True
        if (work := parse_workqueue(bare)) is not None:
            owner = self._owner.get(key)
            if owner is not None and owner.stack is Stage.NAMED and not record.torn:
                owner.workqueue = work
                owner.touch(record)
            return True
        return False

    def _take_task(self, task: TaskLine, record: LogRecord) -> bool:
        """Give a task line to the report of that task."""
        key = (record.host, record.caller)
        candidates = [report for report in self._open_reports.candidates(record) if report.stack is Stage.AWAITED]
        if task.comm is None:
            same = candidates if record.caller is not None else []
        else:
            same = [report for report in candidates if report.comm == task.comm]
            same = same or [report for report in candidates if report.comm is None]
            same = same or [report for report in candidates if task.comm.endswith(f" {report.comm}")]
            same = same or [
                report for report in candidates if (report.comm or "").endswith((f" {task.comm}", f":{task.comm}"))
            ]
        if not same:
            self._set_owner(key, None)
            return True
        report = same[0]
        if report.line is not None and report.pid not in {None, task.pid}:
            return True
        report.comm = task.comm or report.comm  # The head line may have shown what a tool wrote before it, too.
        report.pid, report.cpu, report.release = task.pid, task.cpu, task.release
        report.stack = Stage.NAMED
        report.touch(record)
        self._set_owner(key, report)
        if len(self._tasked) < MAX_SOURCES:
            self._tasked.add(key)
        return True

    def _begin_trace(self, key: LogSource, record: LogRecord) -> None:
        owner = self._owner.get(key)
        awaiting = [report for report in self._open_reports.candidates(record) if report.stack is Stage.AWAITED]
        if owner is None or owner.closed:
            # Some dumps have no task line (arm64 of Android, 2.4); then only the single candidate is certain.
            certain = len(awaiting) == 1 and awaiting[0].idle <= 4
            if not certain or self._unowned_dump_runs(record) or key in self._tasked:
                for report in awaiting:
                    report.maybe_dumped = True
                self._note_unowned_line(record, "")
                return
            owner = awaiting[0]
            self._set_owner(key, owner)
        if owner.stack >= Stage.RUNNING:  # A second dump: its frames are not this report's.
            for report in awaiting:
                report.maybe_dumped = True
            owner.stack = Stage.DONE
            self._set_owner(key, None)
            self._note_unowned_line(record, "")
            return
        owner.stack_mixed = owner.stack_mixed or self._unowned_dump_runs(record)
        owner.stack = Stage.RUNNING
        owner.touch(record)

    def _begin_memory(self, record: LogRecord) -> None:
        candidates = self._open_reports.candidates(record)
        running = []
        for other in candidates:
            if other.memory is Stage.RUNNING:
                if other.tail_done or other.idle > NEAR:  # It had ended, its end is lost.
                    other.memory = Stage.DONE
                    other.closed = other.kind is not ReportKind.OOM
                else:
                    running.append(other)
        waiting = [report for report in candidates if report.awaits_memory]
        if not waiting:
            return
        # A CPU dumps its stack before its memory, and its memory at once.
        dumped = [report for report in waiting if report.stack > Stage.AWAITED or report.maybe_dumped] or waiting
        dumped = [report for report in dumped if not report.is_past(record)] or dumped
        owner = self._owner.get((record.host, record.caller))
        report = owner if owner is not None and owner in dumped else dumped[0]
        if record.caller is None and (running or len(dumped) > 1):
            # Two Mem-Infos are interleaved, or either may come first, and no line names its owner.
            for other in (*running, *dumped):
                other.memory_mixed = True
        report.stack = Stage.DONE
        report.memory = Stage.RUNNING
        report.touch(record)

    def _memory_owner(self, record: LogRecord) -> ReportBuilder | None:
        candidates = self._open_reports.candidates(record)
        for report in candidates:
            if report.memory is Stage.RUNNING:
                return report
        # The heading may be lost; it belongs to the single report that waits for its Mem-Info.
        waiting = [report for report in candidates if report.awaits_memory]
        if len(waiting) == 1 and waiting[0].stack >= Stage.NAMED:
            waiting[0].memory, waiting[0].stack = Stage.RUNNING, Stage.DONE
            return waiting[0]
        return None

    def _take_memory_line(self, text: str, bare: str, record: LogRecord) -> bool:
        if " free:" in text and (zone := parse_zone_line(bare)) is not None:
            if (owner := self._memory_owner(record)) is not None:
                owner.add_zone(zone)
                owner.touch(record)
            self._keep(bare)
            return True
        zone = parse_buddy_line(bare) if "kB = " in text or ") = " in text else None
        if zone is not None or (bare[:1] in _BUDDY_START and is_buddy_part(bare)):
            return self._take_blocks(bare, zone, record)
        if "[]:" in text:
            row = None if record.torn else parse_reserve(bare)
            owner = self._memory_owner(record) if row is not None else None
            if row is not None and owner is not None:
                owner.add_reserve(row)
                owner.touch(record)
            return True
        if bare[:1] in _TRAILERS and is_trailer(bare):
            owner = self._memory_owner(record)
            if owner is not None and owner.memory is Stage.RUNNING:
                owner.tail_done = owner.tail_done or is_last_trailer(bare)
                owner.touch(record)
            return True
        return is_body(text, bare[:1]) or is_last_trailer(bare)
