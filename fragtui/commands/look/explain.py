"""``fragtui explain``: the allocation failures, OOM kills and failed sandboxes that a log reports."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from fragtui.commands.cli.output_options import add_json
from fragtui.commands.cli.time_range import add_time_range, time_range_of
from fragtui.kernel.gfp.flags import table_for
from fragtui.kernel.procfs.version import parse_version
from fragtui.model.failures.incident import Incident, iso_utc
from fragtui.render.incident_text import count_words, incident_facts
from fragtui.render.json_line import json_line
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import open_log, refuse_device
from fragtui.sources.saved.explain import OpenLog, explain_logs
from fragtui.text import counted, printable

HELP = "explain every failed allocation, OOM kill and failed sandbox of a log"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="logs in any format, also .gz, .xz and .zst; - or none: standard input. "
        "Lines are cut at 16 KiB, a compressed log after 8 GiB",
    )
    parser.add_argument("--kernel", metavar="V", help="the release that wrote the log, if the log does not name it")
    add_json(parser, "one JSON object a line, nothing if there is no incident")
    add_time_range(parser, "incidents")


def run(args: argparse.Namespace) -> int:
    """Print every incident; return 0, or 1 if a log could not be read to its end."""
    table = None
    if args.kernel is not None:
        version = parse_version(args.kernel)
        table = table_for(version) if version else None
    failed: list[str] = []

    def report_error(name: str, error: Exception) -> None:
        sys.stdout.flush()
        why = os_reason(error) if isinstance(error, OSError) else "it is cut off"
        print(f"fragtui explain: {printable(name)}: {why}", file=sys.stderr)
        failed.append(name)

    names = args.files or ["-"]
    logs, shown = [], []
    with ExitStack() as opened:
        for name in names:
            try:
                log, now = _opened(name)
            except OSError as error:
                report_error(name, error)
                continue
            opened.callback(log.close)
            # The ids of a single log do not contain its name: they stay the same when the file is moved.
            logs.append(OpenLog(log, name if len(names) > 1 else "", now))
            shown.append(name)
        incidents = explain_logs(logs, table, args.kernel, lambda log, error: report_error(log.name or names[0], error))
        chosen, unstamped = time_range_of(args), 0
        for explained in incidents:
            if not chosen.covers(explained.incident.time):
                unstamped += explained.incident.time is None
                continue
            if args.json:
                print(json_line(explained.incident.to_json(), ascii_only=False))
            else:
                print(words(explained.incident, shown[explained.log] if len(names) > 1 else None))
                print()
        sys.stdout.flush()
        if unstamped:
            print(f"fragtui explain: {counted(unstamped, 'incident')} without a time left out", file=sys.stderr)
        for name, opened_log in zip(shown, logs, strict=True):
            if notice := opened_log.cut.words:
                print(f"fragtui explain: {printable(name)}: {notice}", file=sys.stderr)
    return 1 if failed else 0


def _opened(name: str) -> tuple[IO[bytes], float | None]:
    """Return the open log and its last change; None for standard input."""
    if name == "-":
        if not sys.stdin.isatty():
            refuse_device(os.fstat(sys.stdin.fileno()), "standard input")
        return sys.stdin.buffer, None
    path = Path(name)
    now = path.stat().st_mtime
    return open_log(path), now


def words(incident: Incident, name: str | None = None) -> str:
    """Return an incident as a paragraph: its lines in the log, its title, its facts."""
    place = ""
    if incident.lines:
        first, last = incident.lines
        place = f"line {first}" if first == last else f"lines {first}-{last}"
    when = (iso_utc(incident.time) or "") if incident.time is not None else ""
    head = "  ".join(part for part in (name, place, when, incident.kind.replace("_", " ")) if part)
    rows = [head, f"  {incident.explanation}"]
    if facts := incident_facts(incident):
        rows.append("  " + ", ".join(f"{label} {text}" for label, text in facts if label != "detail"))
    rows += [f"  {text}" for label, text in facts if label == "detail"]
    if incident.suppressed or incident.repeated:
        rows.append(f"  {count_words(1 + (incident.repeated or 0), incident.suppressed or 0)}")
    for zone in incident.report.zones if incident.report else ():
        if zone.free_blocks is not None:
            blocks = " ".join(str(count) for count in zone.free_blocks)
            rows.append(f"  node {zone.node} {zone.zone:<8} free blocks by order: {blocks}")
    if incident.stack:
        rows.append("  stack: " + " < ".join(incident.stack[:12]) + (" ..." if len(incident.stack) > 12 else ""))
    if incident.linked:
        rows.append("  linked to " + ", ".join(incident.linked))
    return "\n".join(rows)
