"""One log's incidents, as `fragtui explain` reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from fragtui.model.failures.incident import Incident
from fragtui.sources.saved.explain import OpenLog, explain_logs


def explain_log(
    log: IO[bytes], name: str = "", now: float | None = None, kernel: str | None = None
) -> Iterator[Incident]:
    """Yield one log's incidents, see `explain_logs`."""
    for explained in explain_logs([OpenLog(log, now=now)]):
        yield explained.incident
