"""The kinds of incidents; apart from the incident, which the screen needs only once there is one."""

from __future__ import annotations

from enum import StrEnum


class IncidentKind(StrEnum):
    """What happened; the names are those of the JSON."""

    ALLOCATION_FAILURE = "allocation_failure"
    STALL = "stall"
    VMALLOC_FAILURE = "vmalloc_failure"
    SLAB_FAILURE = "slab_failure"
    OOM = "oom"
    SANDBOX_FAILURE = "sandbox_failure"
