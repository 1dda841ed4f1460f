"""``fragtui explain``: what a log says of refused memory, OOM kills and sandboxes that did not start."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, cast

from fragtui.model.incident import Incident

HELP = "explain every refused allocation, OOM kill and failed sandbox of a log"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="logs in any format, .gz, .xz and .zst too; - or none: standard input"
    )
    parser.add_argument("--kernel", metavar="V", help="the release that wrote the log, where the log does not say")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Print every incident; 0, or 1 if a log could not be read to its end."""
    failed = False
    for name in args.files or ["-"]:
        try:
            for incident in _incidents(name, args.kernel, len(args.files) > 1):
                if args.json:
                    print(json.dumps(incident.to_json(), ensure_ascii=False))
                else:
                    print(words(incident, name if len(args.files) > 1 else None))
                    print()
        except (OSError, EOFError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            sys.stdout.flush()
            reason = getattr(error, "strerror", None) or str(error)
            print(f"fragtui explain: {name}: {reason}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


def _incidents(name: str, kernel: str | None, several: bool) -> Iterator[Incident]:
    from fragtui.sources.explained_log import explain_log
    from fragtui.sources.log_files import open_log

    table, version = None, None
    if kernel is not None:
        from fragtui.kernel.gfp import table_for
        from fragtui.kernel.version import parse_version

        version = parse_version(kernel)
        table = table_for(version) if version else None
    source = name if several else ""
    if name == "-":
        yield from explain_log(cast("IO[bytes]", sys.stdin.buffer), source, table, kernel=kernel)
        return
    path = Path(name)
    now = path.stat().st_mtime
    with closing(open_log(path)) as log:
        yield from explain_log(log, source, table, now, kernel)


def words(incident: Incident, name: str | None = None) -> str:
    """Return an incident as a paragraph: where it stands, what happened, the facts."""
    from fragtui.model.incident import iso_utc

    place = ""
    if incident.lines:
        first, last = incident.lines
        place = f"line {first}" if first == last else f"lines {first}-{last}"
    when = (iso_utc(incident.time) or "") if incident.time is not None else ""
    head = "  ".join(part for part in (name, place, when, incident.kind.replace("_", " ")) if part)
    rows = [head, f"  {incident.explanation}"]
    if incident.gfp:
        rows.append(f"  asked with {'|'.join(incident.gfp)} ({incident.gfp_from})")
    facts = [
        f"{label} {value}"
        for label, value in (
            ("pid", incident.pid),
            ("cpu", incident.cpu),
            ("kernel", incident.kernel),
            ("cpuset", incident.cpuset),
            ("cause", incident.cause),
        )
        if value is not None
    ]
    if facts:
        rows.append("  " + ", ".join(facts))
    if incident.reason:
        rows.append(f"  {incident.reason}")
    if incident.suppressed or incident.repeated:
        rows.append(f"  stands for at least {incident.count} ({_hidden(incident)})")
    for zone in incident.zones:
        if zone.free_blocks is not None:
            blocks = " ".join(str(count) for count in zone.free_blocks)
            rows.append(f"  node {zone.node} {zone.zone:<8} free blocks by order: {blocks}")
    if incident.stack:
        rows.append("  stack: " + " < ".join(incident.stack[:12]) + (" ..." if len(incident.stack) > 12 else ""))
    if incident.linked:
        rows.append("  goes with " + ", ".join(incident.linked))
    return "\n".join(rows)


def _hidden(incident: Incident) -> str:
    parts = []
    if incident.suppressed:
        parts.append(f"{incident.suppressed} suppressed by the kernel's rate limit")
    if incident.repeated:
        parts.append(f"repeated {incident.repeated} times")
    return ", ".join(parts)
