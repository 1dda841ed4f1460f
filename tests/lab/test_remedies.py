"""Remedies on a real kernel: the forecast held against what happens, the escalation, the guard, the abort.

They fragment this machine's memory and drop its caches, one at a time.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import usable_blocks
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.recovery import compare
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result, episodes, unknown_outcomes
from fragtui.model.remedy.risk import risks
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import compact_all, drop_caches
from fragtui.remedies.escalation import EndReason, Escalation, EscalationEnd, EscalationStep, escalation_steps
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.runner import RemedyRun, RunRequest
from fragtui.render.remedy.forecast_text import forecast_text
from fragtui.sources.host.reader import NodeReader
from tests.support.fragment_cache import HUGE_POOL
from tests.support.lab import alone, lab, long

pytestmark = lab
DROP_1 = Effect(sync=True, page_cache=True)
COMPACT = Effect(sync=True, compact=True)
ROOT = Path("/")
HERE = Path(__file__).parent
PER_CPU = Path("/proc/sys/vm/percpu_pagelist_high_fraction")
ASKED = RunRequest("command", 9)


@contextmanager
def held(script: str, *arguments: str) -> Iterator[None]:
    """Run a script that fragments memory and holds it, until the block ends."""
    process = subprocess.Popen([sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "READY\n"
        time.sleep(1.2)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def hogged(leave_mb: int) -> Iterator[None]:
    """Leave so much free memory until the block ends, the rest in the pool of huge pages: less to fill.

    The per-CPU lists may grow to an eighth of a zone, which is much of what is left: they are kept short.
    """
    Path("/proc/sys/vm/drop_caches").write_text("3")
    # The pool takes whole blocks: what is left would be in the pieces between other tasks' pages.
    Path("/proc/sys/vm/compact_memory").write_text("1")
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) >> 10 for line in lines if line.startswith("MemFree:"))
    fraction = PER_CPU.read_text() if PER_CPU.exists() else None
    try:
        if fraction is not None:
            PER_CPU.write_text("2000")
        HUGE_POOL.write_text(str(max(0, free - leave_mb) // 2))
        yield
    finally:
        HUGE_POOL.write_text("0")
        if fraction is not None:
            PER_CPU.write_text(fraction)


@contextmanager
def held_by_pipes(leave_mb: int, most: int = 6) -> Iterator[None]:
    """Fill all memory with pipe buffers, by as many processes as their descriptors need, every second page free."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for _ in range(most):
            process = subprocess.Popen(
                [sys.executable, str(HERE / "hold_pipes.py"), str(leave_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(process)
            assert process.stdout is not None and process.stdout.readline() == "FULL\n"
        for process in processes:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "READY\n"
        time.sleep(1.2)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    with alone():
        yield


@pytest.fixture
def reader() -> Iterator[NodeReader]:
    found = NodeReader(ROOT)
    yield found
    found.close()


def run_to_end(escalation: Escalation, reader: NodeReader) -> EscalationEnd:
    while (end := escalation.advance(reader.sample(page_types=escalation.running is None))) is None:
        time.sleep(0.1)
    return end


def free_pages(snapshot: Snapshot) -> int:
    return sum(zone.blocks.free_pages for zone in snapshot.zones or ())


def check(before: Snapshot, after: Snapshot, effect: Effect, name: str) -> None:
    """Hold the forecast to what happened: in its own range, and from order 2 to 9 within a factor of two.

    A twentieth beside the range is what else was freed or taken meanwhile. One size may miss the factor: how many
    large blocks a drop completes differs from run to run, and at order 9 a few runs gain just over twice the forecast.
    """
    missed = []
    for order in range(2, 11):
        gain, gained = forecast(before, order).gain(effect), compare(before, after, order).gained
        print(f"{name}, order {order}: forecast {gain.low} / {gain.blocks} / {gain.high}, gained {gained}")
        assert gain.blocks is not None and gain.low is not None and gain.high is not None and gained is not None
        assert gain.low * 0.95 <= gained <= gain.high * 1.05 + 4
        if order < 10 and not gained / 2 <= gain.blocks <= gained * 2:
            missed.append(order)
    assert len(missed) <= 1, missed


def drop_page_cache_by_the_escalation(reader: NodeReader, log: AuditLog) -> None:
    """Climb for more blocks of order 9 than there are: dropping page cache must reach them, as was forecast."""
    before = reader.sample(page_types=True)
    there, seen = usable_blocks(before, 9), forecast(before, 9).gain(DROP_1)
    assert there is not None and seen.low is not None and seen.low > 100
    end = run_to_end(
        Escalation(escalation_steps(EscalationStep, (0,)), ROOT, log, 9, there + seen.low, "command"), reader
    )
    after = reader.sample(page_types=True)
    assert end.reason is EndReason.REACHED, end
    assert [step.remedy.id for step in end.steps] == ["sync", "drop-caches-1"]
    check(before, after, DROP_1, "sync, drop-caches-1")
    intents = [entry for entry in log.read().entries if isinstance(entry, IntentEntry)]
    assert [intent.by for intent in intents] == ["command"] * 2


def test_page_cache_the_escalation_stops_after_dropping_it_as_was_forecast(
    reader: NodeReader, log: AuditLog, tmp_path: Path
) -> None:
    with hogged(5000), held("hold_page_cache.py", str(tmp_path), "1000"):
        drop_page_cache_by_the_escalation(reader, log)


@long
def test_between_unmovable_pages_compaction_is_forecast_not_to_help_and_does_not(
    reader: NodeReader, log: AuditLog
) -> None:
    with hogged(5000), held_by_pipes(400, 3):
        before = reader.sample(page_types=True)
        view = forecast(before, 9)
        said = forecast_text(before, view, COMPACT)
        print(said.headline, *said.reasons, sep="\n")
        assert view.bound is not None and view.bound > 0.8
        assert said.gain.blocks is not None and said.gain.blocks << 9 <= 0.05 * free_pages(before)
        assert any(risk.useless for risk in risks(before, view, COMPACT)) is (view.worth(said.gain) is False)
        outcome = RemedyRun.start(compact_all(sync=True), ROOT, log, ASKED).wait(120)
        assert outcome is not None and outcome.result is Result.DONE
        time.sleep(1.2)
        gained = compare(before, reader.sample(), 9).gained
    print(f"compact between unmovable pages, order 9: forecast {said.gain.blocks}, gained {gained}")
    assert gained is not None and said.gain.low is not None and said.gain.high is not None
    assert said.gain.low - 4 <= gained <= said.gain.high + 4
    # Whether that much is worth it next to the few blocks that were free is chance: it is little of what is free.
    assert gained << 9 <= 0.05 * free_pages(before)


@long
def test_a_whole_memory_of_page_cache_is_dropped_as_was_forecast(
    reader: NodeReader, log: AuditLog, tmp_path: Path
) -> None:
    with held("hold_page_cache.py", str(tmp_path), "2500"):
        drop_page_cache_by_the_escalation(reader, log)


@long
def test_page_cache_compaction_after_a_sync_gains_what_was_forecast(
    reader: NodeReader, log: AuditLog, tmp_path: Path
) -> None:
    with held("hold_page_cache.py", str(tmp_path), "2500"):
        # A process that dirties a large folio between the two steps still ends compaction early: then try once more.
        for _ in range(6):
            before = reader.sample(page_types=True)
            outcome = RemedyRun.start(compact_all(sync=True), ROOT, log, ASKED).wait(120)
            assert outcome is not None and outcome.result is Result.DONE and outcome.cpu > 0
            time.sleep(1.2)
            after = reader.sample()
            recovery = compare(before, after, 9)
            print(f"looked at {recovery.looked_at} of it, gained {recovery.gained} blocks of order 9")
            if not recovery.ended_early:
                break
    assert not recovery.ended_early
    assert recovery.cost.migrated is not None and recovery.cost.migrated > 10_000
    check(before, after, COMPACT, "sync, compact")


def aborted_compaction(log: AuditLog) -> Outcome:
    """Abort compaction while the kernel runs it; try again if it ended early by itself."""
    for _ in range(6):
        running = RemedyRun.start(compact_all(sync=True), ROOT, log, ASKED)
        while running.step == 0 and running.poll() is None:
            time.sleep(0.005)
        time.sleep(0.05)
        if running.poll() is None:
            break
    running.abort()
    start = time.monotonic()
    outcome = running.wait(20)
    assert outcome is not None
    assert time.monotonic() - start < 5
    return outcome


@long
def test_an_abort_and_a_kill_end_compaction_in_the_kernel_too(log: AuditLog, tmp_path: Path) -> None:
    with held("hold_page_cache.py", str(tmp_path), "2500"):
        outcome = aborted_compaction(log)
        assert outcome.result is Result.ABORTED
        code = (
            "import sys, time; from pathlib import Path; from fragtui.remedies.runner import RemedyRun, RunRequest; "
            "from fragtui.remedies.audit.log import AuditLog; from fragtui.remedies.catalogue import compact_all; "
            "log = AuditLog(Path(sys.argv[1]))\n"
            "r = RemedyRun.start(compact_all(sync=True), Path('/'), log, RunRequest('screen'))\n"
            "while r.poll() is None and r.step == 0: time.sleep(0.005)\n"
            "time.sleep(0.05); print(r._process.pid, r.poll() is None, flush=True); time.sleep(60)"
        )
        for _ in range(6):
            fragtui = subprocess.Popen([sys.executable, "-c", code, str(log.path)], stdout=subprocess.PIPE, text=True)
            assert fragtui.stdout is not None
            child, under_way = fragtui.stdout.readline().split()
            fragtui.kill()
            fragtui.wait()
            if under_way == "True":
                break
        assert under_way == "True", "compaction was through before fragtui could be killed, six times"
        end = time.monotonic() + 2
        while Path(f"/proc/{child}").exists() and time.monotonic() < end:
            time.sleep(0.01)
        assert not Path(f"/proc/{child}").exists()
    assert [episode.intent.pid for episode in unknown_outcomes(episodes(log.read().entries))] == [fragtui.pid]
    assert [episode.intent.pid for episode in read_history(log, ROOT).unknown] == [fragtui.pid]


@long
def test_unmovable_memory_stays_fragmented_as_forecast_and_the_guard_gives_up(
    reader: NodeReader, log: AuditLog
) -> None:
    RemedyRun.start(drop_caches(3, sync=True), ROOT, log, ASKED).wait(120)
    with held_by_pipes(400):
        before = reader.sample(page_types=True)
        view = forecast(before, 9)
        said = forecast_text(before, view, COMPACT)
        print(said.headline, *said.reasons, sep="\n")
        assert view.bound is not None and view.bound > 0.8
        there = usable_blocks(before, 9) or 0
        wanted = there + 1000
        # Which gain is worth it beside so few blocks is chance: it is little of what is free, and what is wanted.
        assert said.gain.blocks is not None and said.gain.blocks << 9 <= 0.05 * free_pages(before)
        assert any(risk.useless for risk in risks(before, view, COMPACT)) is (view.worth(said.gain) is False)
        policy = Policy(
            order=9,
            blocks=wanted,
            hold=0,
            cooldown=1,
            per_hour=10,
            give_up=2,
            steps=(EscalationStep.SYNC, EscalationStep.PAGE_CACHE, EscalationStep.COMPACT),
            pressure=100,
        )
        guard = Guard(policy, ROOT, log, time.monotonic())
        deadline = time.monotonic() + 120
        while guard.state.stopped is None and time.monotonic() < deadline:
            guard.tick(reader.sample())
            time.sleep(0.1)
        guard.close()
        after = reader.sample(page_types=True)
    assert guard.state.stopped is not None and guard.state.stopped.startswith("gave up: 2 runs in a row")
    gained = compare(before, after, 9).gained
    print(f"guard on unmovable memory: {gained} blocks of order 9 gained; {guard.state.stopped}")
    assert gained is not None and gained << 9 <= 0.05 * free_pages(after)
    runs = [entry for entry in log.read().entries if isinstance(entry, IntentEntry) and entry.by == "guard"]
    assert [run.remedy for run in runs] == ["sync", "drop-caches-1", "sync-compact", "sync-compact"], "it has learned"


@long
def test_slab_is_freed_by_dropping_it(reader: NodeReader, log: AuditLog, tmp_path: Path) -> None:
    RemedyRun.start(drop_caches(3, sync=True), ROOT, log, ASKED).wait(120)
    # What the tests before held is still on its way from the per-CPU lists to the free lists.
    time.sleep(10)
    for number in range(4_000_000):
        try:
            # A name that is not there leaves a negative dentry; a Path for each would take longer than the look-up.
            os.stat(f"{tmp_path}/n{number}")  # noqa: PTH116
        except FileNotFoundError:
            continue
    before = reader.sample(page_types=True)
    seen = forecast(before, 3).gain(Effect(slab=True))
    outcome = RemedyRun.start(drop_caches(2, sync=False), ROOT, log, ASKED).wait(120)
    assert outcome is not None and outcome.result is Result.DONE
    time.sleep(1.5)
    after = reader.sample(page_types=True)
    gained = compare(before, after, 3).gained
    fell = before.meminfo["SReclaimable"] - after.meminfo["SReclaimable"]
    print(f"drop-caches-2, order 3: forecast {seen.blocks}, gained {gained}; slab fell by {fell >> 20} MiB")
    assert fell > 300 << 20
    assert seen.blocks is not None and gained is not None and gained / 3 <= seen.blocks <= gained * 3
    ended = [entry for entry in log.read().entries if isinstance(entry, EndEntry)]
    assert [entry.result for entry in ended] == [Result.DONE] * 2
