"""What our own cluster wrote while it was refused memory, layer by layer."""

from __future__ import annotations

import json
from collections import Counter

from fragtui.cluster.api_objects import read_event, read_pod
from fragtui.cluster.crictl_json import read_sandboxes
from fragtui.cluster.observation import Said
from fragtui.cluster.sandbox_attempts import Attempt
from tests.cluster.reading import assembled, attempts_of, sightings_of
from tests.support.places import FIXTURES


def test_each_layer_that_was_refused_memory_has_its_class() -> None:
    attempts = attempts_of((FIXTURES / "layers-kubelet.log").read_bytes())
    first: dict[str, Attempt] = {}
    for attempt in attempts:
        first.setdefault(str(attempt.pod), attempt)
    told = {pod: (attempt.reason_class.name, attempt.reason_class.memory) for pod, attempt in first.items()}
    assert told["default/n-netns"] == ("netns-highorder", True)
    assert told["default/n-shim"] == ("fork-refused", True)
    assert told["default/n-mount"] == ("mount-enomem", True)
    assert told["default/n-down"] == ("runtime-down", False)
    assert told["default/n-cgroup"] == ("cgroup-enomem", None)
    assert all(attempt.pod.uid is not None for attempt in attempts)


def test_kubelet_and_containerd_tell_of_the_same_attempts() -> None:
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


def test_containerd_says_when_a_sandbox_runs() -> None:
    told = sightings_of((FIXTURES / "layers-containerd.log").read_bytes())
    runs = {sighting.pod.name for sighting in told if sighting.said is Said.SANDBOX_RUNS}
    assert {"n-netns", "n-shim", "n-mount", "n-down"} <= runs


def test_events_are_the_same_attempts_as_the_log() -> None:
    events = json.loads((FIXTURES / "events.json").read_text())["items"]
    told = [sighting for event in events if (sighting := read_event(event)) is not None]
    failed = [sighting for sighting in told if sighting.said is Said.FAILED]
    assert failed and all(sighting.sandbox_id and sighting.pod.uid and sighting.time for sighting in failed)
    log = sightings_of((FIXTURES / "unshare-kubelet.log").read_bytes())
    alone = {attempt.sandbox_id for attempt in assembled(log)}
    together = {attempt.sandbox_id for attempt in assembled([*log, *failed])}
    assert together == alone | {sighting.sandbox_id for sighting in failed}


def test_pods_appear_and_leave_in_the_watch() -> None:
    trail: dict[str, list[Said]] = {}
    since: dict[str, float | None] = {}
    for line in (FIXTURES / "watch-pods.jsonl").read_text().splitlines():
        sighting = read_pod(json.loads(line)["object"])
        if sighting is not None:
            trail.setdefault(str(sighting.pod), []).append(sighting.said)
            if sighting.said is Said.WAITS:
                since[str(sighting.pod)] = sighting.since
    assert trail["default/api-665b464898-g8dkn"][0] is Said.WAITS
    assert trail["default/api-665b464898-g8dkn"][-1] is Said.CONTAINER_RUNS
    # A pod that ran and lost its sandbox waits since then, not since it was made.
    assert Said.WAITS in trail["default/web-2"]
    assert since["default/web-2"] == 1795497320.0
    assert since["default/api-665b464898-g8dkn"] == 1795497299.0


def test_crictl_tells_which_sandboxes_run() -> None:
    told = read_sandboxes((FIXTURES / "crictl-pods.json").read_text())
    assert told is not None
    states = {sighting.pod.name: sighting.said for sighting in told}
    assert states == {"web-1": Said.SANDBOX_RUNS, "sched-1": Said.SANDBOX_RUNS, "web-2": Said.NAMED}
