"""The thread that reads a fleet: what the user waits for comes first, and a server that is down is not hammered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from fragtui import polled_fleet
from fragtui.model.fleet.fleet import Fleet
from fragtui.polled_fleet import FleetState, PolledFleet
from tests.support.fleet_source import SyntheticFleet

NODE = "node-0007:9917"


class Watched:
    """A reader of a fleet, and a way to wait for what it does."""

    def __init__(self, source: SyntheticFleet, interval: float = 60.0) -> None:
        self.source = source
        self.crashes: list[str] = []
        self._changed = threading.Event()
        self.polled = PolledFleet(source, self._changed.set, self.crashes.append, interval)

    def __enter__(self) -> PolledFleet:
        self.polled.start()
        self.polled.start()
        return self.polled

    def __exit__(self, *_: object) -> None:
        self.polled.stop()

    def until(self, condition: Callable[[FleetState], bool]) -> None:
        end = time.monotonic() + 20.0
        while not condition(self.polled.state):
            assert time.monotonic() < end, self.polled.state
            self._changed.wait(0.02)
            self._changed.clear()


def test_a_node_that_is_opened_comes_before_the_fleet_and_its_bars_before_its_history() -> None:
    watched = Watched(SyntheticFleet(9))
    watched.polled.open_node(NODE, 3600.0)
    watched.polled.want_trends((NODE,))
    with watched:
        watched.until(lambda state: NODE in state.trends)
        assert watched.source.asked == [NODE, f"{NODE} 3600", "fleet", NODE, "trends 1"]
        node = watched.polled.state.node
        assert node is not None and len(node.series) == 61 and node.series[-1].time == watched.source.time
        watched.polled.close_node()
        assert watched.polled.state.node is None


def test_the_first_reading_is_quick_and_the_next_one_follows_at_once() -> None:
    class Quick(SyntheticFleet):
        def read(self, *, quick: bool = False) -> Fleet:
            return super().read()._replace(quick=quick)

    source = Quick(9)
    watched = Watched(source)
    states = []
    watched.polled._on_change = lambda: states.append(watched.polled.state)
    with watched as polled:
        polled.want_trends((NODE,))
        watched.until(lambda state: NODE in state.trends)
    assert [state.fleet.quick for state in states if state.fleet is not None] == [True, False, False]
    assert source.asked == ["fleet", "fleet", "trends 1"]


def test_with_each_reading_the_open_node_gets_one_more_and_no_second_of_one_time() -> None:
    watched = Watched(SyntheticFleet(9))
    with watched as polled:
        polled.open_node(NODE, 3600.0)
        watched.until(lambda state: state.node is not None and len(state.node.series) == 61 and state.fleet is not None)
        polled.read_now()
        watched.until(lambda _: watched.source.asked.count("fleet") == 2 and watched.source.asked[-1] == NODE)
        watched.source.time += 30.0
        polled.read_now()
        watched.until(lambda state: state.node is not None and len(state.node.series) == 62)
        polled.open_node(NODE, 86_400.0)
        watched.until(lambda state: state.node is not None and state.node.series[0].time < watched.source.time - 86_000)


def test_a_failure_keeps_the_old_answer_and_is_tried_again_with_longer_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polled_fleet, "_FIRST_WAIT", 0.02)
    source = SyntheticFleet(9)
    watched = Watched(source)
    with watched as polled:
        watched.until(lambda state: state.fleet is not None)
        kept = polled.state.fleet
        source.problem = "connection refused"
        polled.read_now()
        watched.until(lambda state: state.problem == "connection refused")
        assert polled.state.fleet is kept and polled.state.retry_at is not None
        watched.until(lambda _: source.asked.count("fleet") >= 5)
        polled.want_trends((NODE,))
        source.problem = None
        watched.until(lambda state: state.problem is None)
        assert polled.state.retry_at is None
        watched.until(lambda state: NODE in state.trends)


def test_unknown_trends_are_asked_for_once_a_reading_and_lose_no_node() -> None:
    source = SyntheticFleet(9)
    watched = Watched(source)
    with watched as polled:
        watched.until(lambda state: state.fleet is not None)
        source.problem = "too many samples"
        polled.want_trends((NODE, "node-0008:9917"))
        watched.until(lambda state: state.no_trends == "too many samples")
        assert polled.state.trends == {NODE: (), "node-0008:9917": ()} and polled.state.problem is None


def test_an_internal_error_is_reported_and_the_reading_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polled_fleet, "_FIRST_WAIT", 0.02)
    source = SyntheticFleet(9)
    watched = Watched(source)
    reads = iter((ZeroDivisionError("a fault"),))
    read = source.read

    def fail_once(*, quick: bool = False) -> Fleet:
        for fault in reads:
            raise fault
        return read()

    monkeypatch.setattr(source, "read", fail_once)
    with watched:
        watched.until(lambda state: state.fleet is not None)
        assert "ZeroDivisionError" in watched.crashes[0]


def test_it_rests_and_stops_without_waiting_for_the_server() -> None:
    source = SyntheticFleet(9)
    watched = Watched(source)
    with watched as polled:
        watched.until(lambda state: state.fleet is not None)
        polled.rest(True)
        polled.read_now()
        time.sleep(0.05)
        assert source.asked == ["fleet"]
        polled.rest(False)
        watched.until(lambda _: source.asked.count("fleet") == 2)
        polled.change_interval(0.01)
        watched.until(lambda _: source.asked.count("fleet") > 3)
    polled._thread.join(5.0)
    assert not polled._thread.is_alive()


class OneThread(SyntheticFleet):
    """Notes how many threads read it at a time; a reading lasts until it may end."""

    def __init__(self) -> None:
        super().__init__(3)
        self.may_end = threading.Event()
        self.reading = threading.Event()
        self.most = self._inside = 0

    def read(self, *, quick: bool = False) -> Fleet:
        self._inside += 1
        self.most = max(self.most, self._inside)
        self.reading.set()
        self.may_end.wait(20.0)
        self._inside -= 1
        return super().read()


def test_the_next_screen_reads_when_the_last_request_of_the_one_before_has_ended() -> None:
    source = OneThread()
    first = PolledFleet(source, lambda: None, print)
    first.start()
    assert source.reading.wait(20.0)
    first.stop()
    watched = Watched(source)
    watched.polled = PolledFleet(source, lambda: None, watched.crashes.append, before=first)
    with watched as second:
        time.sleep(0.1)
        assert second.state.fleet is None
        source.may_end.set()
        watched.until(lambda state: state.fleet is not None)
    assert source.most == 1 and source.asked == ["fleet", "fleet"]
