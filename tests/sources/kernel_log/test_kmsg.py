"""The reader of the kernel's ring: lost records, spoofed ones, and the live device where there is one."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.kmsg import KmsgReader
from fragtui.sources.kernel_log.ring import drain, read_ring

HEAD = b"4,%d,%d,-;java: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)\n"


class Device:
    """What devkmsg_read gives, read by read."""

    def __init__(self, *reads: bytes | int) -> None:
        self.reads = list(reads)

    def read(self, _fd: int, _size: int) -> bytes:
        if not self.reads:
            raise BlockingIOError(errno.EAGAIN, "drained")
        found = self.reads.pop(0)
        if isinstance(found, int):
            raise OSError(found, os.strerror(found))
        return found


def reader(monkeypatch: pytest.MonkeyPatch, *reads: bytes | int) -> KmsgReader:
    found = KmsgReader(os.open("/dev/null", os.O_RDONLY))
    monkeypatch.setattr(os, "read", Device(*reads).read)
    return found


def test_overwritten_records_are_counted_and_reading_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    log = reader(monkeypatch, HEAD % (5, 1), errno.EPIPE, HEAD % (105, 2), errno.EINVAL, HEAD % (107, 3))
    found = [log.read(), log.read(), log.read(), log.read()]
    assert [(len(each.records), each.lost, each.drained) for each in found] == [
        (1, 0, False),
        (1, 99, False),
        (1, 1, True),
        (0, 0, True),
    ]
    assert reader(monkeypatch, errno.EPIPE, HEAD % (7, 1)).read().lost == 1  # At least.


def test_a_report_does_not_take_what_follows_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(number: int, text: str) -> bytes:
        return f"4,{number},{number},-;{text}\n".encode()

    head = "%s: page allocation failure: order:3, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)"
    log = reader(
        monkeypatch,
        record(1, head % "java"),
        record(2, "CPU: 1 PID: 7 Comm: java Not tainted 6.18.0 #1"),
        record(3, "Mem-Info:"),
        errno.EPIPE,
        record(90, "Node 0 Normal: 1*4kB (U) 0*8kB = 4kB"),
        record(91, head % "perl"),
    )
    stream = IncidentStream("kmsg", None, None)
    lost, first = drain(log, stream)
    stream.finish()
    assert (lost, first) == (86, record(1, head % "java"))
    one, two = stream.update("x", 0).incidents
    assert one.report is not None
    assert (one.comm, one.pid, one.report.zones, two.comm) == ("java", 7, (), "perl")


def test_a_dead_device_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="Input/output"):
        reader(monkeypatch, errno.EIO).read()


def test_only_records_of_the_kernel_are_trusted() -> None:
    stream = IncidentStream("kmsg", None, None)
    stream.feed_kmsg((HEAD % (1, 1)).replace(b"4,", b"12,", 1))
    stream.finish()
    assert stream.update("x", 0).incidents == ()
    stream.feed_kmsg(HEAD % (2, 2))
    (first,) = stream.update("x", 0).incidents
    assert first.order == 4
    stream.feed_kmsg(b"4,3,3,-;CPU: 1 PID: 77 Comm: java Not tainted 6.18.0 #1\n")
    update = stream.update("x", 0)
    assert update.incidents == ()
    assert [(each.id, each.pid) for each in update.updated] == [(first.id, 77)]
    stream.finish()
    assert not stream.update("x", 0).incidents


def test_a_missing_device_is_a_problem_not_an_error(tmp_path: Path) -> None:
    update = read_ring(tmp_path)
    assert update.incidents == ()
    assert update.problem is not None
    assert "no such file" in update.problem


def test_a_follower_of_a_file_reports_the_head_then_the_whole_and_survives_rotation(tmp_path: Path) -> None:
    log = tmp_path / "messages"
    log.write_bytes(b"")
    got: list[KernelLogUpdate] = []
    changed = threading.Condition()

    def on_update(update: KernelLogUpdate) -> None:
        with changed:
            got.append(update)
            changed.notify_all()

    def wait_for(count: int) -> None:
        with changed:
            assert changed.wait_for(lambda: sum(len(update.incidents) for update in got) >= count, 5)

    follower = KernelLog(Path("/"), str(log), on_update)
    follower.start()
    try:
        with changed:
            assert changed.wait_for(lambda: bool(got), 5)
        with log.open("ab") as stream:
            stream.write(b"Jul  1 00:45:31 n kernel: java: page allocation failure: order:4, mode:0x10c0d0\n")
        wait_for(1)
        log.rename(tmp_path / "messages.1")
        log.write_bytes(b"Jul  1 00:45:41 n kernel: perl: page allocation failure: order:5, mode:0x10c0d0\n")
        wait_for(2)
        log.write_bytes(b"Jul  1 00:45:59 n kernel: sh: page allocation failure: order:6, mode:0xd0\n")
        wait_for(3)
    finally:
        follower.stop()
    assert [each.comm for update in got for each in update.incidents] == ["java", "perl", "sh"]


def test_stop_never_blocks_and_before_start_too() -> None:
    KernelLog(Path("/"), "none", lambda _: None).stop()
    follower = KernelLog(Path("/"), "auto", lambda _: time.sleep(4))
    follower.start()
    begun = time.perf_counter()
    follower.stop()
    follower.stop()
    assert time.perf_counter() - begun < 2
