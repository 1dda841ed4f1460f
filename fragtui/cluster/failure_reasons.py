"""Reasons of sandbox failures as data: name, whether memory was denied, patterns, sentence, advice."""

from __future__ import annotations

_ENOMEM = r"(?:cannot allocate memory|\bENOMEM\b)"
_RUNTIME_SOCKET = r"dial unix \S{0,200}(?:containerd|docker|dockershim|cri-dockerd|crio|k3s)\S{0,100}\.sock"


def _near(words: str, most: int, end: str = _ENOMEM) -> str:
    """Return an expression for the words followed by `end` within at most so many characters.

    It stops at the next such words, which are nearer to the end: each character is passed once.
    """
    return rf"(?:{words})(?:(?!{words}|{end}).){{0,{most}}}+{end}"


ReasonRow = tuple[str, bool | None, tuple[str, ...], str, str]

REASONS: tuple[ReasonRow, ...] = (
    (
        "bpf-jit-limit",
        False,
        (r"errno:? 524", _near("seccomp", 200, r"\b524\b"), r"bpf_jit_limit"),
        "the BPF JIT's own memory limit is used up (errno 524), not the node's memory",
        "Raise net.core.bpf_jit_limit, or find the process that leaks seccomp filters; dropping caches does not help.",
    ),
    (
        "cgroup-ids",
        False,
        (r"/sys/fs/cgroup/[^:]{0,400}: no space left on device", r"cgroup[^:]{0,80}: no space left on device"),
        "the kernel's 65,535 memory cgroup ids are used up by dead cgroups",
        "Dying cgroups hold ids until their page cache goes: dropping caches once may free some; "
        "update the kernel (fixed in 4.4 and later).",
    ),
    (
        "cgroup-kmem-leak",
        False,
        (
            rf"mkdir /sys/fs/cgroup/memory\S{{0,400}}: ?{_ENOMEM}",
            rf"/sys/fs/cgroup/memory/\S{{0,400}}kmem\S{{0,60}}: {_ENOMEM}",
        ),
        "the memory controller can't make another cgroup: the kmem accounting leak of 3.10 kernels",
        "Boot with cgroup.memory=nokmem or a kernel from 4.0 on; until then reboot. Dropping caches does not help.",
    ),
    (
        "cgroup-enomem",
        None,
        (rf"/sys/fs/cgroup\S{{0,400}}: ?{_ENOMEM}", rf"cgroups?\b[^:]{{0,120}}+: ?{_ENOMEM}"),
        "the kernel returned ENOMEM for a new cgroup: memory, or used-up cgroup ids on older kernels",
        "Look for a kernel line at that time, and at the number of cgroups in /proc/cgroups.",
    ),
    (
        "volume-enomem",
        True,
        (_near(r"(?:MountVolume|MapVolume|AttachVolume)\.\w+ failed", 600),),
        "the kernel denied memory while a volume was set up",
        "Look for the kernel line at that time; free memory first, then compact.",
    ),
    (
        "veth-highorder",
        True,
        (
            rf"pair interfaces: ?{_ENOMEM}",
            _near(r"\bveth\b", 200),
            _near(r"failed to (?:create|add|make) (?:the )?(?:host )?veth", 200),
        ),
        "the kernel had no block large enough for a veth pair's queues (one per possible CPU, order 4 to 6)",
        "Free large blocks (drop caches, then compact); lower the count of possible CPUs or take a kernel "
        "with 1ce7d306ea63 (6.9).",
    ),
    (
        "mount-enomem",
        True,
        (rf"(?:bind )?mount(?:ing)? [^:]{{0,200}}+: ?{_ENOMEM}",),
        "the kernel denied memory for a mount",
        "Look for the kernel line at that time; free memory first, then compact.",
    ),
    (
        "netns-highorder",
        True,
        (
            _near(r"unshar(?:e|ing)\b", 200),
            _near(r"(?:creat\w{1,20}|clone|new|set ?up) (?:a )?(?:network |net)?(?:namespaces?|ns)\b", 120),
            _near(r"failed to (?:create|setup|set up) netns", 200),
        ),
        "the kernel had no memory, usually no large block, for a new network namespace",
        "Free large blocks: drop caches, then compact; update kernels before 4.7 (conntrack's per-namespace slab).",
    ),
    (
        "fork-refused",
        True,
        (rf"fork/exec [^:]{{0,400}}: ?{_ENOMEM}", rf"\b(?:fork|clone|vfork)\b[^:]{{0,60}}: ?{_ENOMEM}"),
        "the kernel denied memory for a new process of the runtime",
        "Look for the kernel line at that time; check vm.overcommit_memory and the runtime's own cgroup limit.",
    ),
    (
        "pid-limit",
        False,
        (
            r"resource temporarily unavailable",
            r"failed to create new OS thread",
            r"pthread_create failed",
            r"can't start new thread",
            r"\bEAGAIN\b",
        ),
        "the process and thread limit is reached (pids.max, kernel.pid_max, threads-max), not memory",
        "Find the process with the threads; raise TasksMax, pids.max or kernel.pid_max. Dropping caches does not help.",
    ),
    (
        "network-enomem",
        True,
        (
            _near(
                r"bridge|netlink|\blink\b|interface|endpoint|plugin type|cni|vxlan|ipvlan|macvlan|iptables",
                300,
            ),
        ),
        "the kernel denied memory while the pod's network was set up",
        "Free large blocks (drop caches, then compact) and look for the kernel line at that time.",
    ),
    (
        "memcg-limit",
        False,
        (
            r"signal: killed",
            r"OOM-killed",
            r"memory limit too low",
            r"unable to set memory limit",
            r"minimum memory limit allowed",
            r"container init caused:?\s*+(?:\\?\"\\?\")?\s*+(?:\"|: unknown|$)",
            r"cannot start a container that has stopped",
            r"memory\.(?:limit_in_bytes|max)\S{0,200}: device or resource busy",
        ),
        "the pod's own memory limit is too small for its start: the cgroup's OOM killer took the init process",
        "Raise the pod's memory limit (it must hold runc and the pause process). The node's memory is not the cause.",
    ),
    (
        "image-pull",
        False,
        (
            r"failed to (?:get|pull|resolve|unpack|inspect)\b.{0,80}\b(?:image|reference)",
            r"\b(?:ErrImage\w*|ImagePullBackOff|ImageInspectError|InvalidImageName|RegistryUnavailable)\b",
            r"pull access denied",
            r"manifest(?: for \S+)? (?:unknown|not found)",
            r"back-off pulling image",
            r"error pulling image",
        ),
        "an image could not be pulled",
        "Check the registry: its name, credentials and network path.",
    ),
    (
        "name-conflict",
        False,
        (r"is already in use by container", r"\bname \S+ is reserved for", r"Conflict\. The container name"),
        "the runtime still has a container of that name from an earlier attempt",
        "Remove the old container (crictl rm, docker rm) or restart the runtime.",
    ),
    (
        "disk-full",
        False,
        (r"no space left on device", r"disk quota exceeded", r"\bENOSPC\b"),
        "a file system is full (blocks or inodes), not memory",
        "Free space or inodes on the file system of the path in the error.",
    ),
    (
        "selinux",
        False,
        (r"keycreate", r"/proc/\S{1,60}/attr/", r"selinux", r"\brelabel", r"setting label"),
        "SELinux labels could not be set",
        "Check container-selinux, the policy and the pod's seLinuxOptions.",
    ),
    (
        "apparmor",
        False,
        (r"apparmor",),
        "the AppArmor profile could not be applied",
        "Load the profile on this node, or correct the pod's.",
    ),
    (
        "seccomp",
        False,
        (r"seccomp",),
        "the seccomp filter could not be applied",
        "Runtime, libseccomp and profile do not match: update runc and libseccomp.",
    ),
    (
        "volume",
        False,
        (
            r"MountVolume\.\w+ failed",
            r"unable to attach or mount volumes",
            r"\bFailed(?:Attach|Mount|MapVolume)",
            r"AttachVolume\.",
            r"(?:configmap|secret) \"[^\"]*\" not found",
            r"error mounting .{0,300}to rootfs",
        ),
        "a volume could not be mounted",
        "Look at the volume, its claim, config map or secret.",
    ),
    (
        "userns",
        False,
        (r"user namespace", r"\bidmap", r"id-?mapped", r"failed to open netns"),
        "a user or network namespace could not be set up by the runtime (not a lack of memory)",
        "Check the runtime's and kernel's support for user namespaces with this pod's settings.",
    ),
    (
        "runtime-down",
        False,
        (
            _RUNTIME_SOCKET,
            r"container runtime is down",
            r"Cannot connect to the Docker daemon",
            r"PLEG is not healthy",
            r"code = Unavailable",
            r"transport is closing",
            r"server is not initialized yet",
        ),
        "the container runtime does not answer",
        "Look at the runtime's unit and its log (systemctl status containerd, docker, crio).",
    ),
    (
        "cni",
        False,
        (
            r"plugin type=",
            r"network ?plugin",
            r"NetworkReady=false",
            r"network is not ready",
            r"\bcni\b",
            r"failed to (?:setup|set up|teardown|destroy) (?:\w+ )?network",
            r"ClusterInformation",
            r"(?:allocate|assign|available|reserve) (?:an? |new )?(?:IP|pod ?CIDR)",
            r"\b(?:calico|flannel|cilium|weave|aws-cni|multus|kube-ovn|antrea|openshift-sdn|OVN)",
            r"IP addresses? available",
            r"endpoint \S+ on network",
        ),
        "the pod's network could not be set up by its CNI plugin",
        "Look at the CNI plugin's pods and its configuration in /etc/cni/net.d.",
    ),
    (
        "cgroup-setup",
        False,
        (
            r"cgroup mountpoint does not exist",
            r"cgroup manager",
            r"expected cgroupsPath",
            r"cgroup[- ]?driver",
            r"\bcgroups?: ",
            r"(?:applying|apply) cgroup configuration",
            r"systemd cgroup",
            r"cgroups exist and are correctly applied",
            r"dbus|org\.freedesktop\.systemd1",
        ),
        "the pod's cgroup could not be created: drivers of kubelet and runtime differ, or a hierarchy is missing",
        "Make the kubelet's cgroupDriver equal to the runtime's; check the mounts under /sys/fs/cgroup.",
    ),
    (
        "memory-refused",
        True,
        (_ENOMEM, r"errno:? 12\b", r"error -12\b", r"runtime: out of memory", r"\bout of memory\b"),
        "the kernel denied memory",
        "Look for the kernel line at that time: it says which order; free memory first, then compact.",
    ),
    (
        "runc-init-died",
        None,
        (
            r"exit status \d+",
            r"final child'?_?s pid from pipe",
            r"read(?:ing)? (?:from )?(?:the )?(?:init-p|sync|pipe|json).{0,120}(?:EOF|connection reset)",
            r"setns process",
            r"nsexec",
            r"failed to sync with (?:stage|parent|child)",
            r"waiting for init preliminary setup",
            r"unable to start container process: EOF",
            r"runc did not terminate",
        ),
        "container init died without an error message",
        "Look for a kernel line at that time; without one, check seccomp, oom_score_adj and nested runtimes.",
    ),
    (
        "timeout",
        None,
        (r"context deadline exceeded", r"DeadlineExceeded", r"operation timeout", r"timed? ?out\b"),
        "the runtime did not answer in time",
        "Look at disk and memory pressure (stalls of direct reclaim look like this) and at the runtime's log.",
    ),
)
