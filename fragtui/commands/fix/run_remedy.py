"""One remedy from the command line: the plan, the confirmation, the run, the report."""

from __future__ import annotations

import argparse
import select
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.output_options import add_json, add_quiet
from fragtui.commands.cli.settings import read_only_because
from fragtui.commands.cli.signals import EndSignals, end_signals
from fragtui.json_line import json_line
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.remedy_history import Result, describe_unknown
from fragtui.model.remedy.risk import Risk, risks
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.escalation import Escalation, EscalationEnd
from fragtui.remedies.follow_up import FollowUp
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.runner import RemedyRun
from fragtui.remedies.site_policy import typed_name, unconfirmed_because
from fragtui.render.remedy.forecast_text import ForecastText, checkpoint_sentence, decay_sentence, forecast_text
from fragtui.render.remedy.remedy_report import decay_json, outcome_json, outcome_lines
from fragtui.sources.host.conditions import read_conditions
from fragtui.sources.host.reader import NodeReader
from fragtui.text import format_duration, parse_duration, printable

_DEAF_SECONDS = 0.4
"""Seconds after the question in which input is no answer: it was typed ahead, or pasted."""
_QUIET_SECONDS = 0.15
"""Seconds after the answer in which no further input may come."""
_STDIN = 0
_PROGRESS_SECONDS = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every verb that runs one remedy."""
    parser.add_argument("-y", "--yes", action="store_true", help="run without asking; needed without a terminal")
    add_json(parser, "one JSON object instead of text")
    add_quiet(parser)
    parser.add_argument(
        "--follow",
        type=_follow_time,
        metavar="TIME",
        help="stay this long (30m) and measure again after 1, 5 and 30 minutes; Ctrl-C ends it",
    )
    parser.add_argument(
        "--attached",
        metavar="NODE",
        help="for a remote screen that shows NODE: refused on any other node; progress and result are JSON lines; "
        "standard input that ends, or has a byte, aborts it",
    )


def run_remedy(args: argparse.Namespace, remedy: Remedy) -> int:
    """Run `remedy` as the arguments say and return the exit status."""
    if args.only_errors and not args.yes:
        report_error(args, "-q prints no plan to confirm: add --yes")
        return Exit.USAGE
    attached = args.attached is not None
    if attached and not args.yes:
        report_error(args, "--attached can't ask for confirmation: add --yes")
        return Exit.USAGE
    args.json |= attached
    order = COSTLY_ORDER if args.order is None else args.order
    audit = AuditLog(audit_path(args.audit, args.root))
    disabled_reason = read_only_because(args)
    if (why := disabled_because(remedy, args.root, disabled_reason)) is not None:
        return _refuse(args, remedy, why)
    for episode in read_history(audit, args.root).unknown:
        report_error(args, describe_unknown(episode))
    reader = NodeReader(args.root)
    if attached and args.attached != (here := reader.host.name or ""):
        return _refuse(args, remedy, f"the screen shows {printable(args.attached) or 'another node'}, this is {here}")
    before = reader.sample(page_types=True)
    view = forecast(before, order)
    expectation = forecast_text(before, view, remedy.effect)
    warnings = risks(before, view, remedy.effect, read_conditions(args.root))
    if not args.json:
        _print_plan(remedy, args.root, audit.path, expectation, warnings)
    name, typed = typed_name(args.root), None
    if name is not None and (why := why_not_typed(args.root, name, remote=attached)) is not None:
        return _refuse(args, remedy, why)
    if name is not None or not args.yes:
        typed = answer(args, name or "yes")
        if typed is None:
            return Exit.USAGE
    by = "remote screen" if attached else "command"
    escalation = Escalation([remedy], args.root, audit, order, None, by, disabled_reason, typed=typed)
    if attached:
        end = run_to_end(escalation, reader, before, _Progress(escalation).see, _STDIN)
    else:
        shown = sys.stderr.isatty() and not args.only_errors
        end = run_to_end(escalation, reader, before, show_elapsed if shown else None)
    if not end.steps:
        return _refuse(args, remedy, end.why)
    outcome, followup = end.steps[-1].outcome, escalation.followups[-1]
    if not args.json:
        print(outcome_lines(outcome, followup.recovery, expectation.gain), flush=True)
    if args.follow:
        _follow(followup, reader, args.follow, None if args.json else print)
    reader.close()
    if args.json:
        fields = {"remedy": remedy.id, "steps": [step.sentence(args.root) for step in remedy.steps]}
        fields |= outcome_json(outcome, followup.recovery, expectation.gain) | decay_json(followup)
        print(json_line(fields | {"audit": str(audit.path)}))
    for problem in (outcome.audit_problem, followup.problem):
        if problem:
            report_error(args, f"not logged: {problem}")
    return {Result.DONE: Exit.DONE, Result.ABORTED: Exit.ABORTED}.get(outcome.result, Exit.FAILED)


def _refuse(args: argparse.Namespace, remedy: Remedy, why: str) -> int:
    if args.json:
        print(json_line({"remedy": remedy.id, "result": "refused", "explanation": why}))
    report_error(args, f"{remedy.id} not run: {printable(why, 1000)}")
    return Exit.UNAVAILABLE


def _print_plan(remedy: Remedy, root: Path, audit: Path, expectation: ForecastText, warnings: tuple[Risk, ...]) -> None:
    print(f"{remedy.title}:")
    for step in remedy.steps:
        print(f"  {step.sentence(root)}")
    print(expectation.headline)
    for reason in expectation.reasons:
        print(f"  {reason}")
    print("Cost on this node:")
    for cost in expectation.costs:
        print(f"  {cost}")
    for risk in warnings:
        print(f"  WARNING: {risk.sentence}")
    print(f"Logged to {audit} before it runs", flush=True)


def why_not_typed(root: Path, name: str, *, remote: bool = False) -> str | None:
    """Return why the node's name, which the site's policy asks for in spite of ``--yes``, can't be typed; or None."""
    if remote:
        return f"{unconfirmed_because(root, None)}; a remote screen can't pass it on: run fragtui there"
    if _can_ask():
        return unconfirmed_because(root, name)
    return f"{unconfirmed_because(root, None)}, and there is no terminal to type it on"


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def answer(args: argparse.Namespace, wanted: str) -> str | None:
    """Ask on the terminal for `wanted`, and return it if it was typed; without a terminal the answer is no."""
    if not _can_ask():
        report_error(args, "not run: no terminal to ask on; --yes runs it without asking")
        return None
    what = "'yes'" if wanted == "yes" else f"the node's name, {wanted},"
    print(f"Type {what} to run it: ", end="", file=sys.stderr, flush=True)
    # The rest of a pasted text may still arrive, or the next line for the shell: neither is an answer.
    time.sleep(_DEAF_SECONDS)
    with suppress(termios.error):  # the terminal is gone, and the read below fails too
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    typed = sys.stdin.readline().strip()
    if typed == wanted and not select.select([sys.stdin], [], [], _QUIET_SECONDS)[0]:
        return typed
    why = ": more input came with the answer, as from a paste; type the answer" if typed == wanted else ""
    report_error(args, f"not run{why}")
    return None


def show_elapsed(running: RemedyRun | None) -> None:
    """Write the elapsed time over the last line of the terminal, or clear that line."""
    text = "\x1b[K"
    if running is not None:
        text = f"{format_duration(running.elapsed)} ({'aborting' if running.aborting else 'Ctrl-C aborts'}) "
    print(f"\r{text}", end="", file=sys.stderr, flush=True)


class _Progress:
    """A JSON line each second for a remote screen; one that can't be written aborts the run: nobody watches it."""

    def __init__(self, escalation: Escalation) -> None:
        self._escalation = escalation
        self._next = 0.0

    def see(self, running: RemedyRun | None) -> None:
        """Print a line if one is due."""
        if running is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PROGRESS_SECONDS
        fields = {"remedy": running.remedy.id, "id": running.id, "result": None, "seconds": round(running.elapsed, 3)}
        try:
            print(json_line(fields | {"aborting": running.aborting}), flush=True)
        except OSError:
            self._escalation.abort()


def run_to_end(
    escalation: Escalation,
    reader: NodeReader,
    before: Snapshot,
    watch: Callable[[RemedyRun | None], None] | None,
    *inputs: int,
    stop: EndSignals | None = None,
) -> EscalationEnd:
    """Run the remedies and measure their gain; Ctrl-C and SIGTERM abort it, and a byte or the end of an input.

    `watch` is called five times a second with what runs, and after each step with None. `stop` has the signals of a
    caller that catches them too: those that come while the gain is measured.
    """
    watch = watch or (lambda _: None)
    end, snapshot = None, before
    while end is None:
        with end_signals(*inputs) as signals:
            if signals.came or (stop is not None and stop.came):
                escalation.abort()
            end = escalation.advance(snapshot)
            while (running := escalation.running) is not None:
                watch(running)
                if running.wait(0.2) is None and signals.came:
                    escalation.abort()
                end = escalation.advance(snapshot)
        if end is None:
            watch(None)
            assert escalation.settled_at is not None
            time.sleep(max(0.0, escalation.settled_at - time.monotonic()))
            snapshot = reader.sample(page_types=True)
    return end


def _follow(followup: FollowUp, reader: NodeReader, seconds: float, say: Callable[[str], None] | None) -> None:
    """Measure the gain every second for `seconds` or until a signal; `say` takes each checkpoint and the end."""
    end, count = time.monotonic() + seconds, 0
    with end_signals() as signals:
        while not signals.came and not followup.over and time.monotonic() < end:
            signals.wait(min(1.0, end - time.monotonic()))
            followup.see(reader.sample())
            if say is not None:
                for checkpoint in followup.checkpoints[count:]:
                    say(checkpoint_sentence(checkpoint, followup.recovery))
            count = len(followup.checkpoints)
    if say is not None and (decay := decay_sentence(followup.gain_decay)) is not None:
        say(decay)


def _follow_time(text: str) -> float:
    seconds = parse_duration(text)
    if seconds is None or not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text}: expected a time from 1s to 1d such as 90s or 30m")
    return seconds
