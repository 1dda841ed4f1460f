"""Who uses the memory of a node: its largest processes, as /proc or the OOM killer lists them."""

from __future__ import annotations

from typing import NamedTuple


class Process(NamedTuple):
    """One process."""

    pid: int
    comm: str
    resident: int
    """Bytes."""
    cgroup: str | None = None
    """The path of its cgroup, which names its pod; None if unknown."""
    grown: int | None = None
    """Bytes gained (or lost) over `Consumers.seconds`; None if it was not seen then."""


class Consumers(NamedTuple):
    """The largest processes at one moment."""

    at: float | None
    """Seconds since the epoch; None if unknown."""
    processes: tuple[Process, ...]
    """The largest ones, the largest first."""
    looked_at: int
    """How many processes were looked at."""
    source: str
    """What lists them: ``/proc``."""
    seconds: float | None = None
    """Seconds since the reading that growth is counted from; None for the first one."""
    why: str | None = None
    """Why nothing is listed, or what is missing."""
