"""``fragtui report``: one readable file for a ticket."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from fragtui import __version__
from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.output import escape_what_it_lacks, is_terminal, takes_colour, width_of
from fragtui.commands.cli.output_options import add_color
from fragtui.commands.cli.progress import Progress, progress_of_logs
from fragtui.commands.cli.settings import thresholds_of
from fragtui.commands.cli.source_options import add_source_options
from fragtui.commands.cli.time_range import TimeRange, add_time_range, time_range_of
from fragtui.commands.look.node_sources import NodeSources
from fragtui.json_line import json_line
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.node.snapshot import Unreadable
from fragtui.model.node.source_state import Sight
from fragtui.model.node.verdict import COSTLY_ORDER, judge_node
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.tuning_advice import advise
from fragtui.model.state.node_state import Unseen
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.output_file import write_file
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.render.report.markdown import on_terminal
from fragtui.render.report.report_facts import ReportFacts
from fragtui.render.report.report_json import report_fields
from fragtui.render.report_page import report_page
from fragtui.render.source_text import pods_sight, unanswered
from fragtui.render.terminal_text import painted
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.vm_settings import read_vm_settings
from fragtui.sources.kernel_log.journal import why_no_journal
from fragtui.sources.saved.explain import OpenLog
from fragtui.sources.saved.incidents import incidents_of
from fragtui.sources.saved.readers import SavedPods
from fragtui.text import counted, parse_duration, printable

HELP = "write a report for a ticket: verdict, zones, incidents, pods, remedies, advice"
_SOURCES_SECONDS = 1.2
"""Time for all logs and sources of pods together: the report comes within two seconds."""
_QUIET_SECONDS = 0.3
"""Seconds of silence after which a source counts as complete; there are four updates of pods a second."""
_MAX_TRACE = 3600
"""Seconds of the longest trace."""
_MAX_NAMES, _MAX_NAME = 3, 80
"""Names of saved logs in a sentence, and characters of each."""
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
    add_source_options(parser)
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
        help="trace for this many seconds first: denied requests, fragmentation and waits (root; makes and removes a "
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
        facts = replace(collect(args, progress), trace=trace)
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


def write_report(args: argparse.Namespace, path: Path, trace: TraceTally | None = None) -> None:
    """Write the report into a new file; raises OSError if that fails."""
    write_file(path, report_page(replace(collect(args), trace=trace)))


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
    trace = TraceReader(reader.tree.root, take, lambda text: None, reader.host.version)
    trace.start()
    ended.wait(args.trace_for)
    trace.close()
    reader.close()
    return tally


class _Found(NamedTuple):
    """What logs and sources of pods gave."""

    incidents: tuple[Incident, ...]
    source: str | None
    """Where the incidents are from; None if no log of the kernel could be read."""
    pods: PodUpdate | None
    cannot_tell: str
    """Why there are no pods, or what is not visible from their sources."""
    problems: tuple[Unreadable, ...]
    unseen: tuple[Unseen, ...] | None = None
    no_source: str = "no kernel log could be read"
    """Why `source` is None."""


def collect(args: argparse.Namespace, progress: _Progress | None = None) -> ReportFacts:
    """Return the present state of the node that the options of `args` select; within two seconds on a live node."""
    reader = NodeReader(args.root)
    followed = reader.live or (args.kernel_log, args.kubelet_log, args.kubeconfig) != ("auto", "auto", None)
    # Of saved files only journals are read as those of a node are.
    followed |= not reader.tree.logs() and why_no_journal(reader.tree.root) is None
    found = _followed(args, reader, progress) if followed else _saved(reader, progress)
    target = args.order if args.order is not None else _failed_order(found.incidents)
    snapshot = reader.sample_for(target, asked=True)
    reader.close()
    if (several := reader.tree.ambiguous) is not None:
        snapshot = snapshot._replace(unreadable=(Unreadable(str(args.root), several),))
    past = read_history(AuditLog(audit_path(args.audit, args.root)), reader.tree.root)
    return ReportFacts(
        snapshot=snapshot,
        judgement=judge_node(snapshot, target, thresholds_of(args)),
        forecast=forecast(snapshot, target),
        incidents=found.incidents,
        incidents_from=found.source,
        incidents_unknown=found.no_source,
        pods=found.pods.stuck if found.pods else None,
        pods_unknown=found.cannot_tell,
        unseen=found.unseen,
        episodes=past.history,
        advice=advise(snapshot, target, read_vm_settings(args.root, snapshot.host.page_size)),
        unreadable=(
            *found.problems,
            *snapshot.unknown,
            *(Unreadable("audit log", printable(problem)) for problem in past.problems),
        ),
        places=(str(args.root), str(reader.tree.root), str(Path.cwd()), str(Path.home())),
        saved=not reader.live,
        made_by=f"fragtui {__version__}",
    )


def _failed_order(incidents: tuple[Incident, ...]) -> int:
    """Return the order of the newest allocation failure above order 0, else 3."""
    failures = [incident for incident in incidents if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.order]
    # Of those without a time the last one read is the newest.
    newest = max(reversed(failures), key=lambda incident: incident.time or 0.0, default=None)
    return newest.order if newest is not None and newest.order else COSTLY_ORDER


def _followed(args: argparse.Namespace, reader: NodeReader, progress: _Progress | None) -> _Found:
    """Return what the sources report before the deadline for all of them, and each that can't be read by its name."""
    if progress is not None:
        progress.note(f"asking logs and sources of pods, up to {_SOURCES_SECONDS:g} s")
    sources = NodeSources(args, reader, _SOURCES_SECONDS)
    sources.wait(_QUIET_SECONDS)
    log, states, failures, pods = sources.log_state, sources.pod_states, sources.failures, sources.pods
    late = sources.still_reading
    sources.stop()
    stuck = bool(pods and pods.stuck.pods)
    incidents = failures.incidents
    problems = [
        Unreadable(source.name, source.cannot_tell or source.state)
        for source in (log, *states)
        if source.sight is Sight.BLIND and source.state != "off"
    ]
    if log.sight is Sight.LOOKED and log.cannot_tell:
        problems.append(Unreadable(log.name, f"read from {failures.source}: {log.cannot_tell}"))
    if late:
        problems.append(Unreadable("logs", f"still being read after {_SOURCES_SECONDS:g} s: older lines are missing"))
    sight = pods_sight(states)
    dead = [source for source in states if source.sight in (Sight.BLIND, Sight.NOTHING)]
    if sight is Sight.NOTHING and not stuck:
        dead = [source for source in dead if source.sight is Sight.NOTHING][:1]
    return _Found(
        incidents,
        failures.source if incidents or log.sight is Sight.LOOKED else None,
        pods if stuck or sight is Sight.LOOKED else None,
        "; ".join(f"{source.name}: {source.cannot_tell or source.state}" for source in dead),
        tuple(problems),
        tuple(unanswered(log, states, denials=bool(incidents), stuck=stuck)),
    )


def _saved(reader: NodeReader, progress: _Progress | None) -> _Found:
    """Return what the saved logs say; the incidents are linked, those of pods among them."""
    logs = reader.tree.logs()
    on_read = progress.on_read if progress else lambda logs, found: None
    explained, unread = incidents_of(logs, opener_of(reader.tree.root, live=False), on_read)
    names = [printable(str(path)) for path in logs]
    read = [name for name in names if all(problem.path != name for problem in unread)]
    logged = tuple(item.logged for item in explained if item.logged is not None)
    # Logs of kubelet and runtime alone say nothing about the kernel.
    looked = bool(logged) or any(printable(str(path)) in read for path in reader.tree.kernel_logs())
    if progress is not None:
        progress.note("reading pods")
    pods = SavedPods(reader.tree, incidents=logged).read()
    (state,) = pods.sources
    return _Found(
        tuple(item.incident for item in explained),
        (", ".join(read) or None) if looked else None,
        pods if state.sight is Sight.LOOKED else None,
        state.cannot_tell,
        tuple(unread),
        no_source=_no_kernel_log([path for path in logs if printable(str(path)) in read], reader.tree.root),
    )


def _no_kernel_log(read: Sequence[Path], root: Path) -> str:
    """Return why no kernel log of the saved files is known: which logs were read instead, if any."""
    names = [printable("/".join(path.relative_to(root).parts[-2:]), _MAX_NAME) for path in read[:_MAX_NAMES]]
    more = f" and {len(read) - _MAX_NAMES} more" if len(read) > _MAX_NAMES else ""
    return f"no kernel log saved; read: {', '.join(names)}{more}" if names else "no kernel log among the saved files"
