"""``fragtui history``: the remedies of this and earlier runs, from the audit log."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.model.remedy.remedy_history import Episode, describe_episode, repeats
from fragtui.model.remedy.tuning_advice import Advice, advise
from fragtui.remedies.audit.history import AuditHistory, read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
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
    parser.add_argument("--json", action="store_true", help="one JSON object a remedy")
    parser.add_argument("--advice", action="store_true", help="longer-term settings, even if the gains last")


def run(args: argparse.Namespace) -> int:
    """Print the history; return `Exit.UNAVAILABLE` if the log can't be read, or is named and does not exist."""
    audit = AuditLog(audit_path(args.audit, args.root))
    past = read_history(audit, tree_of(args.root).root)
    shown = past.history[-args.last :] if args.last else past.history
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
            print(json.dumps(_fields(episode, unknown)))
    else:
        for episode in shown:
            print(describe_episode(episode, episode.intent.id in unknown))
        if not shown and not past.problems:
            print(f"No remedy logged: {printable(str(audit.path))} {'does not exist' if missing else 'has none'}.")
        _print_advice(args, past)
    return Exit.UNAVAILABLE if past.problems and not past.history else Exit.DONE


def _fields(episode: Episode, unknown: set[str]) -> dict[str, object]:
    state = episode.ended.result.value if episode.ended else "running"
    return {
        **asdict(episode.intent),
        "state": "unknown" if episode.intent.id in unknown else state,
        "ended": asdict(episode.ended) if episode.ended else None,
        "gained": episode.gained,
        "lasted": episode.lasted,
        "evidence": [asdict(entry) for entry in episode.evidence],
    }


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
