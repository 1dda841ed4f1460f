"""fragtui's own use of CPU and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from fragtui.model.node.snapshot import SelfUsage


class SelfUsageMeter:
    """Measures this process from its creation on, without the cost of imports before it."""

    def __init__(self) -> None:
        self._resident = _resident_bytes()
        self._at, self._cpu = time.monotonic(), time.process_time()

    @property
    def seconds(self) -> float:
        """Seconds since the last reading."""
        return time.monotonic() - self._at

    def read(self) -> SelfUsage | None:
        """Return the usage since the last reading, None if it is unknown."""
        now, cpu = time.monotonic(), time.process_time()
        try:
            cost = SelfUsage((cpu - self._cpu) / (now - self._at), self._resident())
        except (OSError, ValueError, ZeroDivisionError):
            cost = None
        self._at, self._cpu = now, cpu
        return cost


def _resident_bytes() -> Callable[[], int]:
    """Return a reader of this process's resident bytes: psutil, or procfs without psutil (in a zipapp)."""
    try:
        import psutil  # noqa: PLC0415
    except ImportError:
        return lambda: int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    own = psutil.Process()

    def resident() -> int:
        try:
            return int(own.memory_info().rss)
        except psutil.Error as error:
            raise OSError(str(error)) from error

    return resident
