"""``fragtui check``: the state of the node as text, JSON or a plugin's line, with the exit status of a plugin."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.output import takes_colour
from fragtui.commands.cli.output_options import add_color, add_json, add_quiet
from fragtui.commands.cli.settings import thresholds_of
from fragtui.commands.cli.source_options import add_source_options
from fragtui.model.node.snapshot import Snapshot, Unreadable
from fragtui.model.node.verdict import COSTLY_ORDER, Severity, judge_node
from fragtui.model.state.node_state import NodeState, Question, Unseen, node_state
from fragtui.render.card.card import LABEL_CELLS, card
from fragtui.render.card.fitting import shortened
from fragtui.render.card.means import Means
from fragtui.render.card.npd import npd_line, npd_status
from fragtui.render.card.state_text import badge, sentence
from fragtui.render.order_chart import bars_for, chart, painter
from fragtui.render.zone_summary import zone_rows
from fragtui.sources.host.layouts import LAYOUT_HOST
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.last_failed_order import last_failed_order
from fragtui.text import format_block, parse_duration

if TYPE_CHECKING:
    from fragtui.model.remedy.forecast import Forecast

HELP = "check the node once, as text or JSON, with the exit status of a monitoring plugin"
_WATCH_SECONDS = 2.0
_MIN_SECONDS, _MAX_SECONDS = 0.25, 3600.0
_DEFAULT_COLUMNS = 80
_MAX_HOST, _MAX_RELEASE = 24, 24
"""Cells of these names, so that their line has room in 80 columns."""
_NOT_LOOKED = "not looked at: --pods reads the kernel log and the pods"
_SIGNS = str.maketrans({"✓": "+", "✗": "x", "…": "~", "·": "-"})
_BADGE_COLOURS = {
    "good": "1;32", "badge-low": "30;43", "badge-recovering": "30;46", "badge-bad": "1;97;41", "badge-unknown": "30;45",
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    form = parser.add_mutually_exclusive_group()
    add_json(parser, "one JSON object", form, wide="wide")
    form.add_argument("--wide", action="store_true", help="the free blocks of every zone, a column for each order")
    form.add_argument(
        "--plugin",
        choices=("nagios", "npd"),
        metavar="nagios|npd",
        help="first line and status as these plugins have",
    )
    parser.add_argument(
        "--pods", action="store_true", help="read the kernel log and the sources of pods, too: up to 2 s"
    )
    add_source_options(parser)
    parser.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=_WATCH_SECONDS,
        metavar="SECONDS",
        help="check again at this interval (default 2) until interrupted",
    )
    add_color(parser)
    add_quiet(parser)
    parser.epilog = (
        "The state is about the memory that is free now, not about what a request gets after the kernel "
        "reclaims and compacts memory for it"
    )


def _seconds(text: str) -> float:
    seconds = parse_duration(text)
    if seconds is None or not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text}: expected a time from 0.25s to 1h")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Print the state and return its severity; with --watch that of the last sample, when it is interrupted."""
    if not args.pods and (args.kernel_log, args.kubelet_log, args.kubeconfig) != ("auto", "auto", None):
        report_error(args, "--kernel-log, --kubelet-log and --kubeconfig need --pods")
        return Exit.UNAVAILABLE
    reader = NodeReader(args.root)
    redraw = args.watch is not None and sys.stdout.isatty() and not args.json
    status: int | None = None
    try:
        while True:
            before, (status, text) = status, _checked(args, reader)
            if redraw:
                lines = "".join(f"{line}\x1b[K\n" for line in text.split("\n"))
                print(f"\x1b[H{lines}\x1b[J", end="", flush=True)
            else:
                print(text if before is None or args.json else f"\n{text}", flush=args.watch is not None)
            if args.watch is None:
                return status
            time.sleep(args.watch)
    except KeyboardInterrupt:
        if args.watch is None or status is None:
            raise
        return status
    finally:
        reader.close()


def _checked(args: argparse.Namespace, reader: NodeReader) -> tuple[int, str]:
    """Return the severity of a sample, and the text about it."""
    with_logs = args.pods or _has_saved_logs(reader)
    state, snapshot, forecast = _logs_too(args) if with_logs else _blocks_alone(args, reader)
    if args.plugin == "npd":
        return npd_status(state), npd_line(state)
    summary = sentence(state)
    if args.json:
        # Mostly a plugin runs every minute: json and the forecast's 11 ms are a sixth of its CPU.
        from fragtui.json_line import json_line  # noqa: PLC0415
        from fragtui.model.remedy.forecast import forecast as forecast_of  # noqa: PLC0415
        from fragtui.render.check_json import check_fields  # noqa: PLC0415

        view = forecast or forecast_of(snapshot, state.judgement.order)
        text = json_line(check_fields(snapshot, state, view, summary))
    else:
        text = _plugin_text(state, summary) if args.plugin else _text(args, snapshot, state, summary)
    return int(state.severity), text


def _has_saved_logs(reader: NodeReader) -> bool:
    """Return whether this is a support bundle with logs: it is checked once, a node every minute.

    A host's root is a node, unless it has no free blocks to speak of.
    """
    if reader.live or (reader.tree.layout is LAYOUT_HOST and reader.tree.proc("buddyinfo").exists()):
        return False
    return bool(reader.tree.logs())


def _blocks_alone(args: argparse.Namespace, reader: NodeReader) -> tuple[NodeState, Snapshot, Forecast | None]:
    order = args.order if args.order is not None else target_order(reader)
    snapshot = reader.sample_for(order)
    if (several := reader.tree.ambiguous) is not None:
        snapshot = snapshot._replace(unreadable=(Unreadable(str(args.root / "buddyinfo"), several),))
    unseen = tuple(Unseen(question, _NOT_LOOKED, blind=False) for question in Question)
    return node_state(snapshot, judge_node(snapshot, order, thresholds_of(args)), unseen=unseen), snapshot, None


def _logs_too(args: argparse.Namespace) -> tuple[NodeState, Snapshot, Forecast | None]:
    # Importing the readers of logs takes 120 ms of CPU, twice as much as the whole verb on a live node.
    from fragtui.commands.look.report import collect  # noqa: PLC0415
    from fragtui.render.report_page import state_of  # noqa: PLC0415

    facts = collect(args)
    return state_of(facts), facts.snapshot, facts.forecast


def target_order(reader: NodeReader) -> int:
    """Return the order of the last failures, else 3: up to it the kernel retries until it has a block."""
    if not reader.live:
        return COSTLY_ORDER
    order = last_failed_order(reader.root)
    return COSTLY_ORDER if order is None else order


def _plugin_text(state: NodeState, summary: str) -> str:
    """Return the line of the Monitoring Plugins guidelines: status, text, performance data; then the other lines."""
    word = {Severity.FINE: "OK", Severity.WARNING: "WARNING", Severity.CRITICAL: "CRITICAL"}.get(state.severity)
    judgement = state.judgement
    values = []
    if judgement.blocks is not None:
        values.append(f"blocks={judgement.blocks};{judgement.thresholds.low_blocks}:;1:;0")
    if judgement.free_pages is not None:
        values.append(f"free={judgement.free_pages * state.page_size}B;;;0")
    if judgement.unusable is not None:
        values.append(f"unusable={judgement.unusable / 10:.1f}%;;;0;100")
    values.append(f"bare_nodes={len(judgement.nodes_without)};;;0")
    text = f"{badge(state)}: {summary}".replace("|", "/")
    others = [str(item).replace("|", "/") for item in card(state, 200, state.at, Means.COMMANDS).lines[1:]]
    return "\n".join([f"FRAGTUI {word or 'UNKNOWN'} - {text} | {' '.join(values)}", *others])


def _text(args: argparse.Namespace, snapshot: Snapshot, state: NodeState, summary: str) -> str:
    """Return the card, and the zones."""
    colour = takes_colour(sys.stdout, args.color)
    judgement, host = state.judgement, snapshot.host
    paint, bars = painter(colour), bars_for(sys.stdout.encoding)
    in_ascii = bars.isascii()
    shown = card(state, _columns() - 1, state.at, Means.COMMANDS)
    first, *others = shown.lines
    mark = f"\x1b[{_BADGE_COLOURS[shown.badge_role]}m{shown.badge}\x1b[0m" if colour else shown.badge
    text = str(first).strip() if snapshot.zones is not None or summary == sentence(state) else summary
    rows = [f"{mark}  {text}"]
    rows += [f"{paint(f'{item.label:<{LABEL_CELLS}}', None)}{str(item)[LABEL_CELLS:]}" for item in others]
    if shown.outlook:
        rows.append(f"{'':<{LABEL_CELLS}}{shown.outlook}")
    if args.wide:
        table = chart(judgement, paint, bars)
    else:
        table = [paint(row.text, row.verdict) for row in zone_rows(judgement, host.page_size)]
    block = format_block(host.page_size, judgement.order)
    about = f"kernel {shortened(host.release or 'unknown', _MAX_RELEASE)}, {block}:"
    rows += ["", f"{shortened(host.name or 'unnamed node', _MAX_HOST)}, {about}", *table]
    rows += [f"not read: {problem}" for problem in snapshot.unknown]
    output = "\n".join(rows)
    return output.translate(_SIGNS) if in_ascii else output


def _columns() -> int:
    """Return the columns of the terminal, else 80; at least 60."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = _DEFAULT_COLUMNS
    return max(60, columns or _DEFAULT_COLUMNS)
