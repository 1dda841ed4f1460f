"""``fragtui gate``: may a job that needs large blocks start here? With --heal, remedies run until it may."""

from __future__ import annotations

import argparse
import sys
import time
from typing import NamedTuple

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error, report_progress
from fragtui.commands.cli.output_options import add_json, add_quiet
from fragtui.commands.cli.settings import read_only_because
from fragtui.commands.cli.signals import EndSignals, end_signals
from fragtui.commands.fix.gate_options import need_of, number_of, process_of, size_of, steps_of, unit_of, wait_of
from fragtui.commands.fix.gate_steps import (
    DEFAULT_STEPS,
    forecasts,
    freeing,
    gate_remedies,
    left_out,
    together,
    with_current_wake,
    without_included,
)
from fragtui.commands.fix.run_remedy import answer, run_to_end, show_elapsed, why_not_typed
from fragtui.json_line import json_line
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.need import (
    Fulfilled,
    Need,
    NeedCheck,
    check_need,
    held_by_processes,
    missing_bytes,
    too_much,
    view_of,
)
from fragtui.model.remedy.remedy_history import Result
from fragtui.model.remedy.risk import risks
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.escalation import EndReason, Escalation, EscalationStep
from fragtui.remedies.lock import LockBusy, NodeLock, lock_directories
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.site_policy import typed_name
from fragtui.render.remedy.gate_text import GateReport, GateResult, gain_words, gate_json, gate_line
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.host.conditions import read_conditions
from fragtui.sources.host.in_use import in_use
from fragtui.sources.host.reader import NodeReader
from fragtui.text import format_bytes, printable

HELP = "check whether a job that needs large blocks may start here; --heal runs remedies until it may"

_POLL_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 5.0
"""Seconds between two tries to run remedies while another process or the user's conditions prevent it."""
_MAX_CLIMBS = 4
"""Times that steps run again: those left out, and compaction if a dirty page ended it early (6.9 and later)."""
_NEXT_LADDER_SECONDS = 60.0
"""Seconds between two runs of all remedies: dropped page cache must be read again."""
_STATUS = {
    GateResult.READY: Exit.DONE,
    GateResult.HEALED: Exit.DONE,
    GateResult.BUSY: Exit.BUSY,
    GateResult.REBOOT_REQUIRED: Exit.REBOOT_REQUIRED,
    GateResult.UNKNOWN: Exit.UNAVAILABLE,
}


class _Verdict(NamedTuple):
    """The result of an attempt to run remedies; the next is due after `next_in` seconds."""

    result: GateResult
    why: str
    next_in: float = _TRY_AGAIN_SECONDS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "--need", type=need_of, required=True, metavar="NxSIZE", help="blocks that the job needs; larger ones count"
    )
    parser.add_argument("--node", type=number_of(1023), metavar="N", help="count only this NUMA node")
    parser.add_argument("--free", type=size_of, metavar="SIZE", help="free memory that the job needs, such as 96G")
    parser.add_argument("--wait", type=wait_of, default=0.0, metavar="TIME", help="wait up to this long for it (10m)")
    parser.add_argument("--heal", action="store_true", help="run remedies, gentlest first, until it may start")
    parser.add_argument("-y", "--yes", action="store_true", help="run them without asking; needed without a terminal")
    parser.add_argument(
        "--steps",
        type=steps_of,
        default=DEFAULT_STEPS,
        metavar="LIST",
        help=f"allowed steps, with commas: {', '.join(EscalationStep)}; all but {EscalationStep.RECLAIM} by default",
    )
    for option, kind, metavar, what in (
        ("unit", unit_of, "UNIT", "while this unit of systemd is not stopped"),
        ("port", number_of(65535), "PORT", "while a process listens on this TCP port"),
        ("process", process_of, "NAME", "while a process of this name runs"),
    ):
        parser.add_argument(
            f"--unless-{option}", type=kind, action="append", default=[], metavar=metavar, help=f"no remedy {what}"
        )
    add_json(parser, "one JSON object instead of a line")
    add_quiet(parser)
    parser.epilog = "Blocks are those that kernel requests (GFP_KERNEL) get now, one after another"


def run(args: argparse.Namespace) -> int:
    """Print the answer; see the table of verbs for the exit status."""
    named = bool(args.unless_unit or args.unless_port or args.unless_process)
    if (named or args.steps is not DEFAULT_STEPS) and not args.heal:
        options = "--unless-unit, --unless-port and --unless-process" if named else "--steps"
        report_error(args, f"{options} need{'' if named else 's'} --heal")
        return Exit.USAGE
    if args.heal and args.only_errors and not args.yes:
        report_error(args, "-q can't ask for confirmation: add --yes")
        return Exit.USAGE
    blocks, size = args.need
    reader = NodeReader(args.root)
    try:
        return _Gate(args, reader, Need(blocks, size, args.node, args.free)).run()
    finally:
        reader.close()


class _Gate:
    """One call: measures, runs remedies if asked, waits if asked."""

    def __init__(self, args: argparse.Namespace, reader: NodeReader, need: Need) -> None:
        self._args = args
        self._reader = reader
        self._need = need
        self._audit = AuditLog(audit_path(args.audit, args.root))
        self._confirmed: frozenset[str] | None = None if args.yes else frozenset()
        """Ids of the remedies that may run; None for all."""
        self._typed: str | None = None
        self._ran: list[str] = []
        self._all: tuple[Remedy, ...] | None = None
        """What may run: read once, so that the cgroup that is reclaimed is the one that was confirmed."""
        self._prevented_by: _Verdict | None = None
        """What prevented the next step at the last check."""
        self._verdict: _Verdict | None = None
        self._next = 0.0
        """Monotonic time from which on remedies may be tried."""
        self._aborted = False
        self._signals: EndSignals | None = None
        self._first = True
        """Whether nothing was measured yet: the forecast needs the migratetypes once."""

    def run(self) -> int:
        """Return the exit status."""
        args = self._args
        snapshot, found = self._measure()
        if (why := too_much(snapshot, self._need)) is not None:
            report_error(args, f"the need is larger than this node: {why}")
            return Exit.USAGE
        if args.heal and found.fulfilled is Fulfilled.NO and self._none_can_run(found) is None:
            name = typed_name(args.root)
            if name is not None and (why := why_not_typed(args.root, name)) is not None:
                self._verdict, self._next = _Verdict(GateResult.BUSY, why), float("inf")
            elif name is not None or not args.yes:
                self._print_plan(snapshot, found)
                self._typed = answer(args, name or "yes")
                if self._typed is None:
                    return Exit.USAGE
                if not args.yes:
                    self._confirmed = frozenset(remedy.id for remedy in self._remedies(found))
        with end_signals() as ended:
            self._signals = ended
            result = self._decide(snapshot, found, ended)
        return Exit.ABORTED if result is None else _STATUS[result]

    def _decide(self, snapshot: Snapshot, found: NeedCheck, ended: EndSignals) -> GateResult | None:
        """Measure and try until there is an answer, print it, and return it; None if a signal came."""
        end = time.monotonic() + self._args.wait
        while True:
            result = self._result(found)
            if found.fulfilled is Fulfilled.NO and self._args.heal and time.monotonic() >= self._next:
                self._verdict = self._heal(snapshot, found)
                self._next = time.monotonic() + self._verdict.next_in
                snapshot, found = self._measure()
                result = self._result(found)
            if self._aborted or ended.came:
                report_error(self._args, "aborted")
                return None
            left = end - time.monotonic()
            if (
                result in (GateResult.READY, GateResult.HEALED, GateResult.REBOOT_REQUIRED)
                or found.lasting
                or left <= 0
            ):
                print(self._line(snapshot, found, result), flush=True)
                return result
            ended.wait(min(_POLL_SECONDS, left))
            snapshot, found = self._measure()

    def _result(self, found: NeedCheck) -> GateResult:
        if found.fulfilled is Fulfilled.YES:
            return GateResult.HEALED if self._ran else GateResult.READY
        if found.fulfilled is Fulfilled.UNKNOWN:
            return GateResult.UNKNOWN
        return GateResult.BUSY if self._verdict is None else self._verdict.result

    def _measure(self) -> tuple[Snapshot, NeedCheck]:
        """Read the node; the free lists by migratetype, which take a zone's lock, if they can change the answer."""
        snapshot = self._reader.sample()
        found = check_need(snapshot, self._need)
        if found.fulfilled is not Fulfilled.NO or self._first:
            self._first = False
            snapshot = self._reader.sample(page_types=True)
            found = check_need(snapshot, self._need)
        return snapshot, found

    def _print_plan(self, snapshot: Snapshot, found: NeedCheck) -> None:
        """Print what would run, and what it puts at risk, on standard error: the answer alone is on standard output."""
        root, report = self._args.root, self._report(snapshot, found, GateResult.BUSY)
        rows = [
            gate_line(report),
            "Remedies run in this order until the job may start, first those whose forecast suffices:",
        ]
        for rung in report.rungs:
            rows += [f"  {step.sentence(root)}" for step in rung.remedy.steps]
            if rung.remedy.effect != Effect(sync=True):
                rows.append(f"    {rung.skipped or gain_words(report, rung.expected)}")
        effect = together([rung.remedy for rung in report.rungs])
        warnings = risks(snapshot, view_of(snapshot, self._need), effect, read_conditions(root))
        rows += [f"  WARNING: {risk.sentence}" for risk in warnings]
        print(*rows, f"Logged to {self._audit.path} before they run", sep="\n", file=sys.stderr, flush=True)

    def _remedies(self, found: NeedCheck) -> tuple[Remedy, ...]:
        """Return the steps, gentlest first; none that compacts if only free memory is missing."""
        if self._all is None:
            self._all = gate_remedies(self._args.steps, self._args.root, self._need.node)
        return freeing(self._all) if self._only_free_is_missing(found) else self._all

    def _only_free_is_missing(self, found: NeedCheck) -> bool:
        return found.blocks is not None and found.blocks >= self._need.blocks

    def _none_can_run(self, found: NeedCheck) -> str | None:
        """Return why no remedy can run, None if one can; a sync alone, which everyone may run, is none."""
        root, reason = self._args.root, read_only_because(self._args)
        remedies = [remedy for remedy in self._remedies(found) if remedy.effect != Effect(sync=True)]
        reasons = [disabled_because(remedy, root, reason) for remedy in remedies]
        if not reasons:
            return left_out(self._args.steps, compacts=not self._only_free_is_missing(found)) or "no cgroup to reclaim"
        return "; ".join(dict.fromkeys(filter(None, reasons))) if all(reasons) else None

    def _heal(self, snapshot: Snapshot, found: NeedCheck) -> _Verdict:
        """Run the remedies unless something prevents it."""
        args = self._args
        if (why := self._none_can_run(found)) is not None:
            return _Verdict(GateResult.BUSY, f"no remedy can run: {why}")
        new = [] if self._confirmed is None else [r.id for r in self._remedies(found) if r.id not in self._confirmed]
        if new:
            return _Verdict(GateResult.BUSY, f"no remedy runs: not confirmed at the start: {', '.join(new)}")
        self._why_no_step()
        if self._prevented_by is not None:
            return self._prevented_by
        last = self._verdict
        if last is not None and last.next_in == _NEXT_LADDER_SECONDS and not self._promising(snapshot, found):
            return last
        try:
            lock = NodeLock.take("gate", lock_directories(args.root, self._audit.path), "another gate")
        except LockBusy:
            return _Verdict(GateResult.BUSY, "no remedy runs: another gate runs them")
        except OSError as error:
            return _Verdict(GateResult.BUSY, f"no lock can be taken: {printable(file_problem(error, error.filename))}")
        try:
            return self._climb(snapshot, found)
        finally:
            lock.release()

    def _in_use(self) -> _Verdict | None:
        """Return that a remedy may disturb what the user named, None if it can't."""
        args = self._args
        used = in_use(args.root, args.unless_unit, args.unless_port, args.unless_process)
        if used.live:
            return _Verdict(GateResult.BUSY, f"no remedy runs: {'; '.join(used.live)}")
        if used.unknown:
            return _Verdict(GateResult.UNKNOWN, f"no remedy runs: {'; '.join(used.unknown)}")
        return None

    def _why_no_step(self) -> str | None:
        """Return why the next step must not run: what the user named may have started since the last one."""
        self._prevented_by = self._in_use()
        return None if self._prevented_by is None else self._prevented_by.why

    def _promising(self, snapshot: Snapshot, found: NeedCheck) -> bool:
        return (found.blocks or 0) + (self._gain(snapshot, found).blocks or 0) >= self._need.blocks

    def _gain(self, snapshot: Snapshot, found: NeedCheck) -> Gain:
        return view_of(snapshot, self._need).gain(together(self._remedies(found)))

    def _climb(self, snapshot: Snapshot, found: NeedCheck) -> _Verdict:
        args, need = self._args, self._need
        remedies = with_current_wake(self._remedies(found), args.root)
        disabled_reason = read_only_because(args)
        report_progress(args, "remedies run until the job may start: " + ", ".join(remedy.id for remedy in remedies))
        shown = sys.stderr.isatty() and not args.only_errors
        disabled = {remedy.id: disabled_because(remedy, args.root, disabled_reason) for remedy in remedies}
        thorough = without_included([remedy for remedy in remedies if disabled[remedy.id] is None])
        left, always, early = list(remedies), 0, False
        for _ in range(_MAX_CLIMBS):
            escalation = Escalation(
                left,
                args.root,
                self._audit,
                need.order(snapshot.host.page_size),
                need.blocks,
                "gate",
                disabled_reason,
                always,
                typed=self._typed,
                enough=lambda later: check_need(later, need).fulfilled is Fulfilled.YES,
                prevented=self._why_no_step,
            )
            end = run_to_end(escalation, self._reader, snapshot, show_elapsed if shown else None, stop=self._signals)
            ran = [step.remedy.id for step in end.steps]
            self._ran += ran
            self._aborted = end.reason is EndReason.ABORTED
            for step in end.steps:
                if step.outcome.audit_problem:
                    report_error(args, f"not logged: {step.outcome.audit_problem}")
            if end.reason is EndReason.REFUSED and self._prevented_by is not None:
                return self._prevented_by
            last = end.steps[-1].remedy.effect if end.steps else Effect()
            # Only of a run that compacts all memory is it known whether it ended early.
            early = last.compact and last.node is None and escalation.followups[-1].recovery.ended_early
            # An escalation may leave out a step that its forecast does not need.
            undone = [remedy for remedy in thorough if remedy in left and remedy.id not in ran]
            if end.reason is not EndReason.EXHAUSTED or not (early or undone):
                break
            left = [*undone, *(remedy for remedy in thorough if remedy.effect.compact and remedy not in undone)]
            always = len(undone)
            snapshot = self._reader.sample(page_types=True)
        if early:
            return _Verdict(GateResult.BUSY, "compaction ended early each time", _NEXT_LADDER_SECONDS)
        if end.reason is EndReason.REFUSED:
            return _Verdict(GateResult.BUSY, f"remedies ended: {end.why}")
        failed = [
            step.outcome.explanation.rstrip(".")
            for step in end.steps
            if step.outcome.result is not Result.DONE and step.remedy in thorough
        ]
        reasons = [disabled[remedy.id] for remedy in without_included(remedies)]
        reasons.append(left_out(args.steps, compacts=not self._only_free_is_missing(found)))
        if why := "; ".join((*failed, *dict.fromkeys(filter(None, reasons)))):
            return _Verdict(GateResult.BUSY, why, _NEXT_LADDER_SECONDS)
        return self._after_all()

    def _after_all(self) -> _Verdict:
        """Return what it means that all remedies ran and the need is not met."""
        snapshot = self._reader.sample(page_types=True)
        missing = missing_bytes(snapshot, self._need)
        held = held_by_processes(snapshot)
        if missing is None:
            why = f"what must be freed is unknown: zoneinfo: {snapshot.why('zoneinfo') or 'not read'}"
            return _Verdict(GateResult.BUSY, why, _NEXT_LADDER_SECONDS)
        if not missing:
            why = "enough memory is free, but in pieces between unmovable pages"
            return _Verdict(GateResult.REBOOT_REQUIRED, why)
        if held is None or held >= missing:
            processes = "memory of processes is unknown" if held is None else f"processes hold {format_bytes(held)}"
            why = f"{format_bytes(missing)} more must be freed, {processes}"
            return _Verdict(GateResult.BUSY, why, _NEXT_LADDER_SECONDS)
        why = f"{format_bytes(missing)} more must be freed, and ending all processes frees only {format_bytes(held)}"
        return _Verdict(GateResult.REBOOT_REQUIRED, why)

    def _line(self, snapshot: Snapshot, found: NeedCheck, result: GateResult) -> str:
        report = self._report(snapshot, found, result)
        return json_line(gate_json(report)) if self._args.json else gate_line(report)

    def _report(self, snapshot: Snapshot, found: NeedCheck, result: GateResult) -> GateReport:
        why = self._verdict.why if self._verdict is not None and result is self._verdict.result else None
        return GateReport(
            self._need,
            found,
            result,
            snapshot.host.page_size,
            self._gain(snapshot, found),
            why,
            tuple(self._ran),
            forecasts(self._remedies(found), snapshot, self._need, found),
        )
