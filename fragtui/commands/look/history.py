"""``fragtui history``: the remedies of this and earlier runs, from the audit log."""

from __future__ import annotations

import argparse
import sys
import time

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.output import takes_colour
from fragtui.commands.cli.output_options import add_color, add_json
from fragtui.commands.cli.time_range import add_time_range, time_range_of
from fragtui.json_line import json_line
from fragtui.model.remedy.remedy_history import Episode, Result, describe_episode, repeats
from fragtui.model.remedy.tuning_advice import Advice, advise
from fragtui.remedies.audit.history import AuditHistory, read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.render.remedy.remedy_report import episode_json
from fragtui.sources.host.identity import tree_of
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.vm_settings import read_vm_settings
from fragtui.text import counted, printable

HELP = "list the remedies that were run, their gain and how long it lasted"
_ORDER = 3
_MAX_PROBLEMS = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("--last", type=_count, metavar="N", help="only the last N")
    add_time_range(parser, "remedies")
    add_json(parser, "one JSON object a remedy, nothing if there is none")
    add_color(parser)
    parser.add_argument("--advice", action="store_true", help="longer-term settings, even if the gains last")


def run(args: argparse.Namespace) -> int:
    """Print the history; return `Exit.UNAVAILABLE` if the log can't be read, or is named and does not exist."""
    audit = AuditLog(audit_path(args.audit, args.root))
    past = read_history(audit, tree_of(args.root).root)
    chosen = time_range_of(args)
    shown = [episode for episode in past.history if chosen.covers(episode.intent.time)]
    shown = shown[-args.last :] if args.last else shown
    unknown = {episode.intent.id for episode in past.unknown}
    for problem in past.problems[:_MAX_PROBLEMS]:
        report_error(args, printable(problem))
    if (more := len(past.problems) - _MAX_PROBLEMS) > 0:
        report_error(args, f"and {counted(more, 'line')} more")
    missing = not past.history and not past.problems and not audit.path.exists()
    if missing and args.audit is not None:
        report_error(args, f"can't read {printable(str(audit.path))}: no such file or directory")
        return Exit.UNAVAILABLE
    if args.json:
        for episode in shown:
            print(json_line(episode_json(episode, lost=episode.intent.id in unknown)))
    else:
        colour = takes_colour(sys.stdout, args.color)
        for episode in shown:
            lost = episode.intent.id in unknown
            text = describe_episode(episode, lost)
            print(f"\x1b[{_colour_of(episode, lost)}m{text}\x1b[0m" if colour else text)
        if not shown and not past.problems:
            has = "does not exist" if missing else f"has none {chosen}" if chosen else "has none"
            print(f"No remedy logged: {printable(str(audit.path))} {has}.")
        _print_advice(args, past)
    return Exit.UNAVAILABLE if past.problems and not past.history else Exit.DONE


def _colour_of(episode: Episode, lost: bool) -> str:
    """Return the parameters of ESC[…m: red without a good end, green with a gain, yellow without one."""
    if lost or (episode.ended is not None and episode.ended.result is not Result.DONE):
        return "31"
    if episode.ended is None or episode.gained is None:
        return ""
    return "32" if episode.gained > 0 else "33"


def _print_advice(args: argparse.Namespace, past: AuditHistory) -> None:
    repeated = repeats(past.history, time.time())
    if repeated is not None:
        print(repeated)
    elif not args.advice:
        return
    reader = NodeReader(args.root)
    snapshot = reader.sample()
    reader.close()
    order = args.order if args.order is not None else _ORDER
    for advice in advise(snapshot, order, read_vm_settings(args.root, snapshot.host.page_size)):
        print(_advice_text(advice))


def _advice_text(advice: Advice) -> str:
    lines = [f"- {advice.what}: {advice.why}."]
    if advice.line:
        lines.append(f"    {advice.line}")
    if advice.risk:
        lines.append(f"    cost: {advice.risk}")
    return "\n".join(lines)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of remedies")
    return int(text)
