"""The incidents of saved logs, read to their end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import Explained
from fragtui.model.node.snapshot import Unreadable
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import open_log
from fragtui.sources.files.trust import Opener
from fragtui.sources.saved.explain import OpenLog, explain_logs
from fragtui.sources.saved.read_lines import ReadLines
from fragtui.text import printable

_SAME_SECONDS = 60.0
"""How far the stamps of one report may be apart: ``dmesg -T`` adds a clock that stood still in sleep to the boot."""
MAX_SAVED_INCIDENTS = 2000
"""Incidents kept, the newest; a log may contain far more."""
MAX_COMPARED = 20_000
"""Incidents of several logs that are compared with each other."""


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
    return tuple(_once(_newest(incidents))), tuple(problems)


def each_once(incidents: Iterable[Explained]) -> Iterator[Explained]:
    """Yield the incidents as `_once` returns them, with flat memory: so many are compared at a time."""
    rest = iter(incidents)
    while batch := list(islice(rest, MAX_COMPARED)):
        yield from _once(batch)


def _once(incidents: list[Explained]) -> list[Explained]:
    """Return the incidents without reports of the kernel that another log has, too: a journal, syslog and dmesg."""
    kept: defaultdict[tuple[object, ...], list[tuple[Explained, set[int]]]] = defaultdict(list)
    instead: dict[str, str] = {}
    for explained in sorted(incidents, key=lambda each: each.incident.time is None):  # A report with a time is kept.
        incident = explained.incident
        if incident.report is None:
            continue
        key = (incident.kind, incident.comm, incident.pid, incident.order, incident.mode, incident.stack)
        same = next(
            (
                (first, logs)
                for first, logs in kept[key]
                if explained.log not in logs and _apart(first.incident, incident) <= _SAME_SECONDS
            ),
            None,
        )
        if same is None:
            kept[key].append((explained, {explained.log}))
        else:
            same[1].add(explained.log)
            instead[incident.id] = same[0].incident.id
    if not instead:
        return incidents
    return [
        replace(explained, incident=_relinked(explained.incident, instead))
        for explained in incidents
        if explained.incident.id not in instead
    ]


def _apart(one: Incident, other: Incident) -> float:
    return 0.0 if one.time is None or other.time is None else abs(one.time - other.time)


def _relinked(incident: Incident, instead: dict[str, str]) -> Incident:
    if instead.keys().isdisjoint(incident.linked):
        return incident
    return replace(incident, linked=tuple(dict.fromkeys(instead.get(each, each) for each in incident.linked)))


def _newest(incidents: list[Explained]) -> list[Explained]:
    return sorted(incidents, key=lambda explained: explained.incident.time or 0.0)[-MAX_SAVED_INCIDENTS:]
