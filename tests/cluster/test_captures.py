"""The logs of our own cluster while it was denied memory, layer by layer."""

from __future__ import annotations

import json
from collections import Counter

from fragtui.cluster.api_objects import read_event, read_pod
from fragtui.cluster.crictl_json import read_sandboxes
from fragtui.cluster.observation import PodFact
from fragtui.cluster.sandbox_attempts import Attempt
from tests.cluster.reading import assembled, attempts_of, observations_of
from tests.support.places import FIXTURES


def test_each_layer_that_was_denied_memory_has_its_class() -> None:
    attempts = attempts_of((FIXTURES / "layers-kubelet.log").read_bytes())
    first: dict[str, Attempt] = {}
    for attempt in attempts:
        first.setdefault(str(attempt.pod), attempt)
    found = {pod: (attempt.reason_class.name, attempt.reason_class.memory) for pod, attempt in first.items()}
    assert found["default/n-netns"] == ("netns-highorder", True)
    assert found["default/n-shim"] == ("fork-refused", True)
    assert found["default/n-mount"] == ("mount-enomem", True)
    assert found["default/n-down"] == ("runtime-down", False)
    assert found["default/n-cgroup"] == ("cgroup-enomem", None)
    assert all(attempt.pod.uid is not None for attempt in attempts)


def test_kubelet_and_containerd_report_the_same_attempts() -> None:
    kubelet = (FIXTURES / "unshare-kubelet.log").read_bytes()
    containerd = (FIXTURES / "unshare-containerd.log").read_bytes()
    by_kubelet = {attempt.sandbox_id for attempt in attempts_of(kubelet)}
    by_containerd = {attempt.sandbox_id for attempt in attempts_of(containerd)}
    assert len(by_kubelet & by_containerd) > 5
    both = attempts_of(containerd + kubelet)
    assert Counter(attempt.sandbox_id for attempt in both).most_common(1)[0][1] == 1
    shared = [attempt for attempt in both if attempt.sandbox_id in by_kubelet & by_containerd]
    assert all(set(attempt.sources) == {"kubelet", "runtime"} for attempt in shared)
    assert all(attempt.reason == "can't get final child's PID from pipe: EOF" for attempt in both)


def test_containerd_reports_when_a_sandbox_runs() -> None:
    found = observations_of((FIXTURES / "layers-containerd.log").read_bytes())
    runs = {observation.pod.name for observation in found if observation.fact is PodFact.SANDBOX_RUNS}
    assert {"n-netns", "n-shim", "n-mount", "n-down"} <= runs


def test_events_are_the_same_attempts_as_the_log() -> None:
    events = json.loads((FIXTURES / "events.json").read_text())["items"]
    found = [observation for event in events if (observation := read_event(event)) is not None]
    failed = [observation for observation in found if observation.fact is PodFact.FAILED]
    assert failed and all(observation.sandbox_id and observation.pod.uid and observation.time for observation in failed)
    log = observations_of((FIXTURES / "unshare-kubelet.log").read_bytes())
    alone = {attempt.sandbox_id for attempt in assembled(log)}
    together = {attempt.sandbox_id for attempt in assembled([*log, *failed])}
    assert together == alone | {observation.sandbox_id for observation in failed}


def test_pods_appear_and_leave_in_the_watch() -> None:
    trail: dict[str, list[PodFact]] = {}
    since: dict[str, float | None] = {}
    for line in (FIXTURES / "watch-pods.jsonl").read_text().splitlines():
        observation = read_pod(json.loads(line)["object"])
        if observation is not None:
            trail.setdefault(str(observation.pod), []).append(observation.fact)
            if observation.fact is PodFact.WAITS:
                since[str(observation.pod)] = observation.since
    assert trail["default/api-665b464898-g8dkn"][0] is PodFact.WAITS
    assert trail["default/api-665b464898-g8dkn"][-1] is PodFact.CONTAINER_RUNS
    # A pod that ran and lost its sandbox waits since then, not since it was made.
    assert PodFact.WAITS in trail["default/web-2"]
    assert since["default/web-2"] == 1795497320.0
    assert since["default/api-665b464898-g8dkn"] == 1795497299.0


def test_crictl_reports_the_running_sandboxes() -> None:
    found = read_sandboxes((FIXTURES / "crictl-pods.json").read_text())
    assert found is not None
    states = {observation.pod.name: observation.fact for observation in found}
    assert states == {"web-1": PodFact.SANDBOX_RUNS, "sched-1": PodFact.SANDBOX_RUNS, "web-2": PodFact.NAMED}
