"""The incidents of saved logs, read to their end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from fragtui.model.incident import Incident
from fragtui.model.snapshot import Unreadable
from fragtui.sources.explained_log import explain_log
from fragtui.sources.host_files import reason
from fragtui.sources.log_files import open_log
from fragtui.sources.trust import Opener
from fragtui.text import printable

MOST = 2000
"""Incidents kept, the newest; a log may hold more than anyone reads."""


def incidents_of(paths: Sequence[Path], opener: Opener) -> tuple[tuple[Incident, ...], tuple[Unreadable, ...]]:
    """Return the incidents of the logs, the newest last, and what could not be read. Raises no OSError.

    `opener` opens each of them, see `opener_of`.
    """
    found: list[Incident] = []
    problems: list[Unreadable] = []
    for path in paths:
        try:
            now = path.stat().st_mtime
            with closing(open_log(path, opener)) as log:
                found += explain_log(log, printable(path.name) if len(paths) > 1 else "", None, now)
        except (OSError, EOFError) as error:
            why = reason(error) if isinstance(error, OSError) else "it is cut off"
            problems.append(Unreadable(printable(str(path)), why))
    found.sort(key=lambda incident: incident.time or 0.0)
    return tuple(found[-MOST:]), tuple(problems)
