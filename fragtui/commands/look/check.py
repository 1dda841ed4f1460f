"""``fragtui check``: one sample and its verdict as text or JSON, with the exit status of a monitoring plugin."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from fragtui.commands.cli.output_options import add_color, add_json, add_quiet, use_colour
from fragtui.model.node.snapshot import Snapshot, Unreadable
from fragtui.model.node.verdict import COSTLY_ORDER, NodeJudgement, Severity, judge_node
from fragtui.render.headline import badge, consequence, headline, one_sentence
from fragtui.render.order_chart import bars_for, chart, painter
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.last_failed_order import last_failed_order
from fragtui.text import counted

HELP = "check the node once, as text or JSON, with the exit status of a monitoring plugin"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_json(parser, "one JSON object")
    add_color(parser)
    add_quiet(parser)
    parser.epilog = (
        "The verdict is about the memory that is free now, not about what a GFP_KERNEL request gets after the kernel "
        "reclaims and compacts memory for it"
    )


def run(args: argparse.Namespace) -> int:
    """Print the verdict and return its severity."""
    reader = NodeReader(args.root)
    try:
        snapshot = reader.sample()
    finally:
        reader.close()
    if (several := reader.tree.ambiguous) is not None:
        snapshot = dataclasses.replace(snapshot, unreadable=(Unreadable(str(args.root / "buddyinfo"), several),))
    order = args.order if args.order is not None else target_order(reader)
    judgement = judge_node(snapshot, order)
    summary = one_sentence(headline(snapshot, judgement))
    if snapshot.zones is None and (failures := _failures_in_log(reader)):
        summary = f"{summary.removesuffix('.')}; {failures}."
    if args.json:
        # A plugin runs every minute, mostly on a healthy node in words: the forecast's 11 ms are a sixth of its CPU.
        from fragtui.model.remedy.forecast import forecast  # noqa: PLC0415
        from fragtui.render.check_json import check_fields  # noqa: PLC0415
        from fragtui.render.json_line import json_line  # noqa: PLC0415

        if then := consequence(judgement):
            summary = one_sentence(f"{summary} {then}")
        print(json_line(check_fields(snapshot, judgement, forecast(snapshot, order), summary)))
    else:
        _print_text(snapshot, judgement, summary, use_colour(args.color, sys.stdout))
    return int(judgement.severity)


def target_order(reader: NodeReader) -> int:
    """Return the order of the last failures, else 3: up to it the kernel retries until it has a block."""
    if not reader.live:
        return COSTLY_ORDER
    order = last_failed_order(reader.root)
    return COSTLY_ORDER if order is None else order


def _failures_in_log(reader: NodeReader) -> str | None:
    """Return the number of denied requests in a saved kernel log; None for a live node or without a log."""
    if reader.live or (log := reader.tree.kernel_log()) is None:
        return None
    # Importing the readers of logs takes 120 ms of CPU, twice as much as the whole verb on a live node.
    from fragtui.kernel.reports.report_kind import ReportKind  # noqa: PLC0415
    from fragtui.sources.saved.incidents import incidents_of  # noqa: PLC0415

    explained, _ = incidents_of((log,), opener_of(reader.tree.root, live=reader.live))
    incidents = [item.incident for item in explained]
    denied = [incident for incident in incidents if incident.kind is ReportKind.ALLOCATION_FAILURE]
    if not denied:
        return f"{log.name} reports no denied request"
    last = max(denied, key=lambda incident: incident.time or 0.0)
    count = sum(incident.count for incident in denied)
    asked = f"the last of order {last.order} by {last.comm or 'an unnamed task'}"
    return f"{log.name} reports {counted(count, 'denied request')}, {asked}"


def _print_text(snapshot: Snapshot, judgement: NodeJudgement, summary: str, colour: bool) -> None:
    paint = painter(colour)
    host = snapshot.host
    about = f"{host.name or 'unnamed node'}, kernel {host.release or 'unknown'}, order {judgement.order}"
    print(f"{paint(badge(judgement), judgement.kernel)}  {about}")
    print(summary)
    if then := consequence(judgement):
        print(then)
    if lines := chart(judgement, paint, bars_for(sys.stdout.encoding)):
        print("\n" + "\n".join(lines))
    if judgement.zones and judgement.too_large is None and judgement.severity is not Severity.FINE:
        from fragtui.model.remedy.forecast import forecast  # noqa: PLC0415  # See above.

        print(f"\nWhat would help: {forecast(snapshot, judgement.order).outlook}.")
    for problem in snapshot.unknown:
        print(f"not read: {problem}")
