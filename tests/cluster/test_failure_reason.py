"""The classes of reason: look-alikes first, and no class from a pod's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.failure_reason import classify, innermost_error, specificity
from fragtui.cluster.failure_reasons import REASONS

RPC = "rpc error: code = Unknown desc = "
RUNC = (
    RPC
    + "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
)

LOOK_ALIKES = (
    "cgroup-kmem-leak",
    "cgroup-ids",
    "bpf-jit-limit",
    "memcg-limit",
    "pid-limit",
    "cni",
    "image-pull",
    "seccomp",
    "name-conflict",
    "disk-full",
    "selinux",
    "runtime-down",
)
CASES = [
    ("netns-highorder", RUNC + "unable to unshare namespaces: Cannot allocate memory"),
    ("netns-highorder", "nsexec-1[4639]: failed to unshare remaining namespaces: Cannot allocate memory"),
    ("netns-highorder", "nsenter: failed to unshare namespaces: Cannot allocate memory"),
    ("mount-enomem", RPC + "failed to create namespace: failed to bind mount ns at "
     "/var/run/netns/cni-1: cannot allocate memory"),
    ("veth-highorder", "failed to add the host (veth1) <=> sandbox (veth2) pair interfaces: cannot allocate memory"),
    ("veth-highorder", RPC + 'plugin type="bridge" failed (add): failed to create veth pair: cannot allocate memory'),
    ("veth-highorder", RPC + "container veth name provided (eth0): cannot allocate memory"),
    ("network-enomem", RPC + 'plugin type="bridge" failed (add): could not add "cni0": cannot allocate memory'),
    ("fork-refused", RPC + "failed to start shim: fork/exec /usr/bin/containerd-shim: cannot allocate memory"),
    ("pid-limit", RPC + "failed to start shim: fork/exec /usr/bin/containerd-shim: resource temporarily unavailable"),
    ("pid-limit", "runtime: failed to create new OS thread (have 12 already; errno=11)"),
    ("bpf-jit-limit", RUNC + "unable to init seccomp: error loading seccomp filter into kernel: "
     "error loading seccomp filter: errno 524"),
    ("seccomp", RUNC + "error adding seccomp filter rule for syscall clone3: operation not permitted"),
    ("cgroup-kmem-leak", "mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod1/2: cannot allocate memory"),
    ("cgroup-ids", "mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod1/2: no space left on device"),
    ("cgroup-enomem", "mkdir /sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice: cannot allocate memory"),
    ("memcg-limit", RUNC + "unable to start container process: container init was OOM-killed (memory limit too low?)"),
    ("memcg-limit", 'process_linux.go:301: running exec setns process for init caused "signal: killed"'),
    ("memcg-limit", "container_linux.go:366: starting container process caused: "
     "process_linux.go:472: container init caused: "),
    ("memcg-limit", RUNC + "unable to start container process: error during container init: unable "
     "to set memory limit to 1"),
    ("image-pull", 'failed to get sandbox image "registry.k8s.io/pause:3.6": failed to pull image'),
    ("image-pull", 'ImagePullBackOff: Back-off pulling image "x"'),
    ("name-conflict", 'Conflict. The container name "/k8s_POD_a_b_c_0" is already in use by container "1234"'),
    ("disk-full", "mkdir /var/lib/containerd/x: no space left on device"),
    ("selinux", "failed to set /proc/self/attr/keycreate on procfs: write /proc/self/attr/keycreate: invalid argument"),
    ("cni", RPC + 'failed to setup network for sandbox "x": plugin type="calico" failed (add): connection refused'),
    ("cni", "network is not ready: container runtime network not ready: NetworkReady=false"),
    ("runtime-down", 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
                     'dial unix /run/containerd/containerd.sock: connect: no such file or directory"'),
    ("volume", 'MountVolume.SetUp failed for volume "c" : configmap "not-there" not found'),
    ("volume-enomem", 'MountVolume.SetUp failed for volume "x" : mkdir /var/lib/kubelet/pods/1: '
     "cannot allocate memory"),
    ("memory-refused", RPC + "write /proc/self/uid_map: cannot allocate memory"),
    ("runc-init-died", RUNC + "unable to start container process: can't get final child's PID from pipe: EOF"),
    ("runc-init-died", 'process_linux.go:297: getting the final child\'s pid from pipe caused "EOF"'),
    ("runc-init-died", 'running exec setns process for init caused "exit status 40"'),
    ("timeout", "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    ("unknown", "something else entirely"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "error"), CASES)
def test_each_error_text_has_its_class(name: str, error: str) -> None:
    assert classify(error).name == name
    nested = error.replace("\\", "\\\\").replace('"', '\\"')
    wrapped = (
        f'failed to "CreatePodSandbox" for "calico-node-flannel_seccomp(153c6847d61a86788cd0d5288d47f732)" with '
        f'CreatePodSandboxError: "Failed to create sandbox for pod \\"calico-node-flannel_seccomp'
        f'(153c6847d61a86788cd0d5288d47f732)\\": {nested}"'
    )
    assert classify(wrapped).name == name


@pytest.mark.parametrize("status", [1, 6, 22, 29, 34, 40])
def test_exit_status_alone_proves_nothing(status: int) -> None:
    assert classify(f'running exec setns process for init caused "exit status {status}"').memory is None


def test_every_similar_error_of_the_field_is_no_memory() -> None:
    for name, text in CASES:
        if name in LOOK_ALIKES:
            assert classify(text).memory is False, text


def test_names_are_unique_and_every_row_has_an_action() -> None:
    names = [(name, memory) for name, memory, *_ in REASONS if name != "timeout"]
    assert len(set(names)) == len(names)
    assert len({words for _, _, _, words, _ in REASONS}) == len(REASONS)
    assert all(words and advice for _, _, _, words, advice in REASONS)


@given(st.text(max_size=400))
def test_any_text_has_a_class_and_a_core(text: str) -> None:
    assert specificity(classify(text)) in (1, 2, 3)
    assert "\n" not in innermost_error(text)


@pytest.mark.slow
def test_long_hostile_errors_are_read_in_bounded_time() -> None:
    import time

    began = time.process_time()
    for unit in ("/sys/fs/cgroup/", "fork/exec ", "unshare ", 'for pod "', "Failed to create pod sandbox: ", "\\\\\\"):
        classify(unit * 200_000)
    assert time.process_time() - began < 3


def test_core_is_what_failed_not_who_passed_it_on() -> None:
    assert innermost_error(
        RUNC + "unable to start container process: can't get final child's PID from pipe: EOF: unknown"
    ) == ("can't get final child's PID from pipe: EOF")
    assert innermost_error("") == ""
