"""The rows of captured nodes: who is stuck, since when and why, and who is not."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import pytest

from fragtui.cluster.api_objects import pod_ref_of, read_event, read_pod
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.tracker import IncidentTracker
from fragtui.render.pod_text import pod_name
from tests.support.captures import captured, changes, listed, log_lines

CAPTURES = ("unshare-enomem", "other-layers")
Step = tuple[float, Callable[[IncidentTracker], object]]


def seen(observation: PodObservation, at: float) -> Step:
    return at, lambda tracker: tracker.observe(observation, at)


def existing(pods: Iterable[PodRef], at: float) -> Step:
    refs = tuple(pods)
    return at, lambda tracker: tracker.set_existing(refs, at)


def log_steps(path: str) -> Iterable[Step]:
    return (seen(each, line.time) for line in log_lines(path) for each in line.observations)


def after(*paths: str, then: Iterable[PodObservation] = ()) -> StuckPods:
    tracker, now = IncidentTracker(), 0.0
    for at, step in sorted(chain(*map(log_steps, paths)), key=lambda step: step[0]):
        step(tracker)
        now = at
    for observation in then:
        tracker.observe(observation, now + 1)
    return tracker.snapshot(now + 1)


def rows(pods: Iterable[StuckPod]) -> dict[str, tuple[str, int | None]]:
    return {pod_name(pod): (pod.reason_class.name, pod.attempts) for pod in pods}


NODE = {
    "containerd-container-level-failures.txt": {
        "default/mem-ctr-1": ("runc-init-died", 2),
        "default/seccomp-bad": ("seccomp", 2),
        "default/bad-cmd": ("exec", 2),
        "default/mem-unshare-1": ("runc-init-died", 1),
    },
    "kubelet-deleted-pod-context-canceled.txt": {},
    "kubelet-network-not-ready-running-pods.txt": {"default/cni-1": ("cni", 17)},
    "kubelet-only-volume-timeouts.txt": dict.fromkeys(
        ("default/vol-cm", "default/vol-hostpath", "default/vol-pvc-nfs"), ("volume", 1)
    ),
    "kubelet-volume-timeouts-beside-a-refusal.txt": dict.fromkeys(
        ("default/vol-cm", "default/vol-hostpath", "default/vol-pvc-nfs"), ("volume", 1)
    )
    | {"default/mem-fork-1": ("fork-refused", 1)},
}


@pytest.mark.parametrize("file", NODE)
def test_a_log_alone_gives_each_stuck_pod_one_row_with_its_name(file: str) -> None:
    stuck = after(f"node/{file}")
    assert rows(stuck.pods) == NODE[file] and len(stuck.pods) == len(NODE[file])
    assert stuck.started == ()


def test_a_volume_is_the_reason_from_its_first_line_on_in_its_own_words() -> None:
    path = "node/kubelet-volume-setup-failed.txt"
    tracker, first = IncidentTracker(), next(iter(log_lines(path)))
    for observation in first.observations:
        tracker.observe(observation, first.time)
    (pod,) = tracker.snapshot(first.time).pods
    assert (pod.name, pod.since) == ("vol-cm", first.time)
    stuck = after(path)
    reasons = {pod_name(pod): pod.reason.partition(" : ")[2] for pod in stuck.pods}
    assert reasons == {
        "default/vol-cm": 'configmap "absent" not found',
        "default/vol-hostpath": "hostPath type check failed: /does/not/exist is not a directory",
        "default/vol-pvc-nfs": "mount failed: exit status 32",
    }
    assert all(pod.reason_class.name == "volume" and pod.memory is False for pod in stuck.pods)


def test_a_container_that_starts_late_leaves_at_its_own_start() -> None:
    late = read_pod(json.loads(captured("node/pod-container-started-late.json")))
    assert late is not None and late.fact is PodFact.CONTAINER_RUNS
    stuck = after("node/containerd-container-level-failures.txt", then=[late])
    assert "default/mem-ctr-1" not in rows(stuck.pods)
    (started,) = stuck.started
    assert (pod_name(started), started.started) == ("default/mem-ctr-1", 1795901278.0)  # 21:27:58


class Node:
    """A captured node: its log and its API in their own order, and what its API says of each pod."""

    def __init__(self, name: str, kinds: tuple[str, ...]) -> None:
        pods = changes(name, "pods")
        start = pods[0].time - 1.0
        everything: list[Step] = [*log_steps(f"{name}/kubelet.log"), *log_steps(f"{name}/containerd.log")]
        everything.append(existing(map(pod_ref_of, listed(name)), start))
        self.facts: dict[str, list[tuple[float, PodFact]]] = {}
        for thing in listed(name):
            self._take(everything, start, read_pod(thing))
        for change in pods:
            self._take(everything, change.time, read_pod(change.thing, deleted=change.kind == "DELETED"))
        for kind in kinds:
            for change in changes(name, kind):
                event = read_event(change.thing) if change.kind != "DELETED" else None
                everything += [seen(event, change.time)] if event is not None else []
        self.steps = sorted((step for step in everything if step[0] >= start), key=lambda step: step[0])

    def _take(self, everything: list[Step], at: float, observation: PodObservation | None) -> None:
        if observation is not None:
            everything.append(seen(observation, at))
            self.facts.setdefault(str(observation.pod), []).append((at, observation.fact))

    def waits(self, pod: str, at: float) -> bool | None:
        """Whether the API says at that second that the pod waits; None within 3 s of a change."""
        facts = self.facts.get(pod, [])
        place = bisect_left(facts, at, key=lambda fact: fact[0])
        near = [facts[place - 1]] if place else []
        near += [fact for fact in facts if abs(fact[0] - at) < 3.0]
        said = {fact is PodFact.WAITS for _, fact in near}
        return said.pop() if len(said) == 1 else None


@pytest.mark.parametrize("kinds", [(), ("events",)], ids=["the kubelet's credentials", "with events"])
@pytest.mark.parametrize("name", CAPTURES)
def test_at_every_second_the_rows_are_the_pods_that_the_api_says_wait(name: str, kinds: tuple[str, ...]) -> None:
    node, tracker = Node(name, kinds), IncidentTracker()
    steps = iter(node.steps)
    now, end = node.steps[0][0], node.steps[-1][0]
    due = next(steps, None)
    while now < end:
        now += 1.0
        while due is not None and due[0] <= now:
            due[1](tracker)
            due = next(steps, None)
        state = tracker.snapshot(now)
        names = [pod_name(pod) for pod in state.pods]
        assert len(set(names)) == len(names) and not any("?" in pod or "unknown" in pod for pod in names)
        assert not set(names) & set(map(pod_name, state.started))
        wrong = [pod for pod in names if node.waits(pod, now) is False]
        missed = [pod for pod in node.facts if node.waits(pod, now) and node.waits(pod, now - 16) and pod not in names]
        assert (wrong, missed) == ([], []), now
    assert state.pods == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", CAPTURES)
def test_a_program_that_starts_late_has_the_same_rows_in_any_order_of_its_sources(name: str) -> None:
    node, pods = Node(name, ()), changes(name, "pods")
    logs = {log: list(log_steps(f"{name}/{log}.log")) for log in ("kubelet", "containerd")}
    now, end = pods[0].time, pods[-1].time
    while now < end:
        now += 55.0
        there = {pod_ref_of(thing): thing for thing in listed(name)}
        for change in pods:
            if change.time <= now and change.kind != "BOOKMARK":
                there[pod_ref_of(change.thing)] = change.thing
        api = [existing(there, now)]
        api += [seen(observation, now) for thing in there.values() if (observation := read_pod(thing)) is not None]
        past = {log: [step for step in steps if step[0] <= now] for log, steps in logs.items()}
        for order in (("api", "kubelet", "containerd"), ("containerd", "kubelet", "api")):
            tracker = IncidentTracker()
            for _, step in chain.from_iterable(api if source == "api" else past[source] for source in order):
                step(tracker)
            names = [pod_name(pod) for pod in tracker.snapshot(now).pods]
            wrong = [pod for pod in names if node.waits(pod, now) is False]
            missed = [pod for pod in node.facts if node.waits(pod, now) and node.waits(pod, now - 16)]
            assert (wrong, set(missed) - set(names)) == ([], set()), (order, now)
            assert "unknown pod" not in names and len(set(names)) == len(names)


MOMENT = "2026-11-28T21:25:13Z"
STARTED = "2026-11-28T21:27:58Z"
RUNNING: dict[str, Any] = {"running": {"startedAt": STARTED}}
NO_PROGRAM = 'runc create failed: unable to start container process: exec: "/x": stat /x: no such file or directory'
NEVER_RAN: dict[str, Any] = {
    "terminated": {"reason": "StartError", "message": NO_PROGRAM, "startedAt": "1970-01-01T00:00:00Z"}
}


def pod_that(state: dict[str, Any], last: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    container = {"name": "c", "state": state, "lastState": last or {}}
    condition = {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": MOMENT}
    return {
        "metadata": {"namespace": "default", "name": "web", "uid": "3490a635-38ca-407b-b94f-cc58739cbae9"},
        "status": {"phase": "Pending", "conditions": [condition], "containerStatuses": [container]} | status,
    }


def waiting(reason: str, message: str = "", last: dict[str, Any] | None = None) -> dict[str, Any]:
    return pod_that({"waiting": {"reason": reason, "message": message}}, last)


@pytest.mark.parametrize(
    ("thing", "row"),
    [
        (waiting("CreateContainerConfigError", 'configmap "absent" not found'), "container-config"),
        (waiting("ErrImageNeverPull", 'image "x" is not present with pull policy of Never'), "image-pull"),
        (waiting("ImagePullBackOff", 'Back-off pulling image "x"'), "image-pull"),
        (waiting("InvalidImageName", 'couldn\'t parse image name "X::y"'), "image-pull"),
        (waiting("CrashLoopBackOff", "back-off 40s", NEVER_RAN), "exec"),
        (waiting("CrashLoopBackOff", "back-off 40s", {"terminated": {"reason": "Error", "exitCode": 1}}), None),
        (pod_that({"terminated": {"reason": "Completed", "startedAt": MOMENT}}, phase="Succeeded"), None),
        (pod_that({"waiting": {"reason": "PodInitializing"}}, initContainerStatuses=[{"state": RUNNING}]), None),
        (pod_that(RUNNING, NEVER_RAN, phase="Running"), None),
    ],
    ids=["env-cm", "img-never", "img-pull", "img-invalid", "bad-cmd", "crash", "done", "init-wait", "late"],
)
def test_the_api_alone_gives_a_row_to_a_container_that_does_not_start(thing: dict[str, Any], row: str | None) -> None:
    tracker, observation = IncidentTracker(), read_pod(thing)
    assert observation is not None
    tracker.observe(observation, 1795901300.0)
    stuck = tracker.snapshot(1795901300.0).pods
    assert [pod.reason_class.name for pod in stuck] == ([row] if row else [])
    assert all(pod.cause.value == "other" and not pod.links for pod in stuck), "no kernel incident is needed"


def test_an_init_container_that_starts_late_leaves_while_it_still_runs() -> None:
    later = {"waiting": {"reason": "PodInitializing"}}
    fails = {"name": "prep", "state": {"waiting": {"reason": "RunContainerError", "message": NO_PROGRAM}}}
    tracker = IncidentTracker()
    for init, stuck in ((fails, 1), ({"name": "prep", "state": RUNNING}, 0)):
        observation = read_pod(pod_that(later, initContainerStatuses=[init]))
        assert observation is not None
        tracker.observe(observation, 1795901300.0)
        state = tracker.snapshot(1795901300.0)
        assert len(state.pods) == stuck
    assert [pod.started for pod in state.started] == [1795901278.0]
