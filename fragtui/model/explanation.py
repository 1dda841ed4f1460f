"""The one sentence: who was refused what, where, why, and whether fragmentation is to blame."""

from __future__ import annotations

from fragtui.kernel.gfp import GfpReading
from fragtui.kernel.report import KernelReport, ReportKind
from fragtui.kernel.version import KernelVersion
from fragtui.model.cause import FoundCause
from fragtui.text import format_bytes

_DEFAULT_PAGE_KB = 4


def explain(report: KernelReport, version: KernelVersion | None, reading: GfpReading, cause: FoundCause | None) -> str:
    """Return what happened in a sentence or a few."""
    who = report.comm or "a task"
    what = _request(report)
    said = f"{who} was refused {what}"
    if cause is not None:
        said += f" for {cause.cause.title}"
    return said + "."


def _request(report: KernelReport) -> str:
    if report.kind is ReportKind.VMALLOC_FAILURE:
        return f"vmalloc memory ({report.vmalloc})"
    if report.order is None or report.order < 0:
        return "memory"
    page_kb = next((zone.page_kb for zone in report.zones if zone.page_kb), _DEFAULT_PAGE_KB)
    return f"a block of order {report.order} ({format_bytes((page_kb << min(report.order, 30)) * 1024)})"
