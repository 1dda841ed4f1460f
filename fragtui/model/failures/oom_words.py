"""What an OOM report says: who was killed, whose limit it was, and whether fragmentation is the cause."""

from __future__ import annotations

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.kernel.reports.report import KernelReport
from fragtui.model.failures.refusal import RefusalCause, RefusalVerdict
from fragtui.model.failures.refusal_words import block_of
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.text import format_bytes


def describe_oom(report: KernelReport, judgement: RefusalVerdict | None) -> str:
    """Return who was killed and why, in one or two sentences."""
    text = _oom(report, judgement)
    return f"{text} The kernel panicked: the node went down." if report.panicked else text


def _oom(report: KernelReport, judgement: RefusalVerdict | None) -> str:
    victim = f"{report.victim.comm} ({report.victim.pid})" if report.victim and report.victim.pid is not None else None
    victim = victim or (report.victim.comm if report.victim else None)
    killed = f"The OOM killer killed {victim}" if victim else "The OOM killer was invoked"
    if report.no_victim:
        killed = "The OOM killer found no task to kill"
    if report.comm and (report.victim is None or report.victim.comm != report.comm):
        killed += f", invoked by {report.comm}" if victim or report.no_victim else f" by {report.comm}"
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
            f"{killed} to free {block_of(report)}: the nodes that its {which} allows ran out of memory; "
            "this is not fragmentation."
        )
    if 1 <= order <= COSTLY_ORDER:
        if (
            judgement is not None
            and judgement.why in {RefusalCause.FRAGMENTED, RefusalCause.RESERVED}
            and _above_low(judgement)
        ):
            killed += ", because memory is fragmented: free memory was above the low watermark, but"
            return f"{killed} {block_of(report)} was not available."
        if report.zones and (judgement is None or not _above_low(judgement)):
            where = "no zone was above its low watermark"
            return f"{killed} to free {block_of(report)}: memory was short, {where}.{_cma(judgement)}"
        return f"{killed} to free {block_of(report)}; the report does not show whether memory was short or fragmented."
    if report.constraint is None and not report.zones:
        return (
            f"{killed}; the report does not show whether the node or a cgroup was out of memory. "
            "This is not fragmentation."
        )
    return (
        f"{killed} to free {block_of(report)}: the node ran out of memory; this is not fragmentation.{_cma(judgement)}"
    )


def _above_low(judgement: RefusalVerdict) -> bool:
    """Return whether a zone that the request may use was above its low watermark, without CMA if it may not use it."""
    for judged in judgement.zones:
        zone = judged.zone
        usable = (zone.free_kb or 0) - (0 if judgement.uses_cma else zone.free_cma_kb or 0)
        if zone.low_kb and usable > zone.low_kb and not judged.is_reserved:
            return True
    return False


def _cma(judgement: RefusalVerdict | None) -> str:
    """Return a sentence on free memory that the request could not use, empty if there was none."""
    held = 0 if judgement is None or judgement.uses_cma else sum(each.zone.free_cma_kb or 0 for each in judgement.zones)
    return f" {format_bytes(held * 1024)} was free in CMA, which is only for movable pages." if held else ""
