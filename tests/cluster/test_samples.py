"""The public samples give the facts that their index states."""

from __future__ import annotations

import pytest

from tests.cluster.reading import attempts_of
from tests.support.places import SAMPLES

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public samples are not here")

DOCKER_ID = "5b9be8c5bb121264899fac8d9d36b02150269d41ce96ba6ad36d70b8640cb01c"
TURING_ID = "029ce88eb5e7ed97a7a52134c5ca26748e104d90cc3ba5434d2ef501b4d74b85"
TURING_UID = "1bcd0d00-baf1-11ea-88c6-0242c0219250"
TURING_POD = "job-app/turing-schedule-46-20200701004530-zhq44"

FACTS = [
    # file, [(pod, uid, sandbox or container id, class, memory)] one per attempt
    (
        "kubelet-containerd-2",
        [("kube-system/etcd-master1", "153c6847d61a86788cd0d5288d47f732", None, "cgroup-setup", False)],
    ),
    (
        "kubelet-containerd-3",
        [
            (
                "default/data-writer-pod",
                "7607f6d7-91e1-4dbd-b957-c0d7b101de2e",
                "f47b48e3c415105d25fb316cf224c0e57b146b340c09d6847b2dfcf3b49c923c",
                "userns",
                False,
            )
        ],
    ),
    ("kubelet-containerd-5", [("unknown pod", None, None, "unknown", None)]),
    (
        "kubelet-containerd-7",
        [
            (
                "default/nginx-deployment-66b6c48dd5-8tznf",
                None,
                "a83bc7306739462809393ffc0ba5e349858a4ec2ed923130a420f94af1f36a70",
                "cni",
                False,
            )
        ],
    ),
    ("kubelet-containerd-8", [("unknown pod", None, None, "image-pull", False)]),
    ("kubelet-crio-1", [("unknown pod", None, None, "selinux", False)]),
    ("kubelet-crio-3", [("unknown pod", None, None, "cgroup-setup", False)]),
    ("kubelet-crio-4", [("unknown pod", None, None, "seccomp", False)]),
    ("kubelet-dockerd-2", [("unknown pod", None, DOCKER_ID, "runc-init-died", None)]),
    (
        "kubelet-dockerd-4",
        [
            (
                "unknown pod",
                None,
                "79a0906242e0180dfd7aeff30e9fb179f7b7c37f0ba20533f83b4cd40b409d2a",
                "runc-init-died",
                None,
            ),
            (
                "unknown pod",
                None,
                "b93539a02f27cc1ad0114552643d8e0c942fba053dc8cd3980cb8f24cf61ff25",
                "runc-init-died",
                None,
            ),
        ],
    ),
    (
        "kubelet-dockerd-5",
        [
            (
                "unknown pod",
                None,
                "bc91b4fd862386647df69cb636f779c05eb034d9e5db2ab527b51b90f128a5df",
                "cgroup-kmem-leak",
                False,
            )
        ],
    ),
    (
        "kubelet-dockershim-1",
        [
            (
                "basic/matchdataserver-1255064836-t4b2w",
                "485fd485-1ed6-11e9-8661-0a587f8021ea",
                DOCKER_ID,
                "runc-init-died",
                None,
            )
        ],
    ),
    ("kubelet-dockershim-2", [("unknown pod", None, None, "memcg-limit", False)]),
    ("kubelet-dockershim-4", [(TURING_POD, TURING_UID, TURING_ID, "runc-init-died", None)]),
    ("mixed-syslog-1", [(TURING_POD, TURING_UID, TURING_ID, "runc-init-died", None)]),
    ("kubelet-event-1", [("apigateway-6dc48bf8b6-l8xrw", None, None, "disk-full", False)]),
    (
        "kubelet-event-3",
        [
            ("lomp-ext-d8c8b8c46-4v8tl", None, None, "timeout", None),
            (
                "default/lomp-ext-d8c8b8c46-4v8tl",
                "65046a06-f795-11e9-9bb6-b67fb7a70bad",
                None,
                "name-conflict",
                False,
            ),
        ],
    ),
    (
        "kubelet-event-5",
        [("unknown pod", None, "09a23f79c96333b9f54e12df54e817837c8021cbaa32bdfeefbe2a1fb215d9ef", "cni", False)],
    ),
    ("kubelet-event-6", [("example_pod", None, None, "pid-limit", False)]),
    (
        "shape-kubelet-crio-oom",
        [
            ("unknown pod", None, None, "memcg-limit", False),
            (
                "unknown pod",
                None,
                "42b3383db5ce2dc15c245d90d1c4be2afd4ff485f91c5a7182ea1263e0fa0000",
                "memcg-limit",
                False,
            ),
        ],
    ),
    ("shape-kubelet-dockershim-veth", [("unknown pod", None, None, "veth-highorder", True)]),
    ("shape-kubelet-nsenter-enomem", [("unknown pod", None, None, "netns-highorder", True)]),
]


@pytest.mark.parametrize(("file", "facts"), FACTS, ids=[file for file, _ in FACTS])
def test_sample_gives_its_facts(file: str, facts: list[tuple[object, ...]]) -> None:
    attempts = attempts_of((SAMPLES / f"{file}.txt").read_bytes())
    found = [
        (
            str(attempt.pod),
            attempt.pod.uid,
            attempt.sandbox_id or attempt.container_id,
            attempt.reason_class.name,
            attempt.reason_class.memory,
        )
        for attempt in attempts
    ]
    assert found == facts


def test_every_pod_sample_is_asked_for() -> None:
    files = {path.stem for path in SAMPLES.iterdir() if path.name.startswith(("kubelet-", "mixed-", "shape-kubelet-"))}
    assert files == {file for file, _ in FACTS}


def test_events_keep_their_count() -> None:
    (attempt,) = attempts_of((SAMPLES / "kubelet-event-1.txt").read_bytes())
    assert attempt.count == 4307
    (attempt,) = attempts_of((SAMPLES / "kubelet-crio-4.txt").read_bytes())
    assert attempt.count == 69


def test_seed_sequence_is_one_attempt_with_all_its_lines() -> None:
    seed = (SAMPLES / "kubelet-dockerd-2.txt").read_bytes() + (SAMPLES / "kubelet-dockershim-1.txt").read_bytes()
    (attempt,) = attempts_of(seed)
    assert str(attempt.pod) == "basic/matchdataserver-1255064836-t4b2w"
    assert attempt.container_id == DOCKER_ID
    assert attempt.sources == ("dockerd", "kubelet")
    assert attempt.reason == 'running exec setns process for init caused "exit status 6"'
    assert attempt.lines is not None and attempt.lines[0] == 1
