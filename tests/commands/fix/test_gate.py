"""``fragtui gate`` on trees of files, and with a harmless ladder; real remedies are tested in the lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from fragtui.commands.cli.parser import main
from fragtui.commands.fix import gate
from fragtui.commands.fix.gate_steps import DEFAULT_STEPS, gate_remedies, with_current_wake
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result
from fragtui.remedies import escalation, runner
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import RECLAIM, Action, Remedy, RemedyStep
from fragtui.remedies.lock import NodeLock
from fragtui.sources.host.in_use import InUse
from tests.support.cgroup_tree import put_v2
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree, ZoneFacts
from tests.support.places import REPOSITORY

NAMED = "reclaim-cgroup, sync, drop-page-cache"
FILTER = f"proc/{os.getpid()}/coredump_filter"


def tree_of(root: Path, *blocks: tuple[int, ...]) -> HostTree:
    tree = HostTree(root, [ZoneFacts(node, "Normal", counts) for node, counts in enumerate(blocks)])
    tree.write()
    return tree


def answer_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    status = main(["gate", "-o", "json", *words])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return status, json.loads(out)


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("1810x2M",), 0, "ready: 1810 blocks of 2M (order 9) available, 1810 needed"),
        (
            ("1811x2M",),
            4,
            "busy: 1810 blocks of 2M (order 9) available, 1811 needed; drop-caches-1 would gain 0 to 2019 blocks\n",
        ),
        (
            ("9999x2M",),
            4,
            "busy: 1810 blocks of 2M (order 9) available, 9999 needed; all remedies together would gain 370 to 2023",
        ),
        (
            ("1x2M", "--node", "1"),
            4,
            "busy: 0 blocks of 2M (order 9) available, 1 needed on NUMA node 1; drop-caches-1 would gain 0 to ",
        ),
        (
            ("1x2M", "--node", "7"),
            3,
            "unknown: 1 block of 2M (order 9) needed on NUMA node 7; no NUMA node 7 here, only 0, 1",
        ),
        (
            ("1x32M",),
            3,
            "unknown: 1 block of 32M (order 13) needed; no order 13 here; the largest block of this kernel",
        ),
        (("1x2K",), 3, "unknown: 1 block of 2K needed; pages have 4K here"),
        (("9x2M", "--free", "30G"), 4, "busy: 1810 blocks of 2M (order 9) available, 9 needed; free memory "),
        (
            ("9x2M", "--free", "8G"),
            4,
            "busy: 1810 blocks of 2M (order 9) available, 9 needed; free memory 6.19G, 8G needed; drop-caches-1 ",
        ),
        (("9x2M", "--free", "1G", "--wait", "9s"), 0, "ready: "),
    ],
)
def test_the_answer_on_saved_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, line: str
) -> None:
    tree = tree_of(tmp_path, HEALTHY, FRAGMENTED)
    assert main(["gate", "--root", str(tree.root), "--need", *words]) == status
    said = capsys.readouterr()
    assert said.out.startswith(line) and said.out.count("\n") == 1 and not said.err


def test_the_answer_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tree_of(tmp_path, HEALTHY, FRAGMENTED)
    status, fields = answer_of(capsys, "--root", str(tree.root), "--need", "1811x2M", "--free", "1G")
    assert status == 4 and fields["schema"] == 1 and fields["result"] == "busy" and fields["remedies"] == []
    assert fields["need"] == {"blocks": 1811, "size": 2 << 20, "order": 9, "numa_node": None, "free": 1 << 30}
    have, forecast = fields["have"], fields["forecast"]
    assert isinstance(have, dict) and isinstance(forecast, dict)
    assert have["blocks"] == have["possible"] == 1810 and have["free"] > 1 << 30
    assert have["numa_nodes"] == [{"numa_node": 0, "blocks": 1810}, {"numa_node": 1, "blocks": 0}]
    assert forecast["low"] <= forecast["blocks"] <= forecast["high"] and forecast["blocks"] > 0
    (tmp_path / "proc/buddyinfo").unlink()
    status, fields = answer_of(capsys, "--root", str(tree.root), "--need", "1x2M")
    assert status == 3 and fields["result"] == "unknown" and "buddyinfo" in str(fields["why"])
    assert fields["have"] == {"blocks": None, "possible": None, "free": fields["have"]["free"], "numa_nodes": None}  # type: ignore[index]


def test_without_migratetypes_cma_blocks_are_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tree_of(tmp_path, HEALTHY)
    (tmp_path / "proc/pagetypeinfo").unlink()
    zoneinfo = tmp_path / "proc/zoneinfo"
    cma = f"  {900 * 1024}"
    zoneinfo.write_text(
        zoneinfo.read_text().replace("nr_free_cma  0", "nr_free_cma" + cma).replace("cma      0", "cma   " + cma)
    )
    status, fields = answer_of(capsys, "--root", str(tree.root), "--need", "11x2M")
    assert (status, fields["result"]) == (4, "busy")
    zoneinfo.write_text(zoneinfo.read_text().replace(cma, f"  {400 * 1024}"))
    status, fields = answer_of(capsys, "--root", str(tree.root), "--need", "1000x2M")
    assert (status, fields["result"]) == (3, "unknown") and "pagetypeinfo" in str(fields["why"])


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--need", "200"),
        ("--need", "0x2M"),
        ("--need", "5x3M"),
        ("--need", "5x2m"),
        ("--need", "99999x1T"),
        ("--need", "1x2M", "--unless-port", "80"),
        ("--need", "1x2M", "--steps", "sync"),
        ("--need", "1x2M", "--heal", "--steps", "sync,reboot"),
        ("--need", "1x2M", "--heal", "--unless-port", "65536"),
        ("--need", "1x2M", "--heal", "--unless-unit", "--help"),
        ("--need", "1x2M", "--heal", "--unless-process", "/bin/sh"),
        ("--need", "1x2M", "--wait", "2d"),
        ("--need", "1x2M", "--heal", "-q"),
        ("--need", "1x2M", "--order", "3"),
    ],
)
def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    tree = tree_of(tmp_path, HEALTHY)
    try:
        status = main(["gate", *words, "--root", str(tree.root)])
    except SystemExit as left:
        status = int(left.code or 0)
    said = capsys.readouterr()
    assert status == 2 and not said.out and said.err.startswith("fragtui gate: ") and said.err.count("\n") == 1


def test_saved_files_get_no_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tree_of(tmp_path, FRAGMENTED)
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    (tmp_path / "proc/sys/vm/drop_caches").write_text("0")
    words = ("--need", "1x2M", "--heal", "--root", str(tmp_path), "--audit", str(tmp_path / "audit"))
    status, fields = answer_of(capsys, *words)
    assert (status, fields["result"]) == (4, "busy") and "no remedy can run: " in str(fields["why"])
    assert (tmp_path / "proc/sys/vm/drop_caches").read_text() == "0" and not (tmp_path / "audit").exists()
    assert tree.ticks == 1


def test_it_waits_until_there_are_enough_blocks_or_the_time_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_POLL_SECONDS", 0.05)
    tree = tree_of(tmp_path, FRAGMENTED)
    start = time.monotonic()
    assert answer_of(capsys, "--root", str(tmp_path), "--need", "1x2M", "--wait", "0.3s")[0] == 4
    assert time.monotonic() - start >= 0.3

    def end_of_the_job() -> None:
        tree.zones[0].free_blocks = HEALTHY
        tree.write()

    timer = threading.Timer(0.3, end_of_the_job)
    timer.start()
    status, fields = answer_of(capsys, "--root", str(tmp_path), "--need", "1x2M", "--wait", "20s")
    timer.join()
    assert (status, fields["result"]) == (0, "ready")


def test_a_user_who_may_only_sync_gets_no_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tree_of(tmp_path, FRAGMENTED)
    monkeypatch.setattr(gate, "disabled_because", lambda remedy, *_: None if remedy.id == "sync" else "must be root")
    status, fields = answer_of(capsys, "--root", str(tree.root), "--need", "1x2M", "--heal")
    assert (status, fields["why"], fields["remedies"]) == (4, "no remedy can run: must be root", [])


def test_a_signal_ends_the_wait_without_an_answer(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, FRAGMENTED)
    command = [sys.executable, "-m", "fragtui", "gate", "--root", str(tree.root), "--need", "1x2M", "--wait", "1m"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        status = Path(f"/proc/{child.pid}/status")
        end = time.monotonic() + 20
        # SIGTERM is in the mask of the signals that it catches.
        while not int(status.read_text().partition("SigCgt:")[2].split()[0], 16) & 1 << signal.SIGTERM - 1:
            assert time.monotonic() < end
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=10) == ("", "fragtui gate: aborted\n") and child.returncode == 130
    finally:
        child.kill()


STEPS = ["first", "second", "third"]


def harmless(*names: str) -> tuple[Remedy, ...]:
    return tuple(
        Remedy(name, name, (RemedyStep(Action.WRITE, FILTER, "0x33"),), Effect(page_cache=True), "", "")
        for name in names
    )


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostTree]:
    """A fragmented node whose ladder is one harmless write to a setting of this process."""
    monkeypatch.setattr(RemedyStep, "target", lambda self, _: Path("/") / self.path)
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: harmless("harmless"))
    for module in (gate, runner):
        monkeypatch.setattr(module, "lock_directories", lambda root, audit: (tmp_path,))
    monkeypatch.setattr(escalation, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(gate, "_POLL_SECONDS", 0.05)
    before = Path("/", FILTER).read_text()
    yield tree_of(tmp_path / "host", FRAGMENTED)
    Path("/", FILTER).write_text("0x" + before)


def heal(capsys: pytest.CaptureFixture[str], node: HostTree, *words: str) -> tuple[int, dict[str, object]]:
    where = ("--root", str(node.root), "--audit", str(node.root.parent / "audit.jsonl"))
    return answer_of(capsys, *where, "--need", "100x2M", "--heal", "-y", *words)


def entries(node: HostTree) -> list[object]:
    return list(AuditLog(node.root.parent / "audit.jsonl").read().entries)


def test_remedies_run_logged_until_the_need_is_met(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = runner.RemedyRun.poll

    def poll(self: runner.RemedyRun) -> object:
        if (outcome := original(self)) is not None:
            node.zones[0].free_blocks = HEALTHY
            node.write()
        return outcome

    monkeypatch.setattr(runner.RemedyRun, "poll", poll)
    status, fields = heal(capsys, node)
    assert (status, fields["result"], fields["remedies"]) == (0, "healed", ["harmless"])
    intent, ended = entries(node)[:2]
    assert isinstance(intent, IntentEntry) and (intent.by, intent.order, intent.blocks) == ("gate", 9, 0)
    assert isinstance(ended, EndEntry) and ended.result is Result.DONE
    status, fields = heal(capsys, node)
    assert (status, fields["result"], fields["remedies"]) == (0, "ready", [])


def test_without_a_terminal_and_yes_nothing_runs(node: HostTree, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--root", str(node.root), "--audit", str(node.root.parent / "audit.jsonl"), "--need", "100x2M", "--heal")
    assert main(["gate", *words]) == 2
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("busy: 0 blocks of 2M") and "--yes runs it" in said.err
    assert "  writes '0x33' to " in said.err and "Logged to " in said.err and not entries(node)


def test_remedies_that_could_not_run_when_it_was_asked_do_not_run_unasked_later(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--root", str(node.root), "--audit", str(node.root.parent / "audit.jsonl"), "--need", "100x2M", "--heal")
    blocks = node.root / "proc/buddyinfo"
    text = blocks.read_text()
    blocks.unlink()
    timer = threading.Timer(0.3, lambda: blocks.write_text(text))
    timer.start()
    status, fields = answer_of(capsys, *words, "--wait", "1.5s")
    timer.join()
    assert (status, fields["result"], fields["remedies"]) == (4, "busy", [])
    assert fields["why"] == "no remedy runs: not confirmed at the start: harmless" and not entries(node)

    def remedies(self: gate._Gate, _: object) -> tuple[Remedy, ...]:
        return harmless("drop", "compact") if self._confirmed else harmless("drop")

    monkeypatch.setattr(gate._Gate, "_remedies", remedies)
    monkeypatch.setattr(gate, "answer", lambda *_: "yes")
    status, fields = answer_of(capsys, *words)
    assert status == 4 and fields["why"] == "no remedy runs: not confirmed at the start: compact" and not entries(node)


def test_kcompactd_is_woken_with_the_value_that_its_setting_has_at_the_start_of_the_run(tmp_path: Path) -> None:
    setting = tmp_path / "proc/sys/vm/compaction_proactiveness"
    setting.parent.mkdir(parents=True)
    setting.write_text("20\n")
    confirmed = gate_remedies(DEFAULT_STEPS, tmp_path, None)
    setting.write_text("60\n")
    texts = [
        [step.text for remedy in remedies if remedy.effect.gentle for step in remedy.steps]
        for remedies in (confirmed, with_current_wake(confirmed, tmp_path))
    ]
    assert texts == [["20"], ["60"]]


def test_if_all_remedies_ran_and_enough_is_free_in_pieces_a_reboot_is_required(
    node: HostTree, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    status, fields = heal(capsys, node, "--wait", "1m")
    assert (status, fields["result"], fields["remedies"]) == (5, "reboot-required", ["harmless"])
    assert "in pieces" in str(fields["why"]) and time.monotonic() - start < 20


@pytest.mark.parametrize(("anon", "result"), [(30_000_000, "busy"), (1000, "reboot-required")])
def test_if_memory_is_in_use_it_depends_on_who_holds_it(
    node: HostTree, capsys: pytest.CaptureFixture[str], anon: int, result: str
) -> None:
    meminfo = node.root / "proc/meminfo"
    meminfo.write_text(meminfo.read_text() + f"AnonPages: {anon} kB\n")
    assert heal(capsys, node, "--free", "15G")[1]["result"] == result


def test_what_must_be_freed_is_unknown_without_watermarks_and_requires_no_reboot(
    node: HostTree, capsys: pytest.CaptureFixture[str]
) -> None:
    (node.root / "proc/zoneinfo").unlink()
    meminfo = node.root / "proc/meminfo"
    meminfo.write_text(meminfo.read_text() + "AnonPages: 1000 kB\n")
    status, fields = heal(capsys, node)
    assert (status, fields["result"]) == (4, "busy") and "what must be freed is unknown" in str(fields["why"])


def test_every_step_runs_one_after_another_and_a_signal_between_two_ends_them(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: harmless(*STEPS))
    status, fields = heal(capsys, node)
    assert (status, fields["remedies"]) == (5, STEPS)
    intents = [entry for entry in entries(node) if isinstance(entry, IntentEntry)]
    assert [intent.remedy for intent in intents] == STEPS and len({i.run for i in intents}) == 1
    # While the gain of the first step is measured only the gate itself catches signals.
    monkeypatch.setattr(escalation, "SETTLE_SECONDS", 3.0)
    count = len(intents)

    def interrupt() -> None:
        while len([entry for entry in entries(node) if isinstance(entry, EndEntry)]) <= count:
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    where = ("--root", str(node.root), "--audit", str(node.root.parent / "audit.jsonl"))
    assert main(["gate", *where, "--need", "100x2M", "--heal", "-y"]) == 130
    thread.join()
    assert "aborted" in capsys.readouterr().err
    assert len([entry for entry in entries(node) if isinstance(entry, IntentEntry)]) == count + 1


def test_no_reboot_is_required_before_a_step_that_was_left_out_has_run(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Choosy(escalation.Escalation):
        """Leaves out its first step, as a forecast may, unless it must run."""

        def advance(self, snapshot: Snapshot) -> escalation.EscalationEnd | None:
            if not self._always and len(self._left) == 2:
                self._skipped.append(f"{self._left.pop(0).id}: forecast 0 blocks")
            return super().advance(snapshot)

    monkeypatch.setattr(gate, "Escalation", Choosy)
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: harmless(*STEPS[:2]))
    status, fields = heal(capsys, node)
    assert (status, fields["remedies"]) == (5, ["second", "first"])


NOTHING = InUse((), ())


@pytest.mark.parametrize(
    ("found", "status"),
    [(InUse(("port 80 is listened on",), ()), 4), (InUse((), ("whether port 80 is in use is unknown",)), 3)],
)
@pytest.mark.parametrize(("states", "ran"), [([NOTHING], []), ([NOTHING] * 2, ["first"]), ([NOTHING] * 3, STEPS[:2])])
def test_what_comes_to_life_between_two_steps_ends_the_climb(
    node: HostTree,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    found: InUse,
    status: int,
    states: list[InUse],
    ran: list[str],
) -> None:
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: harmless(*STEPS))
    answers = iter([*states, found])
    monkeypatch.setattr(gate, "in_use", lambda *_: next(answers))
    got, fields = heal(capsys, node, "--unless-port", "80")
    assert (got, fields["remedies"]) == (status, ran) and "port 80" in str(fields["why"])
    assert [entry.remedy for entry in entries(node) if isinstance(entry, IntentEntry)] == ran
    assert next(answers, None) is None, "nothing is asked once the climb has ended"


def test_a_climb_that_was_ended_between_two_steps_goes_on_later(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: harmless(*STEPS))
    monkeypatch.setattr(gate._Verdict.__new__, "__defaults__", (0.1,))
    answers = iter([NOTHING, NOTHING, InUse(("port 80 is listened on",), ())])
    monkeypatch.setattr(gate, "in_use", lambda *_: next(answers, NOTHING))
    status, fields = heal(capsys, node, "--unless-port", "80", "--wait", "20s")
    assert (status, fields["remedies"]) == (5, ["first", *STEPS])


def test_a_step_that_is_not_allowed_requires_no_reboot(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RemedyStep(Action.WRITE, FILTER, "0x33")
    able = Remedy("able", "Able", (write,), Effect(page_cache=True), "", "")
    disabled = Remedy("other", "Other", (write,), Effect(compact=True), "", "", disabled_reason="no such thing")
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: (able, disabled))
    status, fields = heal(capsys, node)
    assert (status, fields["remedies"]) == (4, ["able"]) and "no such thing" in str(fields["why"])


@pytest.mark.parametrize(
    ("words", "nearest"),
    [((), ["sync-compact-node-0", "sync-compact-node-1"]), (("--node", "1"), ["sync-compact-node-1"])],
)
def test_the_ladder_is_that_of_the_screen_and_compacts_only_the_numa_node_that_is_asked_for(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    nearest: list[str],
) -> None:
    seen: list[str] = []
    tree = tree_of(tmp_path, FRAGMENTED, FRAGMENTED)
    for node in "01":
        (tmp_path / f"sys/devices/system/node/node{node}").mkdir(parents=True)

    def disabled(remedy: Remedy, *_: object) -> str:
        seen.append(remedy.id)
        return "a test"

    monkeypatch.setattr(gate, "disabled_because", disabled)
    assert answer_of(capsys, "--root", str(tree.root), "--need", "9x2M", "--heal", "-y", *words)[0] == 4
    ladder = ["nudge-kcompactd", *nearest, "drop-caches-1", "drop-caches-2", "sync-compact"]
    assert list(dict.fromkeys(seen)) == ladder
    put_v2(tmp_path, "pod", 1 << 20)
    seen.clear()
    status, fields = answer_of(capsys, "--root", str(tree.root), "--need", "9x2M", "--heal", "-y", "--steps", NAMED)
    assert status == 4 and list(dict.fromkeys(seen)) == [RECLAIM, "drop-caches-1"], "only if it is named"
    steps = cast("list[dict[str, object]]", fields["steps"])
    assert [step["remedy"] for step in steps] == ["sync", RECLAIM, "drop-caches-1"]
    assert [step["suffices"] for step in steps] == [False, False, True] and steps[2]["high"]
    seen.clear()
    answer_of(capsys, "--root", str(tree.root), "--need", "1x4K", "--free", "30G", "--heal", "-y")
    assert list(dict.fromkeys(seen)) == ["drop-caches-1", "drop-caches-2"], "compaction frees no memory"


def test_steps_that_others_include_need_not_run_before_a_reboot_but_those_left_out_by_the_user_do(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = harmless("one")
    cgroup = replace(one, id=RECLAIM, effect=Effect(page_cache=True, reclaim=1), disabled_reason="it is gone")
    gentle = replace(one, id="gentle", effect=Effect(gentle=True), disabled_reason="before 5.15")
    nearest = replace(one, id="nearest", effect=Effect(compact=True, node=0), disabled_reason="no NUMA")
    all_memory = replace(one, id="all", effect=Effect(compact=True))
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: (gentle, nearest, cgroup, one, all_memory))
    status, fields = heal(capsys, node)
    assert (status, fields["remedies"]) == (5, ["one", "all"])
    status, fields = heal(capsys, node, "--steps", "sync,drop-page-cache,compact")
    assert status == 4 and "--steps leaves out drop-slab" in str(fields["why"])
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: (gentle, nearest, one))
    status, fields = heal(capsys, node)
    assert status == 4 and "before 5.15; no NUMA" in str(fields["why"])


def test_a_remedy_that_failed_requires_no_reboot(
    node: HostTree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Remedy("wrong", "Wrong", (RemedyStep(Action.WRITE, FILTER, "nonsense"),), Effect(page_cache=True), "", "")
    monkeypatch.setattr(gate._Gate, "_remedies", lambda *_: (wrong,))
    status, fields = heal(capsys, node)
    assert (status, fields["result"]) == (4, "busy") and "EINVAL" in str(fields["why"])


@pytest.mark.parametrize(
    ("used", "status", "result"),
    [
        (InUse(("port 80 is listened on",), ()), 4, "busy"),
        (InUse((), ("whether unit a is in use is unknown",)), 3, "unknown"),
    ],
)
def test_no_remedy_runs_beside_what_lives_or_may_live(
    node: HostTree,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    used: InUse,
    status: int,
    result: str,
) -> None:
    asked: list[object] = []

    def found_in_use(*words: object) -> InUse:
        asked.append(words[1:])
        return used

    monkeypatch.setattr(gate, "in_use", found_in_use)
    words = ("--unless-unit", "a", "--unless-unit", "b", "--unless-port", "80", "--unless-process", "vllm")
    found, fields = heal(capsys, node, *words)
    assert (found, fields["result"], fields["remedies"]) == (status, result, [])
    assert str((*used.live, *used.unknown)[0]) in str(fields["why"])
    assert asked == [(["a", "b"], [80], ["vllm"])] and not entries(node)


def test_one_gate_and_one_remedy_at_a_time(node: HostTree, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("gate", "remedy"):
        lock = NodeLock.take(name, (node.root.parent,), "another")
        status, fields = heal(capsys, node)
        lock.release()
        assert (status, fields["result"], fields["remedies"]) == (4, "busy", []) and "another" in str(fields["why"])
    assert not entries(node)


def test_without_an_audit_log_no_remedy_runs(node: HostTree, capsys: pytest.CaptureFixture[str]) -> None:
    status, fields = heal(capsys, node, "--audit", "/proc/none/audit")
    assert (status, fields["result"], fields["remedies"]) == (4, "busy", []) and "audit log" in str(fields["why"])


def test_read_only_and_the_sites_policy_hold(node: HostTree, capsys: pytest.CaptureFixture[str]) -> None:
    status, fields = heal(capsys, node, "--read-only")
    assert (status, fields["remedies"]) == (4, []) and "--read-only" in str(fields["why"])
    (node.root / "etc/fragtui").mkdir(parents=True)
    for policy, why in (
        ("read_only = true", "read_only in "),
        ('allowed_remedies = ["compact"]', "allows only compact"),
        ('confirm = "type"', "the node's name typed"),
    ):
        (node.root / "etc/fragtui/config.toml").write_text(policy + "\n")
        status, fields = heal(capsys, node)
        assert (status, fields["remedies"]) == (4, []) and why in str(fields["why"]), policy
    assert not entries(node)
