"""Readers that can't be started at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fragtui.model.kernel_log_news import KernelLogNews
from fragtui.sampler import Sampler
from fragtui.sources.kernel_log import KernelLog
from fragtui.sources.node import NodeReader
from fragtui.sources.pod_watch import PodWatch
from fragtui.ui import parts
from fragtui.ui.mailbox import News
from fragtui.ui.messages import KernelTold
from tests.support.host_tree import HostTree


def test_they_are_made_once_however_often_they_are_started_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds descriptors, which nobody would close."""
    made: list[KernelLog] = []
    tries: list[float] = []

    class Late(KernelLog):
        def start(self) -> None:
            tries.append(time.monotonic())
            if len(tries) < 4:
                raise RuntimeError("can't start new thread")
            super().start()

    def make(on_news: object) -> KernelLog:
        made.append(Late(tmp_path, "none", on_news=on_news))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(parts, "RETRY_SECONDS", 0.05)
    HostTree.small(tmp_path)
    reader = NodeReader(tmp_path)
    told: list[News] = []
    feeds = parts.Feeds(
        parts.Parts(
            sampler=lambda deliver, crash: Sampler(reader, deliver, crash, 1.0),
            kernel_log=make,
            pods=lambda on_news: PodWatch(tmp_path, "none", on_news=on_news),
            root=tmp_path,
            live=False,
        ),
        told.append,
    )
    feeds.start()
    end = time.monotonic() + 10
    while len(tries) < 4 or not _told(told, "switched off", None):
        assert time.monotonic() < end
        time.sleep(0.01)
    feeds.stop()
    assert len(made) == 1
    assert _told(told, "no thread can be started")


def _told(told: list[News], words: str, *others: str | None) -> bool:
    problems = [news.news.problem for news in told if isinstance(news, KernelTold) and _is_none(news.news)]
    return any(problem in others or (problem is not None and words in problem) for problem in problems)


def _is_none(news: KernelLogNews) -> bool:
    return news.source == "none"
