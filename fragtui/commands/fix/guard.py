"""``fragtui guard``: watches the node and runs remedies by a policy; prints one line per decision."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.settings import read_only_because
from fragtui.commands.cli.signals import EndSignals, end_signals
from fragtui.commands.fix.until import FORMS, CannotWatch, Watch, parse_phase
from fragtui.commands.ship.guard_unit import GUARD_UNIT
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.remedies.escalation import EscalationEnd, EscalationStep
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy, PolicyError, format_policy, policy_of, read_policy
from fragtui.remedies.guard.rules import Decision, GuardAction
from fragtui.remedies.lock import LockBusy
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.host.reader import NodeReader
from fragtui.text import counted, format_bytes, format_count, format_duration, printable

HELP = "watch the node and run remedies by a policy"
_MIN_REPEAT_SECONDS = 30.0
"""Seconds between two lines that only report the number of blocks."""
_FLAGS = {"hold": "for", "period": "every", "per_hour": "per-hour", "give_up": "give-up", "dry_run": "dry-run"}
"""Settings whose flag has another name."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options; each setting of the policy has one."""
    parser.add_argument("--policy", type=Path, metavar="FILE", help="TOML file; the flags below override it")
    parser.add_argument("--blocks", type=_number, metavar="N", help="fewer free blocks than this start a run")
    parser.add_argument("--free", metavar="SIZE", help="less free memory than this starts one too (8G)")
    parser.add_argument("--for", dest="hold", metavar="TIME", help="how long there must be fewer (30s, 5m)")
    parser.add_argument("--steps", metavar="LIST", help=f"allowed steps, with commas: {', '.join(EscalationStep)}")
    parser.add_argument("--every", dest="period", metavar="TIME", help="run at this interval too (6h)")
    parser.add_argument("--cooldown", metavar="TIME", help="shortest time between two runs")
    parser.add_argument("--per-hour", dest="per_hour", type=_number, metavar="N", help="maximum of runs in an hour")
    parser.add_argument("--quiet", action="append", metavar="HH:MM-HH:MM", help="hours in which nothing runs")
    parser.add_argument("--pressure", type=float, metavar="PERCENT", help="memory pressure from which the guard waits")
    parser.add_argument("--give-up", dest="give_up", type=_number, metavar="N", help="stop after N runs without gain")
    parser.add_argument("--dry-run", dest="dry_run", action="store_true", default=None, help="decide, run nothing")
    parser.add_argument("--once", action="store_true", help="run once now if blocks are short, then exit")
    parser.add_argument(
        "--stay", action="store_true", help="after giving up, keep running, so that a supervisor doesn't restart it"
    )
    parser.add_argument(
        "--until",
        type=parse_phase,
        action="append",
        default=[],
        metavar="WHAT",
        help=f"stop when the first of these is over: {FORMS}; log:-:TEXT reads standard input",
    )
    parser.add_argument("--interval", type=_interval, default=1.0, metavar="S", help="seconds between samples")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--print-policy", action="store_true", help="print the policy as TOML and exit")
    shown.add_argument("--print-unit", action="store_true", help="print a systemd unit and exit")


def run(args: argparse.Namespace) -> int:
    """Guard until a signal; see the table of verbs for the exit status."""
    try:
        policy = _policy(args)
    except PolicyError as error:
        report_error(args, printable(str(error), 1000))
        return Exit.USAGE
    if args.print_policy or args.print_unit:
        print(format_policy(policy) if args.print_policy else GUARD_UNIT, end="")
        return Exit.DONE
    try:
        phases = [phase.watch(args.root) for phase in args.until]
    except CannotWatch as error:
        report_error(args, f"not guarding: {printable(str(error), 1000)}")
        return Exit.UNAVAILABLE
    audit = AuditLog(audit_path(args.audit, args.root))
    reader = NodeReader(args.root)
    try:
        disabled_reason = read_only_because(args)
        guard = Guard(policy, reader.tree.root, audit, time.monotonic(), disabled_reason, args.interval)
    except LockBusy as busy:
        report_error(args, f"not guarding: another guard runs here: {busy}")
        return Exit.UNAVAILABLE
    except OSError as error:
        report_error(args, f"not guarding: no lock: {printable(file_problem(error, error.filename))}")
        return Exit.UNAVAILABLE
    try:
        if not policy.dry_run and (reason := guard.disabled_because) is not None:
            report_error(args, f"not guarding: {printable(reason, 1000)}")
            return Exit.UNAVAILABLE
        with end_signals() as ended:
            return _watch(guard, reader, args, ended, phases)
    finally:
        guard.close()


def _policy(args: argparse.Namespace) -> Policy:
    base = read_policy(args.policy) if args.policy else Policy()
    given: dict[str, Any] = {
        field.name: value for field in fields(Policy) if (value := getattr(args, field.name, None)) is not None
    }
    if isinstance(given.get("steps"), str):
        given["steps"] = [step.strip() for step in given["steps"].split(",")]
    if args.once:
        given |= {"hold": 0, "give_up": 1}
    try:
        return policy_of(given, base)
    except PolicyError as error:
        name, _, expected = str(error).partition(":")
        raise PolicyError(f"--{_FLAGS.get(name, name)}:{expected}") from None


def _watch(
    guard: Guard, reader: NodeReader, args: argparse.Namespace, ended: EndSignals, phases: Sequence[Watch]
) -> int:
    """Sample and decide until a signal comes, a phase is over, the guard gives up, or its one run is over."""
    policy = guard.policy
    memory = "" if policy.free is None else f" and {format_bytes(policy.free)} of memory"
    dry = " (dry run)" if policy.dry_run else ""
    _say(f"guarding order {policy.order}: at least {policy.blocks} blocks{memory}{dry}")
    topic, watched, runs = "", -_MIN_REPEAT_SECONDS, 0
    while not ended.came:
        if (over := _over(phases)) is not None:
            _say(f"stopped: {over}; {counted(runs, 'run')} until then")
            return Exit.DONE
        decision = guard.tick(reader.sample())
        end, guard.last_end = guard.last_end, None
        if end is not None:
            runs, topic = runs + 1, ""
            _say(_end_words(end))
        elif decision.topic != topic:
            now = time.monotonic()
            # Counts that swing around the threshold are not printed every second.
            if decision.action is not GuardAction.WATCH or topic == "" or now - watched >= _MIN_REPEAT_SECONDS:
                topic = decision.topic
                watched = now if decision.action is GuardAction.WATCH else -_MIN_REPEAT_SECONDS
                _say(_words(decision, policy))
        if guard.state.stopped is not None and guard.escalation is None:
            _say(guard.state.stopped)
            while args.stay and not ended.wait(args.interval if phases else None) and _over(phases) is None:
                pass
            return Exit.FAILED
        if (
            args.once
            and guard.escalation is None
            and (runs or decision.action in (GuardAction.WATCH, GuardAction.HOLD) or policy.dry_run)
        ):
            return Exit.DONE
        # Poll a run closely; between runs the interval is enough.
        ended.wait(0.1 if guard.escalation is not None else args.interval)
    _say("stopped by a signal")
    return Exit.DONE


def _over(phases: Sequence[Watch]) -> str | None:
    return next((why for phase in phases if (why := phase()) is not None), None)


def _words(decision: Decision, policy: Policy) -> str:
    verb = "would run" if decision.action is GuardAction.RUN and policy.dry_run else decision.action.value
    text = f"{verb}: {decision.why}"
    if decision.action is GuardAction.RUN:
        text += f" ({', '.join(policy.steps)})"
    if decision.action is GuardAction.WATCH and decision.topic == "enough" and decision.wait:
        text += f" (next run by the period in {format_duration(decision.wait)})"
    return text


def _end_words(end: EscalationEnd) -> str:
    steps = []
    for step in end.steps:
        gained = ""
        if step.before is not None and step.after is not None:
            expected = f", forecast {format_count(step.expected.blocks)}" if step.expected.blocks is not None else ""
            gained = f", {format_count(step.after - step.before)} blocks gained{expected}"
        steps.append(f"{step.outcome.explanation.rstrip('.')}{gained}")
    return "; ".join([f"run over, {end.reason.value}: {end.why}", *steps, *(f"skipped {text}" for text in end.skipped)])


def _say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}", flush=True)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number")
    return int(text)


def _interval(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: expected 0.1 to 3600 seconds")
    return value
