"""Signals that end a verb: noticed before, during and after the wait, and restored."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from fragtui.commands.cli.signals import end_signals

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", ALL)
def test_a_signal_before_the_wait_is_not_missed(number: signal.Signals) -> None:
    with end_signals() as ended:
        assert not ended.came
        signal.raise_signal(number)
        assert ended.came
        assert ended.wait() and ended.wait(0.1), "every later call reports it too"


def test_a_signal_ends_the_wait() -> None:
    with end_signals() as ended:
        begun = time.monotonic()
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        assert ended.wait(20)
        assert time.monotonic() - begun < 10
        timer.join()


def test_the_wait_without_a_signal_takes_its_time() -> None:
    with end_signals() as ended:
        begun = time.monotonic()
        assert not ended.wait(0.1)
        assert time.monotonic() - begun >= 0.1
        assert not ended.wait(-1)


def test_signal_handlers_are_restored() -> None:
    handlers = [signal.getsignal(each) for each in ALL]
    with end_signals() as outer:
        with end_signals() as inner:
            signal.raise_signal(signal.SIGHUP)
            assert inner.came and not outer.came
        signal.raise_signal(signal.SIGTERM)
        assert outer.came
    assert [signal.getsignal(each) for each in ALL] == handlers
    before = signal.set_wakeup_fd(-1)
    assert before == -1
