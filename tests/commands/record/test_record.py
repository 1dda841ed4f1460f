"""``fragtui record``: a file that can be read at any time, ended by time, by a signal, or by a full disk."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.reader import read_recording
from tests.support.host_tree import HostTree

QUIET = ("--kernel-log", "none", "--kubelet-log", "none")


def record(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fragtui", "record", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.slow
def test_record_stops_after_the_given_time(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host")
    file = tmp_path / "x.rec"
    status, out, err = done(record(file, "--root", tmp_path / "host", "--for", "1.2", "--interval", "0.2", *QUIET))
    assert status == 0, err
    found = read_recording(file)
    assert not found.damaged
    assert found.host.name == "node-7"
    assert 4 <= len(found.ticks) <= 8
    assert re.fullmatch(rf"{re.escape(str(file))}: {len(found.ticks)} samples in 1\.\ds, [\d.]+K\n", out)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    HostTree.small(tmp_path / "host")
    file = tmp_path / "x.rec"
    process = record(file, "--root", tmp_path / "host", "--interval", "0.2", "--name", "node-9", *QUIET)
    assert process.stderr is not None
    assert "Ctrl-C ends it" in process.stderr.readline()
    time.sleep(0.6)
    process.send_signal(number)
    status, _, err = done(process)
    assert (status, err) == (0, "")
    found = read_recording(file)
    assert found.host.name == "node-9"
    assert len(found.ticks) >= 2
    assert not found.damaged


@pytest.mark.slow
def test_killed_it_can_be_read_up_to_the_last_seconds(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host")
    file = tmp_path / "x.rec"
    process = record(file, "--root", tmp_path / "host", "--interval", "0.2", *QUIET)
    time.sleep(7.5)
    process.kill()
    process.communicate()
    found = read_recording(file)
    assert found.ticks[-1].at - found.ticks[0].at >= 4.5


@pytest.mark.slow
def test_a_recording_holds_logs_and_remedies(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host")
    log, audit, file = tmp_path / "kern.log", tmp_path / "audit.jsonl", tmp_path / "x.rec"
    log.write_text("")
    process = record(file, "--root", tmp_path / "host", "--interval", "0.2", "--for", "3", "--audit", audit,
                     "--kernel-log", log, "--kubelet-log", "none")  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(0.8)
    with log.open("a") as more:
        more.write("<4>[  100.000000] runc:[1:CHILD]: page allocation failure: order:6, mode:0x40dc0"
                   "(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), nodemask=(null)\n")  # fmt: skip
    with audit.open("a") as more:
        more.write(json.dumps({"v": 1, "kind": "intent", "id": "a"}) + "\n")
    assert done(process)[0] == 0
    found = read_recording(file)
    log_of = RecordedLog()
    updates = [update for event in found.events if event.kind == "L" and (update := log_of.update(event)) is not None]
    incidents = [incident for update in updates for incident in update.incidents]
    assert [(incident.comm, incident.order) for incident in incidents] == [("runc:[1:CHILD]", 6)]
    assert [json.loads(str(event.facts[0]))["id"] for event in found.events if event.kind == "R"] == ["a"]


@pytest.mark.slow
def test_a_file_that_can_not_be_made_gets_one_line(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    for path, why in ((there, "file exists"), (tmp_path / "no/x.rec", "no such file or directory"), (tmp_path, "")):
        status, out, err = done(record(path, "--for", "1", *QUIET))
        assert (status, out) == (1, "")
        assert err.startswith(f"fragtui record: can't write {path}: {why}")
        assert err.count("\n") == 1
    assert there.read_text() == "mine"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_ends_it_with_one_line(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (disk / "fill").write_bytes(b"x" * 4096)
        file = disk / "x.rec"
        status, out, err = done(record(file, "--root", tmp_path / "host", "--for", "60", *QUIET))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == f"fragtui record: can't write {file}: no space left on device"


@pytest.mark.slow
def test_a_time_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    for words in ("soon", "-1", "0", "10x"):
        status, _, err = done(record(tmp_path / "x.rec", f"--for={words}"))
        assert status == 2
        assert "expected a time such as 90s, 10m or 2h" in err


@pytest.mark.slow
def test_recording_never_imports_textual(tmp_path: Path) -> None:
    code = (
        "import sys; from fragtui.commands.cli.parser import main; "
        f"main(['record', {str(tmp_path / 'x.rec')!r}, '--for', '0.5', *{QUIET!r}]); "
        "print([name for name in sys.modules if name.split('.')[0] in ('textual', 'rich')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
