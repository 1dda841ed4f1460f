"""``fragtui explain``: the allocation failures, OOM kills and failed sandboxes that a log reports."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.interrupt import Interrupt
from fragtui.commands.cli.output import escape_what_it_lacks, takes_colour, width_of
from fragtui.commands.cli.output_options import add_color, add_json
from fragtui.commands.cli.progress import Progress, progress_of_logs
from fragtui.commands.cli.time_range import add_time_range, time_range_of
from fragtui.json_line import json_line
from fragtui.kernel.gfp.flags import table_for
from fragtui.kernel.procfs.version import KernelVersion, parse_version
from fragtui.kernel.tracing.event_lines import is_trace
from fragtui.model.failures.groups import MAX_GROUPS, FailureGroups
from fragtui.render.failure_table import (
    LogsRead,
    closing_lines,
    incident_lines,
    tables,
    total_lines,
    typical_lines,
)
from fragtui.render.terminal_text import Line, painted
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import head_of, open_log, refuse_device
from fragtui.sources.files.trust import Opener, open_named, opener_of
from fragtui.sources.host.tree import saved_tree
from fragtui.sources.saved.explain import OpenLog, explain_logs
from fragtui.sources.saved.incidents import each_once
from fragtui.sources.saved.read_lines import MAX_HEAD, ReadLines
from fragtui.text import counted, printable

HELP = "explain the failed allocations, OOM kills and failed sandboxes of a log"
_PAGE_SIZE = 4096
"""Bytes of a page, which no trace shows."""
_MAX_ROWS = 15
"""Rows of a table without --all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="logs in any format, also .gz, .xz and .zst; - or none: standard input. "
        "Lines are cut at 16 KiB, a compressed log after 8 GiB. A directory: all logs of a support bundle, each report "
        "of the kernel once",
    )
    parser.add_argument("--kernel", metavar="V", help="the release that wrote the log, if the log does not name it")
    parser.add_argument("--all", action="store_true", help="print each failure when it is found, then the totals")
    add_json(parser, "one JSON object a line, when it is found; no totals", wide="all")
    add_color(parser)
    add_time_range(parser, "incidents")
    parser.epilog = (
        "at the end of the input, or after Ctrl-C, it prints the totals (what, when, hidden by the kernel's rate "
        "limit, who, size, cause, pods), then the groups of failures with the same who, size and cause, newest first, "
        f"at most {_MAX_ROWS}, then the newest report of typical groups, then how many lines were read. --all prints "
        "every failure as soon as nothing more can be linked to it, oldest first, and all groups"
    )


def run(args: argparse.Namespace) -> int:
    """Print the failures; return 0, or 1 if a log could not be read to its end, or 130 after Ctrl-C."""
    version = parse_version(args.kernel) if args.kernel is not None else None
    table = table_for(version) if version else None
    failed: list[str] = []

    def report_error(name: str, error: Exception) -> None:
        progress.clear()
        sys.stdout.flush()
        why = os_reason(error) if isinstance(error, OSError) else "it is cut off"
        print(f"fragtui explain: {printable(name)}: {why}", file=sys.stderr)
        failed.append(name)

    logs: list[OpenLog] = []
    traces: list[tuple[str, IO[bytes]]] = []
    shown: list[str] = []
    failures, output = FailureGroups(), _Output(args.color)
    progress = Progress(lambda: progress_of_logs(logs), lambda: counted(failures.incidents, "incident"))
    names, openers = [], dict[str, Opener]()
    for given in args.files or ["-"]:
        if given == "-" or not Path(given).is_dir():
            names.append(given)
            continue
        tree = saved_tree(Path(given))
        found = [str(path) for path in tree.logs()]
        names += found
        openers |= dict.fromkeys(found, opener_of(tree.root, live=False))
        if not found:
            several = tree.ambiguous or "a directory without a log"
            report_error(given, OSError(errno.EINVAL, several.replace(" as --root", "")))
    with ExitStack() as opened, Interrupt() as interrupt:

        def on_read() -> None:
            interrupt.check()
            progress.tick()

        for name in names:
            try:
                with interrupt.waiting():  # A pipe opens when a program writes to it.
                    log, now = _opened(name, interrupt, openers.get(name, open_named))
            except OSError as error:
                report_error(name, error)
                continue
            opened.callback(log.close)
            if is_trace(_head(log)):
                traces.append((name, log))
                continue
            # The ids of a single log do not contain its name: they stay the same when the file is moved.
            logs.append(
                OpenLog(log, name if len(names) > 1 else "", now, ReadLines(on_read, 0 if args.json else MAX_HEAD))
            )
            shown.append(name)
        for name, log in traces:
            try:
                _explain_trace(log, version, output, as_json=args.json, named=len(names) > 1)
            except (OSError, EOFError) as error:
                report_error(name, error)
        incidents = explain_logs(logs, table, args.kernel, lambda log, error: report_error(log.name or names[0], error))
        incidents = each_once(incidents) if openers else incidents
        chosen, unstamped = time_range_of(args), 0
        try:
            for explained in incidents:
                if not chosen.covers(explained.incident.time):
                    unstamped += explained.incident.time is None
                    continue
                name_of_log = printable(shown[explained.log]) if len(names) > 1 else None
                failures.take(explained.incident, name_of_log)
                if args.json or args.all:
                    progress.clear()
                if args.json:
                    print(json_line(explained.incident.to_json(), ascii_only=False))
                elif args.all:
                    output.write([*incident_lines(explained.incident, output.width, name_of_log), ()])
        except KeyboardInterrupt:
            interrupt.came = True
        progress.clear()
        if not args.json and (logs or not traces):
            missing = "ended by Ctrl-C" if interrupt.came else "not everything could be read" if failed else ""
            output.write(_summary(failures, logs, missing, output.width, every=args.all))
        sys.stdout.flush()
        if unstamped:
            print(f"fragtui explain: {counted(unstamped, 'incident')} without a time left out", file=sys.stderr)
        for name, opened_log in zip(shown, logs, strict=True):
            if notice := opened_log.cut.words:
                print(f"fragtui explain: {printable(name)}: {notice}", file=sys.stderr)
    return Exit.ABORTED if interrupt.came else Exit.FAILED if failed else Exit.DONE


def _head(log: IO[bytes]) -> bytes:
    """Return the beginning of a log; empty if it can't be peeked: its reader reports an error."""
    try:
        return head_of(log)
    except (OSError, EOFError):
        return b""


def _explain_trace(
    log: IO[bytes], version: KernelVersion | None, output: _Output, *, as_json: bool, named: bool
) -> None:
    """Print what a saved trace shows. Raises OSError."""
    # 5 ms of CPU, and a log that is no trace needs none of it.
    from fragtui.render.tracing.trace_json import trace_fields  # noqa: PLC0415
    from fragtui.render.tracing.trace_tables import saved_lines  # noqa: PLC0415
    from fragtui.sources.saved.trace import read_trace  # noqa: PLC0415

    tally, events = read_trace(log, old_migratetypes=version is not None and not version.at_least(4, 4))
    if as_json:
        print(json_line(trace_fields(tally, saved=True), ascii_only=False))
    else:
        output.write([*saved_lines(tally, events, _PAGE_SIZE, output.width), *([()] if named else [])])


def _summary(failures: FailureGroups, logs: Sequence[OpenLog], missing: str, width: int, *, every: bool) -> list[Line]:
    """Return the totals, the groups, the typical reports unless `every` one is printed, and the closing line."""
    lines: list[Line] = []
    if failures.count:
        lines += [*total_lines(failures, width), *tables(failures, width, MAX_GROUPS if every else _MAX_ROWS), ()]
        if not every:
            lines += typical_lines(failures, width)
    writers: Counter[str] = Counter()
    if not failures.count:
        for log in logs:
            writers += log.cut.writers()
    read = LogsRead(sum(log.cut.lines for log in logs), sum(log.cut.objects for log in logs), writers, missing)
    return [*lines, *closing_lines(failures, read, width)]


class _Output:
    """Standard output: its width and whether it takes colours."""

    def __init__(self, color: str) -> None:
        escape_what_it_lacks(sys.stdout)
        self.width = width_of(sys.stdout)
        self._colour = takes_colour(sys.stdout, color)

    def write(self, lines: Iterable[Line]) -> None:
        sys.stdout.write("".join(painted(line, colour=self._colour) + "\n" for line in lines))


class _Arriving(io.BufferedReader):
    """Standard input: a read returns what has arrived, and Ctrl-C ends the wait for more."""

    def __init__(self, interrupt: Interrupt) -> None:
        super().__init__(io.FileIO(sys.stdin.fileno(), closefd=False))
        self._interrupt = interrupt

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return super().read(size)
        with self._interrupt.waiting():
            return self.read1(size)


def _opened(name: str, interrupt: Interrupt, opener: Opener) -> tuple[IO[bytes], float | None]:
    """Return the open log and its last change; None for standard input."""
    if name == "-":
        if sys.stdin.isatty():
            print("fragtui explain: reading standard input; Ctrl-D ends it", file=sys.stderr)
        else:
            refuse_device(os.fstat(sys.stdin.fileno()), "standard input")
        return _Arriving(interrupt), None
    path = Path(name)
    now = path.stat().st_mtime
    return open_log(path, opener), now
