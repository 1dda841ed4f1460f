"""``fragtui check``: one sample, judged; in words or JSON, with the exit status of a monitoring plugin."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from fragtui.model.node.snapshot import Snapshot, Unreadable
from fragtui.model.node.verdict import COSTLY_ORDER, NodeJudgement, Severity, judge_node
from fragtui.render.headline import badge, consequence, headline, one_sentence
from fragtui.render.order_chart import bars_for, chart, painter
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.last_failed_order import last_failed_order
from fragtui.text import counted

HELP = "judge the node once, in words or JSON, with the exit status of a monitoring plugin"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.epilog = (
        "The verdict is on the memory that is free now; what a GFP_KERNEL request gets by waiting for reclaim and "
        "compaction is told apart from it. Exit status: 0 fine, 1 warning (blocks of the order are about to run out, "
        "or come only after waiting), 2 critical (none at once, and a GFP_KERNEL request may be refused or end in the "
        "OOM killer), 3 unknown, wrong usage included"
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
    if snapshot.zones is None and (told := _told_by_log(reader)):
        summary = f"{summary.removesuffix('.')}; {told}."
    if args.json:
        # A plugin runs every minute, mostly on a healthy node in words: the forecast's 11 ms are a sixth of its CPU.
        import json  # noqa: PLC0415

        from fragtui.model.remedy.forecast import forecast  # noqa: PLC0415
        from fragtui.render.check_json import check_fields  # noqa: PLC0415

        if then := consequence(judgement):
            summary = one_sentence(f"{summary} {then}")
        print(json.dumps(check_fields(snapshot, judgement, forecast(snapshot, order), summary)))
    else:
        _print_words(snapshot, judgement, summary)
    return int(judgement.severity)


def target_order(reader: NodeReader) -> int:
    """Return the order that the last failures asked for, else 3, up to which the kernel works hard for a block."""
    if not reader.live:
        return COSTLY_ORDER
    found = last_failed_order(reader.root)
    return COSTLY_ORDER if found is None else found


def _told_by_log(reader: NodeReader) -> str | None:
    """Return what a saved kernel log says where nothing tells the free blocks."""
    if reader.live or (log := reader.tree.kernel_log()) is None:
        return None
    # The readers of logs take 120 ms of CPU, twice as much as the whole verb on a live node.
    from fragtui.kernel.reports.report import ReportKind  # noqa: PLC0415
    from fragtui.sources.saved.incidents import incidents_of  # noqa: PLC0415

    explained, _ = incidents_of((log,), opener_of(reader.tree.root, live=reader.live))
    incidents = [each.incident for each in explained]
    refused = [each for each in incidents if each.kind is ReportKind.ALLOCATION_FAILURE]
    if not refused:
        return f"{log.name} tells of no refused request"
    last = max(refused, key=lambda each: each.time or 0.0)
    count = sum(each.count for each in refused)
    asked = f"the last of order {last.order} by {last.comm or 'an unnamed task'}"
    return f"{log.name} tells of {counted(count, 'refused request')}, {asked}"


def _print_words(snapshot: Snapshot, judgement: NodeJudgement, summary: str) -> None:
    paint = painter(sys.stdout)
    host = snapshot.host
    about = f"{host.name or 'unnamed node'}, kernel {host.release or 'unknown'}, order {judgement.order}"
    print(f"{paint(badge(judgement), judgement.kernel)}  {about}")
    print(summary)
    if then := consequence(judgement):
        print(then)
    if lines := chart(judgement, paint, bars_for(sys.stdout)):
        print("\n" + "\n".join(lines))
    if judgement.zones and judgement.too_large is None and judgement.severity is not Severity.FINE:
        from fragtui.model.remedy.forecast import forecast  # noqa: PLC0415  # See above.

        print(f"\nWhat would help: {forecast(snapshot, judgement.order).outlook}.")
    for problem in snapshot.unknown:
        print(f"not read: {problem}")
