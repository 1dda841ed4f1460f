# ruff: noqa: E501
"""What docker, podman, lxc, nomad, swarm, CRI-O and kata print; names and ids that stand inside an error."""

from __future__ import annotations

import pytest

from tests.cluster.test_public_texts import incidents_of
from tests.support.pod_cases import faults_of

ID = "7d1f" * 16
OTHER_ID = "ab09" * 16
UID = "5be8a0c4-7713-4b2e-9f60-0a1b2c3d4e5f"
NOMEM = "annot allocate memory"
UNKNOWN = "pod=-/- memory=yes"
RESERVED = f"k8s_cache-0_data_{UID}_0"

TEXTS: dict[str, tuple[str, str]] = {
    "docker run, iptables": (
        f"docker: Error response from daemon: driver failed programming external connectivity on endpoint x ({ID}): "
        f"iptables failed: iptables -t nat -A DOCKER:  (fork/exec /usr/sbin/iptables: c{NOMEM}).\n",
        f"{UNKNOWN} class=fork-refused",
    ),
    "docker run, nsenter and runc": (
        f"nsenter: failed to unshare namespaces: C{NOMEM}\n"
        'container_linux.go:262: starting container process caused "process_linux.go:247: running exec setns process for init caused \\"exit status 34\\""\n'
        'docker: Error response from daemon: oci runtime error: container_linux.go:262: starting container process caused "process_linux.go:247: running exec setns process for init caused \\"exit status 34\\"".\n',
        f"{UNKNOWN} class=netns-highorder",
    ),
    "swarm": (
        'time="2024-02-06T09:00:00Z" level=error msg="fatal task error" error="starting container failed: error creating '
        f'external connectivity network: fork/exec /sbin/iptables: c{NOMEM}" module=node/agent/taskmanager task.id=abc\n',
        f"{UNKNOWN} class=fork-refused time=2024-02-06T09:00:00",
    ),
    "dockerd's own containerd": (
        f'time="2024-02-06T09:00:00Z" level=error msg="libcontainerd: error restarting containerd: fork/exec /usr/bin/docker-containerd: c{NOMEM}"\n',
        f"{UNKNOWN} class=fork-refused",
    ),
    "nerdctl": (
        'time="2024-02-06T09:00:00Z" level=fatal msg="failed to create shim task: OCI runtime create failed: runc create '
        f'failed: unable to start container process: fork/exec /proc/self/exe: c{NOMEM}: unknown"\n',
        f"{UNKNOWN} class=fork-refused time=2024-02-06T09:00:00",
    ),
    "nerdctl, JSON": (
        '{"level":"fatal","msg":"failed to create shim task: OCI runtime create failed: fork/exec /usr/bin/runc: '
        f'c{NOMEM}: unknown","time":"2024-02-06T09:00:00Z"}}\n',
        f"{UNKNOWN} class=fork-refused time=2024-02-06T09:00:00",
    ),
    "podman, crun": (f"Error: OCI runtime error: crun: clone: C{NOMEM}\n", f"{UNKNOWN} class=fork-refused"),
    "podman 4, crun": (f"Error: crun: clone: C{NOMEM}: OCI runtime error\n", f"{UNKNOWN} class=fork-refused"),
    "podman, netavark": (
        f"Error: netavark: create veth pair: Netlink error: C{NOMEM} (os error 12)\n",
        f"{UNKNOWN} class=veth-highorder|network-enomem",
    ),
    "podman, CNI": (
        f'Error: plugin type="bridge" failed (add): cni plugin bridge failed: failed to make veth pair: c{NOMEM}\n',
        f"{UNKNOWN} class=veth-highorder|network-enomem",
    ),
    "lxc 1": (
        f"lxc-start: failed to clone(0x6c020000): C{NOMEM}\nlxc-start: C{NOMEM} - failed to fork into a new namespace\n"
        "lxc-start: failed to spawn 'db'\n",
        f"{UNKNOWN} class=fork-refused|netns-highorder",
    ),
    "lxc 3": (
        f"lxc-start: db: start.c: lxc_spawn: 1728 C{NOMEM} - Failed to clone a new set of namespaces\n"
        'lxc-start: db: start.c: __lxc_start: 1999 Failed to spawn container "db"\n',
        f"{UNKNOWN} class=fork-refused|netns-highorder|memory-refused",
    ),
    "nomad, docker": (
        f"2024-02-06T09:00:00.542+0100 [ERROR] client.driver_mgr.docker: failed to start container: driver=docker container_id={ID} "
        f'error="API error (500): failed to create shim task: fork/exec /usr/bin/runc: c{NOMEM}"\n',
        f"{UNKNOWN} class=fork-refused container={ID[:12]} time=2024-02-06T08:00:00",
    ),
    "nomad, JSON": (
        '{"@level":"error","@message":"running driver failed","@timestamp":"2024-02-06T09:00:00.5Z","task":"web",'
        f'"error":"Failed to start container {ID}: API error (500): runc create failed: fork/exec: c{NOMEM}"}}\n',
        f"{UNKNOWN} class=fork-refused container={ID[:12]} time=2024-02-06T09:00:00",
    ),
    "an engine that is not known": (
        f'level=error time=2024-02-06T09:00:00Z msg="Error transitioning container" error="fork/exec /bin/shim: c{NOMEM}"\n',
        f"{UNKNOWN} class=fork-refused",
    ),
    "CRI-O, CNI": (
        'time="2024-02-06T09:00:00Z" level=error msg="Error adding pod shop_cart-7c-x1 to CNI network \\"n\\": plugin '
        f'type=\\"calico\\" failed (add): could not create veth: c{NOMEM}"\n',
        "pod=shop/cart-7c-x1 class=veth-highorder|network-enomem",
    ),
    "nomad, CNI": (
        '2024-02-06T09:00:00.542Z [ERROR] client.alloc_runner: prerun failed: alloc_id=a80f5884 error="pre-run hook network failed: '
        f'plugin type=bridge failed (add): failed to make veth pair: c{NOMEM}"\n',
        f"{UNKNOWN} class=veth-highorder|network-enomem",
    ),
    "containerd starts a container": (
        f'time="2024-02-06T09:00:00Z" level=error msg="StartContainer for \\"{ID}\\" failed" error="failed to start containerd task \\"{ID}\\": fork/exec /usr/bin/runc: c{NOMEM}: unknown"\n',
        f"{UNKNOWN} container={ID[:12]}",
    ),
    "containerd creates a container": (
        f'time="2024-02-06T09:00:00Z" level=error msg="CreateContainer within sandbox \\"{ID}\\" for &ContainerMetadata{{Name:app,Attempt:0,}} failed" error="failed to create containerd container: c{NOMEM}"\n',
        f"{UNKNOWN} sandbox={ID[:12]}",
    ),
    "containerd, a name that is taken": (
        f'time="2024-02-06T09:00:00Z" level=error msg="CreateContainer within sandbox \\"{ID}\\" for &ContainerMetadata{{Name:app,Attempt:0,}} failed" '
        f'error="failed to reserve container name \\"app_cache-0_data_{UID}_0\\": name \\"app_cache-0_data_{UID}_0\\" is reserved for \\"{OTHER_ID}\\""\n',
        f"pod=data/cache-0 uid={UID} class=name-conflict memory=cannot tell sandbox={ID[:12]}",
    ),
    "CRI-O, a name that is taken": (
        f'time="2024-02-06 09:00:00.1Z" level=warning msg="error reserving pod name {RESERVED} for id {ID}: name is reserved"\n',
        f"pod=data/cache-0 uid={UID} class=name-conflict memory=cannot tell",
    ),
    "CRI-O, a container's name that is taken": (
        f'time="2024-02-06 09:00:00.1Z" level=warning msg="error reserving ctr name k8s_app_cache-0_data_{UID}_0 for id {ID}: name is reserved"\n',
        f"pod=data/cache-0 uid={UID} class=name-conflict",
    ),
    "CRI-O, by the id of the call": (
        'time="2024-02-06 09:00:00.1Z" level=info msg="Running pod sandbox: data/cache-1/POD" id=c1 name=/runtime.v1.RuntimeService/RunPodSandbox\n'
        'time="2024-02-06 09:00:00.2Z" level=info msg="Running pod sandbox: data/cache-0/POD" id=c0 name=/runtime.v1.RuntimeService/RunPodSandbox\n'
        f'time="2024-02-06 09:00:00.3Z" level=error msg="Container creation error: time=\\"2024-02-06T09:00:00Z\\" level=error msg=\\"runc create failed: fork/exec /proc/self/exe: c{NOMEM}\\"\\n" id=c0 name=/runtime.v1.RuntimeService/RunPodSandbox\n',
        "pod=data/cache-0 class=fork-refused memory=yes time=2024-02-06T09:00:00.3",
    ),
    "CRI-O, a hung plug-in": (
        'time="2024-02-06 09:00:00.1Z" level=error msg="Error while adding pod to CNI network \\"ovn\\": netplugin failed with no error message: signal: killed"\n',
        "pod=-/- class=timeout|cni memory=cannot tell",
    ),
    "kata": (
        f'time="2024-02-06T10:00:00.1+08:00" level=error msg="Create new sandbox failed" error="cgroups: cgroup mountpoint does not exist" name=containerd-shim-v2 pid=5 sandbox={ID} source=virtcontainers\n',
        f"pod=-/- class=cgroup-setup memory=no sandbox={ID[:12]} time=2024-02-06T02:00:00",
    ),
    "a pasted error": (
        f"failed to create pod sandbox: rpc error: code = Unknown desc = failed to start shim: fork/exec /usr/bin/x: c{NOMEM}\n",
        f"{UNKNOWN} class=fork-refused",
    ),
    "the pod in a CNI call": (
        f'Failed to create pod sandbox: CNI request failed: \'ContainerID:"{ID}" Args:"K8S_POD_NAMESPACE=data;K8S_POD_NAME=cache-0;K8S_POD_UID={UID}" ERRORED: failed to setup veth pair: c{NOMEM}\'\n',
        f"pod=data/cache-0 uid={UID} memory=yes",
    ),
    "dockermanager": (
        f'E0206 09:00:00.760212     735 pod_workers.go:184] Error syncing pod {UID}, skipping: failed to "SetupNetwork" for "cache-0_data" with SetupNetworkError: "unable to allocate IP address: connection refused; Skipping pod"\n',
        f"pod=data/cache-0 uid={UID} class=cni memory=no",
    ),
    "the uid alone": (
        f"E0206 09:00:00.760212     735 pod_workers.go:184] Error syncing pod {UID}, skipping: network is not ready: [cni config uninitialized]\n",
        f"pod=-/- uid={UID} class=cni memory=no",
    ),
    "a year in the kubelet's JSON": (
        'Feb 06 09:00:00 n kubelet[7]: {"ts":1675677600100.5,"caller":"kuberuntime/kuberuntime_sandbox.go:70","msg":"Failed to create sandbox for pod",'
        f'"pod":{{"name":"cache-0","namespace":"data"}},"err":"fork/exec /usr/bin/x: c{NOMEM}"}}\n',
        "pod=data/cache-0 class=fork-refused time=2023-02-06T10:00:00",
    ),
    "volumes: the wait alone": (
        'E0206 09:01:50.2     911 kubelet.go:1875] "Unable to attach or mount volumes for pod; skipping pod" err="unmounted volumes=[tls], unattached volumes=[]: context deadline exceeded" pod="data/cache-0"\n',
        "pod=data/cache-0 class=volume memory=no",
    ),
    "volumes, glog": (
        f'E0206 09:01:50.2     911 kubelet.go:1640] Unable to mount volumes for pod "cache-0_data({UID})": timeout expired waiting for volumes to attach or mount for pod "data"/"cache-0". list of unmounted volumes=[tls]; skipping pod\n',
        f"pod=data/cache-0 uid={UID} class=volume memory=no",
    ),
    "volumes: the mount that failed and the wait for it": (
        f'E0206 09:00:00.1     911 nestedpendingoperations.go:348] Operation for "{{volumeName:kubernetes.io/secret/{UID}-tls podName:{UID} nodeName:}}" failed. No retries permitted until 2024-02-06 09:02:00 +0000 UTC (durationBeforeRetry 2m0s). Error: MountVolume.SetUp failed for volume "tls" (UniqueName: "kubernetes.io/secret/{UID}-tls") pod "cache-0" (UID: "{UID}") : secret "tls" not found\n'
        f'E0206 09:01:50.2     911 pod_workers.go:1298] "Error syncing pod, skipping" err="unmounted volumes=[tls], unattached volumes=[]: context deadline exceeded" pod="data/cache-0" podUID="{UID}"\n',
        f"pod=data/cache-0 uid={UID} class=volume memory=no",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_engine_is_read(name: str) -> None:
    text, expected = TEXTS[name]
    assert faults_of(expected, incidents_of(text.encode())) == []


HARMLESS = (
    f'time="2024-02-06T09:00:00Z" level=warning msg="Health check for container {ID} error: fork/exec /usr/bin/runc: c{NOMEM}"\n',
    f'time="2024-02-06T09:00:00Z" level=error msg="container stats failed: fork/exec /usr/bin/runc: c{NOMEM}"\n',
    f"Error: OCI runtime error: exec failed: unable to start container process: fork: C{NOMEM}\n",
    f"Readiness probe errored: rpc error: code = Unknown desc = OCI runtime exec failed: exec failed: c{NOMEM}\n",
    f"redis[7]: Can't save in background: fork: C{NOMEM}\n",
    f"Error: committing the finished image: podman commit: OCI runtime error: c{NOMEM}\n",
    f'level=error msg="ExecSync for container x failed" error="failed to exec: c{NOMEM}"\n',
    f'level=error msg="failed to create an index" error="c{NOMEM}"\n',
    f'level=error msg="Failed to destroy network for sandbox x" error="plugin failed (delete): c{NOMEM}"\n',
    f'level=error msg="unable to update map" error="bpf map: c{NOMEM}" subsys=datapath\n',
    'time="2024-02-06T09:00:00Z" level=error msg="collecting metrics failed" error="ttrpc: closed"\n',
    'E0206 09:00:00.1  911 pod_workers.go:1298] "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"app\\" with CrashLoopBackOff: \\"back-off 5m0s\\"" pod="data/cache-0"\n',
    "Failed password for root from 10.0.0.1\n",
    "lxc-start: db: conf.c: Failed to mount /proc\n",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_errors_are_no_failed_pod(text: str) -> None:
    assert [each for each in incidents_of(text.encode()) if each.report is None] == []


KILLED = (
    "Feb 06 09:00:01 n kernel: java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=969\n"
    "Feb 06 09:00:01 n kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/system.slice/x.service,task=%s,pid=801,uid=0\n"
    "Feb 06 09:00:01 n kernel: Out of memory: Killed process 801 (%s) total-vm:2kB, anon-rss:9kB, file-rss:0kB\n"
)
SANDBOX = (
    'Feb 06 09:00:03 n kubelet[9]: E0206 09:00:03.100000     911 kuberuntime_sandbox.go:70] "Failed to create sandbox for pod" '
    'err="rpc error: %s" pod="data/cache-0"\n'
)
UNAVAILABLE = "code = Unavailable desc = error reading from server: EOF"


@pytest.mark.parametrize(
    ("victim", "error", "memory"),
    [
        ("containerd", UNAVAILABLE, "yes"),
        ("dockerd", UNAVAILABLE, "yes"),
        ("calico-node", 'plugin type=\\"calico\\" failed (add): connection refused', "yes"),
        ("multus", 'plugin type=\\"multus-shim\\" failed (add): Post \\"http://dummy/cni\\": EOF', "yes"),
        (
            "dbus-daemon",
            "unable to start unit x: Message recipient disconnected from message bus without replying",
            "yes",
        ),
        ("containerd-shim", 'failed to start sandbox container task \\"12\\": ttrpc: closed', "yes"),
    ],
)
def test_an_oom_kill_of_what_the_pod_misses_is_linked(victim: str, error: str, memory: str) -> None:
    log = KILLED % (victim, victim) + SANDBOX % error
    assert faults_of(f"kernel line ;; pod=data/cache-0 memory={memory} linked=True", incidents_of(log.encode())) == []


@pytest.mark.parametrize("victim", ["java", "calico-node"])
def test_an_oom_kill_of_another_task_does_not_explain_a_runtime_that_is_down(victim: str) -> None:
    log = KILLED % (victim, victim) + SANDBOX % UNAVAILABLE
    assert faults_of("pod=data/cache-0 class=runtime-down memory=no linked=False", incidents_of(log.encode())) == []


def test_a_name_that_is_taken_points_to_the_attempt_that_holds_it() -> None:
    name = f"cache-0_data_{UID}_0"
    reserved = f'code = Unknown desc = failed to reserve sandbox name \\"{name}\\": name \\"{name}\\" is reserved for \\"{ID}\\"'
    log = SANDBOX % "code = DeadlineExceeded desc = context deadline exceeded" + (SANDBOX % reserved).replace(
        "09:00:03", "09:00:15"
    )
    first, second = incidents_of(log.encode())
    assert (first.cause, second.cause, second.memory) == ("timeout", "name-conflict", None)
    assert first.id in second.linked
    assert "consequence of the attempt of 2024-02-06T09:00:03" in (second.explanation or "")


@pytest.mark.parametrize(
    ("error", "linked"), [("code = DeadlineExceeded desc = context deadline exceeded", True), ("exit status 6", False)]
)
def test_a_deadline_is_compared_with_what_the_kernel_said_when_the_attempt_began(error: str, linked: bool) -> None:
    kernel = (
        "Feb 06 08:56:30 n kernel: containerd: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)\n"
        "Feb 06 08:56:30 n kernel: CPU: 3 PID: 801 Comm: containerd Not tainted 5.15.0\n"
    )
    incidents = incidents_of((kernel + SANDBOX % error).encode())
    (pod,) = [each for each in incidents if each.report is None]
    assert bool(pod.linked) is linked
    assert pod.memory is None
