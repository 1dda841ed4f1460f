"""Collections of support data as the node they were taken from."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.verdict import judge_node
from fragtui.model.node.watermark import Verdict
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.identity import read_host
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.tree import saved_tree
from fragtui.sources.saved.incidents import incidents_of
from fragtui.sources.saved.readers import SavedKernelLog
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.places import GENUINE

UNAME = "Linux web-3 5.14.0-427.el9.x86_64 #1 SMP PREEMPT_DYNAMIC Fri May 10 2024 x86_64 x86_64 x86_64 GNU/Linux\n"


def proc_files(tmp_path: Path) -> Path:
    tree = HostTree.small(tmp_path / "origin", FRAGMENTED)
    return tree.root / "proc"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def sosreport(tmp_path: Path) -> Path:
    """As plugins kernel, host and memory of sos 4 leave it: proc files, commands by plugin, links at the top."""
    top = tmp_path / "unpacked/sosreport-web-3-2026-01-01-abcdefg"
    proc = proc_files(tmp_path)
    for name in ("buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo", "vmstat", "pressure/memory"):
        put(top / "proc" / name, (proc / name).read_text())
    put(top / "sos_commands/kernel/uname_-a", UNAME)
    put(top / "sos_commands/kernel/dmesg", GENUINE.read_text())
    put(top / "sos_commands/host/hostname", "web-3\n")
    (top / "uname").symlink_to("sos_commands/kernel/uname_-a")
    return tmp_path / "unpacked"


def must_gather(tmp_path: Path) -> Path:
    top = tmp_path / "must-gather.local.1/quay-io-openshift-sha256-1"
    node = top / "nodes/web-3"
    put(top / "cluster-scoped-resources/core/nodes/web-3.yaml", "kind: Node\n")
    put(node / "dmesg", "[    0.000000] Linux version 5.14.0-427.el9.x86_64 (mock@x)\n" + GENUINE.read_text())
    with gzip.open(node / "web-3_logs_kubelet.gz", "wt") as log:
        log.write("-- Logs begin --\n")
    return tmp_path / "must-gather.local.1"


def talos(tmp_path: Path) -> Path:
    node = tmp_path / "support/web-3"
    put(node / "dmesg.log", "kern: notice: [2026-01-01T00:00:00.0Z]: Linux version 5.14.0-427.el9.x86_64 (x)\n")
    with (node / "dmesg.log").open("a") as log:
        log.write(GENUINE.read_text())
    put(node / "service-logs/kubelet.log", "")
    put(tmp_path / "support/kubernetesResources/nodes.yaml", "")
    return tmp_path / "support"


def eks(tmp_path: Path) -> Path:
    top = tmp_path / "eks_i-0123_2026"
    put(top / "kernel/uname.txt", UNAME)
    put(top / "kernel/dmesg.current", GENUINE.read_text())
    put(top / "kubelet/kubelet.log", "")
    return top


@pytest.mark.parametrize(
    ("make", "layout"),
    [
        (sosreport, "sosreport"),
        (must_gather, "must-gather"),
        (talos, "Talos support bundle"),
        (eks, "EKS log bundle"),
    ],
)
def test_node_kernel_page_size_and_failures_come_from_the_files(
    tmp_path: Path, make: Callable[[Path], Path], layout: str
) -> None:
    tree = saved_tree(make(tmp_path))
    assert tree.layout.name == layout
    host = read_host(tree.root, tree)
    assert (host.name, host.release) == ("web-3", "5.14.0-427.el9.x86_64")
    assert (host.page_size, host.page_size_assumed) == (4096, False)
    incidents, problems = incidents_of(tree.logs(), opener_of(tree.root, live=False))
    assert not problems
    assert any(each.incident.order for each in incidents)


def test_a_sosreport_is_judged_like_the_host_it_was_taken_from(tmp_path: Path) -> None:
    place = sosreport(tmp_path)
    theirs, ours = NodeReader(place).sample(), NodeReader(tmp_path / "origin").sample()
    assert theirs.zones == ours.zones
    assert theirs.page_types is not None
    assert judge_node(theirs, 4).kernel is judge_node(ours, 4).kernel is Verdict.FRAGMENTED
    assert not theirs.unreadable


@pytest.mark.parametrize("make", [must_gather, talos, eks])
def test_a_bundle_without_buddyinfo_is_unknown_and_its_log_speaks(
    tmp_path: Path, make: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    place = make(tmp_path)
    assert main(["check", "--root", str(place)]) == 3
    words = capsys.readouterr().out
    assert "no such file or directory" in words
    assert "Denied  runc:[1:CHILD] asked for 4M" in words


def test_a_bundle_of_several_nodes_needs_a_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = talos(tmp_path)
    shutil.copytree(place / "web-3", place / "web-4")
    assert main(["check", "--root", str(place)]) == 3
    assert "2 nodes, give one of them as --root: web-3, web-4" in capsys.readouterr().out
    assert read_host(place / "web-4").name == "web-4"


@pytest.mark.parametrize("name", ["buddyinfo", "buddyinfo.txt", "proc_buddyinfo"])
def test_a_folder_with_just_a_buddyinfo_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "saved" / name, (proc_files(tmp_path) / "buddyinfo").read_text())
    assert main(["check", "--order", "4", "--root", str(tmp_path / "saved")]) == 2
    words = capsys.readouterr().out
    assert "unnamed node, kernel unknown" in words
    assert "zoneinfo: no such file or directory" in words
    assert "page size: no file gives it; 4096 bytes assumed" in words


@pytest.mark.parametrize("size", [4096, 16384, 65536])
def test_the_page_size_follows_from_zoneinfo_and_meminfo(tree: HostTree, size: int) -> None:
    total = sum(zone.managed for zone in tree.zones) * size // 1024
    tree.put("proc/meminfo", f"MemTotal: {total} kB\nMemFree: 1 kB\n")
    host = read_host(tree.root)
    assert (host.page_size, host.page_size_assumed) == (size, False)
    tree.put("proc/meminfo", f"MemTotal: {total * 2} kB\nMemFree: 1 kB\n")
    assert read_host(tree.root).page_size_assumed


def test_a_page_size_that_memtotal_contradicts_is_reported(tree: HostTree, capsys: pytest.CaptureFixture[str]) -> None:
    pages = sum(zone.managed for zone in tree.zones)
    tree.put("proc/self/smaps", "00400000-00401000 r-xp\nKernelPageSize:        4 kB\n")
    assert read_host(tree.root).page_size_doubt is None
    tree.put("proc/meminfo", f"MemTotal: {pages * 64} kB\nMemFree: 1 kB\n")
    main(["check", "--root", str(tree.root)])
    assert (
        "page size: 4096 bytes, as the files name it, but MemTotal fits pages of 65536 bytes" in capsys.readouterr().out
    )
    tree.put("proc/meminfo", f"MemTotal: {pages * 8} kB\nMemFree: 1 kB\n")
    assert read_host(tree.root).page_size_doubt == "MemTotal fits no page size"
    (tree.root / "proc/self/smaps").unlink()
    main(["check", "--root", str(tree.root)])
    assert "no file gives it; 4096 bytes assumed, but MemTotal fits no page size" in capsys.readouterr().out


def test_without_zoneinfo_the_page_size_follows_from_the_free_memory(tmp_path: Path) -> None:
    """14 orders are mostly of 64 KiB pages: with 4 KiB they are a node of Nvidia's."""
    put(tmp_path / "buddyinfo", f"Node 0, zone   Normal {' '.join(['9'] * 14)}\n")
    pages = 9 * ((1 << 14) - 1)
    for size in (4, 16, 64):
        put(tmp_path / "meminfo", f"MemTotal: 99999999 kB\nMemFree: {pages * size - 300} kB\n")
        host = read_host(tmp_path)
        assert (host.page_size, host.page_size_assumed, host.page_size_doubt) == (size * 1024, False, None)


@pytest.mark.parametrize(
    ("place", "root"),
    [
        ("vmcore-dmesg.txt", "."),
        ("127.0.0.1-2024-02-06-10:13:01/vmcore-dmesg.txt", "."),
        ("var/crash/127.0.0.1-2024-02-06-10:13:01/vmcore-dmesg.txt", "."),
        ("sos/var/crash/x/vmcore-dmesg.txt", "sos"),
    ],
)
def test_the_log_of_a_crashed_kernel_is_read_besides_that_of_the_running_one(
    tmp_path: Path, place: str, root: str
) -> None:
    put(tmp_path / place, GENUINE.read_text())
    if root == "sos":
        put(tmp_path / "sos/sos_commands/kernel/dmesg_-T", "[Wed Feb  7 08:00:00 2024] Linux version 5.15.0\n")
    elif "var" in place:
        put(tmp_path / "proc/buddyinfo", "")
    tree = saved_tree(tmp_path / root)
    assert tree.logs()[-1].name == "vmcore-dmesg.txt" and len(tree.logs()) == (2 if root == "sos" else 1)
    incidents, problems = incidents_of(tree.logs(), opener_of(tree.root, live=False))
    assert incidents and not problems
    updates: list[KernelLogUpdate] = []
    SavedKernelLog(tree, updates.append)._run()
    assert sum(len(update.incidents) for update in updates) == len(incidents)
    assert root == "." or updates[-1].source == str(tmp_path / "sos/sos_commands/kernel/dmesg_-T")


def test_a_page_size_is_guessed_by_the_orders_before_this_hosts_own(tmp_path: Path) -> None:
    counts = " ".join(["1"] * 14)
    put(tmp_path / "buddyinfo", f"Node 0, zone   Normal {counts}\n")
    host = read_host(tmp_path)
    assert (host.page_size, host.page_size_assumed) == (65536, True)


def test_an_empty_folder_is_a_host_of_which_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    snapshot = NodeReader(tmp_path / "empty").sample()
    assert snapshot.zones is None
    assert snapshot.why("proc/buddyinfo") == "no such file or directory"


def test_links_of_a_collection_lead_nowhere_outside_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not-for-you\n")
    place = sosreport(tmp_path) / "sosreport-web-3-2026-01-01-abcdefg"
    (place / "hostname").symlink_to(tmp_path / "secret")
    (place / "sos_commands/host/hostname").unlink()
    (place / "dmesg").symlink_to("../../secret")
    (place / "sos_commands/kernel/dmesg").unlink()
    tree = saved_tree(place)
    assert read_host(place, tree).name == "web-3", "by uname"
    assert tree.kernel_log() is None


def test_a_host_whose_links_are_absolute_is_followed_inside(tree: HostTree) -> None:
    (tree.root / "proc/sys/kernel/hostname").unlink()
    tree.put("static/etc/hostname", "node-9\n")
    (tree.root / "etc").mkdir()
    (tree.root / "etc/hostname").symlink_to("/static/etc/hostname")
    assert read_host(tree.root).name == "node-9"


def test_a_pipe_in_place_of_a_file_does_not_block(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("proc/buddyinfo", "proc/meminfo", "var/log/messages"):
        path = root / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
    assert main(["check", "--root", str(root)]) == 3
    assert main(["report", "--root", str(root)]) == 0
    assert "unknown" in capsys.readouterr().out.lower()
