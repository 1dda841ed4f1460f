"""How a remedy ended, as text."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.model.remedy.remedy_history import Result
from fragtui.remedies.catalogue import COMPACT_MEMORY, Action, Remedy, RemedyStep
from fragtui.remedies.worker import NOT_A_KERNEL_FILE
from fragtui.text import format_duration


@dataclass(frozen=True, slots=True)
class StepDone:
    """One finished step: seconds, CPU seconds, and the name of the errno if it failed."""

    index: int
    seconds: float
    cpu: float
    error: str | None
    partial: bool = False
    """Whether the kernel reclaimed less than asked (EAGAIN of memory.reclaim)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a remedy."""

    remedy: Remedy
    id: str
    """The id of its intent in the audit log."""
    result: Result
    seconds: float
    """From the start to the end of the child."""
    steps: tuple[StepDone, ...]
    explanation: str
    """What happened, in one sentence."""
    audit_problem: str | None = None
    """Why the end is not in the audit log; the intent is there in any case."""

    @property
    def cpu(self) -> float:
        """CPU seconds of the finished steps."""
        return sum(step.cpu for step in self.steps)


_ERRORS = {
    "EACCES": "no permission",
    "EPERM": "not permitted",
    "EROFS": "the file system is mounted read-only",
    "ENOENT": "the file does not exist",
    "EINTR": "interrupted by a signal before its end (reported from 6.9 on)",
    "ENOMEM": "no memory",
    "EBUSY": "a kernel before 3.16 empties only a cgroup without tasks",
    "ENODEV": "the cgroup was removed",
    NOT_A_KERNEL_FILE: "the path no longer leads to that kernel file; nothing was written",
}


def describe_outcome(
    remedy: Remedy, result: Result, seconds: float, steps: tuple[StepDone, ...], detail: str | None
) -> str:
    """Return what happened in one sentence; `detail` is how the child died."""
    took = format_duration(seconds)
    if result is Result.DONE:
        less = ", but less was reclaimed than asked (EAGAIN)" if any(step.partial for step in steps) else ""
        return f"{remedy.title}: done in {took}{less}."
    if result is Result.ABORTED:
        return f"{remedy.title}: aborted after {took}; what was done by then stays done."
    if result is Result.DIED:
        return f"{remedy.title}: its child process died without a report ({detail or 'unknown'})."
    last = steps[-1]
    return f"{remedy.title}: failed: {explain_error(remedy.steps[last.index], last.error or '')}."


def explain_error(step: RemedyStep, error: str) -> str:
    """Return what an errno's name means for this step."""
    if error == "EINVAL" and step.path == COMPACT_MEMORY:
        # From 6.5 on the kernel accepts only 1 (mm/compaction.c sysctl_compaction_handler).
        meaning = "the kernel does not accept this value (from 6.5 on it must be exactly 1)"
    elif error == "EINVAL":
        meaning = "the kernel does not accept this value"
    else:
        meaning = _ERRORS.get(error, "")
    what = "sync" if step.action is Action.SYNC else f"writing {step.text!r} to /{step.path}"
    return f"{what}: {error}{', ' + meaning if meaning else ''}"
