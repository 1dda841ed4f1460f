"""The incidents of saved logs, read to their end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from fragtui.model.failures.incident import Incident
from fragtui.model.node.snapshot import Unreadable
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import open_log
from fragtui.sources.files.trust import Opener
from fragtui.sources.saved.explain import OpenLog, explain_logs
from fragtui.text import printable

MAX_SAVED_INCIDENTS = 2000
"""Incidents kept, the newest; a log may hold more than anyone reads."""


def incidents_of(paths: Sequence[Path], opener: Opener) -> tuple[tuple[Incident, ...], tuple[Unreadable, ...]]:
    """Return the incidents of the logs, the newest last, and what could not be read. Raises no OSError.

    `opener` opens each of them, see `opener_of`.
    """
    found: list[Incident] = []
    dropped = 0
    problems: list[Unreadable] = []
    for path in paths:
        try:
            now = path.stat().st_mtime
            name = printable(path.name) if len(paths) > 1 else ""
            with closing(open_log(path, opener)) as log:
                opened = OpenLog(log, name, now)
                for each in explain_logs([opened]):
                    found.append(each.incident)
                    if len(found) >= 2 * MAX_SAVED_INCIDENTS:
                        dropped += MAX_SAVED_INCIDENTS
                        found = _newest(found)
            if opened.cut.words:
                problems.append(Unreadable(printable(str(path)), opened.cut.words))
        except (OSError, EOFError) as error:
            why = os_reason(error) if isinstance(error, OSError) else "it is cut off"
            problems.append(Unreadable(printable(str(path)), why))
    dropped += max(0, len(found) - MAX_SAVED_INCIDENTS)
    if dropped:
        problems.append(Unreadable("older incidents", f"{dropped} left out, {MAX_SAVED_INCIDENTS} are kept"))
    return tuple(_newest(found)), tuple(problems)


def _newest(incidents: list[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda incident: incident.time or 0.0)[-MAX_SAVED_INCIDENTS:]
