"""What another user may have planted is not opened, run or followed out of the tree."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.sources.files.trust import Trust, UntrustedError, find_program, open_inside, read_inside

NOBODY = 65534
as_root = pytest.mark.skipif(os.getuid() != 0, reason="gives files to other users, which only root can")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of its own; the folders above it are the user's choice and are not checked."""
    root = tmp_path / "root"
    for folder in ("etc/kubernetes", "var/log"):
        (root / folder).mkdir(parents=True)
    (root / "etc/kubernetes/kubelet.conf").write_text("inside")
    (root / "var/log/syslog").write_text("a line\n")
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return root


def opened(root: Path, path: str, trust: Trust) -> str:
    return read_inside(root, path, 100, trust).decode()


@pytest.mark.parametrize("trust", list(Trust))
def test_roots_own_file_is_read(root: Path, trust: Trust) -> None:
    assert opened(root, "/etc/kubernetes/kubelet.conf", trust) == "inside"


def test_a_path_that_begins_with_the_root_is_the_same_file(root: Path) -> None:
    assert opened(root, str(root / "etc/kubernetes/kubelet.conf"), Trust.OWN) == "inside"


def test_no_more_than_the_limit_is_read(root: Path) -> None:
    assert read_inside(root, "/etc/kubernetes/kubelet.conf", 3) == b"ins"


@pytest.mark.parametrize("target", ["/etc/kubernetes/kubelet.conf", "../../../../etc/kubernetes/kubelet.conf"])
def test_a_link_leads_inside_the_root(root: Path, target: str) -> None:
    (root / "var/log/link").symlink_to(target)
    assert opened(root, "/var/log/link", Trust.OWN) == "inside"


def test_a_link_out_of_the_tree_finds_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (root / "var/log/link").symlink_to(tmp_path / "secret")
    with pytest.raises(FileNotFoundError):
        opened(root, "/var/log/link", Trust.TEXT)


def test_a_loop_of_links_ends(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        opened(root, "/a", Trust.TEXT)


def writable_by_group_7(path: Path) -> None:
    os.chown(path, 0, 7)
    path.chmod(path.stat().st_mode | stat.S_IWGRP)


@as_root
@pytest.mark.parametrize("part", ["", "etc", "etc/kubernetes", "etc/kubernetes/kubelet.conf"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda path: os.chown(path, NOBODY, 0), "belongs to uid 65534"),
        (writable_by_group_7, "can be written by others"),
        (lambda path: path.chmod(path.stat().st_mode | stat.S_IWOTH | stat.S_ISVTX), "can be written by others"),
    ],
    ids=["another user's", "its group may write", "sticky and everyone may write"],
)
def test_a_file_that_others_can_change_is_not_trusted(
    root: Path, part: str, how: Callable[[Path], None], words: str
) -> None:
    how(root / part)
    with pytest.raises(UntrustedError, match=words) as refused:
        opened(root, "/etc/kubernetes/kubelet.conf", Trust.OWN)
    assert refused.value.filename == f"/{part}"
    assert opened(root, "/etc/kubernetes/kubelet.conf", Trust.TEXT) == "inside"


@as_root
def test_folders_that_only_group_root_can_write_too_are_roots_own(root: Path) -> None:
    """The kubelet's package of pkgs.k8s.io makes /etc/kubernetes and /var/lib/kubelet 0775 root:root on Debian."""
    folder, file = root / "etc/kubernetes", root / "etc/kubernetes/kubelet.conf"
    for path in (folder, file):
        os.chown(path, 0, 0)
    folder.chmod(0o775)
    assert opened(root, "/etc/kubernetes/kubelet.conf", Trust.OWN) == "inside"
    file.chmod(0o664)
    with pytest.raises(UntrustedError, match="can be written by others"):
        opened(root, "/etc/kubernetes/kubelet.conf", Trust.OWN)


@as_root
@pytest.mark.parametrize("trust", [Trust.OWN, Trust.LOG])
def test_another_users_link_is_not_followed(root: Path, trust: Trust) -> None:
    link = root / "var/log/link"
    link.symlink_to("/etc/kubernetes/kubelet.conf")
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(UntrustedError, match="uid 65534"):
        opened(root, "/var/log/link", trust)


@as_root
def test_a_log_may_belong_to_the_logger_but_not_be_open_to_everyone(root: Path) -> None:
    log = root / "var/log/syslog"
    os.chown(log, NOBODY, NOBODY)
    (root / "var/log").chmod(0o775)
    assert opened(root, "/var/log/syslog", Trust.LOG) == "a line\n"
    log.chmod(0o666)
    with pytest.raises(UntrustedError, match="can be written by everyone"):
        opened(root, "/var/log/syslog", Trust.LOG)


def test_a_fifo_does_not_hang_and_is_no_file(root: Path) -> None:
    os.mkfifo(root / "var/log/fifo")
    with pytest.raises(OSError, match="not a regular file"):
        opened(root, "/var/log/fifo", Trust.TEXT)


def test_a_folder_is_no_file(root: Path) -> None:
    with pytest.raises(IsADirectoryError):
        opened(root, "/var/log", Trust.TEXT)
    with pytest.raises(NotADirectoryError):
        opened(root, "/var/log/syslog/x", Trust.TEXT)


def test_the_device_that_was_asked_for_is_opened_and_no_other() -> None:
    os.close(open_inside(Path("/"), "/dev/null", device=(1, 3)))
    for device in (None, (1, 11)):
        with pytest.raises(OSError, match="not a regular file"):
            open_inside(Path("/"), "/dev/null", device=device)


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    (root / "var/log/link").symlink_to("/etc/kubernetes/../kubernetes/kubelet.conf")
    opened(root, "/var/../var/log/link", Trust.OWN)
    for path in ("/var/log", "/none", "/var/none", "/var/log/syslog/x"):
        with pytest.raises(OSError, match=r".") as error:
            opened(root, path, Trust.OWN)
        assert error.value.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@as_root
def test_a_program_counts_only_if_it_is_roots(tmp_path: Path) -> None:
    # Below /tmp nothing is root's own, so these folders lie below a root that is.
    folder = Path("/run/fragtui-test-programs")
    folder.mkdir(mode=0o755)
    try:
        program = folder / "crictl"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        places = (str(tmp_path), str(folder))
        (tmp_path / "crictl").symlink_to(program)
        assert find_program("crictl", places) == str(program)
        program.chmod(0o777)
        with pytest.raises(UntrustedError):
            find_program("crictl", places)
        program.chmod(0o644)
        with pytest.raises(FileNotFoundError, match="not installed"):
            find_program("crictl", (str(folder),))
    finally:
        program.unlink()
        folder.rmdir()


def test_a_program_that_only_path_names_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crictl").write_text("#!/bin/sh\n")
    (tmp_path / "crictl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        find_program("crictl", ())
