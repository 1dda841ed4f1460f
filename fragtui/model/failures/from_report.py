"""Judges a kernel report: decodes the flags, finds the cause, explains the denial."""

from __future__ import annotations

import re
from dataclasses import replace
from zlib import crc32

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.gfp.flags import GfpReading, GfpTable, decode
from fragtui.kernel.procfs.version import KernelVersion, parse_version
from fragtui.kernel.reports.dump_lines import OUR_FRAMES
from fragtui.kernel.reports.report import KernelReport, StackFrame
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.cause import Cause, FoundCause, plain_symbol
from fragtui.model.failures.causes import CAUSES, FREE_BLOCKS, LIBRARY_MODULES, RINGS, TABLE
from fragtui.model.failures.explanation import describe_report
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.line_words import cause_of_line, is_memory
from fragtui.model.failures.refusal import RefusalCause, RefusalVerdict, classify_refusal, is_atomic

_NETNS_UNTIL = (4, 7, 0)
_INTERRUPT = (
    "__do_softirq", "do_softirq", "handle_softirqs", "irq_exit", "__irq_exit", "call_softirq", "run_ksoftirqd",
    "do_IRQ",
    "common_interrupt", "asm_common_interrupt", "apic_timer_interrupt", "sysvec_", "asm_sysvec_", "el1_irq",
    "el1h_64_irq", "el0_irq", "gic_handle_irq", "__irq_svc", "__irq_usr",
)  # fmt: skip
"""Frames through which an interrupt enters the kernel: those below are not what asked."""
_POLL = ("net_rx_action", "__napi_poll", "napi_poll", "napi_threaded_poll")
_RECEIVE = (*_POLL, "__netdev_alloc_", "netdev_alloc_frag", "__napi_alloc_", "napi_alloc_", "napi_get_frags",
            "netif_receive_skb", "__netif_receive_skb", "tcp_v4_rcv", "tcp_v6_rcv", "ip_rcv", "ipv6_rcv")  # fmt: skip
_RECEIVE_PART = re.compile(r"(?:^|_)(?:rx|recv|receive|rcv)(?:_|\d|$)")


def incident_of(
    report: KernelReport, source: str = "", running: GfpTable | None = None, live_kernel: str | None = None
) -> Incident:
    """Return the incident that a report describes.

    `source` makes the ids of different logs differ. `running` is the running kernel's flag table and `live_kernel` its
    release: pass them only for reports of this machine's current boot.
    """
    release = report.release or live_kernel
    version = parse_version(release) if release else None
    reading = decode(report.mode, report.names, version, running) if report.mode is not None else None
    if report.head and "cation failed (gfp=" in report.head:
        reading = GfpReading(None, None)  # The head line of 2.4, which numbers the flags differently.
    reading_or_names = reading or GfpReading(report.names, None)
    found = cause_of(report, version, is_atomic(report.mode, reading_or_names))
    judgement = classify_refusal(report, version, reading_or_names)
    paths = (report.task_memcg, report.oom_memcg, report.cpuset)
    owners = [owner for path in paths if path and (owner := cgroup_owner(path)) is not None]
    return Incident(
        report=report,
        id=incident_id(source, _place(report), report.time, report.monotonic, report.kind),
        time=report.time,
        pid=report.pid,
        gfp=reading.names if reading else report.names,
        gfp_from=reading.source if reading else ("printed" if report.names is not None else None),
        cause=cause_of_line(report.line) if found is None and report.line else found.cause.key if found else None,
        memory=memory_is_to_blame(report, judgement),
        repeated=report.repeated,
        pod_uid=next((owner.uid for owner in owners if owner.uid), None),
        container_id=next((owner.container_id for owner in owners if owner.container_id), None),
        reason=reason_of(report),
        explanation=describe_report(report, version, reading_or_names, found, judgement),
        lines=report.lines,
    )


def _place(report: KernelReport) -> int:
    return report.sequence if report.sequence is not None else report.lines[0] if report.lines else report.key


def incident_id(source: str, place: int, time: float | None, monotonic: float | None, kind: str) -> str:
    """Return an id that stays the same while the report grows and differs between places of a log."""
    text = f"{source}|{place}|{time}|{monotonic}|{kind}"
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def cause_of(report: KernelReport, version: KernelVersion | None, atomic: bool) -> FoundCause | None:
    """Return what requested the memory, or None. An OOM kill has none: its victim requested nothing.

    `atomic` is whether the request was not allowed to wait.
    """
    if report.kind in {ReportKind.OOM, ReportKind.SLAB_FAILURE, ReportKind.HUNG_TASK}:
        return None
    if report.kind is ReportKind.DEVICE_FAILURE and not report.stack:
        return None
    frames = _asking_frames(report)
    stack = [(frame.symbol, frame.reliable, frame.module) for frame in frames]
    found = TABLE.find(stack, report.workqueue, report.comm)
    if found is not None and found.cause.key == "netns" and found.frame is None:
        # Without a stack the name shows only that runc creates namespaces; up to 4.6 it is conntrack that fails there.
        old = report.mode is not None and report.names is None
        if old and report.order and (version is None or version.numbers < _NETNS_UNTIL):
            conntrack = next(cause for cause in CAUSES if cause.key == "netns/nf_conntrack")
            return FoundCause(conntrack, found.sign)
    if atomic and any(_receives(frame) for frame in frames):
        return _receiver(frames, found)
    place = _driver(frames)
    if place is None or (found is not None and _is_nearer(found, place, frames)):
        return found
    module = frames[place].module or ""
    title = f"kernel module {module}"
    if found is not None and not found.cause.weak and found.frame is not None:
        title += f", called for {found.cause.title}"
    cause = Cause(module, title, f"{FREE_BLOCKS}, then retry. Look for smaller buffers among the module's options")
    return FoundCause(cause, f"module {module}", place)


def _asking_frames(report: KernelReport) -> tuple[StackFrame, ...]:
    """Return the frames of what asked, without those of a task that an interrupt interrupted."""
    frames = report.stack if report.interrupted_from is None else report.stack[: report.interrupted_from]
    sure = any(frame.reliable for frame in frames)
    for place, frame in enumerate(frames):
        if place and (frame.reliable or not sure) and plain_symbol(frame.symbol).startswith(_INTERRUPT):
            return frames[:place]
    return frames


def _receives(frame: StackFrame) -> bool:
    name = plain_symbol(frame.symbol)
    return name.startswith(_RECEIVE) or (frame.module is not None and _RECEIVE_PART.search(name) is not None)


def _receiver(frames: tuple[StackFrame, ...], found: FoundCause | None) -> FoundCause:
    """Return the driver whose poll function received packets; without one, receiving itself."""
    poll = next((place for place, frame in enumerate(frames) if frame.symbol.startswith(_POLL)), None)
    inside = list(enumerate(frames[:poll]))
    for place, frame in reversed(inside) if poll is not None else inside:
        strong = TABLE.look_up(frame.symbol, frame.module)[0]
        if frame.module is not None and frame.module not in LIBRARY_MODULES:
            cause = strong or Cause(frame.module, "", FREE_BLOCKS)
            return _receiving(replace(cause, title=f"the {frame.module} driver"), frame, place)
        if strong is not None and strong.advice == RINGS:
            return _receiving(strong, frame, place)
    if found is not None and found.cause.key == "network-receive":
        return replace(found, receiving=True)
    receive = next(cause for cause in CAUSES if cause.key == "network-receive")
    return FoundCause(receive, "atomic context", None, True)


def _receiving(cause: Cause, frame: StackFrame, place: int) -> FoundCause:
    return FoundCause(
        replace(cause, title=f"{cause.title}, receiving packets"), plain_symbol(frame.symbol), place, True
    )


def _driver(frames: tuple[StackFrame, ...]) -> int | None:
    """Return the place of the innermost frame of a module that no cause knows and that is no library."""
    sure = any(frame.reliable and not frame.symbol.startswith(OUR_FRAMES) for frame in frames)
    for place, frame in enumerate(frames):
        if frame.module is None or (sure and not frame.reliable):
            continue
        if frame.module not in LIBRARY_MODULES and not TABLE.knows_module(frame.module):
            return place
    return None


def _is_nearer(found: FoundCause, place: int, frames: tuple[StackFrame, ...]) -> bool:
    """Return whether a cause tells more than the driver at that place of the stack."""
    if found.frame is None:
        return found.sign.startswith("work item")
    if found.cause.weak and not found.cause.stands:
        return False
    return found.frame < place and (frames[found.frame].reliable or not frames[place].reliable)


def memory_is_to_blame(report: KernelReport, judgement: RefusalVerdict | None = None) -> bool | None:
    """Return whether the node's memory is the cause: False for a cgroup's limit, address space, a sysrq or a bug."""
    if judgement is not None and judgement.why in {RefusalCause.NO_MEMORY, RefusalCause.TOO_LARGE}:
        return False
    if report.kind is ReportKind.OOM:
        if report.sysrq or report.constraint == "CONSTRAINT_MEMCG":
            return False
        if report.constraint in {"CONSTRAINT_NONE", "CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"}:
            return True
        return True if report.comm is not None and report.victim is not None else None
    if report.line is not None:
        return is_memory(report)
    if report.kind is ReportKind.VMALLOC_FAILURE:
        words = report.vmalloc or ""
        if "exceeds total pages" in words or "address space" in words or "vm_struct" in words:
            return False
        return None
    return True


def reason_of(report: KernelReport) -> str | None:
    """Return what the report contains beyond the common fields."""
    if report.kind is ReportKind.STALL and report.stalled_ms is not None:
        return f"waited {report.stalled_ms} ms so far"
    if report.kind is ReportKind.VMALLOC_FAILURE:
        return report.vmalloc
    if report.kind is ReportKind.SLAB_FAILURE and report.slab_cache is not None:
        return f"cache {report.slab_cache}: {report.slab_facts}"
    if report.kind is ReportKind.OOM:
        if report.sysrq:
            return "requested by sysrq"
        if report.oom_memcg is not None:
            return f"limit of cgroup {report.oom_memcg}"
    return report.follow_up
