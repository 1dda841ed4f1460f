"""One incident: the kernel's report or the sandbox that a runtime could not start, and fragtui's judgement of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.kernel.reports.report import KernelReport, KilledTask, ReportedZone


SANDBOX_FAILURE = "sandbox_failure"
"""The kind of an incident that is no report of the kernel: a container runtime could not start a pod's sandbox."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A judged kernel report, or a failed sandbox if `report` is None. None means unknown.

    `id` stays the same while the incident grows. `time` is in seconds since the epoch. `gfp` are the flag names,
    `gfp_from` is whether they were printed or decoded. `memory` is whether the node's memory is the cause; it is False
    for another limit. `repeated` is how often syslog reports that the line was repeated, a lower bound. `lines` are the
    first and last line number in the source. `linked` are the ids of incidents that belong to the same event.
    `last_time` is when a failed sandbox was last seen, `time` when first.
    """

    report: KernelReport | None = None
    id: str = ""
    time: float | None = None
    pid: int | None = None
    gfp: tuple[str, ...] | None = None
    gfp_from: str | None = None
    cause: str | None = None
    memory: bool | None = None
    repeated: int | None = None
    namespace: str | None = None
    pod: str | None = None
    pod_uid: str | None = None
    sandbox_id: str | None = None
    container_id: str | None = None
    reason: str | None = None
    explanation: str | None = None
    lines: tuple[int, int] | None = None
    linked: tuple[str, ...] = ()
    last_time: float | None = None

    @property
    def kind(self) -> str:
        """The kind of the kernel's report, a `ReportKind`, or `SANDBOX_FAILURE`."""
        return self.report.kind if self.report else SANDBOX_FAILURE

    @property
    def comm(self) -> str | None:
        """The name of the task that requested memory."""
        return self.report.comm if self.report else None

    @property
    def order(self) -> int | None:
        """The order of the requested block."""
        return self.report.order if self.report else None

    @property
    def mode(self) -> int | None:
        """The GFP mask of the request, as a number."""
        return self.report.mode if self.report else None

    @property
    def cpuset(self) -> str | None:
        """The path of the task's cpuset cgroup."""
        return self.report.cpuset if self.report else None

    @property
    def constraint(self) -> str | None:
        """The OOM killer's constraint, such as CONSTRAINT_MEMCG."""
        return self.report.constraint if self.report else None

    @property
    def victim(self) -> KilledTask | None:
        """The task that the OOM killer chose."""
        return self.report.victim if self.report else None

    @property
    def stack(self) -> tuple[str, ...]:
        """The symbols of the stack, innermost first, with ``? `` before those that the kernel marked as unreliable."""
        return tuple(map(str, self.report.stack)) if self.report else ()

    @property
    def suppressed(self) -> int | None:
        """How many reports the kernel's rate limit hid just before this one, a lower bound."""
        return self.report.suppressed if self.report else None

    @property
    def failures(self) -> int:
        """How many failures this incident represents, at least, without those that the rate limit hid."""
        return 1 + (self.repeated or 0)

    @property
    def count(self) -> int:
        """How many failures this incident represents, at least."""
        return 1 + (self.repeated or 0) + (self.suppressed or 0)

    def to_json(self) -> dict[str, object]:
        """Return the object of `explain --json`: time in ISO 8601 (UTC), mode in hexadecimal, null for unknown."""
        report = self.report
        return {
            "kind": str(self.kind),
            "time": None if self.time is None else iso_utc(self.time),
            "comm": self.comm,
            "pid": self.pid,
            "cpu": report.cpu if report else None,
            "order": self.order,
            "mode": None if self.mode is None else f"{self.mode:#x}",
            "gfp": _list(self.gfp),
            "gfp_from": self.gfp_from,
            "kernel": report.release if report else None,
            "nodemask": report.nodemask if report else None,
            "cpuset": self.cpuset,
            "mems_allowed": report.mems_allowed if report else None,
            "zones": [_zone_json(zone) for zone in report.zones] or None if report else None,
            "stack": list(self.stack) or None,
            "cause": self.cause,
            "memory": self.memory,
            "suppressed": self.suppressed,
            "repeated": self.repeated,
            "victim": {"comm": self.victim.comm, "pid": self.victim.pid} if self.victim else None,
            "constraint": self.constraint,
            "namespace": self.namespace,
            "pod": self.pod,
            "pod_uid": self.pod_uid,
            "sandbox_id": self.sandbox_id,
            "container_id": self.container_id,
            "reason": self.reason,
            "explanation": self.explanation,
            "lines": _list(self.lines),
            "linked": _list(self.linked),
            "id": self.id,
            "last_time": None if self.last_time is None else iso_utc(self.last_time),
        }


def iso_utc(time: float) -> str | None:
    """Return epoch seconds as ISO 8601 in UTC, or None for a time outside the calendar."""
    try:
        return datetime.fromtimestamp(time, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _list(values: tuple[object, ...] | None) -> list[object] | None:
    return None if values is None else list(values)


def _zone_json(zone: ReportedZone) -> dict[str, object]:
    return {
        "node": zone.node,
        "zone": zone.zone,
        "free_blocks": _list(zone.free_blocks),
        "free_kb": zone.free_kb,
        "min_kb": zone.min_kb,
        "low_kb": zone.low_kb,
        "high_kb": zone.high_kb,
        "boost_kb": zone.boost_kb,
        "letters": _list(zone.letters),
        "lowmem_reserve": _list(zone.lowmem_reserve_pages),
    }
