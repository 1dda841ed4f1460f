"""The text of a kernel incident, the same on the screen, in the report and for `explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import SANDBOX_FAILURE, Incident
from fragtui.render.facts import Fact
from fragtui.text import counted, format_bytes

if TYPE_CHECKING:  # For annotations only; the first bars don't need them.
    from fragtui.kernel.reports.report import KernelReport
    from fragtui.model.state.denials import Denials

KIND_WORDS: dict[str, str] = {
    ReportKind.STALL: "stall",
    ReportKind.VMALLOC_FAILURE: "vmalloc",
    ReportKind.SLAB_FAILURE: "slab",
    ReportKind.OOM: "OOM",
    ReportKind.HUGETLB_SHORTAGE: "hugetlb",
    ReportKind.CMA_FAILURE: "CMA",
    ReportKind.PERCPU_FAILURE: "per-CPU",
    ReportKind.ORDER_TOO_LARGE: "too large",
    ReportKind.HUNG_TASK: "hung task",
    ReportKind.DEVICE_FAILURE: "driver",
    SANDBOX_FAILURE: "sandbox",
}
"""The kinds that are no plain denial, short enough for a column."""
_KINDS_IN_FULL: dict[str, tuple[str, str]] = {
    ReportKind.ALLOCATION_FAILURE: ("allocation failure", "allocation failures"),
    ReportKind.STALL: ("stalled allocation", "stalled allocations"),
    ReportKind.VMALLOC_FAILURE: ("vmalloc failure", "vmalloc failures"),
    ReportKind.SLAB_FAILURE: ("slab failure", "slab failures"),
    ReportKind.OOM: ("OOM kill", "OOM kills"),
    ReportKind.HUGETLB_SHORTAGE: ("huge page pool not filled", "huge page pools not filled"),
    ReportKind.CMA_FAILURE: ("CMA failure", "CMA failures"),
    ReportKind.PERCPU_FAILURE: ("per-CPU failure", "per-CPU failures"),
    ReportKind.ORDER_TOO_LARGE: ("request for too large a block", "requests for too large a block"),
    ReportKind.HUNG_TASK: ("hung task", "hung tasks"),
    ReportKind.DEVICE_FAILURE: ("driver failure", "driver failures"),
    SANDBOX_FAILURE: ("failed sandbox", "failed sandboxes"),
}
_GFP_SOURCES = {"printed": "as the kernel printed them", "decoded": "decoded"}
_MAX_ORDER = 30
_MAX_TASKS = 3


def block_words(order: int | None, page_size: int) -> str:
    """Return a block's size and order: ``4M (order 10)``; "memory" if the order is unknown."""
    if order is None or order < 0:
        return "memory"
    return f"{format_bytes(page_size << min(order, _MAX_ORDER))} (order {order})"


def brief_title(incident: Incident, page_size: int) -> str:
    """Return the kind and the block, short enough for a column: ``256K (order 6)``, ``OOM order 0``."""
    kind = KIND_WORDS.get(incident.kind)
    if incident.order is None or incident.order < 0:
        return kind or "order ?"
    return f"{kind} order {incident.order}" if kind else block_words(incident.order, page_size)


def incident_title(incident: Incident, page_size: int) -> str:
    """Return the kind in full and the block: ``allocation failure, 256K (order 6)``."""
    kind = incident.kind.replace("_", " ")
    return kind if incident.order is None else f"{kind}, {block_words(incident.order, page_size)}"


def cause_words(incident: Incident) -> str:
    """Return the cause, short enough for a column, or the OOM killer's victim."""
    if incident.kind is ReportKind.OOM:
        victim = incident.victim.comm if incident.victim else None
        limit = " (memory cgroup)" if incident.constraint and "MEMCG" in incident.constraint else ""
        none = "no task to kill" if incident.report and incident.report.no_victim else "no victim yet"
        return f"killed {victim}{limit}" if victim else f"{none}{limit}"
    return (incident.cause or "").replace("_", " ")


def flag_source(incident: Incident) -> str:
    """Return the source of the GFP flag names."""
    return _GFP_SOURCES.get(incident.gfp_from or "", "uncertain")


def incident_pod(incident: Incident) -> str | None:
    """Return the pod whose task it was, None if that is unknown."""
    if incident.pod:
        return f"{incident.namespace or '?'}/{incident.pod}"
    return f"pod {incident.pod_uid}" if incident.pod_uid else None


def count_words(logged: int, suppressed: int) -> str:
    """Return the numbers of logged and of suppressed failures: both are lower bounds."""
    return f"{logged:,} logged" + (f", at least {suppressed:,} more not logged" if suppressed else "")


def kind_counts(by_kind: Mapping[str, int]) -> str:
    """Return how many failures of each kind these are: ``130 allocation failures, 1 OOM kill``."""
    return ", ".join(
        f"{by_kind[kind]:,} {one if by_kind[kind] == 1 else more}"
        for kind, (one, more) in _KINDS_IN_FULL.items()
        if by_kind.get(kind)
    )


def denial_words(denials: Denials) -> tuple[str, ...]:
    """Return the numbers of denied requests, and of other reports apart, from the full text to the shortest.

    ``130 logged, at least 111 more not logged, 1 OOM kill``.
    """
    logged = f"{denials.requests:,} logged" if denials.requests else "none"
    words = count_words(denials.requests, denials.suppressed) if denials.requests else logged
    others = kind_counts(dict(denials.others))
    return (*((f"{words}, {others}", f"{logged}, {others}") if others else ()), words, logged)


def _largest(report: KernelReport) -> str | None:
    """Return the largest tasks of the OOM killer's table; None if it has none."""
    if not report.tasks:
        return None
    page = report.page_size
    names = ", ".join(
        f"{task.comm} (pid {task.pid}) {counted(task.rss, 'page') if page is None else format_bytes(task.rss * page)}"
        for task in report.tasks[:_MAX_TASKS]
    )
    return f"{names}, of {counted(report.task_count, 'task')}"


def incident_facts(incident: Incident) -> tuple[Fact, ...]:
    """Return the facts of the incident's log lines; unknown ones are left out."""
    pid = "" if incident.pid is None else f" (pid {incident.pid})"
    report = incident.report
    cpu = "" if report is None or report.cpu is None else f" on CPU {report.cpu}"
    victim = incident.victim
    victim_pid = f" (pid {victim.pid})" if victim is not None and victim.pid is not None else ""
    facts = (
        ("task", f"{incident.comm or 'unknown'}{pid}{cpu}" if incident.comm or pid or cpu else None),
        ("flags", f"{'|'.join(incident.gfp)}, {flag_source(incident)}" if incident.gfp else None),
        ("cause", incident.cause),
        ("pod", incident_pod(incident)),
        ("victim", f"{victim.comm or 'unknown'}{victim_pid}" if victim is not None else None),
        ("constraint", incident.constraint),
        ("largest", _largest(report) if report else None),
        ("cpuset", incident.cpuset),
        ("nodes", f"mems_allowed {report.mems_allowed}" if report and report.mems_allowed is not None else None),
        ("kernel", report.release if report else None),
        ("detail", incident.reason),
    )
    return tuple(Fact(label, text) for label, text in facts if text)
