"""``fragtui report``: one readable file for a ticket."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from fragtui import __version__
from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.output import escape_what_it_lacks, is_terminal, takes_colour, width_of
from fragtui.commands.cli.output_options import add_color
from fragtui.commands.cli.progress import Progress, progress_of_logs
from fragtui.commands.cli.settings import thresholds_of
from fragtui.commands.cli.time_range import TimeRange, add_time_range, time_range_of
from fragtui.json_line import json_line
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.node.snapshot import Unreadable
from fragtui.model.node.source_state import Sight
from fragtui.model.node.verdict import COSTLY_ORDER, Thresholds, judge_node
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.tuning_advice import advise
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.output_file import write_file
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.render.report.markdown import on_terminal
from fragtui.render.report.report_json import report_fields
from fragtui.render.report_page import ReportFacts, report_page
from fragtui.render.source_text import pods_sight
from fragtui.render.terminal_text import painted
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.tree import SavedTree
from fragtui.sources.host.vm_settings import read_vm_settings
from fragtui.sources.kernel_log.ring import read_ring
from fragtui.sources.pods.watcher import PodWatcher
from fragtui.sources.saved.explain import OpenLog
from fragtui.sources.saved.incidents import incidents_of
from fragtui.sources.saved.readers import SavedPods
from fragtui.text import counted, parse_duration, printable

HELP = "write a report for a ticket: verdict, zones, incidents, pods, remedies, advice"
_PODS_WAIT = 3.0
_MAX_TRACE = 3600
"""Seconds of the longest trace."""
_FORMATS = ("json", "wide")
"""What ``-o`` takes besides a file."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|json|wide",
        help="where to write it (default: standard output); -o json is --json and -o wide is --full, a file of such a "
        "name is ./json",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object with everything (schema 1: fields are added, never removed)",
    )
    add_time_range(parser, "incidents and remedies")
    parser.add_argument(
        "--redact", action="store_true", help="replace names of pods, namespaces and hosts, ids and addresses by tokens"
    )
    parser.add_argument(
        "--full", action="store_true", help="all groups of failures, pods, zones and remedies, not only one page"
    )
    parser.add_argument(
        "--trace",
        dest="trace_for",  # `trace` is a setting, of the verbs that trace as long as they run.
        type=_seconds,
        metavar="S",
        help="trace for so many seconds first: denied requests, fragmentation and waits (root; makes and removes a "
        "tracefs instance)",
    )
    add_color(parser)
    parser.epilog = (
        "the page has the state, who was denied memory, which pods are stuck, what to try; then tables, newest "
        "first, and three typical failures. On a terminal it is wrapped and without markup; -o or a pipe gets "
        "Markdown"
    )


def run(args: argparse.Namespace) -> int:
    """Write the report; return 0, or 1 if that fails."""
    progress = _Progress()
    try:
        trace = _traced(args, progress) if args.trace_for is not None else None
        facts = replace(collect(args.root, args.order, args.audit, thresholds_of(args), progress), trace=trace)
    finally:
        progress.clear()
    chosen = _within(time_range_of(args), facts)
    as_json = args.json or args.output == "json"
    if as_json:
        page = json_line(report_fields(chosen, redact=args.redact)) + "\n"
    else:
        page = report_page(chosen, redact=args.redact, full=args.full or args.output == "wide")
    if args.output is None or args.output in _FORMATS:
        _print(page, args.color, wrap=not as_json)
        return Exit.DONE
    try:
        _write(Path(args.output), page)
    except OSError as error:
        print(f"fragtui report: can't write {printable(args.output)}: {os_reason(error)}", file=sys.stderr)
        return Exit.FAILED
    return Exit.DONE


def _within(chosen: TimeRange, facts: ReportFacts) -> ReportFacts:
    """Return the facts with the incidents and remedies of a time range only, and the range in the words for it."""
    if not chosen:
        return facts
    return replace(
        facts,
        incidents=tuple(incident for incident in facts.incidents if chosen.covers(incident.time)),
        incidents_from=None if facts.incidents_from is None else f"{facts.incidents_from}, {chosen}",
        episodes=tuple(episode for episode in facts.episodes if chosen.covers(episode.intent.time)),
    )


class _Progress:
    """The progress of the reading on standard error; nothing without a terminal."""

    def __init__(self) -> None:
        self._logs: Sequence[OpenLog] = ()
        self._found = 0
        self._line = Progress(lambda: progress_of_logs(self._logs), lambda: counted(self._found, "incident"))
        self.note, self.clear = self._line.note, self._line.clear

    def on_read(self, logs: Sequence[OpenLog], found: int) -> None:
        """Take how far the logs are read."""
        self._logs, self._found = logs, found
        self._line.tick()


def _print(page: str, color: str, *, wrap: bool) -> None:
    """Print the page as it is; on a terminal, if it is to be wrapped, without markup."""
    escape_what_it_lacks(sys.stdout)
    if not wrap or not is_terminal(sys.stdout):
        sys.stdout.write(page)
        return
    colour = takes_colour(sys.stdout, color)
    for line in on_terminal(page, width_of(sys.stdout)):
        print(painted(line, colour=colour))


def _write(path: Path, page: str) -> None:
    """Write the report as a new file, or into a device that the user named, such as /dev/stdout or /dev/fd/63."""
    absolute = path.absolute()
    if not absolute.is_relative_to("/dev") or absolute.is_relative_to("/dev/shm"):
        write_file(path, page)
        return
    with open(os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY), "wb") as device:
        device.write(page.encode())


def write_report(
    path: Path,
    root: Path,
    order: int | None,
    audit: Path | None,
    thresholds: Thresholds,
    trace: TraceTally | None = None,
) -> None:
    """Write the report into a new file; raises OSError if that fails."""
    write_file(path, report_page(replace(collect(root, order, audit, thresholds), trace=trace)))


def _seconds(text: str) -> float:
    seconds = parse_duration(text)
    if seconds is None or not 1 <= seconds <= _MAX_TRACE:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 to {_MAX_TRACE} seconds, such as 60 or 5m")
    return seconds


def _traced(args: argparse.Namespace, progress: _Progress) -> TraceTally:
    """Return the sums of a trace of this node for the wanted time, or of none with the reason."""
    from fragtui.sources.tracing.reader import TraceReader  # noqa: PLC0415  # Seldom asked for.

    reader = NodeReader(args.root)
    tally, ended = TraceTally(time.time()), threading.Event()
    if not reader.live:
        tally.take(TraceBatch(tally.since, ended="a trace needs the live node"))
        return tally

    def take(batch: TraceBatch) -> None:
        tally.take(batch)
        if batch.ended is not None:
            ended.set()

    progress.note(f"tracing for {args.trace_for:.0f} s")
    old = reader.host.version is not None and not reader.host.version.at_least(4, 4)
    trace = TraceReader(reader.tree.root, take, lambda text: None, old_migratetypes=old)
    trace.start()
    ended.wait(args.trace_for)
    trace.close()
    reader.close()
    return tally


def collect(
    root: Path, order: int | None, audit: Path | None, thresholds: Thresholds, progress: _Progress | None = None
) -> ReportFacts:
    """Return the present state of the node under `root`; takes up to three seconds on a live node."""
    on_read = progress.on_read if progress else lambda logs, found: None
    note = progress.note if progress else lambda text: None
    reader = NodeReader(root)
    incidents, logged, source, problems = _incidents(reader, on_read)
    target = order if order is not None else _failed_order(incidents)
    snapshot = reader.sample_for(target, asked=True)
    reader.close()
    if (several := reader.tree.ambiguous) is not None:
        snapshot = snapshot._replace(unreadable=(Unreadable(str(root), several),))
    note("reading pods" if not reader.live else f"asking the sources of pods, up to {_PODS_WAIT:.0f} s")
    pods, cannot_tell = _pods(root, logged) if reader.live else _saved_pods(reader.tree, logged)
    past = read_history(AuditLog(audit_path(audit, root)), reader.tree.root)
    return ReportFacts(
        snapshot=snapshot,
        judgement=judge_node(snapshot, target, thresholds),
        forecast=forecast(snapshot, target),
        incidents=incidents,
        incidents_from=source,
        pods=pods.stuck if pods else None,
        pods_unknown=cannot_tell,
        episodes=past.history,
        advice=advise(snapshot, target, read_vm_settings(root, snapshot.host.page_size)),
        unreadable=(
            *snapshot.unknown,
            *problems,
            *(Unreadable("audit log", printable(problem)) for problem in past.problems),
        ),
        places=(str(root), str(reader.tree.root), str(Path.cwd()), str(Path.home())),
        saved=not reader.live,
        made_by=f"fragtui {__version__}",
    )


def _failed_order(incidents: tuple[Incident, ...]) -> int:
    """Return the order of the newest allocation failure above order 0, else 3."""
    failures = [incident for incident in incidents if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.order]
    newest = max(failures, key=lambda incident: incident.time or 0.0, default=None)
    return newest.order if newest is not None and newest.order else COSTLY_ORDER


def _incidents(
    reader: NodeReader, on_read: Callable[[Sequence[OpenLog], int], None]
) -> tuple[tuple[Incident, ...], tuple[Incident, ...], str | None, tuple[Unreadable, ...]]:
    """Return the linked incidents, the kernel's as logged, their source (None: no log could be read), and problems.

    The last is what could not be read.
    """
    problems: list[Unreadable] = []
    if reader.live:
        update = read_ring(reader.root)
        if update.problem is None:
            return update.incidents, update.incidents, update.source, ()
        problems.append(Unreadable(str(reader.root / "dev/kmsg"), update.problem))
    logs = reader.tree.logs()
    explained, unread = incidents_of(logs, opener_of(reader.tree.root, live=reader.live), on_read)
    problems += unread
    names = [printable(str(path)) for path in logs]
    read = [name for name in names if all(problem.path != name for problem in unread)]
    incidents = tuple(item.incident for item in explained)
    logged = tuple(item.logged for item in explained if item.logged is not None)
    # Logs of kubelet and runtime alone say nothing about the kernel.
    looked = bool(logged) or any(printable(str(path)) in read for path in reader.tree.kernel_logs())
    return incidents, logged, (", ".join(read) or None) if looked else None, tuple(problems)


def _saved_pods(tree: SavedTree, incidents: tuple[Incident, ...]) -> tuple[PodUpdate | None, str]:
    """Return the pods of the saved logs, and what these can't show."""
    pods = SavedPods(tree, incidents=incidents).read()
    (state,) = pods.sources
    return (pods if state.state == "live" else None), state.cannot_tell


def _pods(root: Path, incidents: tuple[Incident, ...]) -> tuple[PodUpdate | None, str]:
    """Return the pods that the sources report within a few seconds, and what these can't show."""
    updates: list[PodUpdate] = []
    settled = threading.Event()

    def on_update(update: PodUpdate) -> None:
        updates.append(update)
        if update.sources and all(
            source.sight is not Sight.PENDING and source.state != "waiting" for source in update.sources
        ):
            settled.set()

    watch = PodWatcher(root, "auto", None, on_update, incidents=incidents)
    watch.start()
    if settled.wait(_PODS_WAIT):
        # The first observations may still wait for the next update; there are four a second.
        time.sleep(0.5)
    watch.stop()
    if not updates:
        return None, "no source answered"
    last = updates[-1]
    silent = [source for source in last.sources if source.sight is not Sight.LOOKED]
    missing = "; ".join(f"{source.name} {source.state}: {source.cannot_tell}".rstrip(": ") for source in silent)
    if not last.stuck.pods and pods_sight(last.sources) is not Sight.LOOKED:
        return None, missing or "no source answered"
    return last, missing
