"""Kernel incidents for tests, made without a log."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from fragtui.kernel.reports.report import KernelReport, StackFrame
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident

_REPORTED = frozenset(field.name for field in fields(KernelReport))
_JUDGED = frozenset(field.name for field in fields(Incident))


def kernel_incident(
    kind: ReportKind = ReportKind.ALLOCATION_FAILURE, stack: tuple[str, ...] = (), **facts: Any
) -> Incident:
    """Return an incident whose report has these facts; a frame that begins with ``?`` is unreliable."""
    if unknown := facts.keys() - _REPORTED - _JUDGED:
        raise TypeError(f"neither a report nor an incident has {', '.join(sorted(unknown))}")
    frames = tuple(StackFrame(symbol.removeprefix("? "), not symbol.startswith("?")) for symbol in stack)
    reported = {name: value for name, value in facts.items() if name in _REPORTED}
    judged = {name: value for name, value in facts.items() if name in _JUDGED}
    return Incident(report=KernelReport(key=0, kind=kind, stack=frames, **reported), **judged)
