"""Judges a kernel report: decodes the flags, finds the cause, explains the denial."""

from __future__ import annotations

from zlib import crc32

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.gfp.flags import GfpReading, GfpTable, decode
from fragtui.kernel.procfs.version import KernelVersion, parse_version
from fragtui.kernel.reports.dump_lines import OUR_FRAMES
from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.cause import Cause, FoundCause
from fragtui.model.failures.causes import CAUSES, TABLE
from fragtui.model.failures.explanation import describe_report
from fragtui.model.failures.incident import Incident

_NETNS_UNTIL = (4, 7, 0)


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
    found = cause_of(report, version)
    paths = (report.task_memcg, report.oom_memcg, report.cpuset)
    owners = [owner for path in paths if path and (owner := cgroup_owner(path)) is not None]
    return Incident(
        report=report,
        id=incident_id(source, _place(report), report.time, report.monotonic, report.kind),
        time=report.time,
        pid=report.pid,
        gfp=reading.names if reading else report.names,
        gfp_from=reading.source if reading else ("printed" if report.names is not None else None),
        cause=found.cause.key if found else None,
        memory=memory_is_to_blame(report),
        repeated=report.repeated,
        pod_uid=next((owner.uid for owner in owners if owner.uid), None),
        container_id=next((owner.container_id for owner in owners if owner.container_id), None),
        reason=reason_of(report),
        explanation=describe_report(report, version, reading or GfpReading(report.names, None), found),
        lines=report.lines,
    )


def _place(report: KernelReport) -> int:
    return report.sequence if report.sequence is not None else report.lines[0] if report.lines else report.key


def incident_id(source: str, place: int, time: float | None, monotonic: float | None, kind: str) -> str:
    """Return an id that stays the same while the report grows and differs between places of a log."""
    text = f"{source}|{place}|{time}|{monotonic}|{kind}"
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def cause_of(report: KernelReport, version: KernelVersion | None) -> FoundCause | None:
    """Return what requested the memory, or None. An OOM kill has none: its victim requested nothing."""
    if report.kind in {ReportKind.OOM, ReportKind.SLAB_FAILURE}:
        return None
    stack = [(frame.symbol, frame.reliable, frame.module) for frame in report.stack]
    found = TABLE.find(stack, report.workqueue, report.comm)
    if found is not None and found.cause.key == "netns" and found.frame is None:
        # Without a stack the name shows only that runc creates namespaces; up to 4.6 it is conntrack that fails there.
        old = report.mode is not None and report.names is None
        if old and report.order and (version is None or version.numbers < _NETNS_UNTIL):
            conntrack = next(cause for cause in CAUSES if cause.key == "netns/nf_conntrack")
            return FoundCause(conntrack, found.sign)
    strong = found is not None and not found.cause.weak
    if not strong and (module := _asking_module(report)) is not None:
        cause = Cause(module, f"kernel module {module}", "Look for smaller buffers among the module's options")
        return FoundCause(cause, f"module {module}")
    return found


def _asking_module(report: KernelReport) -> str | None:
    for frame in report.stack:
        if frame.reliable and frame.module is not None:
            return frame.module
        if frame.reliable and not frame.symbol.startswith(OUR_FRAMES):
            return None
    return None


def memory_is_to_blame(report: KernelReport) -> bool | None:
    """Return whether the node's memory is the cause: False for a cgroup's limit, address space or a sysrq."""
    if report.kind is ReportKind.OOM:
        if report.sysrq or report.constraint == "CONSTRAINT_MEMCG":
            return False
        if report.constraint in {"CONSTRAINT_NONE", "CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"}:
            return True
        return True if report.comm is not None and report.victim is not None else None
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
