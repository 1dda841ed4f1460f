"""One incident as the tail shows it and `fragtui explain --json` prints it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum


class IncidentKind(StrEnum):
    """What happened; the names are those of the JSON."""

    ALLOCATION_FAILURE = "allocation_failure"
    STALL = "stall"
    VMALLOC_FAILURE = "vmalloc_failure"
    SLAB_FAILURE = "slab_failure"
    OOM = "oom"
    SANDBOX_FAILURE = "sandbox_failure"


@dataclass(frozen=True, slots=True)
class IncidentZone:
    """A zone as the report shows it, at that moment. Sizes in KiB; `free_blocks[k]` counts blocks of order k.

    `letters[k]` are the migratetypes with free blocks of that order, as the kernel prints them (U M E H C I, R up to
    4.3). `lowmem_reserve` is in pages, by the request's highest zone.
    """

    node: int
    zone: str
    free_blocks: tuple[int, ...] | None = None
    free_kb: int | None = None
    min_kb: int | None = None
    low_kb: int | None = None
    high_kb: int | None = None
    boost_kb: int | None = None
    letters: tuple[str, ...] | None = None
    lowmem_reserve: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class IncidentVictim:
    """The task that the OOM killer chose."""

    comm: str | None
    pid: int | None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident; what is not known is None, for `zones` and `stack` empty.

    `time` is in seconds since the epoch, `mode` the mask as a number, `stack` the symbols from the innermost out
    (``? `` before those that the kernel was not sure of). `memory` tells whether the node's memory is to blame: False
    means another limit. `suppressed` counts reports that the kernel's rate limit hid just before this one, `repeated`
    how often syslog says the line came again: counts are lower bounds. `lines` are the first and last line number in
    the source. `id` is stable while an incident grows.
    """

    kind: IncidentKind
    time: float | None = None
    comm: str | None = None
    pid: int | None = None
    cpu: int | None = None
    order: int | None = None
    mode: int | None = None
    gfp: tuple[str, ...] | None = None
    gfp_from: str | None = None
    kernel: str | None = None
    nodemask: str | None = None
    cpuset: str | None = None
    mems_allowed: str | None = None
    zones: tuple[IncidentZone, ...] = ()
    stack: tuple[str, ...] = ()
    cause: str | None = None
    memory: bool | None = None
    suppressed: int | None = None
    repeated: int | None = None
    victim: IncidentVictim | None = None
    constraint: str | None = None
    namespace: str | None = None
    pod: str | None = None
    pod_uid: str | None = None
    sandbox_id: str | None = None
    container_id: str | None = None
    reason: str | None = None
    explanation: str | None = None
    lines: tuple[int, int] | None = None
    linked: tuple[str, ...] = ()
    id: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the object of `explain --json`: time in ISO 8601 (UTC), mode in hexadecimal, null for unknown."""
        found = {name: _plain(getattr(self, name)) for name in _NAMES}
        if self.time is not None:
            found["time"] = iso_utc(self.time)
        if self.mode is not None:
            found["mode"] = f"{self.mode:#x}"
        for name in ("zones", "stack"):
            found[name] = found[name] or None
        return found

    @property
    def count(self) -> int:
        """How many failures this incident stands for, at least."""
        return 1 + (self.repeated or 0) + (self.suppressed or 0)


_NAMES = tuple(field.name for field in fields(Incident))
_ZONE_NAMES = tuple(field.name for field in fields(IncidentZone))
_VICTIM_NAMES = tuple(field.name for field in fields(IncidentVictim))
_SIMPLE = frozenset({str, int, float, bool, type(None)})


def iso_utc(time: float) -> str | None:
    """Return epoch seconds as ISO 8601 in UTC, or None for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(time, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _plain(value: object) -> object:
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, tuple):
        return [item if type(item) in _SIMPLE else _plain(item) for item in value]
    if isinstance(value, IncidentKind):
        return value.value
    if isinstance(value, IncidentZone):
        return {name: _plain(getattr(value, name)) for name in _ZONE_NAMES}
    if isinstance(value, IncidentVictim):
        return {name: _plain(getattr(value, name)) for name in _VICTIM_NAMES}
    return value
