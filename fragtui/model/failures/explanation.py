"""The one sentence: who was refused what, where, why, and whether fragmentation is to blame."""

from __future__ import annotations

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.gfp.flags import GfpReading
from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.reports.report import KernelReport, ReportKind
from fragtui.model.failures.cause import FoundCause
from fragtui.model.failures.refusal import RefusalCause, RefusalVerdict, classify_refusal, is_atomic
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.model.node.watermark import RequestKind as WatermarkRequest
from fragtui.model.node.watermark import Rule, halving_floor
from fragtui.text import counted, format_bytes

_DEFAULT_PAGE_KB = 4


def describe_report(
    report: KernelReport, version: KernelVersion | None, reading: GfpReading, cause: FoundCause | None
) -> str:
    """Return what happened: the first sentence answers, the rest says what to do and what is not certain."""
    if report.kind is ReportKind.OOM:
        return _oom(report, version, reading)
    said = _refusal(report, cause)
    if report.kind is ReportKind.VMALLOC_FAILURE:
        said += ": vmalloc's own limit or a shortage of single pages, not fragmentation"
    elif report.order is not None:
        said += _why(report, version, reading)
    parts = [said + "."]
    if report.kind is ReportKind.ALLOCATION_FAILURE and report.order:
        parts.extend(_advice(version, cause))
    if cause is not None and cause.cause.key == "veth" and report.order is not None and report.order > 0:
        parts.append(_veth(report))
    if reading.names is None and report.mode is not None and reading.candidates:
        parts.append(_uncertain_flags(report.mode, reading))
    return " ".join(parts)


def _refusal(report: KernelReport, cause: FoundCause | None) -> str:
    who = report.comm or "A task"
    if report.kind is ReportKind.STALL:
        said = f"{who} has waited {(report.stalled_ms or 0) / 1000:.0f} s for {_block(report)}"
    elif report.kind is ReportKind.VMALLOC_FAILURE:
        said = f"{who} was refused vmalloc memory ({report.vmalloc})"
    elif report.kind is ReportKind.SLAB_FAILURE:
        cache = f" cache {report.slab_cache}" if report.slab_cache else ""
        said = f"The slab{cache} could not grow by {_block(report)}"
    else:
        said = f"{who} was refused {_block(report)}"
    if cause is not None:
        said += f" for {cause.cause.title}"
    return said


def _block(report: KernelReport) -> str:
    if report.order is None or report.order < 0:
        return "memory"
    return f"a block of order {report.order} ({format_bytes((_page_kb(report) << min(report.order, 30)) * 1024)})"


def _page_kb(report: KernelReport) -> int:
    return next((zone.page_kb for zone in report.zones if zone.page_kb), _DEFAULT_PAGE_KB)


def _why(report: KernelReport, version: KernelVersion | None, reading: GfpReading) -> str:
    judgement = classify_refusal(report, version, reading)
    flags = _flags(report, reading)
    if judgement is None:
        if report.order == 0:
            return f" for want of any free page: memory was short, this is not fragmentation{flags}"
        return f"; the report shows no zones, so fragmented or short stays open{flags}"
    return f" {_words(judgement)}{flags}"


def _words(judgement: RefusalVerdict) -> str:
    zones = [judged for judged in judgement.zones if not judged.disabled_reason] or list(judgement.zones)
    free = format_bytes(sum((judged.zone.free_kb or 0) for judged in zones) * 1024)
    names = " and ".join(dict.fromkeys(judged.zone.zone for judged in zones))
    order = judgement.order
    blocks = counted(judgement.blocks, "block")
    if judgement.why is RefusalCause.FRAGMENTED:
        return (
            f"because memory is fragmented: {names} had {free} free, above the watermark, "
            f"but no block of order {order} or larger"
        )
    if judgement.why is RefusalCause.SHORT:
        return f"because memory was short: {names} had {free} free, below what its watermarks ask; not fragmentation"
    if judgement.why is RefusalCause.RESERVED:
        for judged in zones:
            request = WatermarkRequest.GFP_ATOMIC if judgement.atomic else WatermarkRequest.GFP_KERNEL
            if judgement.rule is Rule.HALVING:
                stop = halving_floor(judged.state, order, request)
                if stop is not None and any(judged.state.free_blocks[order:]):
                    return (
                        f"because memory is fragmented: {blocks} of order {order} or larger "
                        f"stood free in {names}, but this kernel wants the watermark met in blocks above order {stop}"
                    )
        return (
            f"though {blocks} of order {order} or larger stood free in {names}: "
            "a watermark or another migratetype's reserve kept them"
        )
    return (
        f"though {blocks} of order {order} or larger stood free in {names} when the report was written: "
        "the kernel's rule gives one of those, so they came free after the refusal"
    )


def _flags(report: KernelReport, reading: GfpReading) -> str:
    names = reading.names or ()
    if is_atomic(report.mode, reading):
        return "; it could not wait, so nothing was reclaimed or compacted for it"
    if "GFP_NOIO" in names:
        return "; GFP_NOIO barred it from writing pages out to make room"
    if "GFP_NOFS" in names:
        return "; GFP_NOFS barred it from calling file systems to make room"
    if "__GFP_NORETRY" in names or "__GFP_RETRY_MAYFAIL" in names:
        return "; it asked not to be tried hard, which means that its caller has a fallback"
    return ""


def _advice(version: KernelVersion | None, cause: FoundCause | None) -> list[str]:
    if cause is None:
        return []
    said = [f"{cause.cause.advice}."]
    if cause.cause.fixed and cause.is_fixed_in(version) is not True:
        said.append(f"Fixed: {cause.cause.fixed}.")
    return said


def _veth(report: KernelReport) -> str:
    """The size of the block says how many possible CPUs the kernel counts: one struct veth_rq each, a power of two."""
    upper = (_page_kb(report) << min(report.order or 0, 30)) * 1024
    least, most = max(1, upper // 2 // 1408 + 1), upper // 704
    return (
        f"One queue for each possible CPU, 0.7 to 1.4 KiB by kernel: this host counts about {least} to {most} of them."
    )


def _uncertain_flags(mode: int, reading: GfpReading) -> str:
    said = "; ".join(f"{kernels}: {'|'.join(names)}" for kernels, names in reading.candidates[:4])
    return f"The report names neither flags nor kernel; mode {mode:#x} would be {said}."


def _oom(report: KernelReport, version: KernelVersion | None, reading: GfpReading) -> str:
    victim = f"{report.victim.comm} ({report.victim.pid})" if report.victim and report.victim.pid is not None else None
    victim = victim or (report.victim.comm if report.victim else None)
    killed = f"The OOM killer took {victim}" if victim else "The OOM killer was called"
    if report.comm and (report.victim is None or report.victim.comm != report.comm):
        killed += f" for {report.comm}"
    if report.sysrq:
        return f"{killed}: somebody asked for it with sysrq; memory was not short."
    if report.constraint == "CONSTRAINT_MEMCG":
        owners = [cgroup_owner(path) for path in (report.oom_memcg, report.task_memcg) if path]
        uid = next((owner.uid for owner in owners if owner and owner.uid), None)
        where = f"pod {uid}" if uid else f"cgroup {report.oom_memcg}" if report.oom_memcg else "a cgroup"
        return f"{killed}: {where} reached its own memory limit; the node's memory is not to blame."
    order = report.order
    if order is None:
        return f"{killed}."
    if report.constraint in {"CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"}:
        which = "cpuset" if report.constraint == "CONSTRAINT_CPUSET" else "memory policy"
        return f"{killed}: the nodes that its {which} allows ran out of memory (order {order}); not fragmentation."
    if 1 <= order <= COSTLY_ORDER:
        above = [
            zone for zone in report.zones if zone.free_kb is not None and zone.low_kb and zone.free_kb > zone.low_kb
        ]
        judgement = classify_refusal(report, version, reading)
        if above and judgement is not None and judgement.why in {RefusalCause.FRAGMENTED, RefusalCause.RESERVED}:
            killed += ", because memory is fragmented: free memory was above low,"
            return f"{killed} {_block(report)} was not to be had."
        if report.zones and not above:
            return f"{killed} for {_block(report)}: memory was short, no zone was above its low watermark."
        return f"{killed} for {_block(report)}; the report does not show whether memory was short or fragmented."
    if report.constraint is None and not report.zones:
        return f"{killed}; the report does not show whether the node or a cgroup was out of memory. Not fragmentation."
    return f"{killed}: the node ran out of memory (order {order}); this is not fragmentation."
