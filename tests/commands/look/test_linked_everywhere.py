"""Screen, replay, report and explain link the same pod to the same kernel line, in any distribution over files."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.commands.cli.source_factory import joined_readers
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.player import Moment, Player
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.reader import read_recording
from tests.support.guide_case import guide_case
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.places import FIXTURES
from tests.support.pod_sink import until

DATED = 1_707_300_000
"""Feb 7, 2024: stamps without a year are of the day before."""
WHY = "runc:[1:CHILD] requested it for a new container"


def one_file(root: Path) -> Path:
    return guide_case(root)


def pod_first(root: Path) -> Path:
    return guide_case(root, pod_first=True)


def two_files(root: Path) -> Path:
    return guide_case(root, in_two_files=True)


def sosreport(root: Path) -> Path:
    tree = HostTree.small(root, FRAGMENTED)
    (root / "hostname").write_text("node-a7\n")
    dmesg = "sos_commands/kernel/dmesg_-T"
    kubelet = "sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet"
    for path, fixture in ((dmesg, "eof-dmesg.txt"), (kubelet, "eof-kubelet.log")):
        tree.put(path, (FIXTURES / fixture).read_text())
        os.utime(root / path, (DATED, DATED))
    return root


Case = Callable[[Path], Path]
every_case = pytest.mark.parametrize("make", [one_file, pod_first, two_files, sosreport])


def verdicts(update: PodUpdate) -> list[tuple[bool | None, list[str]]]:
    return [(pod.memory, [f"{link.confidence}: {link.why}" for link in pod.links]) for pod in update.stuck.pods]


def is_proven(update: PodUpdate | None) -> bool:
    if update is None or not update.stuck.pods:
        return False
    ((memory, links),) = verdicts(update)
    return memory is True and len(links) == 1 and links[0].startswith(f"proven: {WHY}")


@every_case
def test_explain(tmp_path: Path, make: Case, capsys: pytest.CaptureFixture[str]) -> None:
    logs = NodeReader(make(tmp_path)).tree.logs()
    assert main(["explain", "--json", *map(str, logs)]) == 0
    found = {each["kind"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    kernel, pod = found["allocation_failure"], found["sandbox_failure"]
    assert (kernel["linked"], pod["linked"], pod["memory"]) == ([pod["id"]], [kernel["id"]], True)
    assert f"blocked by kernel incident {kernel['id']} (proven): {WHY}" in pod["explanation"]
    assert "not proof" not in pod["explanation"]


@every_case
def test_report(tmp_path: Path, make: Case, capsys: pytest.CaptureFixture[str]) -> None:
    root = make(tmp_path)
    for full in (True, False):
        assert main(["report", "--root", str(root), *(["--full"] if full else [])]) == 0
        page = re.sub(r" +\|", " |", capsys.readouterr().out.replace("\\", ""))
        assert "not proof" not in page and "proves nothing" not in page
        requests, pods = page.split("## Stuck pods")
        blocked_by = f"(proven): {WHY}"
        assert requests.count(blocked_by) == (2 if full else 1), "of the kernel line, in full of the failed sandbox too"
        assert "- blocked by: kernel incident" in pods and blocked_by in pods
        assert "| container init died without an error message; the kernel denied it memory | denied (proven) |" in pods


@every_case
def test_screen(tmp_path: Path, make: Case) -> None:
    reader = NodeReader(make(tmp_path))
    options = argparse.Namespace(kernel_log="auto", kubelet_log="auto", kubeconfig=None)
    readers, updates = joined_readers(options, reader), list[PodUpdate]()
    log = readers.kernel_log(lambda _: None)
    log.start()
    pods = readers.pods(updates.append)
    pods.start()
    assert until(lambda: bool(updates) and is_proven(updates[-1])), verdicts(updates[-1])
    pods.stop()
    log.stop()


@pytest.mark.slow
@pytest.mark.parametrize("order", [{}, {"pod_first": True}, {"in_two_files": True}])
def test_replay(tmp_path: Path, order: dict[str, bool]) -> None:
    root, file = guide_case(tmp_path / "node", at=time.time() - 5, **order), tmp_path / "x.rec"
    assert main(["record", str(file), "--for", "2s", "--interval", "0.5", "--root", str(root)]) == 0
    moments: list[Moment] = []
    player = Player(read_recording(file), moments.append, pytest.fail)
    player.start()
    player.to_end()
    assert until(lambda: any(is_proven(moment.pods) for moment in moments), 10)
    player.stop()
