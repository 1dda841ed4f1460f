"""The kernel's own ring, made to wrap: lost records are counted, reading continues, and only the kernel is believed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.kmsg import open_kmsg, sequence_of
from tests.support.lab import alone, lab

pytestmark = lab

DEVICE = Path("/dev/kmsg")
UNLIMITED = Path("/proc/sys/kernel/printk_devkmsg")
LIAR = "page allocation failure: order:9, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)"
MAX_LINES = 20_000
EAT = (
    "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); open('/proc/self/comm', 'w').write('ring eater');"
)
EAT += " hog = bytearray(256 << 20)"


@contextlib.contextmanager
def unlimited() -> Iterator[None]:
    """Let writers of /dev/kmsg write as much as they like; the setting is restored."""
    before = UNLIMITED.read_text().strip()
    UNLIMITED.write_text("on\n")
    try:
        yield
    finally:
        UNLIMITED.write_text(before + "\n")


def oldest() -> int:
    """Return the sequence number of the oldest record in the ring."""
    reader = open_kmsg(DEVICE)
    try:
        found = sequence_of(reader.read(limit=1).records[0])
        assert found is not None
        return found
    finally:
        reader.close()


def wrap(past: int) -> None:
    """Write as user space until no record up to that sequence number is left."""
    with unlimited(), DEVICE.open("wb", buffering=0) as device:
        for number in range(MAX_LINES):
            device.write(f"<14>ring eater: {LIAR} {number} {'x' * 800}\n".encode())
            if number % 100 == 0 and oldest() > past:
                return
    raise AssertionError("the ring did not wrap")


@contextlib.contextmanager
def small_cgroup() -> Iterator[Path]:
    """Make a cgroup of 32 MiB, of either version; yield the file that takes a process in."""
    old = Path("/sys/fs/cgroup/memory")
    folder = (old if old.is_dir() else Path("/sys/fs/cgroup")) / "fragtui-lab-ring"
    folder.mkdir(exist_ok=True)
    try:
        (folder / ("memory.limit_in_bytes" if old.is_dir() else "memory.max")).write_text(str(32 << 20))
        yield folder / "cgroup.procs"
    finally:
        for _ in range(50):
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.1)


def test_records_lost_by_the_ring_are_counted_exactly() -> None:
    with alone():
        reader = open_kmsg(DEVICE)
        try:
            while not (batch := reader.read()).drained:
                pass
            mark = f"<14>fragtui lab mark {time.time()}\n".encode()  # A line without an end waits for it.
            DEVICE.write_bytes(mark)
            batch = reader.read()
            assert batch.records[-1].find(mark[4:-1]) > 0
            last = sequence_of(batch.records[-1])
            assert last is not None
            wrap(last)
            batch = reader.read(limit=50)
            first = sequence_of(batch.records[0])
            assert first is not None
            assert batch.lost == first - last - 1 > 0
        finally:
            reader.close()


def test_a_follower_that_was_delayed_counts_the_loss_believes_no_user_and_continues() -> None:
    seen: list[Incident] = []
    lost: list[int] = []
    ready, held, resume, killed = (threading.Event() for _ in range(4))
    started = time.time()

    def on_update(update: KernelLogUpdate) -> None:
        lost.append(update.lost_records)
        seen.extend(each for each in (*update.incidents, *update.updated) if (each.time or 0) > started - 1)
        if any(each.kind is ReportKind.OOM and each.victim and each.victim.comm == "ring eater" for each in seen):
            killed.set()
        if ready.is_set() and not resume.is_set():
            held.set()
            resume.wait(60)
        ready.set()

    def eat(procs: Path) -> None:
        subprocess.run([sys.executable, "-c", EAT, str(procs)], check=False, timeout=30)

    with alone(), small_cgroup() as procs:
        follower = KernelLog(Path("/"), "auto", on_update)
        follower.start()
        try:
            assert ready.wait(10)
            eat(procs)  # The kernel's own report of the kill wakes the follower, which then waits for us.
            assert held.wait(10)
            killed.clear()
            seen.clear()
            before = sum(lost)
            newest = _newest()
            wrap(newest)
            resume.set()
            # A second kill, after the loss.
            eat(procs)
            assert killed.wait(10)
        finally:
            resume.set()
            follower.stop()
    assert sum(lost) > before
    assert all(each.kind is ReportKind.OOM for each in seen), "a text of user space was taken for the kernel's"
    last = seen[-1]
    assert last.victim is not None
    assert (last.victim.comm, last.constraint, last.memory) == ("ring eater", "CONSTRAINT_MEMCG", False)


def _newest() -> int:
    reader = open_kmsg(DEVICE)
    try:
        found = 0
        while True:
            batch = reader.read()
            found = max((sequence_of(each) or 0 for each in batch.records), default=found)
            if batch.drained:
                return found
    finally:
        reader.close()
