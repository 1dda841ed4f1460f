"""The kernel's genuine report of a real refusal reaches the follower within half a second, then whole and right."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import parse_buddyinfo
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.kernel_log.follower import KernelLog
from tests.support.fragment_cache import HUGE_POOL
from tests.support.lab import alone, lab, refuse

pytestmark = lab

COMM = "runc:[1:CHILD]"
ORDER = 10


@contextmanager
def no_large_block() -> Iterator[None]:
    """Fragment memory with pages that no compaction moves; everything is restored after the block."""
    with alone():
        command = [sys.executable, str(Path(__file__).parent / "hold_unmovable.py")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "READY\n"
            yield
        finally:
            process.kill()
            process.wait()
            HUGE_POOL.write_text("0")


def test_a_genuine_report_is_delivered_at_once_and_later_complete() -> None:
    seen: list[tuple[float, Incident]] = []
    whole = threading.Event()
    started, refused = time.time(), 0

    def on_update(update: KernelLogUpdate) -> None:
        for incident in (*update.incidents, *update.updated):
            if incident.comm == COMM and incident.time is not None and incident.time > started:
                seen.append((time.time(), incident))
                if incident.report and incident.report.zones and incident.stack:
                    whole.set()

    follower = KernelLog(Path("/"), "auto", on_update)
    follower.start()
    try:
        with no_large_block():
            # The kernel reports one refusal in 10 s, and compaction may find a block: repeat until one is reported.
            deadline = time.monotonic() + 40
            while not whole.is_set() and time.monotonic() < deadline:
                HUGE_POOL.write_text("100000")
                if refuse(ORDER, COMM) == "ENOBUFS":
                    refused += 1
                    whole.wait(1.0)
    finally:
        follower.stop()
    assert whole.is_set(), f"{refused} refusals and no report"
    reported_at, first = seen[0]
    assert first.time is not None
    assert reported_at - first.time < 0.5
    incident = seen[-1][1]
    report = incident.report
    assert report is not None
    assert {each.id for _, each in seen} == {first.id}
    assert (incident.order, incident.gfp_from, report.release) == (ORDER, "printed", os.uname().release)
    assert incident.gfp is not None
    assert "GFP_KERNEL" in incident.gfp
    assert "sock_kmalloc" in incident.stack
    rows, _ = parse_buddyinfo(Path("/proc/buddyinfo").read_text())
    assert [(zone.node, zone.zone, len(zone.free_blocks or ())) for zone in report.zones] == [
        (row.node, row.zone, len(row.free_blocks)) for row in rows
    ]
    assert incident.explanation is not None
    assert "because memory is fragmented" in incident.explanation
