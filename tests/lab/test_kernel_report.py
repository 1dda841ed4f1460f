"""The kernel's genuine report of a real refusal reaches the follower within a second, whole and right."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fragtui.model.incident import Incident
from fragtui.model.kernel_log_news import KernelLogNews
from fragtui.sources.kernel_log import KernelLog
from tests.support.lab import lab

pytestmark = lab

COMM = "runc:[1:CHILD]"


def refuse(order: int) -> int:
    """Ask for 2^order pages in one kmalloc under COMM: a control message of that length. Return the errno or 0."""

    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    class Message(ctypes.Structure):
        _fields_ = (
            ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("vectors", ctypes.c_void_p),
            ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
            ("flags", ctypes.c_int),
        )  # fmt: skip

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(15, COMM.encode(), 0, 0, 0)
    size = os.sysconf("SC_PAGE_SIZE") << order
    control, data = ctypes.create_string_buffer(size), ctypes.create_string_buffer(b"x", 1)
    vector = Vector(ctypes.addressof(data), 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 0))
        end.connect(end.getsockname())
        message = Message(None, 0, ctypes.addressof(vector), 1, ctypes.addressof(control), size, 0)
        done = libc.sendmsg(end.fileno(), ctypes.byref(message), 0)
    return ctypes.get_errno() if done < 0 else 0


def test_a_genuine_report_is_told_at_once_and_then_whole() -> None:
    seen: list[tuple[float, Incident]] = []
    whole = threading.Event()
    started = time.time()

    def on_news(news: KernelLogNews) -> None:
        for incident in (*news.incidents, *news.updated):
            if incident.comm == COMM and incident.time is not None and incident.time > started - 1:
                seen.append((time.time(), incident))
                if incident.zones and incident.stack:
                    whole.set()

    limit = Path("/proc/sys/net/core/optmem_max")
    before = limit.read_text()
    follower = KernelLog(Path("/"), "auto", on_news)
    follower.start()
    try:
        limit.write_text(str(64 << 20))
        for _ in range(4):
            asked = time.time()
            child = [sys.executable, "-c", RUN]
            if "ENOBUFS" in subprocess.run(child, capture_output=True, text=True, check=True).stdout and whole.wait(
                1.0
            ):
                break
            time.sleep(3)
        else:
            pytest.skip("this machine's memory is not fragmented: the request was granted")
    finally:
        limit.write_text(before)
        follower.stop()
    told, first = seen[0]
    assert told - max(asked, first.time or 0) < 0.5
    incident = seen[-1][1]
    assert {each.id for _, each in seen} == {first.id}
    assert (incident.order, incident.gfp_from) == (10, "printed")
    assert incident.gfp is not None
    assert "GFP_KERNEL" in incident.gfp
    assert "sock_kmalloc" in incident.stack
    assert incident.kernel == os.uname().release
    zones = {row.split()[3]: len(row.split()[4:]) for row in Path("/proc/buddyinfo").read_text().splitlines()}
    assert {zone.zone: len(zone.free_blocks or ()) for zone in incident.zones} == zones


RUN = f"""
import errno, runpy
found = runpy.run_path({__file__!r}, run_name="child")["refuse"](10)
print(errno.errorcode.get(found, found))
"""
