"""What a trace brought in about a second: events of one task and kind are one row with their count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Wait = Literal["compaction", "reclaim"]
"""What a request waited for: direct compaction or direct reclaim."""


class Task(NamedTuple):
    """A task by its name and its cgroup, in which a pod may be named; None for a cgroup that could not be read."""

    comm: str
    cgroup: str | None = None


class DeniedRequests(NamedTuple):
    """Requests that got no page, alike in everything."""

    task: Task
    order: int | None
    flags: str
    """The GFP flags as the kernel prints them."""
    migratetype: str
    times: int


class Fragmentation(NamedTuple):
    """Requests of a task that took pages from blocks of another migratetype."""

    task: Task
    wanted: str
    """The migratetype that it asked for."""
    taken: str
    """That of the block that it took from."""
    times: int
    mixed: int
    """How many of them left a pageblock with pages of both migratetypes; others took a whole pageblock over."""
    order: int
    """The largest order that was asked for."""
    broken: int
    """The largest order of a block that was broken for it."""


class Waits(NamedTuple):
    """Waits of a task for one order."""

    task: Task
    order: int | None
    kind: Wait
    times: int
    seconds: float
    longest: float
    """Seconds of the longest, of those whose end was seen."""


@dataclass(frozen=True, slots=True)
class TraceBatch:
    """The events since the batch before."""

    time: float
    """When it was read, seconds since the epoch."""
    denied: tuple[DeniedRequests, ...] = ()
    fragmented: tuple[Fragmentation, ...] = ()
    waited: tuple[Waits, ...] = ()
    lost: int = 0
    """Events that the kernel dropped since the batch before, because its buffer was full."""
    parts: tuple[str, ...] = ()
    """Why parts of the trace are off on this kernel."""
    ended: str | None = None
    """Why the trace has ended, empty if it was switched off; None while it runs."""

    @property
    def matters(self) -> bool:
        """Whether it holds more than that the trace runs."""
        return bool(self.denied or self.fragmented or self.waited or self.lost or self.ended is not None)
