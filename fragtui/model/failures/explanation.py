"""The explanation of a report: who was denied which block, in which zones, and whether fragmentation is the cause."""

from __future__ import annotations

from fragtui.kernel.gfp.flags import GfpReading
from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.advice import advice_for, vmalloc_advice
from fragtui.model.failures.cause import FoundCause
from fragtui.model.failures.line_words import describe_line
from fragtui.model.failures.oom_words import describe_oom
from fragtui.model.failures.refusal import RefusalVerdict, is_atomic, page_kb_of
from fragtui.model.failures.refusal_words import block_of, verdict_words, vmalloc_reason


def describe_report(
    report: KernelReport,
    version: KernelVersion | None,
    reading: GfpReading,
    cause: FoundCause | None,
    judgement: RefusalVerdict | None,
) -> str:
    """Return the denial and its reason in the first sentence, then advice and what is uncertain."""
    if report.kind is ReportKind.OOM:
        return describe_oom(report, judgement)
    if report.line is not None:
        return describe_line(report, report.line, cause)
    text = _denial(report, cause)
    if report.kind is ReportKind.VMALLOC_FAILURE:
        return " ".join([f"{text}: {vmalloc_reason(report, version, reading)}", *vmalloc_advice(report, cause)])
    if report.order is not None:
        text += _why(report, judgement, reading)
    parts = [text + "."]
    if report.kind is not ReportKind.STALL and report.order is not None:
        atomic = is_atomic(report.mode, reading)
        parts.extend(advice_for(report, version, cause, atomic, judgement))
    if cause is not None and cause.cause.key == "veth" and report.order is not None and report.order > 0:
        parts.append(_veth(report))
    if reading.names is None and report.mode is not None and reading.candidates:
        parts.append(_uncertain_flags(report.mode, reading))
    return " ".join(parts)


def _denial(report: KernelReport, cause: FoundCause | None) -> str:
    who = report.comm or "A task"
    if report.kind is ReportKind.STALL:
        text = f"{who} has waited {(report.stalled_ms or 0) / 1000:.0f} s for {block_of(report)}"
    elif report.kind is ReportKind.VMALLOC_FAILURE:
        text = f"{who} was denied vmalloc memory ({report.vmalloc})"
    elif report.kind is ReportKind.SLAB_FAILURE:
        cache = f" cache {report.slab_cache}" if report.slab_cache else ""
        text = f"The slab{cache} could not grow"
        if report.order is not None:
            text += f" by {block_of(report)}"
    else:
        text = f"{who} was denied {block_of(report)}"
    if cause is not None:
        text += f" for {cause.cause.title}"
    return text


def _why(report: KernelReport, judgement: RefusalVerdict | None, reading: GfpReading) -> str:
    flags = _flags(report, reading)
    if judgement is not None:
        return f"{verdict_words(judgement)}{flags}"
    if report.order == 0:
        return f" because no page was free: memory was short, this is not fragmentation{flags}"
    shows = (
        "no zones"
        if not report.zones
        else "no free lists"
        if all(zone.free_blocks is None for zone in report.zones)
        else "no zone that it was allowed to use"
    )
    return f"; the report shows {shows}, so it is unknown whether memory was short or fragmented{flags}"


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
