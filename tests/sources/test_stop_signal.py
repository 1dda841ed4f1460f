"""The stop of a reader's threads, and the descriptors of readers that come and go."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.pods.runtime_log import RuntimeLog
from fragtui.sources.stop_signal import StopSignal
from tests.support.pod_sink import CollectingSink

STARTS = 1000


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_it_wakes_every_thread_and_closes_after_the_last() -> None:
    before, stop = descriptors(), StopSignal()
    entered, leave = threading.Barrier(3), threading.Event()
    woken: list[bool] = []

    def wait(*, at_once: bool) -> None:
        with stop:
            entered.wait(20)
            woken.append(stop.wait(None, 20))
            if not at_once:
                leave.wait(20)
                woken.append(stop.wait(None, 20))

    threads = [threading.Thread(target=wait, kwargs={"at_once": at_once}) for at_once in (True, False)]
    for thread in threads:
        thread.start()
    entered.wait(20)
    begun = time.monotonic()
    stop.set()
    threads[0].join(20)
    assert descriptors() == before + 1, "the other thread may still poll it"
    leave.set()
    threads[1].join(20)
    assert woken == [False] * 3 and time.monotonic() - begun < 10
    assert descriptors() == before
    with stop:
        assert stop.is_set() and not stop.wait(None, 20), "a thread that comes later does not wait"


def test_input_and_the_time_end_the_wait_too() -> None:
    reading, writing = os.pipe()
    with StopSignal() as stop:
        assert stop.wait(reading, 0.01) and stop.wait(None, -1)
        os.write(writing, b"x")
        assert stop.wait(reading, 20)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("kind", ["a log", "no log", "pods", "not started"])
def test_no_descriptor_is_left_after_a_thousand_starts(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "messages"
    log.write_text("Jul  1 00:45:31 n kernel: x\n")

    def reader() -> KernelLog | RuntimeLog:
        if kind == "pods":
            return RuntimeLog(tmp_path, CollectingSink(), str(log))
        return KernelLog(tmp_path, "none" if kind == "no log" else str(log))

    threads, before = threading.active_count(), descriptors()
    for number in range(STARTS):
        one = reader()
        if kind != "not started":
            one.start()
        if number % 2:
            time.sleep(0)  # Half of them are stopped before their thread runs.
        one.stop()
        one.stop()
    until(lambda: threading.active_count() == threads)
    assert descriptors() == before
