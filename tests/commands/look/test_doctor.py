"""Doctor lists every source with its proof or its reason, in time, and changes nothing."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.queues
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.commands.cli.own_command import own_command
from fragtui.commands.cli.parser import build, main
from fragtui.commands.look.doctor import diagnose
from fragtui.model.node.source_state import AS_ROOT, Sight, SourceState
from fragtui.remedies.audit.log import AuditLog
from fragtui.render.doctor_page import Diagnosis, doctor_json, doctor_lines
from fragtui.sources.files.host_files import HostFile
from tests.sources.pods.test_proof import entry, processes
from tests.sources.pods.test_runtime_log import journalctl
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.trusted import trusted_folder

KERNEL_LINE = "Nov 29 09:00:01 node kernel: eth0: up\n"
KUBELET_LINE = "I1129 09:00:00.000000 1 kubelet.go:1] hello\n"
T = TypeVar("T")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The saved files of a node, complete."""
    return complete(tmp_path)


def complete(root: Path) -> Path:
    tree = HostTree.small(root)
    tree.put("var/log/kern.log", KERNEL_LINE * 1204)
    tree.put("var/log/kubelet.log", KUBELET_LINE * 3)
    return root


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def diagnosed(*words: str) -> Diagnosis:
    return diagnose(build(["doctor"]).parse_args(["doctor", *words]))


def by_name(found: Diagnosis) -> dict[str, SourceState]:
    return {source.name: source for source in found.sources}


def test_a_complete_tree_lacks_nothing(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--root", str(saved)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "✓ buddyinfo     3 populated zones" in text
    assert "✓ kernel log    1,204 lines of kern.log" in text
    assert "✓ saved logs    3 lines of 1 file" in text
    assert "– drop caches   switched off for saved files" in text
    assert lines[-1] == "Nothing is missing."
    assert "TERM" in text and "codeset" in text and "colours" in text


def test_the_json_says_the_same(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--root", str(saved), "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    sources = {source["name"]: source for source in fields["sources"]}
    assert (fields["schema"], fields["status"], fields["unseen"], fields["stuck_pods"]) == (1, 0, [], "looked")
    assert sources["kernel log"]["proof"] == "1,204 lines of kern.log"
    assert sources["kernel log"]["sight"] == "looked" and sources["kernel log"]["reason"] is None
    assert set(sources) >= {"buddyinfo", "zoneinfo", "pagetypeinfo", "vmstat", "meminfo", "pressure", "saved logs"}


@pytest.mark.parametrize("name", ["zoneinfo", "pagetypeinfo", "vmstat", "meminfo", "pressure/memory", "buddyinfo"])
def test_a_missing_file_is_named_with_what_to_do(name: str, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (saved / "proc" / name).unlink()
    assert main(["doctor", "--root", str(saved)]) == (3 if name == "buddyinfo" else 1)
    words = " ".join(capsys.readouterr().out.split())
    shown = name.partition("/")[0]
    assert f"? {shown} could not look: " in words and "no such file or directory" in words
    assert f"save /proc/{name} of the node there" in words
    assert f"Missing: {shown}." in words
    assert ("Unknown therefore: the state of the memory." in words) == (name == "buddyinfo")


def test_a_tree_without_logs_has_unknown_lists(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("kern.log", "kubelet.log"):
        (saved / "var/log" / name).unlink()
    assert main(["doctor", "--root", str(saved)]) == 1
    words = " ".join(capsys.readouterr().out.split())
    assert "Unknown therefore: denied requests and stuck pods." in words
    (saved / "proc/buddyinfo").unlink()
    main(["doctor", "--root", str(saved)])
    words = " ".join(capsys.readouterr().out.split())
    assert "Unknown therefore: the state of the memory, denied requests and stuck pods." in words


def test_what_the_user_switched_off_is_not_missing(saved: Path) -> None:
    found = diagnosed("--root", str(saved), "--kernel-log", "none", "--kubelet-log", "none")
    assert found.log.sight is Sight.BLIND and found.log.state == "off"
    assert {"kernel log", "kubelet log"}.isdisjoint(source.name for source in found.missing)


def test_a_terminal_without_unicode_gets_none(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    (saved / "var/log/kern.log").unlink()
    main(["doctor", "--root", str(saved)])
    text = capsys.readouterr().out
    assert text.isascii()
    assert "+ buddyinfo     3 populated zones" in text and "? kernel log" in text and "- drop caches" in text


def test_a_child_that_hangs_does_not_delay_it(tmp_path: Path, programs: Path) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "var/log/journal").mkdir(parents=True)
    journalctl(programs, f"echo $$ >> {tmp_path}/pids; trap '' TERM INT HUP; while :; do sleep 1; done")
    began = time.monotonic()
    found = diagnosed("--root", str(tmp_path))
    assert time.monotonic() - began < 3
    states = by_name(found)
    assert states["kubelet log"].sight is states["kernel log"].sight is Sight.BLIND
    assert "no answer within 1.8 s" in states["kernel log"].cannot_tell
    assert found.status == 1
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 5
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        assert time.monotonic() < end, "a journalctl is left"
        time.sleep(0.05)
    assert pids


def test_a_read_that_blocks_does_not_delay_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = HostFile.read

    def slow(file: HostFile) -> str:
        if file.path.name == "zoneinfo":
            time.sleep(6)
        return read(file)

    monkeypatch.setattr(HostFile, "read", slow)
    began = time.monotonic()
    found = diagnosed("--root", str(saved))
    assert time.monotonic() - began < 3
    assert found.status == 3
    assert "zoneinfo: no answer within 1.8 s" in by_name(found)["buddyinfo"].cannot_tell


def test_an_empty_journal_and_no_kubelet_are_not_live(tmp_path: Path, programs: Path) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "var/log/journal").mkdir(parents=True)
    processes(tmp_path, "systemd", "kthreadd")
    journalctl(programs, 'case "$*" in *--follow*) trap exit TERM; while :; do sleep 0.05; done;; esac')
    states = by_name(diagnosed("--root", str(tmp_path)))
    assert states["kubelet log"].sight is Sight.NOTHING
    assert "no kubelet on this host" in states["kubelet log"].cannot_tell
    assert states["kernel log"].sight is Sight.BLIND


def test_a_journal_with_records_is_read(tmp_path: Path, programs: Path) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "var/log/journal").mkdir(parents=True)
    (programs / "entries").write_text(entry("kubelet") * 5)
    journalctl(programs, f"cat {programs}/entries; trap exit TERM; while :; do sleep 0.05; done")
    states = by_name(diagnosed("--root", str(tmp_path)))
    assert states["kernel log"].proof == "5 records of the last day"
    assert states["kubelet log"].proof == "5 lines"


def test_a_planted_program_is_not_run(tmp_path: Path, programs: Path) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "var/log/journal").mkdir(parents=True)
    journalctl(programs, f"touch {tmp_path}/ran")
    (programs / "journalctl").chmod(0o777)
    states = by_name(diagnosed("--root", str(tmp_path)))
    assert states["kernel log"].sight is Sight.BLIND, states
    assert Sight.LOOKED not in {states[name].sight for name in states if "log" in name}, states
    assert not (tmp_path / "ran").exists()


def test_it_writes_nothing_and_reads_pagetypeinfo_once(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> list[tuple[str, float]]:
        return sorted((str(path), path.lstat().st_mtime) for path in saved.rglob("*"))

    reads: list[str] = []
    read = HostFile.read

    def counted(file: HostFile) -> str:
        if file.path.is_relative_to(saved):  # A blocked read of an earlier test may end only now.
            reads.append(file.path.name)
        return read(file)

    monkeypatch.setattr(HostFile, "read", counted)
    before = state()
    diagnosed("--root", str(saved))
    assert state() == before
    assert reads.count("pagetypeinfo") == 1


@pytest.mark.slow
@as_root
def test_on_the_live_node_no_remedy_starts_and_no_audit_log_is_made(tmp_path: Path) -> None:
    def drops() -> list[str]:
        return [line for line in Path("/proc/vmstat").read_text().splitlines() if line.startswith("drop_")]

    before = drops()
    argv = [sys.executable, "-m", "fragtui", "doctor", "--json", "--audit", str(tmp_path / "new/audit.jsonl")]
    done = subprocess.run(argv, capture_output=True, cwd=REPOSITORY, check=False, timeout=20)
    fields = json.loads(done.stdout)
    assert done.returncode in (0, 1) and fields["status"] == done.returncode
    states: dict[str, dict[str, Any]] = {source["name"]: source for source in fields["sources"]}
    assert states["audit log"]["sight"] == "looked"
    assert states["buddyinfo"]["sight"] == states["pagetypeinfo"]["sight"] == "looked"
    assert not (tmp_path / "new").exists() and drops() == before


def as_nobody(call: Callable[[], T]) -> T:
    """Return what the call returns in a child without root."""
    context = multiprocessing.get_context("fork")
    results: multiprocessing.queues.SimpleQueue[T] = context.SimpleQueue()

    def run() -> None:
        os.seteuid(65534)
        results.put(call())

    worker = context.Process(target=run)
    worker.start()
    worker.join(30)
    assert worker.exitcode == 0
    return results.get()


@as_root
def test_without_root_each_unreadable_file_names_the_command() -> None:
    with trusted_folder() as root:
        complete(root)
        for name in ("proc/pagetypeinfo", "var/log/kern.log"):
            (root / name).chmod(0o400)

        def look() -> tuple[str, str, str, str, int]:
            states = by_name(found := diagnosed("--root", str(root)))
            types = states["pagetypeinfo"]
            return types.remedy, types.cannot_tell, types.state, found.log.cannot_tell, found.status

        remedy, why, state, log, status = as_nobody(look)
        assert (remedy, state, status) == (AS_ROOT, "refused", 1)
        assert why == f"{root}/proc/pagetypeinfo: no permission (needs root)"
        assert "no permission" in log


@as_root
def test_without_root_the_live_node_says_how_to_get_it() -> None:
    def look() -> tuple[str | None, list[str]]:
        found = diagnosed()
        return found.command, doctor_lines(found, 80)

    command, lines = as_nobody(look)
    text = "\n".join(lines)
    assert "not root" in lines[0]
    assert "? drop caches   unavailable: must be root: effective uid is 65534" in text
    assert f"sudo {command}" in text
    assert all(len(line) <= 80 or line.endswith(f"sudo {command}") for line in lines)


@as_root
def test_in_a_pod_nobody_is_sent_to_sudo_which_its_image_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    text = "\n".join(as_nobody(lambda: doctor_lines(diagnosed(), 80)))
    assert AS_ROOT in text and "sudo" not in text


def test_the_audit_log_is_tried_without_a_trace(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a/b/audit.jsonl")
    assert log.why_not_writable() is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "audit.jsonl").mkdir()
    assert "audit.jsonl" in str(AuditLog(tmp_path / "audit.jsonl").why_not_writable())
    (tmp_path / "file").touch()
    assert "not a directory" in str(AuditLog(tmp_path / "file/audit.jsonl").why_not_writable())


@pytest.mark.parametrize(
    ("program", "executable", "command"),
    [
        ("my tools/fragtui", True, "'{}/my tools/fragtui' --order 4"),
        ("fragtui.pyz", False, "{python} {}/fragtui.pyz --order 4"),
        ("fragtui/__main__.py", False, "{python} -m fragtui --order 4"),
    ],
)
def test_the_command_can_be_typed_again(
    program: str, executable: bool, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / program
    path.parent.mkdir(exist_ok=True)
    path.touch(0o755 if executable else 0o644)
    monkeypatch.setattr(sys, "argv", [str(path)])
    assert own_command(["--order", "4"]) == command.format(tmp_path, python=sys.executable)


texts = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=120)
states = st.builds(
    SourceState,
    st.sampled_from(["kernel log", "API", "x" * 13]),
    st.sampled_from(["live", "connecting", "nothing", "waiting", "absent", "refused", "off", "newer"]),
    texts,
    texts,
    st.sampled_from(["", AS_ROOT, "use --kubelet-log FILE"]),
)


@given(st.lists(states, max_size=6), states, st.integers(1, 200))
def test_any_states_fit_and_say_the_same_in_both_forms(
    sources: list[SourceState], log: SourceState, width: int
) -> None:
    found = Diagnosis(None, None, "/", 0, "fragtui", (), log, tuple(sources), (), (("TERM", "xterm"),))
    lines = doctor_lines(found, width)
    assert all(len(line) <= max(40, min(width, 80)) for line in lines)
    fields = doctor_json(found)
    assert fields["status"] == (1 if found.missing else 0)
    assert bool(found.missing) == any(line.startswith("Missing: ") for line in lines)
    if any(line.startswith("✓") for line in lines):
        assert any(source.state == "live" for source in (log, *sources))
