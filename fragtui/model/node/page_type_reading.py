"""When /proc/pagetypeinfo was read, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo


@dataclass(frozen=True, slots=True)
class PageTypeReading:
    """A reading of /proc/pagetypeinfo: what it said, when (monotonic seconds), and the seconds it took."""

    info: PageTypeInfo
    at: float
    cost: float
