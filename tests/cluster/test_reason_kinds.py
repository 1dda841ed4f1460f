"""What an error means is judged by what was asked for, not by its errno alone."""

from __future__ import annotations

import pytest

from fragtui.cluster.failure_reason import classify

CREATED = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
)
INIT = f"{CREATED}unable to start container process: error during container init: "
NETWORK = 'failed to setup network for sandbox "0f1e2d": '
POD = "/sys/fs/cgroup/cpuset/kubepods/burstable/pod8a0c/3f2e"

KINDS: dict[tuple[str, bool | None], tuple[str, ...]] = {
    ("namespace-limit", False): (
        f"{CREATED}unable to start container process: fork/exec /proc/self/exe: no space left on device: unknown",
        "failed to setup netns: failed to create namespace: no space left on device",
        "running exec setns process: nsexec[77]: failed to unshare user namespace: No space left on device",
    ),
    ("key-quota", False): (
        f"{INIT}unable to join session keyring: unable to create session key: disk quota exceeded: unknown",
    ),
    ("cpuset", False): (
        f"{INIT}unable to apply cgroup configuration: write {POD}/cgroup.procs: no space left on device",
        f"write {POD}/tasks: no space left on device",
        f'{INIT}setting cgroup config for procHooks process: failed to write "4-7": write {POD}/cpuset.cpus: '
        "numerical result out of range",
    ),
    ("cgroup-ids", False): (
        "mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod8a0c: no space left on device",
        "unable to apply cgroup configuration: mkdir /sys/fs/cgroup/kubepods.slice/a.scope: no space left on device",
    ),
    ("cgroup-limit", False): (f"mkdir {POD}: resource temporarily unavailable",),
    ("open-files", False): (
        "failed to start shim: open /dev/null: too many open files: unknown",
        "failed to create fsnotify watcher: too many open files",
        f"inotify_add_watch {POD}: no space left on device",
        "inotify_init1: no space left on device",
    ),
    ("pid-limit", False): (
        "failed to start shim: fork/exec /usr/bin/containerd-shim: resource temporarily unavailable",
        "nsexec: failed to fork: Resource temporarily unavailable",
    ),
    ("disk-full", False): (
        "mkdir /var/lib/docker/overlay2/ab: no space left on device",
        "failed to create network namespace: mkdir /var/run/netns/cni-1: no space left on device",
        'failed to pull image "registry.example/a:3": failed to extract layer: write /x: no space left on device',
        "devmapper: Thin Pool has 71 free data blocks which is less than minimum required 99 free data blocks",
    ),
    ("apparmor", False): (
        f"{INIT}unable to apply apparmor profile: write /proc/self/attr/apparmor/exec: no such file",
    ),
    ("selinux", False): (f"{INIT}write /proc/self/attr/keycreate: permission denied",),
    ("volume", False): (
        "unmounted volumes=[data cfg], unattached volumes=[]: timed out waiting for the condition",
        "unmounted volumes=[data], unattached volumes=[data kube-api]: context deadline exceeded",
        'Multi-Attach error for volume "pvc-7" Volume is already exclusively attached to one node',
        'MountVolume.MountDevice failed for volume "pvc-7" : rpc error: code = DeadlineExceeded',
    ),
    ("timeout", None): (
        f'{NETWORK}plugin type="calico" failed (add): netplugin failed with no error message: signal: killed',
        "rpc error: code = Canceled desc = context canceled",
        "context deadline exceeded",
    ),
    ("memcg-limit", False): ('process_linux.go:303: getting the final child\'s pid from pipe caused "signal: killed"',),
    ("iptables-enomem", True): (
        f'{NETWORK}plugin type="portmap" failed (add): exit status 4: iptables: Memory allocation problem.',
        "iptables-restore v1.8.7 (nf_tables): Could not fetch rule set generation id: Cannot allocate memory",
    ),
    ("fork-refused", True): ("iptables failed: iptables -N X:  (fork/exec /sbin/iptables: cannot allocate memory)",),
    ("memory-refused", None): (
        f'{NETWORK}plugin type="flannel" failed (add): netplugin failed: "runtime: out of memory: cannot allocate '
        '8388608-byte block (1 in use)\\nfatal error: out of memory\\n"',
        f"{INIT}unable to init seccomp: error loading seccomp filter into kernel: cannot allocate memory: unknown",
        f"{INIT}setting cgroup config for procHooks process: load program: cannot allocate memory",
    ),
    ("mount-enomem", True): (
        f'{INIT}error mounting "tmpfs" to rootfs at "/dev": mount tmpfs:/dev (via /proc/self/fd/7), flags: 0x2, data: '
        "mode=755,size=65536k: cannot allocate memory: unknown",
    ),
    ("network-enomem", True): (f'{NETWORK}plugin type="bridge" failed (add): failed to add cni0: cannot allocate m…',),
    ("memory-refused", True): (
        "failed to create snapshot: mkdir /var/lib/containerd/io.containerd.snapshotter.v1.x: cannot allocate memory",
        "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
    ),
    ("name-conflict", None): (
        'failed to reserve sandbox name "a_b_c_0": name "a_b_c_0" is reserved for "12"',
        "error reserving pod name k8s_a_b_c_0 for id 12: name is reserved",
        "Kubelet may be retrying requests that are timing out in CRI-O due to system load: error reserving ctr name "
        "k8s_app_a_b_c_0 for id 12: name is reserved",
    ),
    ("name-conflict", False): (
        'Conflict. The container name "/k8s_POD_a" is already in use by container "12"',
        "create new shim socket: listen unix /run/containerd/s/9f: bind: address already in use: exit status 1",
    ),
    ("shim-died", None): (
        "namespace path: lstat /proc/3321/ns/ipc: no such file or directory",
        'failed to start sandbox container task "12": ttrpc: closed: unknown',
    ),
    ("cni-agent", None): (
        'plugin type="cilium-cni" failed (add): unable to create endpoint: Put '
        '"http:///var/run/cilium/cilium.sock/v1/endpoint/cni": EOF',
        'CmdAdd (shim): failed to send CNI request: Post "http://dummy/cni": EOF',
        "CNI request failed: Post http://dummy/cni: read unix @->/run/multus/multus.sock: connection reset by peer",
    ),
    ("systemd", None): (
        f'{INIT}unable to apply cgroup configuration: unable to start unit "cri-containerd-12.scope" (properties '
        "[{Name:Description}]): Message recipient disconnected from message bus without replying: unknown",
        "failed to write unit: Failed to activate service 'org.freedesktop.systemd1': timed out",
    ),
    ("vm-runtime", None): (
        "failed to create shim task: Failed to Check if grpc server is working: rpc error: code = DeadlineExceeded",
        "OCI runtime create failed: creating container: cannot create sandbox: cannot read client sync file: EOF",
        "failed to create shim task: failed to create VM: failed to start the VM: Put http://localhost/actions: EOF",
    ),
    ("runtime-config", False): (
        'failed to get sandbox runtime: no runtime for "nvidia" is configured',
        "failed to create containerd task: failed to mount rootfs component: no such device: unknown",
        f"{INIT}error running prestart hook #0: exit status 1, stdout: , stderr: nvidia-container-cli: "
        "initialization error: nvml error: driver not loaded: unknown",
        f"{INIT}setting cgroup config: bpf_prog_query(BPF_CGROUP_DEVICE) failed: function not implemented: unknown",
        f"{INIT}open /proc/sys/net/ipv4/tcp_x: no such file or directory: unknown",
        "/usr/local/sbin/runc did not terminate successfully: exit status 127: unknown",
        "runc: error while loading shared libraries: libseccomp.so.2: cannot open shared object file",
    ),
    ("cgroup-setup", False): (
        "write /sys/fs/cgroup/cpu/kubepods/x/cpu.cfs_quota_us: invalid argument",
        'unified resource "memory.low" can\'t be set: controller "memory" not available',
    ),
    ("permission", False): ("failed to create namespace: open /proc/31/task/32/ns/net: permission denied",),
    ("image-storage", False): (
        "error recreating the missing symlinks: open /var/lib/containers/storage/9/link: no such file",
        "error creating read-write layer with ID 12: stat /var/lib/containers/storage/3: no such file or directory",
        "failed to stat parent: stat /var/lib/containerd/snapshots/3/fs: no such file or directory",
    ),
    ("exec", False): (
        'exec: "/pause": stat /pause: no such file or directory: unknown',
        'exec: "/sbin/app": permission denied',
        "exec /pause: exec format error",
    ),
    ("runc-init-died", None): (
        "can't copy bootstrap data to pipe: write init-p: broken pipe",
        'running exec setns process for init caused "exit status 40"',
    ),
    ("lock-limit", False): ("error allocating lock for new pod: allocation failed; exceeded num_locks (4096)",),
    ("runtime-down", False): ("rpc error: code = Unavailable desc = error reading from server: EOF",),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_was_asked_for_decides(kind: tuple[str, bool | None]) -> None:
    for error in KINDS[kind]:
        for text in (error, f"rpc error: code = Unknown desc = {error}", f"Error: {error}"):
            found = classify(text)
            assert (found.name, found.memory) == kind, text


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_cut_anywhere_an_error_never_becomes_memory(kind: tuple[str, bool | None]) -> None:
    """An error that is cut may lose its class; it never gets one that blames memory."""
    for error in KINDS[kind]:
        for end in range(0, len(error), 5):
            found = classify(error[:end])
            assert found.memory is not True or kind[1] is True, error[:end]
