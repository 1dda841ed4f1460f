"""``guard --until`` and ``--free``: a guard for a phase, with a floor of free memory beside the blocks."""

from __future__ import annotations

import argparse
import datetime
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import parse
from fragtui.commands.fix import guard as verb
from fragtui.commands.fix import until
from fragtui.commands.fix.until import CannotWatch, LogWatch, parse_phase
from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.model.node.snapshot import Host, Snapshot, Zone
from fragtui.remedies.escalation import EndReason, EscalationEnd
from fragtui.remedies.guard import loop as guard_module
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import GuardAction, GuardState, decide, is_short, observed, run_ended
from fragtui.render.remedy.guard_text import guard_sentences
from fragtui.sources.host.in_use import UnknownUse
from tests.support.places import REPOSITORY

NOON = datetime.time(12)
POLICY = Policy(order=2, blocks=10, hold=0, free=8 << 30)


def tick(blocks: int | None, free: int | None, at: float = 0.0) -> Snapshot:
    zone = Zone(ZoneBlocks(0, "Normal", (50_000, 0, blocks or 0)), None)
    meminfo = {} if free is None else {"MemFree": free}
    return Snapshot(at, at, Host("n", None, None, 4096), None if blocks is None else (zone,), meminfo=meminfo)


@pytest.mark.parametrize(
    ("blocks", "free", "short"),
    [(10, 8 << 30, False), (9, 8 << 30, True), (10, (8 << 30) - 1, True), (9, None, True), (10, None, None),
     (None, 0, None), (None, None, None)],
)  # fmt: skip
def test_a_floor_of_free_memory_counts_beside_the_blocks(
    blocks: int | None, free: int | None, short: bool | None
) -> None:
    snapshot = tick(blocks, free)
    assert is_short(POLICY, snapshot) is short
    decision = decide(POLICY, observed(POLICY, GuardState(0), snapshot), snapshot, NOON)
    action = {True: GuardAction.RUN, False: GuardAction.WATCH, None: GuardAction.HOLD}[short]
    assert decision.action is action and (decision.topic == "unknown") is (short is None)
    assert blocks is None or free is None or "8G wanted" in decision.why
    without = replace(POLICY, free=None)
    assert is_short(without, snapshot) is (None if blocks is None else blocks < 10)


def test_a_guard_that_misses_only_the_floor_gives_up_without_a_wrong_number() -> None:
    end = EscalationEnd(EndReason.EXHAUSTED, (), (), "20 blocks of 16K (order 2) free after all steps, 10 wanted")
    state = run_ended(replace(POLICY, give_up=1), GuardState(0), end, 1.0)
    assert state.stopped is not None and "-" not in state.stopped.replace("drop-", "")


def test_the_sentences_name_the_floor() -> None:
    text = " ".join(sentence for _, sentence in guard_sentences(POLICY, 4096))
    assert "less than 8G of memory" in text and "of memory" not in str(guard_sentences(Policy(), 4096))


@pytest.mark.parametrize(
    "text",
    ["", "0", "soon", "unit:", "unit:-x", "unit:a b", "unit:*", "pid:", "pid:0", "pid:-1", "pid:99999999", "log:",
     "log:x", "log:x:", "log::x", "log:x:a\x1b", "log:x:" + "y" * 1001, "port:80"],
)  # fmt: skip
def test_what_names_no_end_is_wrong_usage(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_phase(text)


def test_a_time_ends_a_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    over = parse_phase("20m").watch(Path("/"))
    now += 1199.9
    assert over() is None
    now += 0.2
    assert over() == "20m00s have passed"


def test_the_end_of_a_process_ends_a_phase_and_another_of_that_pid_does_not_prolong_it(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    over = parse_phase(f"pid:{child.pid}").watch(Path("/"))
    assert over() is None
    child.kill()
    deadline = time.monotonic() + 10
    while over() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert over() == f"process {child.pid} has ended", "also while nobody has waited for it"
    child.wait()
    (tmp_path / "proc/7").mkdir(parents=True)
    stat = tmp_path / "proc/7/stat"
    stat.write_text("7 (a) b) S " + "1 " * 18 + "500 0\n")
    over = parse_phase("pid:7").watch(tmp_path)
    assert over() is None
    stat.write_text("7 (a) b) S " + "1 " * 18 + "501 0\n")
    assert over() is not None
    with pytest.raises(CannotWatch, match="no process 8"):
        parse_phase("pid:8").watch(tmp_path)


def test_a_unit_that_is_active_or_failed_ends_a_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[str | Exception] = []

    def state(_: Path, unit: str) -> str:
        assert unit == "vllm.service"
        found = states.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(until, "unit_state", state)
    monkeypatch.setattr(until, "_UNIT_SECONDS", 0.0)
    for last in ("active", "failed"):
        states[:] = ["inactive", "activating", UnknownUse("no answer"), OSError("gone"), last]
        over = parse_phase("unit:vllm.service").watch(Path("/"))
        assert [over() for _ in range(3)] == [None] * 3, "unknown is not over"
        assert over() == f"unit vllm.service is {last}"
    states[:] = [UnknownUse("no bus")]
    with pytest.raises(CannotWatch, match="no bus"):
        parse_phase("unit:vllm.service").watch(Path("/"))


def appended(path: Path) -> Callable[[str], None]:
    def add(text: str) -> None:
        with path.open("a") as file:
            file.write(text)

    return add


def test_a_text_that_is_appended_to_a_log_ends_a_phase(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("an earlier startup complete\n")
    watch, add = LogWatch(str(path), "startup complete"), appended(path)
    assert watch.over() is None, "what was there before does not count"
    add("x" * (1 << 17) + " startup com")
    assert watch.over() is None
    add("plete\n")
    assert watch.over() == f"{path} contains the text 'startup complete'"


def test_a_log_that_is_rotated_or_cut_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("old\n" * 100)
    watch = LogWatch(str(path), "ready")
    path.rename(tmp_path / "job.log.1")
    assert watch.over() is None
    appended(tmp_path / "job.log.1")("not yet\n")
    path.write_text("rea")
    assert watch.over() is None
    appended(path)("dy\n")
    assert watch.over() is not None
    path.write_text("long\n" * 100)
    watch = LogWatch(str(path), "ready")
    path.write_text("is ready\n")
    assert watch.over() is not None


def test_a_log_that_cannot_be_opened_is_no_phase(tmp_path: Path) -> None:
    with pytest.raises(CannotWatch, match="no such file"):
        LogWatch(str(tmp_path / "none"), "x")


def test_a_folder_is_no_log_and_a_failed_read_ends_no_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotWatch, match="a directory"):
        LogWatch(str(tmp_path), "ready")
    path = tmp_path / "job.log"
    path.write_text("")
    watch = LogWatch(str(path), "ready")

    def stale(*_: int) -> bytes:
        raise OSError(errno.ESTALE, "stale file handle")

    with monkeypatch.context() as broken:
        broken.setattr("os.read", stale)
        assert watch.over() is None
    appended(path)("ready")
    assert watch.over() is not None


def test_a_flood_of_a_log_is_read_in_bounded_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(until, "_CHUNK", 64)
    monkeypatch.setattr(until, "_MAX_BYTES", 640)
    path = tmp_path / "job.log"
    path.write_text("")
    watch = LogWatch(str(path), "ready")
    appended(path)("y" * 1000 + "ready")
    assert watch.over() is None
    assert watch.over() is not None


def test_a_phase_that_cannot_be_seen_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    args = parse(["guard", "--dry-run", "--until", "pid:4194304"])
    assert verb.run(args) == 3
    said = capsys.readouterr()
    assert said.err == "fragtui guard: not guarding: there is no process 4194304\n" and not said.out


def test_the_guard_stops_when_the_first_phase_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "lock_directories", lambda root, audit: (tmp_path,))
    log = tmp_path / "job.log"
    log.write_text("")
    words = ["--until", f"log:{log}:it is: ready", "--until", "1h", "--free", "1K", "--interval", "0.1"]
    ended, append = threading.Event(), appended(log)

    def write() -> None:
        while not ended.wait(0.4):  # The first may come before it is watched.
            append("it is: ready\n")

    writer = threading.Thread(target=write)
    writer.start()
    args = parse(["guard", "--dry-run", "--blocks", "1", "--order", "0", "--audit", str(tmp_path / "a"), *words])
    try:
        assert verb.run(args) == 0
    finally:
        ended.set()
        writer.join()
    said = capsys.readouterr().out
    assert "guarding order 0: at least 1 blocks and 1K of memory (dry run)" in said
    assert said.splitlines()[-1].endswith(f"stopped: {log} contains the text 'it is: ready'; 0 runs until then")


def test_standard_input_is_a_log_and_its_end_is_the_end_of_the_phase() -> None:
    command = [sys.executable, "-m", "fragtui", "guard", "--dry-run", "--interval", "0.1", "--until", "log:-:ready"]
    for text, why in ((b"is ready\n", b"standard input contains the text"), (b"", b"standard input has ended")):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY)
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdout.readline()
            os.write(child.stdin.fileno(), text)
            if not text:
                child.stdin.close()
            assert why in child.stdout.read() and child.wait(10) == 0
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()  # type: ignore[union-attr]
