"""When the kubelet tries a pod again, from its own lines to the words on screen and in the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fragtui.cluster.observation import PodFact
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.pods.pod_tracker import PodTracker
from fragtui.model.pods.stuck_pods import StuckPod
from fragtui.render.pod_text import retry_facts, retry_words, state_words
from tests.cluster.reading import observations_of

UID = "0b7688c3-3b83-45df-b608-16beb9d167f8"
STAMP = "Nov 24 06:48:39 node-7 kubelet[1037]: E1124 06:48:39.000000 1037 "
VOLUME = (
    'nestedpendingoperations.go:348] Operation for "{volumeName:kubernetes.io/projected/%s-kube-api-access-tf2kw '
    'podName:%s nodeName:}" failed. No retries permitted until 2026-11-24 06:48:40.441621888 +0000 UTC m=+1.818430810 '
    '(durationBeforeRetry %s). Error: MountVolume.SetUp failed for volume "kube-api-access-tf2kw" (UniqueName: '
    '"kubernetes.io/projected/%s-kube-api-access-tf2kw") pod "hostnet" (UID: "%s") : mkdir /x: cannot allocate memory'
)
SYNC = 'pod_workers.go:1298] "Error syncing pod, skipping" err="%s" pod="kube-system/hostnet" podUID="' + UID + '"'
BACK_OFF = (
    'failed to \\"StartContainer\\" for \\"app\\" with CrashLoopBackOff: \\"back-off %s restarting failed '
    "container=app pod=hostnet_kube-system(" + UID + ')\\"'
)
NO_SANDBOX = 'failed to \\"CreatePodSandbox\\" for \\"hostnet_kube-system\\": cannot allocate memory'


def line(text: str, at: str = "06:48:39") -> bytes:
    return (STAMP + text).replace("06:48:39", at).encode() + b"\n"


def volume(wait: str) -> str:
    return VOLUME % (UID, UID, wait, UID, UID)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (volume("500ms"), 0.5),
        (volume("32s"), 32.0),
        (volume("1m4s"), 64.0),
        (volume("2m2s"), 122.0),
        (SYNC % (BACK_OFF % "40s"), 40.0),
        (SYNC % (BACK_OFF % "2m40s"), 160.0),
        (SYNC % (BACK_OFF % "5m0s"), 300.0),
        (SYNC % NO_SANDBOX, 12.0),
        (SYNC % 'failed to \\"StartContainer\\" for \\"app\\" with RunContainerError: \\"no memory\\"', 12.0),
        (SYNC % "network is not ready: container runtime network not ready", 1.0),
        (volume("soon"), None),
        (volume("9" * 16), None),
        (SYNC % (BACK_OFF % "h"), None),
    ],
)
def test_the_kubelets_line_says_when_it_tries_again(text: str, seconds: float | None) -> None:
    observations = observations_of(line(text))
    backs_off = "back-off" in text
    if seconds is None and backs_off:
        assert observations == []
        return
    (observation,) = observations
    assert observation.time is not None
    assert observation.next_try == (None if seconds is None else observation.time + seconds)
    assert observation.pod.uid == UID and observation.pod.name == "hostnet"
    assert observation.fact is (PodFact.RETRIES if backs_off else PodFact.FAILED)


def stuck(*lines: bytes) -> StuckPod:
    tracker = PodTracker()
    for observation in observations_of(b"".join(lines)):
        tracker.observe(observation, observation.time or 0.0)
    (pod,) = tracker.snapshot(observations_of(lines[-1])[0].time or 0.0).pods
    return pod


def test_what_the_kubelet_states_holds_until_then_and_its_usual_pace_after() -> None:
    failed, back_off = SYNC % NO_SANDBOX, SYNC % (BACK_OFF % "40s")
    first = stuck(line(failed))
    assert first.next_try is not None and first.last_failure is not None
    assert first.next_try == first.last_failure + 12
    start = first.last_failure
    assert stuck(line(failed), line(back_off, "06:48:41")).next_try == start + 42
    again = (line(failed), line(back_off, "06:48:41"), line(back_off, "06:48:53"), line(failed, "06:49:01"))
    assert stuck(*again).next_try == start + 42, "each sync repeats the same back-off"
    assert stuck(*again, line(failed, "06:49:22")).next_try == start + 43 + 12
    begun = line('kuberuntime_manager.go:1170] "CreatePodSandbox for pod failed" err="x" pod="kube-system/hostnet"')
    assert stuck(line(failed), begun.replace(b"06:48:39", b"06:48:50")).next_try is None, "it has just tried"


def test_a_wait_of_a_pod_that_is_not_stuck_makes_none() -> None:
    tracker = PodTracker()
    (observation,) = observations_of(line(SYNC % (BACK_OFF % "40s")))
    assert not tracker.observe(observation, 0.0)
    assert tracker.snapshot(0.0).pods == ()


def test_the_words_count_down_and_never_claim_what_no_log_says() -> None:
    pod = stuck(line(SYNC % NO_SANDBOX))
    due = pod.next_try
    assert due is not None
    pod = replace(pod, ref=PodRef("kube-system", "hostnet"))
    assert state_words(pod, due - 24).endswith("; next try in about 24 s")
    assert state_words(pod, due + 3).endswith("; next try due now")
    for unknown, now in ((pod, due + 31), (replace(pod, next_try=None), due)):
        assert state_words(unknown, now).endswith("; next try unknown: no log says when")
        assert retry_facts(unknown, now) == ()
    assert "next try" not in state_words(replace(pod, started=due), due)
    words = ["now", "1 s", "99 s", "2 min", "5 min"]
    assert [retry_words(seconds) for seconds in (0.0, 1.2, 99.0, 100.0, 300.0)] == words
