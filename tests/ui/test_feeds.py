"""The readers of logs and pods on a node that lets none of them start at first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fragtui.sampler import Sampler
from fragtui.sources.host.conditions import read_conditions
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.pods.watcher import PodWatcher
from fragtui.ui import wiring
from fragtui.ui.wiring import AppDependencies, BackgroundReaders
from tests.support.pod_sink import until


def test_readers_that_cannot_start_take_no_more_descriptors_at_each_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, start = [], threading.Thread.start

    def scarce(thread: threading.Thread) -> None:
        if thread.name in ("fragtui-pods", "kernel-log"):
            tries.append(len(list(Path("/proc/self/fd").iterdir())))
            if len(tries) < 40:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    monkeypatch.setattr(wiring, "RETRY_SECONDS", 0.01)
    reader = NodeReader(tmp_path)
    made = AppDependencies(
        sampler=lambda deliver, crash: Sampler(reader, deliver, crash, 1.0),
        kernel_log=lambda on_update: KernelLog(tmp_path, "none", on_update),
        pods=lambda on_update: PodWatcher(tmp_path, "none", None, on_update),
        read_conditions=read_conditions,
        root=tmp_path,
        live=False,
    )
    feeds = BackgroundReaders(made, lambda _: None)
    feeds.start()
    try:
        assert until(lambda: len(tries) >= 41)
        assert max(tries[2:40]) <= tries[1] + 2
    finally:
        feeds.stop()
