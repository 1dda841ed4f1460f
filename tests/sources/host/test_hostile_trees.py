"""A tree of saved files is not trusted: links in it stay inside it, FIFOs and devices block no reader."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import build
from fragtui.commands.cli.source_factory import pods_of
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.sources.host.identity import read_host
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.tree import saved_tree
from fragtui.sources.kernel_log.journal import why_no_journal
from fragtui.sources.kernel_log.ring import read_ring
from tests.support.api_server import ApiServer
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.pod_sink import until

NAMES = ("hostname", "osrelease", "random/boot_id")
SECRET = "6.6.6-from-outside"


def tree(tmp_path: Path) -> Path:
    return HostTree.small(tmp_path / "host").root


def files_of(root: Path) -> list[Path]:
    """Return the files with the identity of the node, and the others that a report reads."""
    kernel = [root / "proc/sys/kernel" / name for name in NAMES]
    others = ["proc/version", "proc/uptime", "proc/meminfo", "proc/self/smaps", "etc/hostname", "proc/pressure/io"]
    return [*kernel, *(root / name for name in others), root / "var/log/fragtui/audit.jsonl"]


def replaced(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return path


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (tmp_path / "outside").write_text(f"{SECRET}\n")
    for path in files_of(root):
        replaced(path).symlink_to(tmp_path / "outside")
    host = read_host(root, saved_tree(root))
    assert SECRET not in f"{host.name} {host.release}"


def test_a_folder_that_is_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (root / "proc").rename(tmp_path / "proc")
    (root / "proc").symlink_to("/proc")
    host = read_host(root, saved_tree(root))
    assert host.name != os.uname().nodename
    assert host.release != os.uname().release


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["check", "report", "history"])
@pytest.mark.parametrize("kind", ["fifo", "zero"])
def test_fifos_and_devices_hold_no_verb_up(tmp_path: Path, verb: str, kind: str) -> None:
    root = tree(tmp_path)
    for path in files_of(root):
        if kind == "fifo":
            os.mkfifo(replaced(path))
        else:
            replaced(path).symlink_to("/dev/zero")
    done = subprocess.run(
        [sys.executable, "-m", "fragtui", verb, "--root", str(root)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2, 3)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="makes device files")
def test_a_device_in_the_tree_is_no_file(tmp_path: Path) -> None:
    root = tree(tmp_path)
    path = replaced(root / "proc/sys/kernel/hostname")
    try:
        os.mknod(path, 0o644 | 0o020000, os.makedev(1, 5))
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        pytest.skip(f"no devices here: {error.strerror}")
    assert read_host(root, saved_tree(root)).name is None


def test_a_log_that_everyone_can_write_is_not_followed_as_the_nodes_own(tmp_path: Path) -> None:
    from fragtui.sources.files.trust import UntrustedError, opener_of

    root = tree(tmp_path)
    log = root / "var/log/syslog"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("a line\n")
    log.chmod(0o666)
    with pytest.raises(UntrustedError, match="can be written by everyone"):
        opener_of(root, live=True)(log)
    os.close(opener_of(root, live=False)(log))


def test_a_link_to_this_hosts_kernel_log_does_not_show_it_as_the_trees(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (root / "dev").mkdir()
    (root / "dev/kmsg").symlink_to("/dev/kmsg")
    assert read_ring(root).source == "none"


def test_credentials_in_saved_files_are_not_used_and_their_server_is_not_asked(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (root / "var/log/journal").mkdir(parents=True)
    (root / "etc/kubernetes").mkdir(parents=True)
    updates: list[PodUpdate] = []
    with closing(ApiServer()) as server:
        server.kubeconfig(root / "etc/kubernetes/kubelet.conf")
        for path in (root, *root.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        args = build(["record"]).parse_args(["record", "--root", str(root), str(tmp_path / "recording")])
        watch = pods_of(args, NodeReader(args.root), updates.append)
        watch.start()
        try:
            asked = {"kubelet log", "crictl"}
            assert until(lambda: bool(updates) and asked <= {source.name for source in updates[-1].sources})
        finally:
            watch.stop()
        assert "API" not in {source.name for source in updates[-1].sources}
        assert server.requests == []


@pytest.mark.parametrize("link", ["machine", "machine/system.journal"])
def test_a_journal_with_links_is_not_given_to_journalctl(tmp_path: Path, link: str) -> None:
    """It would follow them to the journal of this host."""
    root = tree(tmp_path)
    path = root / "var/log/journal" / link
    path.parent.mkdir(parents=True)
    path.symlink_to("/var/log/journal")
    assert why_no_journal(root) == "it holds links, which journalctl would follow out of the tree"


def test_a_root_by_a_relative_path_or_another_name_is_the_same_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children run in another folder: a relative root would be another one there."""
    tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    for given, root in (("host", tmp_path / "host"), ("//", Path("/")), ("/proc/self/root", Path("/"))):
        assert build(["check"]).parse_args(["check", "--root", given]).root == root
