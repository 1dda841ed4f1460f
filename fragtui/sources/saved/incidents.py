"""The incidents of saved logs, read to their end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from fragtui.model.log_linker import Explained
from fragtui.model.node.snapshot import Unreadable
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import open_log
from fragtui.sources.files.trust import Opener
from fragtui.sources.saved.explain import OpenLog, explain_logs
from fragtui.sources.saved.read_lines import ReadLines
from fragtui.text import printable

MAX_SAVED_INCIDENTS = 2000
"""Incidents kept, the newest; a log may contain far more."""


def incidents_of(
    paths: Sequence[Path],
    opener: Opener,
    on_read: Callable[[Sequence[OpenLog], int], None] = lambda logs, found: None,
) -> tuple[tuple[Explained, ...], tuple[Unreadable, ...]]:
    """Return the incidents of the logs, linked across them, the newest last, and the logs that could not be read.

    Raises no OSError. `opener` opens each of them, see `opener_of`. `on_read` gets the logs and the number of incidents
    so far, at each block.
    """
    incidents: list[Explained] = []
    dropped = 0
    problems: list[Unreadable] = []
    logs: list[OpenLog] = []
    paths_of: dict[int, Path] = {}

    def complain(path: Path, error: Exception) -> None:
        why = os_reason(error) if isinstance(error, OSError) else "it is cut off"
        problems.append(Unreadable(printable(str(path)), why))

    with ExitStack() as opened:
        for path in paths:
            try:
                name = printable(path.name) if len(paths) > 1 else ""
                stream, changed = opened.enter_context(closing(open_log(path, opener))), path.stat().st_mtime
                log = OpenLog(stream, name, changed, ReadLines(lambda: on_read(logs, dropped + len(incidents))))
            except (OSError, EOFError) as error:
                complain(path, error)
                continue
            paths_of[id(log)] = path
            logs.append(log)
        for incident in explain_logs(logs, on_error=lambda log, error: complain(paths_of[id(log)], error)):
            incidents.append(incident)
            if len(incidents) >= 2 * MAX_SAVED_INCIDENTS:
                dropped += MAX_SAVED_INCIDENTS
                incidents = _newest(incidents)
        problems += [Unreadable(printable(str(paths_of[id(log)])), log.cut.words) for log in logs if log.cut.words]
    dropped += max(0, len(incidents) - MAX_SAVED_INCIDENTS)
    if dropped:
        problems.append(Unreadable("older incidents", f"{dropped} left out, {MAX_SAVED_INCIDENTS} are kept"))
    return tuple(_newest(incidents)), tuple(problems)


def _newest(incidents: list[Explained]) -> list[Explained]:
    return sorted(incidents, key=lambda explained: explained.incident.time or 0.0)[-MAX_SAVED_INCIDENTS:]
