"""The screen on saved files: kernel and pod logs of any age are found in each layout."""

from __future__ import annotations

import gzip
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.sources.host.identity import tree_of
from fragtui.sources.host.vm_settings import read_vm_settings
from fragtui.sources.saved.readers import SavedKernelLog, SavedPods
from tests.support.guide_case import guide_case
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.places import REPOSITORY
from tests.support.terminal import terminal

TESTS = REPOSITORY / "tests"
KERNEL = (TESTS / "kernel/samples/kmsg-6.18-lab-1.txt").read_text()
KUBELET = (TESTS / "cluster/fixtures/unshare-kubelet.log").read_text()
YEARS_AGO = 1_700_000_000


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    os.utime(path, (YEARS_AGO, YEARS_AGO))


def sosreport(top: Path) -> None:
    put(top / "sos_commands/kernel/dmesg", KERNEL)
    put(top / "sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet", KUBELET)
    put(top / "sos_commands/kernel/sysctl_-a", "vm.min_free_kbytes = 67584\nvm.extfrag_threshold = 500\nx = y\n")


def must_gather(top: Path) -> None:
    put(top / "cluster-scoped-resources/core/nodes/web-3.yaml", "kind: Node\n")
    put(top / "nodes/web-3/dmesg", KERNEL)
    put(top / "nodes/web-3/web-3_logs_kubelet.gz", KUBELET)


def talos(top: Path) -> None:
    put(top / "web-3/dmesg.log", KERNEL)
    put(top / "web-3/service-logs/kubelet.log", KUBELET)


def eks(top: Path) -> None:
    put(top / "kernel/uname.txt", "Linux web-3 6.1.0 #1 SMP x86_64 GNU/Linux\n")
    put(top / "kernel/dmesg.current", KERNEL)
    put(top / "kubelet/kubelet.log", KUBELET)
    put(top / "sysctls/sysctl_all.txt", "vm.min_free_kbytes = 67584\n")


def host(top: Path) -> None:
    HostTree.small(top, FRAGMENTED)
    put(top / "var/log/dmesg", KERNEL)
    put(top / "var/log/kubelet.log", KUBELET)
    (top / "proc/sys/vm").mkdir()
    put(top / "proc/sys/vm/min_free_kbytes", "67584\n")


MAKERS = [sosreport, must_gather, talos, eks, host]
Maker = Callable[[Path], None]


@pytest.mark.parametrize("make", MAKERS)
def test_the_kernel_log_is_delivered_complete(tmp_path: Path, make: Maker) -> None:
    make(tmp_path / "bundle")
    heard: list[KernelLogUpdate] = []
    arrived = threading.Event()

    def hear(update: KernelLogUpdate) -> None:
        heard.append(update)
        arrived.set()

    SavedKernelLog(tree_of(tmp_path / "bundle"), hear).start()
    assert arrived.wait(10)
    (update,) = heard
    assert [incident.order for incident in update.incidents] == [10]
    assert update.problem is None
    assert "dmesg" in update.source


def test_a_must_gather_with_the_masters_service_logs_only(tmp_path: Path) -> None:
    put(tmp_path / "top/host_service_logs/masters/kubelet_service.log", KUBELET)
    update = SavedPods(tree_of(tmp_path)).read()
    assert {pod.name for pod in update.stuck.pods} == {"hostnet", "api-665b464898-g8dkn"}


def test_pods_handed_over_late_do_not_replace_those_linked_meanwhile(tmp_path: Path) -> None:
    tree = tree_of(guide_case(tmp_path))
    logged: list[KernelLogUpdate] = []
    read = threading.Event()

    def hear(update: KernelLogUpdate) -> None:
        logged.append(update)
        read.set()

    SavedKernelLog(tree, hear).start()
    assert read.wait(10)
    handed: list[PodUpdate] = []
    done = threading.Event()

    def take(update: PodUpdate) -> None:
        if threading.current_thread() is kernel:
            handed.append(update)
            return
        kernel.start()  # The kernel log is read while the first update is on its way.
        kernel.join(0.3)
        handed.append(update)
        done.set()

    pods = SavedPods(tree, take)
    kernel = threading.Thread(target=lambda: pods.kernel_update(logged[-1]))
    pods.start()
    assert done.wait(10)
    kernel.join(10)
    assert [pod.blame is not None for update in handed for pod in update.stuck.pods] == [False, True]


@pytest.mark.parametrize("make", MAKERS)
def test_pods_are_those_of_the_last_observation(tmp_path: Path, make: Maker) -> None:
    make(tmp_path / "bundle")
    update = SavedPods(tree_of(tmp_path / "bundle")).read()
    assert [(source.name, source.state) for source in update.sources] == [("saved logs", "live")]
    assert "kubelet" in update.sources[0].cannot_tell
    found = {pod.name for pod in update.stuck.pods}
    assert found == {"hostnet", "api-665b464898-g8dkn"}, "ten minutes of silence are counted from there"


@pytest.mark.parametrize("make", [sosreport, eks, host])
def test_the_settings_are_those_of_the_bundle(tmp_path: Path, make: Maker) -> None:
    make(tmp_path / "unpacked/bundle")
    assert read_vm_settings(tmp_path / "unpacked", 4096).min_free_kbytes == 67584


def test_an_unreadable_log_is_reported(tmp_path: Path) -> None:
    must_gather(tmp_path)
    log = tmp_path / "nodes/web-3/web-3_logs_kubelet.gz"
    log.write_bytes(log.read_bytes()[:200])
    (source,) = SavedPods(tree_of(tmp_path)).read().sources
    assert source.state == "absent"
    assert source.cannot_tell.endswith("web-3_logs_kubelet.gz: it is cut off")


def test_a_tree_without_logs_is_reported(tmp_path: Path) -> None:
    (source,) = SavedPods(tree_of(tmp_path)).read().sources
    assert (source.state, source.cannot_tell) == ("absent", "no log of kubelet or runtime among the saved files")


def test_an_archive_that_was_not_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sosreport-web-3.tar.xz").write_bytes(b"\xfd7zXZ\x00")
    assert main(["check", "--root", str(tmp_path)]) == 3
    assert "unpack it (tar -xf sosreport-web-3.tar.xz)" in capsys.readouterr().out


def test_the_report_lists_the_pods_of_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    must_gather(tmp_path)
    assert main(["report", "--root", str(tmp_path)]) == 0
    page = capsys.readouterr().out
    assert re.search(r"\| kube-system/hostnet +\|", page.replace("\\", ""))
    assert "pods that wait without an error" in page


def test_the_audit_log_of_a_bundle_is_found_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    top = tmp_path / "unpacked/bundle"
    host(top)
    put(top / "var/log/fragtui/audit.jsonl", "")
    assert main(["history", "--root", str(tmp_path / "unpacked")]) == 0
    assert str(top / "var/log/fragtui/audit.jsonl") in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("make", [must_gather, eks])
def test_the_screen_of_a_bundle_shows_its_failures_and_pods(tmp_path: Path, make: Maker) -> None:
    make(tmp_path / "bundle")
    with terminal("--root", str(tmp_path / "bundle")) as shown:
        shown.until(lambda text: "runc:[1:CHILD]" in text and "hostnet" in text, 20)
        shown.press("q")
        assert shown.wait() == 0
