"""``fragtui gate``: may a job that needs large blocks start here? With --heal, remedies run until it may."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error, report_progress
from fragtui.commands.cli.output_options import add_json, add_quiet
from fragtui.commands.cli.settings import read_only_because
from fragtui.commands.cli.signals import EndSignals, end_signals
from fragtui.commands.fix.run_remedy import answer, run_to_end, show_elapsed, why_not_typed
from fragtui.json_line import json_line
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.need import (
    ALL_REMEDIES,
    Fulfilled,
    Need,
    Stock,
    gain_of_all,
    held_by_processes,
    missing_bytes,
    stock,
    too_much,
)
from fragtui.model.remedy.remedy_history import Result
from fragtui.model.remedy.risk import risks
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.remedies.catalogue import Remedy, compact_all, compact_node, numa_nodes
from fragtui.remedies.escalation import EndReason, Escalation, EscalationEnd, EscalationStep, escalation_steps
from fragtui.remedies.lock import LockBusy, NodeLock, lock_directories
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.site_policy import typed_name
from fragtui.render.remedy.gate_text import GateReport, GateResult, gate_json, gate_line
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.host.conditions import read_conditions
from fragtui.sources.host.in_use import UNIT_NAME, in_use
from fragtui.sources.host.reader import NodeReader
from fragtui.text import bounded_int, format_bytes, parse_duration, parse_size, printable

HELP = "check whether a job that needs large blocks may start here; --heal runs remedies until it may"

_NEED = re.compile(r"(\d{1,9})x(\d{1,9}[KMGT](?:i?B)?)", re.ASCII)
_MAX_WAIT_SECONDS = 86_400.0
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
    """What an attempt to run remedies came to; the next one is due after so many seconds."""

    result: GateResult
    why: str
    next_in: float = _TRY_AGAIN_SECONDS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "--need", type=need_of, required=True, metavar="NxSIZE", help="blocks that the job needs; larger ones count"
    )
    parser.add_argument("--node", type=_number(1023), metavar="N", help="on this NUMA node alone")
    parser.add_argument("--free", type=_size, metavar="SIZE", help="free memory that the job needs, such as 96G")
    parser.add_argument("--wait", type=_wait, default=0.0, metavar="TIME", help="wait up to this long for it (10m)")
    parser.add_argument("--heal", action="store_true", help="run remedies, gentlest first, until it may start")
    parser.add_argument("-y", "--yes", action="store_true", help="run them without asking; needed without a terminal")
    for option, kind, metavar, what in (
        ("unit", _unit, "UNIT", "while this unit of systemd is not stopped"),
        ("port", _number(65535), "PORT", "while a process listens on this TCP port"),
        ("process", _name, "NAME", "while a process of this name runs"),
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
    if named and not args.heal:
        report_error(args, "--unless-unit, --unless-port and --unless-process mean nothing without --heal")
        return Exit.USAGE
    if args.heal and args.only_errors and not args.yes:
        report_error(args, "-q prints no question that could be answered: give --yes too")
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
        self._typed: str | None = None
        self._ran: list[str] = []
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
            report_error(args, f"this node can't have that: {why}")
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
        with end_signals() as ended:
            self._signals = ended
            result = self._decide(snapshot, found, ended)
        return Exit.ABORTED if result is None else _STATUS[result]

    def _decide(self, snapshot: Snapshot, found: Stock, ended: EndSignals) -> GateResult | None:
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

    def _result(self, found: Stock) -> GateResult:
        if found.fulfilled is Fulfilled.YES:
            return GateResult.HEALED if self._ran else GateResult.READY
        if found.fulfilled is Fulfilled.UNKNOWN:
            return GateResult.UNKNOWN
        return GateResult.BUSY if self._verdict is None else self._verdict.result

    def _measure(self) -> tuple[Snapshot, Stock]:
        """Read the node; the free lists by migratetype, which take a zone's lock, if they can change the answer."""
        snapshot = self._reader.sample()
        found = stock(snapshot, self._need)
        if found.fulfilled is not Fulfilled.NO or self._first:
            self._first = False
            snapshot = self._reader.sample(page_types=True)
            found = stock(snapshot, self._need)
        return snapshot, found

    def _print_plan(self, snapshot: Snapshot, found: Stock) -> None:
        """Print what would run, and what it puts at risk, on standard error: the answer alone is on standard output."""
        root, order = self._args.root, found.order
        rows = [
            gate_line(self._report(snapshot, found, GateResult.BUSY)),
            "Remedies run in this order until it is ready:",
        ]
        rows += [f"  {step.sentence(root)}" for remedy in self._remedies(found) for step in remedy.steps]
        warnings = risks(snapshot, forecast(snapshot, order), ALL_REMEDIES, read_conditions(root))
        rows += [f"  WARNING: {risk.sentence}" for risk in warnings]
        print(*rows, f"Logged to {self._audit.path} before they run", sep="\n", file=sys.stderr, flush=True)

    def _remedies(self, found: Stock) -> tuple[Remedy, ...]:
        """Return the steps, gentlest first; none that compacts if only free memory is missing.

        The last compacts all memory: only of such a run is it known whether it ended early.
        """
        drops = escalation_steps((EscalationStep.SYNC, EscalationStep.PAGE_CACHE, EscalationStep.SLAB), ())
        if found.blocks is not None and found.blocks >= self._need.blocks:
            return drops
        node = self._need.node
        nearest = () if node is None or len(numa_nodes(self._args.root)) < 2 else (compact_node(node, sync=True),)
        return (*drops, *nearest, compact_all(sync=True))

    def _none_can_run(self, found: Stock) -> str | None:
        """Return why no remedy can run, None if one can; a sync alone, which everyone may run, is none."""
        root, reason = self._args.root, read_only_because(self._args)
        remedies = [remedy for remedy in self._remedies(found) if remedy.effect.drops or remedy.effect.compact]
        reasons = [disabled_because(remedy, root, reason) for remedy in remedies]
        return "; ".join(dict.fromkeys(filter(None, reasons))) if all(reasons) else None

    def _heal(self, snapshot: Snapshot, found: Stock) -> _Verdict:
        """Run the remedies unless something prevents it."""
        args = self._args
        if (why := self._none_can_run(found)) is not None:
            return _Verdict(GateResult.BUSY, f"no remedy can run: {why}")
        if (verdict := self._in_use()) is not None:
            return verdict
        if self._ran and not self._promising(snapshot, found) and self._verdict is not None:
            return self._verdict._replace(next_in=_NEXT_LADDER_SECONDS)
        try:
            lock = NodeLock.take("gate", lock_directories(args.root, self._audit.path), "another gate")
        except LockBusy:
            return _Verdict(GateResult.BUSY, "no remedy runs: another gate runs them")
        except OSError as error:
            return _Verdict(GateResult.BUSY, f"no lock can be taken: {printable(file_problem(error, error.filename))}")
        try:
            return self._climb(snapshot, self._remedies(found))
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

    def _promising(self, snapshot: Snapshot, found: Stock) -> bool:
        gain = gain_of_all(snapshot, self._need)
        return (found.blocks or 0) + (gain.blocks or 0) >= self._need.blocks

    def _climb(self, snapshot: Snapshot, remedies: Sequence[Remedy]) -> _Verdict:
        args, need = self._args, self._need
        disabled_reason = read_only_because(args)
        report_progress(args, "remedies run until it is ready: " + ", ".join(remedy.id for remedy in remedies))
        shown = sys.stderr.isatty() and not args.only_errors
        left, always, early = list(remedies), 0, False
        disabled = {remedy.id: disabled_because(remedy, args.root, disabled_reason) for remedy in remedies}
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
                enough=lambda later: stock(later, need).fulfilled is Fulfilled.YES,
            )
            end = run_to_end(escalation, self._reader, snapshot, show_elapsed if shown else None, stop=self._signals)
            ran = [step.remedy.id for step in end.steps]
            self._ran += ran
            self._aborted = end.reason is EndReason.ABORTED
            for step in end.steps:
                if step.outcome.audit_problem:
                    report_error(args, f"not logged: {step.outcome.audit_problem}")
            compacted = bool(end.steps) and end.steps[-1].remedy.effect.compact
            early = compacted and escalation.followups[-1].recovery.ended_early
            # An escalation may leave out a drop that its forecast does not need.
            left_out = [remedy for remedy in left if remedy.id not in ran and disabled[remedy.id] is None]
            if end.reason is not EndReason.EXHAUSTED or not (early or left_out):
                break
            if (verdict := self._in_use()) is not None:  # It may have started meanwhile.
                return verdict
            left = [*left_out, *(remedy for remedy in left if remedy.effect.compact and remedy not in left_out)]
            always = len(left_out)
            snapshot = self._reader.sample(page_types=True)
        if early:
            return _Verdict(GateResult.BUSY, "compaction ended early each time", _NEXT_LADDER_SECONDS)
        return self._after(end, [why for why in disabled.values() if why is not None])

    def _after(self, end: EscalationEnd, disabled: Sequence[str]) -> _Verdict:
        """Return what it means that the remedies ended, if the need is not met now."""
        if end.reason is EndReason.REFUSED:
            return _Verdict(GateResult.BUSY, f"remedies ended: {end.why}")
        undone = [step.outcome.explanation.rstrip(".") for step in end.steps if step.outcome.result is not Result.DONE]
        if undone or disabled:
            return _Verdict(GateResult.BUSY, "; ".join((*undone, *dict.fromkeys(disabled))), _NEXT_LADDER_SECONDS)
        snapshot = self._reader.sample(page_types=True)
        missing = missing_bytes(snapshot, self._need)
        held = held_by_processes(snapshot)
        if missing is None:
            why = f"what must be freed is unknown: zoneinfo: {snapshot.why('zoneinfo') or 'not read'}"
            return _Verdict(GateResult.BUSY, why, _NEXT_LADDER_SECONDS)
        if not missing:
            why = "enough memory is free, in pieces between pages that nothing moves"
            return _Verdict(GateResult.REBOOT_REQUIRED, why)
        if held is None or held >= missing:
            processes = "memory of processes is unknown" if held is None else f"processes hold {format_bytes(held)}"
            why = f"{format_bytes(missing)} more must be freed, {processes}"
            return _Verdict(GateResult.BUSY, why, _NEXT_LADDER_SECONDS)
        why = f"{format_bytes(missing)} more must be freed, and ending all processes frees only {format_bytes(held)}"
        return _Verdict(GateResult.REBOOT_REQUIRED, why)

    def _line(self, snapshot: Snapshot, found: Stock, result: GateResult) -> str:
        report = self._report(snapshot, found, result)
        return json_line(gate_json(report)) if self._args.json else gate_line(report)

    def _report(self, snapshot: Snapshot, found: Stock, result: GateResult) -> GateReport:
        why = self._verdict.why if self._verdict is not None and result is self._verdict.result else None
        gain = gain_of_all(snapshot, self._need)
        return GateReport(self._need, found, result, snapshot.host.page_size, gain, why, tuple(self._ran))


def need_of(text: str) -> tuple[int, int]:
    """Return number and bytes of the blocks of ``200x32M``. Raises argparse.ArgumentTypeError."""
    match = _NEED.fullmatch(text)
    size = parse_size(match[2]) if match else None
    if match is None or size is None or size & (size - 1) or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected blocks of a power of two, such as 200x32M")
    return int(match[1]), size


def _size(text: str) -> int:
    if (size := parse_size(text)) is None:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a size such as 96G")
    return size


def _number(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if (value := bounded_int(text, most)) is None:
            raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a whole number up to {most}")
        return value

    return number


def _unit(text: str) -> str:
    if UNIT_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected the name of a unit")
    return text


def _name(text: str) -> str:
    if not text or not text.isprintable() or "/" in text or len(text) > 255:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected the name of a process, without a path")
    return text


def _wait(text: str) -> float:
    seconds = parse_duration(text)
    if seconds is None or seconds > _MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a time up to 1d such as 90s or 10m")
    return seconds
