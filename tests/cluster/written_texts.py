"""Texts of kubelets and runtimes of many versions, written for these tests in the forms that those programs use."""

# ruff: noqa: E501 - the texts are as long as the programs write them

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.support.go_quoting import quoted

UID = "3f2a9c4e-7b1d-4c55-9e0a-6d1f8b2c7a90"
STATIC = "0c9c1c2dbb5f7dd7b5ff7fa7b9e4a4f7"
S1 = "4be1" * 16
S2 = "a07c" * 16
S3 = "19fd" * 16
WEB = ("shop", "web-6c8f-x2k4p", UID)
API = ("kube-system", "kube-apiserver-node-3", STATIC)


@dataclass(frozen=True)
class Fact:
    """One incident of a text."""

    pod: tuple[str | None, str | None, str | None]
    cause: str
    memory: bool | None
    sandbox: str | None = None


@dataclass(frozen=True)
class Case:
    """A log and the incidents that are to be read from it, in the order of their lines."""

    name: str
    text: str
    facts: tuple[Fact, ...]


def glog(error: str, pod: tuple[str, str, str] = WEB, clock: str = "0612 09:14:03", prefix: str = "") -> str:
    """The four lines of a kubelet from 1.6 to 1.18 about one failed sandbox."""
    namespace, name, uid = pod
    long = f"{name}_{namespace}({uid})"
    head = f"{prefix}E{clock}"
    created = f'CreatePodSandbox for pod "{long}" failed: {error}'
    return (
        f"{head}.412345    2113 remote_runtime.go:92] RunPodSandbox from runtime service failed: {error}\n"
        f"{head}.412467    2113 kuberuntime_sandbox.go:54] {created}\n"
        f'{head}.412481    2113 kuberuntime_manager.go:618] createPodSandbox for pod "{long}" failed: {error}\n'
        f'{head}.412560    2113 pod_workers.go:186] Error syncing pod {uid} ("{long}"), skipping: '
        f'failed to "CreatePodSandbox" for "{long}" with CreatePodSandboxError: {quoted(created)}\n'
    )


def klog(
    error: str, pod: tuple[str, str, str] = WEB, clock: str = "1124 05:14:59", prefix: str = "", new: bool = True
) -> str:
    """The four lines of a kubelet from 1.20 on; `new` as from 1.28 on, with the uid quoted."""
    namespace, name, uid = pod
    head, named = f"{prefix}E{clock}", f'pod="{namespace}/{name}"'
    quoted_error = quoted(f"rpc error: code = Unknown desc = {error}")
    long = f"{name}_{namespace}({uid})"
    inner = quoted(f"Failed to create sandbox for pod {quoted(long)}: rpc error: code = Unknown desc = {error}")
    sync = quoted(f'failed to "CreatePodSandbox" for "{long}" with CreatePodSandboxError: {inner}')
    runtime, shown = ("log.go:32", f'"{uid}"') if new else ("remote_runtime.go:222", uid)
    return (
        f'{head}.185269   29426 {runtime}] "RunPodSandbox from runtime service failed" err={quoted_error}\n'
        f'{head}.185341   29426 kuberuntime_sandbox.go:70] "Failed to create sandbox for pod" err={quoted_error} {named}\n'
        f'{head}.185367   29426 kuberuntime_manager.go:1172] "CreatePodSandbox for pod failed" err={quoted_error} {named}\n'
        f'{head}.185427   29426 pod_workers.go:1298] "Error syncing pod, skipping" err={sync} {named} podUID={shown}\n'
    )


def containerd(error: str, form: str = "1.6", pod: tuple[str, str, str] = WEB, attempt: int = 0) -> str:
    """The lines of containerd about one failed sandbox."""
    namespace, name, uid = pod
    metadata = {
        "1.2": f"&PodSandboxMetadata{{Name:{name},Uid:{uid},Namespace:{namespace},Attempt:{attempt},}}",
        "1.6": f"&PodSandboxMetadata{{Name:{name},Uid:{uid},Namespace:{namespace},Attempt:{attempt},}}",
        "2.1": f'name:"{name}"  uid:"{uid}"  namespace:"{namespace}"' + (f"  attempt:{attempt}" if attempt else ""),
    }[form]
    stamp = "2026-11-24T05:14:59.184105331Z"
    return (
        f'time="{stamp}" level=info msg={quoted(f"RunPodSandbox for {metadata}")}\n'
        f'time="{stamp}" level=error msg={quoted(f"RunPodSandbox for {metadata} failed, error")} error={quoted(error)}\n'
    )


def json_log(error: str) -> str:
    """The lines of a kubelet with --logging-format=json."""
    named = {"name": WEB[1], "namespace": WEB[0]}
    lines: tuple[dict[str, object], ...] = (
        {"msg": "RunPodSandbox from runtime service failed", "err": error},
        {"msg": "Failed to create sandbox for pod", "pod": named, "err": error},
        {"msg": "CreatePodSandbox for pod failed", "pod": named, "err": error},
        {
            "msg": "Error syncing pod, skipping",
            "pod": named,
            "podUID": UID,
            "err": f'failed to "CreatePodSandbox" for "{WEB[1]}_{WEB[0]}({UID})" with CreatePodSandboxError: '
            + quoted(f"Failed to create sandbox for pod: {error}"),
        },
    )
    return "".join(
        json.dumps({"ts": 1795842899185.269 + at / 10, "caller": "kuberuntime/x.go:70", **line}) + "\n"
        for at, line in enumerate(lines)
    )


def export(text: str, unit: str = "kubelet.service") -> str:
    """The lines as `journalctl -o export` gives them."""
    return "".join(
        f"__CURSOR=s=1;i={at}\n__REALTIME_TIMESTAMP={1795842899185269 + at}\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=b\n"
        f"_TRANSPORT=stdout\nSYSLOG_IDENTIFIER=kubelet\n_PID=29426\n_SYSTEMD_UNIT={unit}\nMESSAGE={line}\n\n"
        for at, line in enumerate(text.splitlines())
    )


def journal_json(text: str, as_bytes: bool = False) -> str:
    """The lines as `journalctl -o json` gives them; `as_bytes` as it does for text with an escape in it."""
    return "".join(
        json.dumps(
            {
                "__REALTIME_TIMESTAMP": str(1795842899185269 + at),
                "_SYSTEMD_UNIT": "kubelet.service",
                "SYSLOG_IDENTIFIER": "kubelet",
                "_TRANSPORT": "stdout",
                "MESSAGE": list(line.encode()) if as_bytes else line,
            },
            separators=(",", ":"),
        )
        + "\n"
        for at, line in enumerate(text.splitlines())
    )


def wrapped(text: str, columns: int) -> str:
    """The lines as a terminal wraps them."""
    return "".join(line[at : at + columns] + "\n" for line in text.splitlines() for at in range(0, len(line), columns))


EXIT_29 = (
    'rpc error: code = 2 desc = failed to start sandbox container for pod "web-6c8f-x2k4p": Error response from daemon: '
    '{"message":"oci runtime error: container_linux.go:247: starting container process caused \\"process_linux.go:245: '
    'running exec setns process for init caused \\\\\\"exit status 29\\\\\\"\\"\\n"}'
)
FINAL_CHILD = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: can't get final child's PID from pipe: EOF: unknown"
)
UNSHARE = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable "
    "to start container process: waiting for init preliminary setup: read init-p: connection reset by peer; runc: "
    "nsexec-1[70623]: failed to unshare remaining namespaces (except cgroupns): Cannot allocate memory: unknown"
)
VETH = (
    f'failed to setup network for sandbox "{S1}": plugin type="bridge" failed (add): failed to make veth pair: '
    "failed to create veth pair: cannot allocate memory"
)
CILIUM = (
    f'failed to setup network for sandbox "{S2}": plugin type="cilium-cni" failed (add): unable to set up link on host '
    "side: unable to create veth pair: cannot allocate memory"
)
AWS = (
    f'failed to setup network for sandbox "{S1}": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to '
    "assign an IP address to container"
)
KMEM = (
    "failed to create containerd task: OCI runtime create failed: container_linux.go:346: starting container process "
    'caused "process_linux.go:297: applying cgroup configuration for process caused \\"mkdir '
    f'/sys/fs/cgroup/memory/kubepods/burstable/pod{UID}/{S1}: cannot allocate memory\\"": unknown'
)
CGROUP2 = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable "
    "to start container process: unable to apply cgroup configuration: mkdir /sys/fs/cgroup/kubepods.slice/"
    f"kubepods-pod{UID.replace('-', '_')}.slice/cri-containerd-{S1}.scope: cannot allocate memory: unknown"
)
MEMCG_IDS = (
    "failed to create shim: OCI runtime create failed: container_linux.go:380: starting container process caused: "
    "process_linux.go:393: applying cgroup configuration for process caused: mkdir "
    f"/sys/fs/cgroup/memory/kubepods/besteffort/pod{UID}/{S1}: no space left on device: unknown"
)
BPF_JIT = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable "
    "to start container process: error during container init: unable to init seccomp: error loading seccomp filter into "
    "kernel: error loading seccomp filter: errno 524: unknown"
)
OOM_KILLED = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable "
    "to start container process: container init was OOM-killed (memory limit too low?): unknown"
)
SHIM = (
    "failed to create containerd task: failed to start shim: start failed: fork/exec "
    "/usr/local/bin/containerd-shim-runc-v2: cannot allocate memory: unknown"
)
SHIM_EAGAIN = (
    "failed to create containerd task: failed to start shim: start failed: : pipe2: fork/exec "
    "/usr/bin/containerd-shim-runc-v2: resource temporarily unavailable: unknown"
)
CGO = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: unable to retrieve OCI "
    "runtime error (open /run/containerd/io.containerd.runtime.v2.task/k8s.io/"
    f"{S1}/log.json: no such file or directory): runc did not terminate successfully: exit status 2: runtime/cgo: "
    "pthread_create failed: Resource temporarily unavailable"
)
PAUSE_IMAGE = (
    'failed to get sandbox image "registry.k8s.io/pause:3.9": failed to pull image "registry.k8s.io/pause:3.9": failed to '
    'pull and unpack image "registry.k8s.io/pause:3.9": failed to resolve reference "registry.k8s.io/pause:3.9": failed '
    'to do request: Head "https://registry.k8s.io/v2/pause/manifests/3.9": dial tcp 10.0.0.1:443: i/o timeout'
)
KEYCREATE = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable "
    "to start container process: error during container init: write /proc/thread-self/attr/keycreate: permission denied"
)
RESERVED = f'failed to reserve sandbox name "{WEB[1]}_{WEB[0]}_{UID}_0": name "{WEB[1]}_{WEB[0]}_{UID}_0" is reserved for "{S2}"'
DISK = (
    "failed to create containerd container: create snapshot: mkdir /var/lib/containerd/io.containerd.snapshotter.v1."
    "overlayfs/snapshots/new-1234: no space left on device"
)
SOCKET = (
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix '
    '/run/containerd/containerd.sock: connect: connection refused"'
)
MULTUS = (
    f"failed to create pod network sandbox k8s_{WEB[1]}_{WEB[0]}_{UID}_0({S1}): error adding pod {WEB[0]}_{WEB[1]} to CNI "
    'network "multus-cni-network": plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): CNI '
    'request failed with status 400: \'ContainerID:"x" Netns:"/var/run/netns/y" : timed out waiting for pod annotation'
)
CRIO_RUNC = (
    'container create failed: time="2026-11-24T05:14:59Z" level=error msg="runc create failed: unable to start container '
    "process: can't get final child's PID from pipe: EOF\"\n"
)
CRUN = "container create failed: clone: Cannot allocate memory\n"
DOCKER_MEM_BUSY = (
    f'rpc error: code = Unknown desc = failed to start sandbox container for pod "{WEB[1]}": Error response from daemon: '
    'OCI runtime create failed: container_linux.go:348: starting container process caused "process_linux.go:402: '
    'container init caused \\"process_linux.go:367: setting cgroup config for procHooks process caused \\\\\\"failed to '
    f"write 4194304 to memory.limit_in_bytes: write /sys/fs/cgroup/memory/kubepods/burstable/pod{UID}/{S1}/"
    'memory.limit_in_bytes: device or resource busy\\\\\\"\\"": unknown'
)
UNKNOWN_FATE = "context deadline exceeded"
INIT_MOUNT = (
    'failed to "StartContainer" for "init-db" with RunContainerError: "failed to create containerd task: failed to create '
    "shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container "
    'init: error mounting \\"/var/lib/kubelet/pods/x/etc-hosts\\" to rootfs at \\"/etc/hosts\\": mount src=/x, '
    'dst=/etc/hosts, dstFd=/proc/thread-self/fd/8, flags=MS_BIND|MS_REC: cannot allocate memory: unknown"'
)


def one(
    cause: str, memory: bool | None, sandbox: str | None = None, pod: tuple[str | None, str | None, str | None] = WEB
) -> tuple[Fact, ...]:
    """One incident."""
    return (Fact(pod, cause, memory, sandbox),)


SYSLOG = "Jun 12 09:14:03 node-3 kubelet[2113]: "
RKE2 = "Nov 24 05:14:59 node-3 rke2[812]: "
LATER = klog(FINAL_CHILD, clock="1124 05:15:13")
CASES = (
    Case("kubelet 1.6 over docker 1.12, syslog", glog(EXIT_29, prefix=SYSLOG), one("runc-init-died", None)),
    Case("kubelet 1.9, bare log file", glog(EXIT_29), one("runc-init-died", None)),
    Case("kubelet 1.18 over docker, limit too small", glog(DOCKER_MEM_BUSY), one("memcg-limit", False)),
    Case("static pod by its hash, 1.16", glog(KMEM, API), one("cgroup-kmem-leak", False, None, API)),
    Case("kubelet 1.22 to 1.27, uid unquoted", klog(FINAL_CHILD, new=False), one("runc-init-died", None)),
    Case("kubelet 1.28 to 1.34", klog(UNSHARE), one("netns-highorder", True)),
    Case("static pod by its hash, 1.34", klog(VETH, API), one("veth-highorder", True, S1, API)),
    Case("cilium's veth", klog(CILIUM), one("veth-highorder", True, S2)),
    Case("aws-cni without addresses", klog(AWS), one("cni", False, S1)),
    Case("multus through cri-o", klog(MULTUS), one("cni", False, S1)),
    Case("cgroup v2 without memory", klog(CGROUP2), one("cgroup-enomem", None)),
    Case("memory cgroup ids used up", klog(MEMCG_IDS, new=False), one("cgroup-ids", False)),
    Case("BPF JIT limit", klog(BPF_JIT), one("bpf-jit-limit", False)),
    Case("the pod's own limit", klog(OOM_KILLED), one("memcg-limit", False)),
    Case("no process for the shim", klog(SHIM), one("fork-refused", True)),
    Case("no thread for the shim", klog(SHIM_EAGAIN), one("pid-limit", False)),
    Case("no thread in runc", klog(CGO), one("pid-limit", False)),
    Case("no pause image", klog(PAUSE_IMAGE), one("image-pull", False)),
    Case("SELinux keycreate", klog(KEYCREATE), one("selinux", False)),
    Case("sandbox name reserved", klog(RESERVED), one("name-conflict", None)),
    Case("disk full", klog(DISK), one("disk-full", False)),
    Case("containerd down", klog(SOCKET), one("runtime-down", False)),
    Case("a slow runtime", klog(UNKNOWN_FATE), one("timeout", None)),
    Case("cri-o with runc", klog(CRIO_RUNC), one("runc-init-died", None)),
    Case("cri-o with crun", klog(CRUN), one("fork-refused", True)),
    Case("k3s in the journal", klog(FINAL_CHILD, prefix=RKE2.replace("rke2", "k3s")), one("runc-init-died", None)),
    Case("rke2 in the journal", klog(VETH, prefix=RKE2), one("veth-highorder", True, S1)),
    Case(
        "microk8s in the journal",
        klog(SHIM, prefix=RKE2.replace("rke2", "microk8s.daemon-kubelite")),
        one("fork-refused", True),
    ),
    Case(
        "localized stamps, French",
        klog(VETH, prefix="nov. 24 05:14:59 node-3 kubelet[29426]: "),
        one("veth-highorder", True, S1),
    ),
    Case(
        "localized stamps, German",
        klog(VETH, prefix="Nov 24 05:14:59 knoten-3 kubelet[29426]: ")
        .replace("E1124", "E0324")
        .replace("Nov 24", "Mär 24"),
        one("veth-highorder", True, S1),
    ),
    Case(
        "localized stamps, Chinese",
        klog(VETH, prefix="11月 24 05:14:59 node-3 kubelet[29426]: "),
        one("veth-highorder", True, S1),
    ),
    Case(
        "precise ISO stamps of rsyslog",
        klog(VETH, prefix="2026-11-24T05:14:59.185500+01:00 node-3 kubelet[29426]: "),
        one("veth-highorder", True, S1),
    ),
    Case("journal export", export(klog(UNSHARE)), one("netns-highorder", True)),
    Case("journal JSON", journal_json(klog(UNSHARE)), one("netns-highorder", True)),
    Case("journal JSON with bytes", journal_json(klog(CRIO_RUNC), as_bytes=True), one("runc-init-died", None)),
    Case("kubelet's own JSON", json_log(FINAL_CHILD), one("runc-init-died", None)),
    Case("kubelet's own JSON in the journal", journal_json(json_log(VETH)), one("veth-highorder", True, S1)),
    Case("wrapped at 80 columns", wrapped(klog(VETH), 80), one("veth-highorder", True, S1)),
    Case("wrapped at 157 columns, glog", wrapped(glog(EXIT_29, prefix=SYSLOG), 157), one("runc-init-died", None)),
    Case(
        "cut by less",
        "".join(line[:214] + ">\n" for line in klog(FINAL_CHILD, prefix=RKE2).splitlines()),
        one("unknown", None),
    ),
    Case("rsyslog's #012", glog(EXIT_29, prefix=SYSLOG).replace("\\n", "#012"), one("runc-init-died", None)),
    Case("containerd 1.2", containerd(KMEM, "1.2"), one("cgroup-kmem-leak", False)),
    Case("containerd 1.6", containerd(UNSHARE), one("netns-highorder", True)),
    Case("containerd 2.1", containerd(VETH, "2.1", attempt=3), one("veth-highorder", True, S1)),
    Case("containerd 2.1, first attempt", containerd(CILIUM, "2.1"), one("veth-highorder", True, S2)),
    Case(
        "containerd and kubelet in one journal", containerd(VETH, "2.1") + klog(VETH), one("veth-highorder", True, S1)
    ),
    Case(
        "three attempts, twelve lines",
        klog(FINAL_CHILD) + LATER + klog(FINAL_CHILD, clock="1124 05:15:27"),
        one("runc-init-died", None) * 3,
    ),
    Case(
        "two pods in the same moment",
        klog(VETH) + klog(CILIUM, ("shop", "cart-1", UID.replace("3f2a", "77aa"))),
        (
            *one("veth-highorder", True, S1),
            *one("veth-highorder", True, S2, ("shop", "cart-1", UID.replace("3f2a", "77aa"))),
        ),
    ),
    Case(
        "an init container's mount",
        f'E1124 05:14:59.185427   29426 pod_workers.go:1298] "Error syncing pod, skipping" err={quoted(INIT_MOUNT)} '
        f'pod="{WEB[0]}/{WEB[1]}" podUID="{UID}"\n',
        one("mount-enomem", True),
    ),
    Case(
        "an init container, kubelet 1.31 on",
        'E1124 05:14:59.185300   29426 kuberuntime_manager.go:1274] "Unhandled Error" err='
        + quoted(
            f"init container &Container{{Name:init-db,Image:busybox,Command:[sh -c true],}} start failed in pod "
            f"{WEB[1]}_{WEB[0]}({UID}): RunContainerError: {OOM_KILLED}"
        )
        + ' logger="UnhandledError"\n'
        'E1124 05:14:59.185427   29426 pod_workers.go:1301] "Error syncing pod, skipping" err='
        + quoted(f'failed to "StartContainer" for "init-db" with RunContainerError: {quoted(OOM_KILLED)}')
        + f' pod="{WEB[0]}/{WEB[1]}" podUID="{UID}"\n',
        one("memcg-limit", False),
    ),
    Case(
        "dockerd 1.13 and the kubelet's word for it",
        f'Jun 12 09:14:03 node-3 dockerd-current[1187]: time="2026-06-12T09:14:03.398214407+02:00" level=error msg="Handler '
        f"for POST /v1.26/containers/{S1}/start returned error: oci runtime error: container_linux.go:247: starting container "
        'process caused \\"process_linux.go:245: running exec setns process for init caused \\\\\\"exit status 29\\\\\\"\\"\\n"\n'
        + glog(EXIT_29, prefix=SYSLOG),
        one("runc-init-died", None, S1),
    ),
    Case(
        "cri-o's own words",
        f'time="2026-11-24 05:14:58.384105331Z" level=info msg="Running pod sandbox: {WEB[0]}/{WEB[1]}/POD" id=b7 '
        "name=/runtime.v1.RuntimeService/RunPodSandbox\n"
        'time="2026-11-24 05:14:58.984105331Z" level=error msg="Container creation error: time=\\"2026-11-24T05:14:59Z\\" '
        "level=error msg=\\\"runc create failed: unable to start container process: can't get final child's PID from pipe: "
        'EOF\\"\\n" id=b7 name=/runtime.v1.RuntimeService/RunPodSandbox\n' + klog(CRIO_RUNC),
        one("runc-init-died", None),
    ),
    Case(
        "dockershim and CNI, 1.11 to 1.23",
        klog(
            f'failed to set up sandbox container "{S1}" network for pod "{WEB[1]}": networkPlugin cni failed to set up pod '
            f'"{WEB[1]}_{WEB[0]}" network: failed to create bridge "cni0": could not add "cni0": cannot allocate memory',
            new=False,
        ),
        one("network-enomem", True, S1),
    ),
    Case(
        "describe, four retries in one row",
        f"Name:             {WEB[1]}\nNamespace:        {WEB[0]}\nPriority:         0\nEvents:\n"
        "  Type     Reason                  Age                 From               Message\n"
        "  ----     ------                  ----                ----               -------\n"
        "  Normal   Scheduled               3m1s                default-scheduler  Successfully assigned\n"
        "  Warning  FailedCreatePodSandBox  3s (x14 over 2m58s) kubelet            (combined from similar events): Failed "
        f"to create pod sandbox: rpc error: code = Unknown desc = {SHIM}\n",
        one("fork-refused", True, None, (WEB[0], WEB[1], None)),
    ),
    Case(
        "a container whose name is taken, containerd",
        f'time="2026-11-24T05:14:59.18Z" level=error msg="CreateContainer within sandbox \\"{S1}\\" for '
        '&ContainerMetadata{Name:app,Attempt:2,} failed" error="failed to reserve container name '
        f'\\"app_{WEB[1]}_{WEB[0]}_{UID}_2\\": name \\"app_{WEB[1]}_{WEB[0]}_{UID}_2\\" is reserved for \\"{S2}\\""\n',
        one("name-conflict", None, S1),
    ),
    Case(
        "the next attempt has another sandbox",
        klog(
            f'failed to setup network for sandbox "{S1}": plugin type="flannel" failed (add): loadFlannelSubnetEnv failed'
        )
        + klog(
            f'failed to setup network for sandbox "{S2}": plugin type="flannel" failed (add): loadFlannelSubnetEnv failed',
            clock="1124 05:15:13",
        ),
        (*one("cni", False, S1), *one("cni", False, S2)),
    ),
    Case(
        "containerd, kubelet and an event about one attempt, and the sandbox's death",
        containerd(VETH)
        + klog(VETH)
        + f'I1124 05:14:59.185900   29426 event.go:389] "Event occurred" object="{WEB[0]}/{WEB[1]}" fieldPath="" kind="Pod" '
        'apiVersion="v1" type="Warning" reason="FailedCreatePodSandBox" message='
        + quoted(f"Failed to create pod sandbox: rpc error: code = Unknown desc = {VETH}")
        + f'\nI1124 05:15:00.185900   29426 kubelet.go:2453] "SyncLoop (PLEG): event for pod" pod="{WEB[0]}/{WEB[1]}" '
        f'event={{"ID":"{UID}","Type":"ContainerDied","Data":"{S1}"}}\n',
        one("veth-highorder", True, S1),
    ),
    Case(
        "much that is no failure to start",
        'E1124 05:14:59.1   29426 pod_workers.go:1298] "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for '
        f'\\"app\\" with CrashLoopBackOff: \\"back-off 5m0s\\"" pod="a/b" podUID="{UID}"\n'
        f'E1124 05:14:59.2   29426 log.go:32] "StopPodSandbox from runtime service failed" err="{CILIUM[-40:]}" '
        f'podSandboxID="{S1}"\n'
        'E1124 05:14:59.3   29426 kuberuntime_gc.go:176] "Failed to stop sandbox before removing" err="cannot allocate '
        f'memory" sandboxID="{S1}"\n'
        f'E1124 05:14:59.4   29426 log.go:32] "PodSandboxStatus from runtime service failed" err="not found" '
        f'podSandboxID="{S2}"\n'
        'E1124 05:14:59.5   29426 generic.go:238] "GenericPLEG: Unable to retrieve pods" err="rpc error: code = '
        'Unavailable desc = dial unix /run/containerd/containerd.sock"\n'
        'I1124 05:14:59.6   29426 scope.go:117] "RemoveContainer" containerID="x"\n'
        "java: unable to create a native thread: Cannot allocate memory\n"
        f'time="2026-11-24T05:14:59.18Z" level=info msg="StopPodSandbox for \\"{S1}\\""\n'
        f'time="2026-11-24T05:14:59.19Z" level=info msg="TearDown network for sandbox \\"{S1}\\" successfully"\n'
        f'time="2026-11-24T05:14:59.20Z" level=error msg="ContainerStatus for \\"{S1}\\" failed" error="not found"\n',
        (),
    ),
)
