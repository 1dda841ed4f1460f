"""The explanation of a report: who was denied which block, in which zones, and whether fragmentation is the cause."""

from __future__ import annotations

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.gfp.flags import GfpReading
from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.cause import FoundCause
from fragtui.model.failures.refusal import RefusalCause, RefusalVerdict, classify_refusal, is_atomic, page_kb_of
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.model.node.watermark import RequestKind as WatermarkRequest
from fragtui.model.node.watermark import Rule, halving_floor
from fragtui.text import counted, format_bytes

_MAX_ORDER = 30


def describe_report(
    report: KernelReport, version: KernelVersion | None, reading: GfpReading, cause: FoundCause | None
) -> str:
    """Return the denial and its reason in the first sentence, then advice and what is uncertain."""
    if report.kind is ReportKind.OOM:
        return _oom(report, version, reading)
    text = _denial(report, cause)
    if report.kind is ReportKind.VMALLOC_FAILURE:
        text += ": vmalloc's own limit or a shortage of single pages, not fragmentation"
    elif report.order is not None:
        text += _why(report, version, reading)
    parts = [text + "."]
    if report.kind is ReportKind.ALLOCATION_FAILURE and report.order:
        parts.extend(_advice(version, cause))
    if cause is not None and cause.cause.key == "veth" and report.order is not None and report.order > 0:
        parts.append(_veth(report))
    if reading.names is None and report.mode is not None and reading.candidates:
        parts.append(_uncertain_flags(report.mode, reading))
    return " ".join(parts)


def _denial(report: KernelReport, cause: FoundCause | None) -> str:
    who = report.comm or "A task"
    if report.kind is ReportKind.STALL:
        text = f"{who} has waited {(report.stalled_ms or 0) / 1000:.0f} s for {_block(report)}"
    elif report.kind is ReportKind.VMALLOC_FAILURE:
        text = f"{who} was denied vmalloc memory ({report.vmalloc})"
    elif report.kind is ReportKind.SLAB_FAILURE:
        cache = f" cache {report.slab_cache}" if report.slab_cache else ""
        text = f"The slab{cache} could not grow by {_block(report)}"
    else:
        text = f"{who} was denied {_block(report)}"
    if cause is not None:
        text += f" for {cause.cause.title}"
    return text


def _block(report: KernelReport) -> str:
    if report.order is None or report.order < 0:
        return "memory"
    return f"a {_size(report.order, page_kb_of(report))} block (order {report.order})"


def _size(order: int, page_kb: int) -> str:
    return format_bytes((page_kb << min(order, _MAX_ORDER)) * 1024)


def _why(report: KernelReport, version: KernelVersion | None, reading: GfpReading) -> str:
    judgement = classify_refusal(report, version, reading)
    flags = _flags(report, reading)
    if judgement is None:
        if report.order == 0:
            return f" because no page was free: memory was short, this is not fragmentation{flags}"
        return f"; the report shows no zones, so it is unknown whether memory was short or fragmented{flags}"
    return f"{_verdict(judgement)}{flags}"


def _verdict(judgement: RefusalVerdict) -> str:
    zones = [judged for judged in judgement.zones if not judged.is_reserved] or list(judgement.zones)
    free = format_bytes(sum((judged.zone.free_kb or 0) for judged in zones) * 1024)
    names = " and ".join(dict.fromkeys(judged.zone.zone for judged in zones))
    order = judgement.order
    block = f"{_size(order, judgement.page_kb)} (order {order}) or larger"
    blocks = f"{counted(judgement.blocks, 'block')} of {block}"
    if judgement.why is RefusalCause.FRAGMENTED:
        return f" because memory is fragmented: {names} had {free} free, above the watermark, but no block of {block}"
    if judgement.why is RefusalCause.SHORT:
        return (
            f" because memory was short: {names} had {free} free, less than the watermarks require; "
            "this is not fragmentation"
        )
    if judgement.why is RefusalCause.RESERVED:
        for judged in zones:
            request = WatermarkRequest.GFP_ATOMIC if judgement.atomic else WatermarkRequest.GFP_KERNEL
            if judgement.rule is Rule.HALVING:
                stop = halving_floor(judged.state, order, request)
                if stop is not None and any(judged.state.free_blocks[order:]):
                    return (
                        f" because memory is fragmented: {blocks} were free in {names}, "
                        f"but in blocks above {_size(stop, judgement.page_kb)} (order {stop}) "
                        "there was less free memory than this kernel's watermark requires"
                    )
        return (
            f" although {blocks} were free in {names}: "
            "the kernel reserves them for a watermark or for another migratetype"
        )
    return f"; {blocks} were free in {names} by the time the report was printed; they were freed just after the denial"


def _flags(report: KernelReport, reading: GfpReading) -> str:
    names = reading.names or ()
    if is_atomic(report.mode, reading):
        return "; it was not allowed to wait, so nothing was reclaimed or compacted for it"
    if "GFP_NOIO" in names:
        return "; GFP_NOIO did not allow it to write pages out to free memory"
    if "GFP_NOFS" in names:
        return "; GFP_NOFS did not allow it to call file systems to free memory"
    if "__GFP_NORETRY" in names or "__GFP_RETRY_MAYFAIL" in names:
        return "; its flags let the kernel give up early, so its caller has a fallback"
    return ""


def _advice(version: KernelVersion | None, cause: FoundCause | None) -> list[str]:
    if cause is None:
        return []
    sentences = [f"{cause.cause.advice}."]
    if cause.cause.fixed and cause.is_fixed_in(version) is not True:
        sentences.append(f"Fixed: {cause.cause.fixed}.")
    return sentences


def _veth(report: KernelReport) -> str:
    """Return the sentence about the number of possible CPUs that a veth request of this size implies.

    The block holds one struct veth_rq for each (drivers/net/veth.c veth_alloc_queues), rounded up to a power of two.
    """
    upper = (page_kb_of(report) << min(report.order or 0, 30)) * 1024
    least, most = max(1, upper // 2 // 1408 + 1), upper // 704
    return (
        "veth allocates one queue for each possible CPU, each of 0.7 to 1.4 KiB depending on the kernel: "
        f"this host has about {least} to {most} possible CPUs."
    )


def _uncertain_flags(mode: int, reading: GfpReading) -> str:
    meanings = "; ".join(f"{kernels}: {'|'.join(names)}" for kernels, names in reading.candidates[:4])
    return f"The report shows neither flag names nor the kernel release; mode {mode:#x} could be {meanings}."


def _oom(report: KernelReport, version: KernelVersion | None, reading: GfpReading) -> str:
    victim = f"{report.victim.comm} ({report.victim.pid})" if report.victim and report.victim.pid is not None else None
    victim = victim or (report.victim.comm if report.victim else None)
    killed = f"The OOM killer killed {victim}" if victim else "The OOM killer was invoked"
    if report.comm and (report.victim is None or report.victim.comm != report.comm):
        killed += f", invoked by {report.comm}" if victim else f" by {report.comm}"
    if report.sysrq:
        return f"{killed}: it was requested with sysrq; memory was not short."
    if report.constraint == "CONSTRAINT_MEMCG":
        owners = [cgroup_owner(path) for path in (report.oom_memcg, report.task_memcg) if path]
        uid = next((owner.uid for owner in owners if owner and owner.uid), None)
        where = f"pod {uid}" if uid else f"cgroup {report.oom_memcg}" if report.oom_memcg else "a cgroup"
        return f"{killed}: {where} reached its own memory limit; the node's memory is not the cause."
    order = report.order
    if order is None:
        return f"{killed}."
    if report.constraint in {"CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"}:
        which = "cpuset" if report.constraint == "CONSTRAINT_CPUSET" else "memory policy"
        return (
            f"{killed} to free {_block(report)}: the nodes that its {which} allows ran out of memory; "
            "this is not fragmentation."
        )
    if 1 <= order <= COSTLY_ORDER:
        above = [
            zone for zone in report.zones if zone.free_kb is not None and zone.low_kb and zone.free_kb > zone.low_kb
        ]
        judgement = classify_refusal(report, version, reading)
        if above and judgement is not None and judgement.why in {RefusalCause.FRAGMENTED, RefusalCause.RESERVED}:
            killed += ", because memory is fragmented: free memory was above the low watermark, but"
            return f"{killed} {_block(report)} was not available."
        if report.zones and not above:
            return f"{killed} to free {_block(report)}: memory was short, no zone was above its low watermark."
        return f"{killed} to free {_block(report)}; the report does not show whether memory was short or fragmented."
    if report.constraint is None and not report.zones:
        return (
            f"{killed}; the report does not show whether the node or a cgroup was out of memory. "
            "This is not fragmentation."
        )
    return f"{killed} to free {_block(report)}: the node ran out of memory; this is not fragmentation."
