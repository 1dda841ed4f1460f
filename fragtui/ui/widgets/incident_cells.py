"""An incident in few words: the cells of its row."""

from __future__ import annotations

from datetime import datetime

from fragtui.kernel.reports.report import ReportKind
from fragtui.model.failures.incident import SANDBOX_FAILURE, Incident
from fragtui.text import format_bytes, format_duration
from fragtui.ui.clock import CLOCK

_DAY = 86_400.0
_KINDS: dict[str, str] = {
    ReportKind.STALL: "stall",
    ReportKind.VMALLOC_FAILURE: "vmalloc",
    ReportKind.SLAB_FAILURE: "slab",
    ReportKind.OOM: "OOM",
    SANDBOX_FAILURE: "sandbox",
}


def clock_time(at: float | None, now: float | None = None) -> str:
    """Return the local time of day, with the date where it is not of the last day; ``?`` if unknown."""
    if at is None:
        return "time ?"
    moment = datetime.fromtimestamp(at).astimezone()
    recent = abs((CLOCK.now() if now is None else now) - at) < _DAY / 2
    return moment.strftime("%H:%M:%S" if recent else "%b %d %H:%M")


def time_ago(at: float | None) -> str:
    """Return how long ago that was, in words."""
    return "at an unknown time" if at is None else f"{format_duration(max(0.0, CLOCK.now() - at))} ago"


def failure_title(incident: Incident, page_size: int) -> str:
    """Return the kind and the order with its size: ``order 6 256K``, ``OOM order 0``."""
    kind = _KINDS.get(incident.kind)
    if incident.order is None or incident.order < 0:
        return kind or "order ?"
    order = f"order {incident.order}"
    if kind:
        return f"{kind} {order}"
    return f"{order} {format_bytes(page_size << min(incident.order, 30))}"


def flag_cells(incident: Incident) -> str:
    """Return the flags with the leading ``__GFP_`` and ``GFP_`` left off all but the first: they are told apart so."""
    if incident.gfp is None:
        return f"mode {incident.mode:#x}" if incident.mode is not None else ""
    return "|".join(name.removeprefix("__GFP_") for name in incident.gfp)


def list_words(incident: Incident) -> str:
    """Return what else tells: the cause, or the OOM killer's victim."""
    if incident.kind is ReportKind.OOM:
        victim = incident.victim.comm if incident.victim else None
        limit = " (memory cgroup)" if incident.constraint and "MEMCG" in incident.constraint else ""
        return f"killed {victim}{limit}" if victim else f"killed nobody yet{limit}"
    return (incident.cause or "").replace("_", " ")
