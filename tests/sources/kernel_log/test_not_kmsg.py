"""A /dev/kmsg that is no kernel log, as nested and unprivileged nodes have it: reported, and no busy loop."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.kmsg import KmsgReader
from fragtui.sources.kernel_log.last_failed_order import last_failed_order
from fragtui.sources.kernel_log.ring import read_ring
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.terminal import command, terminal

HEAD = "node kernel: java: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)\n"


def an_empty_file(path: Path) -> None:
    path.touch()


def a_link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def a_node(major: int, minor: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(major, minor))
            os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            pytest.skip(f"no device of one's own: {error.strerror}")

    return make


KINDS = {
    "an empty file": an_empty_file,
    "a link to /dev/null": a_link_to("/dev/null"),
    "a link to /dev/zero": a_link_to("/dev/zero"),
    "the node of /dev/null": a_node(1, 3),
    "the node of /dev/zero": a_node(1, 5),
}


@pytest.fixture(params=KINDS, name="root")
def _root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "dev").mkdir()
    KINDS[request.param](tmp_path / "dev/kmsg")
    return tmp_path


@pytest.mark.timeout(20)
def test_read_ring_reports_that_it_is_not_a_kernel_log(root: Path) -> None:
    update = read_ring(root)
    assert update.incidents == ()
    assert "not a kernel log" in (update.problem or "")
    assert last_failed_order(root) is None


@pytest.mark.timeout(20)
def test_the_follower_reports_it_reads_the_log_file_instead_and_idles(root: Path) -> None:
    (root / "var/log").mkdir(parents=True)
    (root / "var/log/kern.log").write_text(time.strftime("%Y-%m-%dT%H:%M:%S+00:00 ", time.gmtime()) + HEAD)
    got = followed_until_idle(root)
    assert [incident.comm for update in got for incident in update.incidents] == ["java"]
    assert got[-1].source.endswith("var/log/kern.log")
    assert "not a kernel log" in (got[0].problem or "")


@pytest.mark.timeout(20)
def test_the_follower_without_another_source_reports_it_once_and_waits(root: Path) -> None:
    got = followed_until_idle(root)
    assert [update.source for update in got] == ["none"]
    assert "not a kernel log" in (got[0].problem or "")


def test_a_kernel_log_that_comes_later_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.kernel_log.follower._RETRY_S", (0.1, 0.1))
    got: list[KernelLogUpdate] = []
    follower = KernelLog(tmp_path, "auto", got.append)
    follower.start()
    try:
        until(lambda: bool(got))
        (tmp_path / "var/log").mkdir(parents=True)
        (tmp_path / "var/log/kern.log").write_text(time.strftime("%Y-%m-%dT%H:%M:%S+00:00 ", time.gmtime()) + HEAD)
        until(lambda: any(update.incidents for update in got))
    finally:
        follower.stop()


def test_a_device_that_was_chosen_must_be_the_kernel_log() -> None:
    got: list[KernelLogUpdate] = []
    follower = KernelLog(Path("/"), "/dev/zero", got.append)
    follower.start()
    try:
        until(lambda: bool(got))
    finally:
        follower.stop()
    assert got[0].source == "none"
    assert "it is device 1:5, /dev/kmsg is character device 1:11" in (got[0].problem or "")


def test_an_empty_read_ends_the_reading(tmp_path: Path) -> None:
    reader = KmsgReader(os.open("/dev/null", os.O_RDONLY))
    with pytest.raises(OSError, match="not a kernel log: it reads as empty"):
        reader.read()
    reader.close()


@pytest.mark.slow
@pytest.mark.parametrize("target", [pytest.param("/dev/null", marks=pytest.mark.by_hand), "/dev/zero"])
def test_the_screen_reports_it_and_idles(target: str, tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED).write()
    (tmp_path / "dev").mkdir(exist_ok=True)
    (tmp_path / "dev/kmsg").symlink_to(target)
    with terminal("--root", str(tmp_path), "--kernel-log", str(tmp_path / "dev/kmsg"), columns=240) as term:
        text = term.until("not a kernel log")
        assert "Denied requests unknown" in text
        process = psutil.Process(term.pid)
        assert any(used(process, lambda: term.pump(1.0)) < 0.25 for _ in range(15)), "it never idles"
        term.press("q")
        assert term.wait() == 0


@pytest.mark.slow
@pytest.mark.parametrize("device", [pytest.param("/dev/null", marks=pytest.mark.by_hand), "/dev/zero"])
def test_report_notes_a_kmsg_that_is_another_device(device: str) -> None:
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare (util-linux)")
    inside = f'mount --bind {device} /dev/kmsg && exec "$@" report'
    called = ["unshare", "-m", "sh", "-c", inside, "sh", *command()]
    done = subprocess.run(called, capture_output=True, text=True, timeout=60, check=False)
    if "mount" in done.stderr:
        pytest.skip(f"no mount here: {done.stderr}")
    assert "/dev/kmsg: not a kernel log: it is device 1:" in done.stdout
    assert "no kernel log could be read" in done.stdout


def followed_until_idle(root: Path) -> list[KernelLogUpdate]:
    """Return what a follower brought until this process took less than a fifth of a CPU for half a second.

    Other threads and a slow machine take CPU for a while; a busy loop takes it in every half second.
    """
    got: list[KernelLogUpdate] = []
    came = threading.Event()

    def take(update: KernelLogUpdate) -> None:
        got.append(update)
        came.set()

    follower = KernelLog(root, "auto", take)
    follower.start()
    try:
        assert came.wait(10)
        shares = (cpu_share(0.5) for _ in range(15))
        assert any(share < 0.2 for share in shares), "it never idles"
    finally:
        follower.stop()
    return got


def cpu_share(seconds: float) -> float:
    """Return the share of a CPU that this process takes for so long."""
    began, took = time.monotonic(), time.process_time()
    time.sleep(seconds)
    return (time.process_time() - took) / (time.monotonic() - began)


def used(process: psutil.Process, wait: Callable[[], None]) -> float:
    """Return the processor time that a process takes meanwhile, seconds."""
    began = sum(process.cpu_times()[:2])
    wait()
    return float(sum(process.cpu_times()[:2])) - began


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.01)
