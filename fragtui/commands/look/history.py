"""``fragtui history``: the remedies of this and earlier runs, from the audit log."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict

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
    parser.epilog = "exit status: 0 shown, 2 wrong usage, 3 the log could not be read"


def run(args: argparse.Namespace) -> int:
    """Print the history; return 0, or 3 if the log exists and can't be read."""
    audit = AuditLog(audit_path(args.audit, args.root))
    past = read_history(audit, tree_of(args.root).root)
    shown = past.history[-args.last :] if args.last else past.history
    unknown = {episode.intent.id for episode in past.unknown}
    for problem in past.problems[:_MAX_PROBLEMS]:
        print(f"fragtui history: {printable(problem)}", file=sys.stderr)
    if (more := len(past.problems) - _MAX_PROBLEMS) > 0:
        print(f"fragtui history: and {counted(more, 'line')} more", file=sys.stderr)
    if args.json:
        for episode in shown:
            print(json.dumps(_fields(episode, unknown)))
    else:
        for episode in shown:
            print(describe_episode(episode, episode.intent.id in unknown))
        if not shown and not past.problems:
            print(f"No remedy logged in {printable(str(audit.path))}")
        _print_advice(args, past)
    return 3 if past.problems and not past.history else 0


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
