"""Where the ring cannot be read, the journal is; where that fails, the log files; the day before on the side."""

from __future__ import annotations

import gzip
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fragtui.logs.markup import MailJoiner
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.files.log_files import open_log
from fragtui.sources.host.identity import tree_of
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.kmsg import KmsgReader
from fragtui.sources.kernel_log.scan import scan_log
from fragtui.sources.saved.readers import SavedKernelLog
from tests.support.journal import Journal
from tests.support.pod_sink import until

HEAD = ": page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)"


class Listener:
    """Collects updates and waits for some."""

    def __init__(self) -> None:
        self.updates: list[KernelLogUpdate] = []
        self._changed = threading.Condition()

    def __call__(self, update: KernelLogUpdate) -> None:
        with self._changed:
            self.updates.append(update)
            self._changed.notify_all()

    def incidents(self) -> list[Incident]:
        return [incident for update in self.updates for incident in update.incidents]

    def wait_for(self, wanted: Callable[[], bool], seconds: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(wanted, seconds), self.updates


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "host"
    (found / "var/log").mkdir(parents=True)
    return found


@pytest.fixture
def follow(root: Path) -> Iterator[Callable[[], Listener]]:
    followers: list[KernelLog] = []

    def start() -> Listener:
        listener = Listener()
        followers.append(KernelLog(root, "auto", listener))
        followers[-1].start()
        return listener

    yield start
    for follower in followers:
        follower.stop()


def stamped(seconds_ago: float, text: str) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - seconds_ago)) + f" node kernel: {text}\n"


def test_the_journal_is_followed_if_the_ring_is_unavailable(
    journal: Journal, root: Path, follow: Callable[[], Listener]
) -> None:
    (root / "var/log/journal").mkdir()
    journal.add("java" + HEAD, "CPU: 1 PID: 77 Comm: java Not tainted 6.18.0 #1", ago=3600)
    listener = follow()
    listener.wait_for(lambda: len(listener.incidents()) == 1)
    assert listener.updates[0].source == "journal"
    assert listener.updates[0].problem is not None
    assert "dev/kmsg does not exist" in listener.updates[0].problem
    journal.add("perl" + HEAD)
    listener.wait_for(lambda: len(listener.incidents()) == 2)
    assert [each.comm for each in listener.incidents()] == ["java", "perl"]
    (call,) = journal.calls()
    assert f"--directory={root}/var/log/journal" in call
    assert "_TRANSPORT=kernel" in call
    assert "--follow" in call


def test_a_journal_that_ends_gives_way_to_the_log_files(
    journal: Journal, root: Path, follow: Callable[[], Listener]
) -> None:
    (root / "run/log/journal").mkdir(parents=True)
    journal.program.write_text("#!/bin/sh\nexit 1\n")
    (root / "var/log/syslog").write_text(stamped(60, "java" + HEAD))
    listener = follow()
    listener.wait_for(lambda: len(listener.incidents()) == 1)
    assert listener.updates[-1].source.endswith("var/log/syslog")


def test_log_files_give_their_last_day_with_rotated_ones_and_are_followed(
    root: Path, follow: Callable[[], Listener]
) -> None:
    log = root / "var/log/messages"
    log.write_text(stamped(60, "sh" + HEAD))
    with gzip.open(root / "var/log/messages.1.gz", "wt") as older:
        older.write(stamped(3 * 86400, "ancient" + HEAD) + stamped(7200, "perl" + HEAD))
    listener = follow()
    listener.wait_for(lambda: len(listener.incidents()) == 2)
    with log.open("a") as file:
        file.write(stamped(0, "awk" + HEAD))
    listener.wait_for(lambda: len(listener.incidents()) == 3)
    assert [each.comm for each in listener.incidents()] == ["perl", "sh", "awk"]


def test_the_follower_reports_that_no_source_exists(root: Path, follow: Callable[[], Listener]) -> None:
    listener = follow()
    listener.wait_for(lambda: bool(listener.updates))
    assert listener.updates[0].source == "none"
    assert "does not exist" in (listener.updates[0].problem or "")


def ring_of(root: Path) -> None:
    """Put the kernel's own device under a root; skip where that is not allowed or the ring reaches back a day."""
    (root / "dev").mkdir()
    try:
        os.mknod(root / "dev/kmsg", 0o600 | stat.S_IFCHR, os.makedev(1, 11))
        os.close(os.open(root / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        pytest.skip(f"no device of one's own: {error.strerror}")
    if time.clock_gettime(time.CLOCK_MONOTONIC) > 86_000:
        pytest.skip("the ring may reach back a whole day")


def test_the_ring_is_followed_if_no_thread_can_read_the_history(
    root: Path, follow: Callable[[], Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "log-history":
            raise RuntimeError("can't start new thread")
        begin(thread)

    ring_of(root)
    monkeypatch.setattr(threading.Thread, "start", start)
    listener = follow()
    listener.wait_for(lambda: bool(listener.updates))
    time.sleep(0.2)
    assert any(thread.name == "kernel-log" for thread in threading.enumerate())


@pytest.mark.parametrize("source", ["journal", "files"])
def test_records_before_the_ring_come_from_journal_or_files(
    source: str, journal: Journal, root: Path, follow: Callable[[], Listener]
) -> None:
    ring_of(root)
    before_boot = time.clock_gettime(time.CLOCK_MONOTONIC) + 60
    if source == "journal":
        (root / "var/log/journal").mkdir()
        journal.add("java-of-before" + HEAD, ago=before_boot)
    else:
        (root / "var/log/kern.log").write_text(
            stamped(before_boot, "java-of-before" + HEAD) + stamped(0, "java-of-today" + HEAD)
        )
    listener = follow()
    listener.wait_for(lambda: any(each.comm == "java-of-before" for each in listener.incidents()))
    assert listener.updates[0].source == str(root / "dev/kmsg")
    assert not any(each.comm == "java-of-today" for each in listener.incidents())
    if source == "journal":
        (call,) = journal.calls()
        assert "--until=@" in call
        assert "--follow" not in call


def test_a_journal_that_may_not_be_read_is_named_beside_the_ring(
    journal: Journal, root: Path, follow: Callable[[], Listener]
) -> None:
    ring_of(root)
    (root / "var/log/journal").mkdir()
    why = "No journal files were opened due to insufficient permissions."
    journal.program.write_text(f'#!/bin/sh\necho "{why}" >&2; exit 1\n')
    listener = follow()
    said = f"earlier records are not read: {why}"
    listener.wait_for(lambda: any(update.problem == said for update in listener.updates))
    assert {update.source for update in listener.updates} == {str(root / "dev/kmsg")}


def test_zstd_is_read_with_its_package(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    text = b"one\ntwo\n" * 100_000
    path = tmp_path / "messages.zst"
    half = len(text) // 2
    path.write_bytes(zstandard.compress(text[:half]) + zstandard.compress(text[half:]))
    with open_log(path) as log:
        assert b"".join(iter(lambda: log.read(1 << 16), b"")) == text


@pytest.mark.parametrize("fault", ["a bomb", "cut off"])
def test_a_rotated_log_that_cannot_be_unpacked_to_its_end_is_named_and_read_so_far(
    fault: str, root: Path, follow: Callable[[], Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fragtui.sources.files.unpacking.UNPACKED_BYTES", 1 << 20)
    (root / "var/log/syslog").write_text(stamped(60, "java" + HEAD))
    text = stamped(120, "perl" + HEAD).encode()
    packed = gzip.compress(text + bytes(2 << 20)) if fault == "a bomb" else gzip.compress(text)[:-4]
    (root / "var/log/syslog.1.gz").write_bytes(packed)
    listener = follow()
    listener.wait_for(lambda: len(listener.incidents()) == 2)
    assert [each.comm for each in listener.incidents()] == ["perl", "java"]
    said = "stopped after 1M unpacked" if fault == "a bomb" else "it is cut off"
    assert f"syslog.1.gz: {said}" in (listener.updates[0].problem or "")


def test_a_mailed_line_whose_rest_cannot_be_read_is_not_lost(tmp_path: Path) -> None:
    line = b"[  100.000] java: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)="
    (tmp_path / "log.gz").write_bytes(gzip.compress(line + b"\n")[:-4])
    stream = IncidentStream("file", None, None)
    with open_log(tmp_path / "log.gz") as log, pytest.raises(EOFError):
        scan_log(log, stream, joiner=MailJoiner(b"", soft=True, marked=False))
    assert [each.comm for each in stream.update("file", 0).incidents] == ["java"]


def test_a_large_log_is_searched_without_a_thread_if_none_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    path = tmp_path / "log"
    path.write_text(f"java{HEAD}\n" + "nothing\n" * 300_000 + f"go{HEAD}\n")
    stream = IncidentStream("file", None, None)
    monkeypatch.setattr(threading.Thread, "start", refused)
    with open_log(path) as log:
        scan_log(log, stream)
    assert [each.comm for each in stream.update("file", 0).incidents] == ["java", "go"]


def test_a_history_for_which_no_thread_can_be_started_is_reported_and_the_ring_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def scarce(thread: threading.Thread) -> None:
        if thread.name == "log-history":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ring = KmsgReader(near.detach())
    os.set_blocking(ring.fileno(), False)
    monkeypatch.setattr("fragtui.sources.kernel_log.follower.open_kmsg", lambda *_: ring)
    stamp = int((time.monotonic() - 1) * 1e6)
    far.send(f"4,1,{stamp},-;java{HEAD}\n".encode())
    updates: list[KernelLogUpdate] = []
    log = KernelLog(tmp_path, "auto", updates.append)
    log.start()
    with far:
        assert until(lambda: any("no thread can be started" in (each.problem or "") for each in updates))
        far.send(f"4,2,{stamp + 1},-;go{HEAD}\n".encode())
        assert until(lambda: [each.comm for update in updates for each in update.incidents] == ["java", "go"])
        log.stop()


def test_a_line_that_is_too_long_is_reported_by_the_follower_and_for_saved_logs(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/buddyinfo").write_text("")
    (tmp_path / "var/log").mkdir(parents=True)
    path = tmp_path / "var/log/kern.log"
    path.write_text("a" * 20_000 + f" alloc\njava{HEAD}\n")
    said = "1 line longer than 16 KiB was cut"
    updates: list[KernelLogUpdate] = []
    log = KernelLog(tmp_path, str(path), updates.append)
    log.start()
    assert until(lambda: any(said in (each.problem or "") for each in updates))
    with path.open("a") as more:
        more.write("b" * 20_000 + "\n")
    assert until(lambda: any("2 lines longer than 16 KiB were cut" in (each.problem or "") for each in updates))
    log.stop()
    saved: list[KernelLogUpdate] = []
    SavedKernelLog(tree_of(tmp_path), saved.append).start()
    assert until(lambda: bool(saved))
    assert said in (saved[0].problem or "") or "2 lines" in (saved[0].problem or "")
