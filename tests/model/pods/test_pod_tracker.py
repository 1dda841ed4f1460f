"""The pod tracker: pods appear, are counted, are distinguished, and leave when their sandbox runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.pods.pod_tracker import PATIENCE_SECONDS, QUIET_SECONDS, PodTracker
from fragtui.model.pods.pod_update import PodUpdate

UID = "1bcd0d00-baf1-11ea-88c6-0242c0219250"
OTHER = "66ded11b-e3cc-4fdd-a525-99d02ebebd1f"
WEB = PodRef("shop", "web-1", UID)
ERROR = "can't get final child's PID from pipe: EOF"


def failed(time: float, pod: PodRef = WEB, number: int = 1, **more: object) -> PodObservation:
    settings: dict[str, object] = {"error": ERROR, "sandbox_id": f"{number:064x}"} | more
    step = str(settings.pop("step", "worker"))
    return PodObservation(PodFact.FAILED, "kubelet", step, pod, time, **settings)  # type: ignore[arg-type]


def observed(
    fact: PodFact, time: float | None, pod: PodRef = WEB, source: str = "containerd", **more: object
) -> PodObservation:
    return PodObservation(fact, source, "", pod, time, **more)  # type: ignore[arg-type]


def tracker_of(*observations: PodObservation, now: float = 1000.0) -> PodTracker:
    tracker = PodTracker()
    for observation in observations:
        tracker.observe(observation, now)
    return tracker


def test_attempts_are_counted_and_the_first_is_kept() -> None:
    tracker = tracker_of(*(failed(1000.0 + 12 * at, number=at) for at in range(20)))
    (pod,) = tracker.snapshot(1300.0).pods
    assert pod.attempts == 20
    assert (pod.since, pod.first_failure, pod.last_failure) == (1000.0, 1000.0, 1228.0)
    assert pod.reason == ERROR and pod.reason_class.name == "runc-init-died" and pod.memory is None
    assert len(pod.sandbox_ids) == 8 and pod.sandbox_ids[-1] == f"{19:064x}"
    assert pod.stuck_seconds(1300.0) == 300.0


def test_a_pod_leaves_when_its_sandbox_runs_with_the_time_it_was_stuck() -> None:
    tracker = tracker_of(failed(1000.0), observed(PodFact.SANDBOX_RUNS, 1090.0))
    board_now = tracker.snapshot(1091.0)
    assert board_now.pods == ()
    (pod,) = board_now.started
    assert pod.started == 1090.0 and pod.stuck_seconds(5000.0) == 90.0
    assert tracker.snapshot(1090.0 + 3600).started == ()


def test_a_remedy_before_the_start_is_reported() -> None:
    tracker = tracker_of(failed(1000.0))
    tracker.remedy_ran("drop_caches 1")
    tracker.observe(observed(PodFact.SANDBOX_RUNS, 1090.0), 1090.0)
    assert tracker.snapshot(1091.0).started[0].after_remedy == "drop_caches 1"
    fresh = tracker_of(failed(1000.0), observed(PodFact.SANDBOX_RUNS, 1090.0))
    assert fresh.snapshot(1091.0).started[0].after_remedy is None


def test_old_failures_do_not_make_a_running_pod_stuck_again() -> None:
    tracker = tracker_of(observed(PodFact.SANDBOX_RUNS, 1090.0), failed(1000.0))
    assert tracker.snapshot(1091.0).pods == ()
    tracker.observe(failed(1200.0, number=2), 1200.0)
    assert [pod.name for pod in tracker.snapshot(1201.0).pods] == ["web-1"]


def test_an_old_report_that_it_runs_does_not_hide_a_new_failure() -> None:
    tracker = tracker_of(failed(1000.0), observed(PodFact.SANDBOX_RUNS, 500.0, source="api"))
    assert len(tracker.snapshot(1001.0).pods) == 1


def test_a_docker_sandbox_that_ran_and_failed_is_not_started() -> None:
    died = "a" * 64
    tracker = tracker_of(
        failed(1000.0, sandbox_id=None, container_id=died),
        PodObservation(PodFact.SANDBOX_RUNS, "kubelet", "pleg", WEB, 1000.3, container_id=died),
    )
    assert len(tracker.snapshot(1001.0).pods) == 1


def test_a_start_that_lasted_a_moment_keeps_the_time_stuck() -> None:
    tracker = tracker_of(failed(1000.0), observed(PodFact.SANDBOX_RUNS, 1060.0), failed(1065.0, number=2))
    (pod,) = tracker.snapshot(1066.0).pods
    assert pod.since == 1000.0 and pod.started is None and pod.attempts == 2


def test_waiting_pods_get_patience_and_then_show_without_a_reason() -> None:
    tracker = tracker_of(observed(PodFact.WAITS, None, source="api", since=1000.0))
    assert tracker.snapshot(1000.0 + PATIENCE_SECONDS - 1).pods == ()
    (pod,) = tracker.snapshot(1000.0 + PATIENCE_SECONDS).pods
    assert pod.reason_class.name == "no-word" and pod.attempts is None and pod.since == 1000.0


def test_api_and_log_report_one_pod() -> None:
    tracker = tracker_of(
        observed(PodFact.WAITS, None, source="api", since=990.0),
        failed(1000.0, PodRef("shop", "web-1")),
        failed(1012.0, WEB, 2),
    )
    (pod,) = tracker.snapshot(1013.0).pods
    assert pod.since == 990.0 and pod.attempts == 2 and set(pod.sources) == {"api", "kubelet"} and pod.uid == UID


def test_a_recreated_pod_of_the_same_name_is_another_pod() -> None:
    tracker = tracker_of(failed(1000.0), failed(1001.0, PodRef("shop", "web-1", OTHER), 2))
    assert len(tracker.snapshot(1002.0).pods) == 2


def test_deleted_and_unlisted_pods_leave() -> None:
    tracker = tracker_of(failed(1000.0), failed(1000.0, PodRef("shop", "b", OTHER), 2))
    tracker.observe(observed(PodFact.GONE, 1001.0), 1001.0)
    assert [pod.name for pod in tracker.snapshot(1002.0).pods] == ["b"]
    assert tracker.set_existing([WEB], 1002.0) is True
    assert tracker.snapshot(1002.0).pods == () and tracker.snapshot(1002.0).started == ()


def test_quiet_pods_of_logs_leave_but_not_those_of_the_api() -> None:
    tracker = tracker_of(failed(1000.0))
    assert tracker.snapshot(1000.0 + QUIET_SECONDS - 1).pods
    assert tracker.snapshot(1000.0 + QUIET_SECONDS + 1).pods == ()
    tracker = tracker_of(failed(1000.0), observed(PodFact.WAITS, None, source="api", since=990.0))
    assert tracker.snapshot(1000.0 + 10 * QUIET_SECONDS).pods


def test_events_count_what_the_log_did_not_show() -> None:
    event = PodObservation(PodFact.FAILED, "event", "event", WEB, 1000.0, error=ERROR, count=41, event_id="e1")
    (pod,) = tracker_of(failed(1000.0), event).snapshot(1001.0).pods
    assert pod.attempts == 41


def test_a_container_stage_pod_stays_until_a_container_runs() -> None:
    error = "CreateContainerError: x"
    waits = observed(PodFact.WAITS, None, source="api", stage="container", error=error, since=1000.0)
    tracker = tracker_of(waits, observed(PodFact.SANDBOX_RUNS, 1001.0, source="crictl"))
    assert tracker.snapshot(1002.0).pods[0].stage == "container"
    tracker.observe(observed(PodFact.CONTAINER_RUNS, 1003.0, source="api"), 1003.0)
    assert tracker.snapshot(1004.0).pods == ()


def test_cgroup_paths_find_their_pod() -> None:
    tracker = tracker_of(observed(PodFact.NAMED, None))
    path = f"/kubepods.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice/crio-{1:064x}.scope"
    update = PodUpdate(tracker.snapshot(1000.0), (), tracker.names)
    assert update.pod_of(path) == WEB
    assert update.pod_of("/system.slice") is None
    assert update.pod_of(f"/kubepods/pod{OTHER}") == PodRef(uid=OTHER)


PODS = st.sampled_from(
    [WEB, PodRef("shop", "web-1"), PodRef(name="web-1"), PodRef(uid=OTHER), PodRef(), PodRef("shop", "b", OTHER)]
)
IDS = st.none() | st.sampled_from([f"{at:064x}" for at in range(3)])
ANY_SIGHTING = st.builds(
    PodObservation,
    st.sampled_from(list(PodFact)),
    st.sampled_from(["kubelet", "containerd", "api", "event"]),
    st.sampled_from(["worker", "runtime", "pleg", "event"]),
    PODS,
    st.none() | st.floats(900, 1100),
    error=st.sampled_from(["", ERROR, "cannot allocate memory"]),
    sandbox_id=IDS,
    container_id=IDS,
    stage=st.sampled_from(["sandbox", "container"]),
    count=st.none() | st.integers(1, 9),
    event_id=st.none() | st.sampled_from(["e1", "e2"]),
    since=st.none() | st.floats(900, 1100),
)


@given(st.lists(ANY_SIGHTING, max_size=25))
def test_any_observation_leaves_a_consistent_tracker(observations: list[PodObservation]) -> None:
    tracker = PodTracker()
    for at, observation in enumerate(observations):
        tracker.observe(observation, 1000.0 + at)
        update = tracker.snapshot(1000.0 + at)
        uids = [pod.uid for pod in update.pods if pod.uid]
        assert len(uids) == len(set(uids))
        assert all(pod.started is None for pod in update.pods)
        assert all(pod.started is not None for pod in update.started)
        assert all(pod.attempts is None or pod.attempts > 0 for pod in update.pods)


@pytest.mark.slow
def test_a_flood_of_pods_does_not_grow_the_tracker() -> None:
    tracker = PodTracker()
    for at in range(3000):
        tracker.observe(failed(1000.0 + at / 100, PodRef("shop", f"p{at}", None), at), 1000.0 + at / 100)
    assert len(tracker.snapshot(1030.0).pods) <= 1024
