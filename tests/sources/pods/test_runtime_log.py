"""The logs of kubelet and runtime, followed: from before the start, through rotation, and in a flood."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from fragtui.cluster.observation import PodFact
from fragtui.sources.pods import paced_reader
from fragtui.sources.pods.paced_reader import PacedReader
from fragtui.sources.pods.runtime_log import NOTHING, SOURCE_NAME, RuntimeLog, unit_journal_command
from tests.support.pod_sink import CollectingSink, until
from tests.support.trusted import programs_in, trusted_folder

UID = "cdf499e7-4060-46d6-9f6f-e85ffadf0cbc"


def failure(name: str, sandbox: int, moment: float | None = None) -> str:
    stamp = time.strftime("%m%d %H:%M:%S", time.localtime(moment or time.time()))
    return (
        f'E{stamp}.100000   29426 manager.go:1353] "CreatePodSandbox for pod failed" err="rpc error: code = '
        f'Unknown desc = failed to start sandbox \\"{sandbox:064x}\\": cannot allocate memory" pod="shop/{name}"\n'
    )


class Following:
    def __init__(self, root: Path, choice: str = "auto") -> None:
        self.sink = CollectingSink()
        self.log = RuntimeLog(root, self.sink, choice)

    def __enter__(self) -> CollectingSink:
        self.log.start()
        return self.sink

    def __exit__(self, *error: object) -> None:
        began = time.monotonic()
        self.log.stop()
        assert time.monotonic() - began < 2


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "var/log").mkdir(parents=True)
    return tmp_path / "var/log/kubelet.log"


def test_old_and_new_lines_are_reported_once(tmp_path: Path, log: Path) -> None:
    log.write_text(failure("before", 1))
    with Following(tmp_path) as sink:
        assert until(lambda: sink.stuck == ["before"])
        with log.open("a") as more:
            more.write(failure("after", 2))
        assert until(lambda: sink.stuck == ["after", "before"])
        assert len([each for each in sink.seen if each.fact is PodFact.FAILED]) == 2
        assert sink.last_state(SOURCE_NAME)[0] == "live" and str(log) in sink.last_state(SOURCE_NAME)[1]


def test_a_line_written_in_two_halves_is_one(tmp_path: Path, log: Path) -> None:
    log.write_text("")
    with Following(tmp_path) as sink, log.open("a") as more:
        assert until(lambda: sink.last_state(SOURCE_NAME)[0] == "waiting")
        line = failure("web", 1)
        more.write(line[:100])
        more.flush()
        time.sleep(0.5)
        more.write(line[100:])
        more.flush()
        assert until(lambda: sink.stuck == ["web"])


def test_rotation_loses_nothing(tmp_path: Path, log: Path) -> None:
    log.write_text(failure("one", 1))
    with Following(tmp_path) as sink:
        assert until(lambda: sink.stuck == ["one"])
        with log.open("a") as more:
            more.write(failure("two", 2))
        log.rename(log.with_suffix(".log.1"))
        log.write_text(failure("three", 3))
        assert until(lambda: sink.stuck == ["one", "three", "two"])


def test_klog_lines_without_a_transport_get_their_moment(tmp_path: Path, log: Path) -> None:
    moment = time.time() - 90
    log.write_text(failure("web", 1, moment))
    with Following(tmp_path) as sink:
        assert until(lambda: bool(sink.seen))
    seen = sink.seen[0].time
    assert seen is not None and abs(seen - moment) < 1.2


def test_syslog_files_are_read_where_there_is_no_journal(tmp_path: Path, log: Path) -> None:
    stamp = time.strftime("%b %e %H:%M:%S", time.gmtime())
    for name in ("messages", "syslog"):
        (log.parent / name).write_text(f"{stamp} node-1 kubelet[29426]: {failure(name, 1)}")
    with Following(tmp_path) as sink:
        assert until(lambda: {each.pod.name for each in sink.seen} == {"messages", "syslog"})


def test_a_missing_log_names_the_option_to_use(tmp_path: Path) -> None:
    with Following(tmp_path) as sink:
        assert until(lambda: sink.last_state(SOURCE_NAME) == ("absent", NOTHING))
    with Following(tmp_path, "none") as sink:
        assert until(lambda: sink.last_state(SOURCE_NAME) == ("off", "switched off by --kubelet-log none"))
    missing = str(tmp_path / "no.log")
    with Following(tmp_path, missing) as sink:
        assert until(lambda: sink.last_state(SOURCE_NAME) == ("absent", f"{missing}: no such file or directory"))


def journalctl(directory: Path, body: str) -> None:
    directory.mkdir(exist_ok=True)
    program = directory / "journalctl"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_journal_units_are_followed_and_a_dead_journalctl_is_started_again(tmp_path: Path, log: Path) -> None:
    (tmp_path / "var/log/journal").mkdir()
    text = failure("web", 1).rstrip("\n")
    entry = {"MESSAGE": text, "SYSLOG_IDENTIFIER": "kubelet", "_TRANSPORT": "stdout", "_PID": "7",
             "__REALTIME_TIMESTAMP": str(int(time.time() * 1e6))}  # fmt: skip
    (tmp_path / "entry").write_text(json.dumps(entry) + "\n")
    calls = tmp_path / "calls"
    with trusted_folder() as folder, programs_in(folder), Following(tmp_path) as sink:
        journalctl(folder, f'echo "$@" >> {tmp_path}/calls; cat {tmp_path}/entry; sleep 0.2')
        assert until(lambda: sink.stuck == ["web"])
        assert until(lambda: len(calls.read_text().splitlines()) >= 2, 20)
        time.sleep(1.0)
        assert len(calls.read_text().splitlines()) <= 5, "journalctl is started in a circle"
    asked = calls.read_text().splitlines()[0]
    assert "--follow" in asked and "_SYSTEMD_UNIT=k3s.service" in asked and f"--directory={tmp_path}" in asked


def test_the_journal_is_asked_for_every_unit() -> None:
    command = unit_journal_command(Path("/"))
    for unit in ("kubelet", "containerd", "docker", "crio", "k3s", "rke2-server", "snap.microk8s.daemon-kubelite"):
        assert f"_SYSTEMD_UNIT={unit}.service" in command


@pytest.mark.slow
def test_ten_thousand_lines_a_second_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = b"".join(
        b'I1124 05:14:59.189706   29426 reconciler.go:34] "operationExecutor.MountVolume started" pod="default/x%d"\n'
        % at
        for at in range(10_000)
    )
    reader = PacedReader()
    began = time.process_time()
    for _ in range(5):
        assert reader.read(noise) == ()
    assert time.process_time() - began < 5 * 0.15


@pytest.mark.slow
def test_a_flood_of_failures_is_sampled_and_counted() -> None:
    flood = "".join(failure(f"p{at % 50}", at) for at in range(20_000)).encode()
    reader = PacedReader()
    began = time.monotonic()
    sink = reader.read(flood)
    took = time.monotonic() - began
    assert len(sink) + reader.left_out == 20_000
    assert len(sink) <= paced_reader._PARSED_AT_ONCE + paced_reader._PARSED_A_SECOND * (took + 1)
    assert reader.left_out > 5_000
