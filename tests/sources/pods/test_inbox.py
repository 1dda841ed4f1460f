"""A flood of kernel incidents and observations in the pod watcher: merged, dropped and counted, without a thread."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.pods.pod_tracker import MAX_PODS
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.tracker import IncidentTracker
from fragtui.sources.pods.inbox import MAX_INCIDENTS, MAX_OBSERVATIONS, PodInbox
from fragtui.sources.pods.watcher import PodWatcher
from tests.support.incidents import kernel_incident
from tests.support.kernel_update import brought
from tests.support.pod_sink import until


class Board(IncidentTracker):
    """Notes the incidents that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def kernel_incident(self, incident: Incident) -> bool:
        self.seen.append(incident.id)
        return False


def refusal(number: int, memory: bool = True, order: int = 4) -> Incident:
    uid = f"{number:08x}-0000-4000-8000-000000000000"
    return kernel_incident(
        ReportKind.ALLOCATION_FAILURE, time=1000.0, comm=f"task{number}", order=order, cpuset=f"/kubepods/pod{uid}",
        memory=memory, id=f"k{number}", stack=("copy_net_ns",),
    )  # fmt: skip


def failed(number: int, at: float = 1000.0) -> PodObservation:
    pod = PodRef("shop", f"p{number}")
    return PodObservation(
        PodFact.FAILED, "kubelet", "worker", pod, at, error="cannot allocate memory", sandbox_id=f"{number:064x}"
    )


def test_an_incident_never_waits_nor_starts_a_thread_and_the_dropped_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fragtui.sources.pods.watcher._REVIEW_SECONDS", 0.5)
    held, updates = threading.Event(), []

    def slow(update: PodUpdate) -> None:
        updates.append(update)
        held.wait(20)

    watch = PodWatcher(tmp_path, "none", on_update=slow)
    watch.start()
    try:
        assert until(lambda: bool(updates))
        threads = threading.active_count()
        began = time.monotonic()
        for number in range(3000):
            watch.kernel_update(brought(refusal(number)))
        assert threading.active_count() <= threads
        assert time.monotonic() - began < 2
        held.set()
        assert until(lambda: updates[-1].dropped >= 3000 - MAX_INCIDENTS - 16)
    finally:
        held.set()
        watch.stop()


def test_more_of_a_known_incident_takes_its_place() -> None:
    inbox, tracker = PodInbox(), IncidentTracker()
    tracker.observe(failed(1), 1000.0)
    for order in range(1, 2 * MAX_INCIDENTS):
        inbox.incident(refusal(7, order=order))
    (change,) = inbox.take(0.0)
    assert change(tracker, 1000.0)
    assert inbox.dropped == 0
    assert [link.incident_id for link in tracker.snapshot(1000.0).pods[0].links] == ["k7"]


def test_observations_that_are_no_denial_of_the_node_are_dropped_first() -> None:
    inbox, tracker = PodInbox(), Board()
    for number in range(MAX_INCIDENTS):
        inbox.incident(refusal(number, memory=number != 50))
    inbox.incident(refusal(1000))
    inbox.incident(refusal(1001))
    assert inbox.dropped == 2
    while changes := inbox.take(0.5):
        for change in changes:
            change(tracker, 0.0)
    assert tracker.seen == [f"k{number}" for number in (*range(1, 50), *range(51, MAX_INCIDENTS), 1000, 1001)]


def test_incidents_are_taken_a_few_at_a_time_so_that_the_rest_of_the_node_has_its_turn() -> None:
    inbox = PodInbox()
    for number in range(MAX_INCIDENTS):
        inbox.incident(refusal(number))
    taken, began = len(inbox.take(1.0)), time.monotonic()
    inbox.put(lambda tracker, now: False)
    assert len(inbox.take(1.0)) == 1
    assert time.monotonic() - began < 0.2
    assert taken + len(inbox.take(1.0)) <= 40
    assert time.monotonic() - began > 0.2


@pytest.mark.timeout(20)
def test_observations_wait_for_room_until_the_inbox_is_closed() -> None:
    inbox = PodInbox()
    inbox.put(lambda tracker, now: True, MAX_OBSERVATIONS)
    waiting = threading.Thread(target=inbox.put, args=(lambda tracker, now: True,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    assert len(inbox.take(0.0)) == 1
    waiting.join(5)
    assert not waiting.is_alive()
    inbox.put(lambda tracker, now: True, MAX_OBSERVATIONS)
    stopped = threading.Thread(target=inbox.put, args=(lambda tracker, now: True,))
    stopped.start()
    inbox.close()
    stopped.join(5)
    assert not stopped.is_alive()


def test_remedies_in_a_row_are_one_and_stay_behind_what_failed_before() -> None:
    inbox, tracker = PodInbox(), IncidentTracker()
    inbox.put(lambda tracker, now: tracker.observe(failed(1), now))
    for number in range(5000):
        inbox.remedy(lambda tracker, _, number=number: tracker.remedy_ran(f"remedy {number}"))  # type: ignore[misc]
    assert [change(tracker, 1000.0) for _ in range(2) for change in inbox.take(0.0)] == [True, True]
    assert inbox.take(0.0) == ()
    tracker.observe(PodObservation(PodFact.SANDBOX_RUNS, "containerd", "", PodRef("shop", "p1"), 1090.0), 1090.0)
    assert tracker.snapshot(1090.0).started[0].after_remedy == "remedy 4999"


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_tracker_of_unrelated_pods_stays_cheap() -> None:
    tracker = IncidentTracker()
    for number in range(4 * MAX_PODS):
        tracker.observe(failed(number, 1000.0 + number / 1000), 1000.0)
    for number in range(100):
        tracker.kernel_incident(refusal(number))
    began = time.process_time()
    for number in range(100):
        tracker.kernel_incident(refusal(100 + number))
        tracker.observe(failed(10_000 + number, 1001.0), 1000.0)
    # Once 200 ms each, when every attempt was compared with every other pod.
    assert (time.process_time() - began) / 100 < 0.05
