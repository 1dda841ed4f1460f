"""Reasons of failed pods as data: denied memory, and the limits of the kernel whose errors resemble it."""

from __future__ import annotations

ENOMEM = r"(?:cannot allocate memory|\bENOMEM\b)"
ENOSPC = r"(?:no space left on device|\bENOSPC\b)"
EAGAIN = r"(?:resource temporarily unavailable|\bEAGAIN\b)"


def near(words: str, most: int, end: str = ENOMEM) -> str:
    """Return an expression for the words followed by `end` within `most` characters.

    It stops at the next such words, which are nearer to the end: each character is matched once.
    """
    return rf"(?:{words})(?:(?!{words}|{end}).){{0,{most}}}+{end}"


ReasonRow = tuple[str, bool | None, tuple[str, ...], str, str]

LIMIT_REASONS: tuple[ReasonRow, ...] = (
    (
        "bpf-jit-limit",
        False,
        (r"errno:? 524", near("seccomp", 200, r"\b524\b"), r"bpf_jit_limit"),
        "the BPF JIT's own memory limit is used up (errno 524), not the node's memory",
        "Raise net.core.bpf_jit_limit, or find the process that leaks seccomp filters; dropping caches does not help.",
    ),
    (
        "open-files",
        False,
        (r"too many open files", r"\bE[MN]FILE\b", r"file table overflow", near(r"inotify|fsnotify", 300, ENOSPC)),
        "the limit of open files or of inotify watches is reached, not memory",
        "Raise the runtime's LimitNOFILE, fs.file-max or fs.inotify.max_user_watches and max_user_instances; find who "
        "holds them. Dropping caches does not help.",
    ),
    (
        "key-quota",
        False,
        (near(r"keyring|session key|keyctl|add_key", 200, r"(?:quota exceeded|\bEDQUOT\b)"),),
        "the user's quota of kernel keys is used up",
        "Raise kernel.keys.maxkeys and kernel.keys.maxbytes (root_maxkeys, root_maxbytes for root).",
    ),
    (
        "namespace-limit",
        False,
        (
            rf"(?:fork/exec [^:]{{0,200}}|\bclone\b[^:/]{{0,80}}|unshar\w{{0,20}}[^:/]{{0,80}}|namespaces?|\bnetns"
            rf"|container init): ?{ENOSPC}",
        ),
        "the limit of namespaces is reached (user.max_user_namespaces, user.max_net_namespaces), not memory or disk",
        "Raise the user.max_*_namespaces that is too small; find what leaks namespaces (lsns).",
    ),
    (
        "cpuset",
        False,
        (
            rf"(?:cgroup\.procs|cgroup\.threads|/tasks|cpuset[\w.]{{0,30}}): ?{ENOSPC}",
            r"cpuset\.(?:cpus|mems)[\w.]{0,30}: ?(?:numerical result out of range|invalid argument|permission denied)",
        ),
        "the pod's cpuset has no CPU or no memory node",
        "Look at cpuset.cpus and cpuset.mems of the cgroup and of those above it; restart the kubelet's CPU manager.",
    ),
    (
        "cgroup-limit",
        False,
        (rf"mkdir /sys/fs/cgroup[^:]{{0,400}}: ?{EAGAIN}",),
        "the cgroup above may have no more cgroups (cgroup.max.descendants, cgroup.max.depth)",
        "Raise cgroup.max.descendants or cgroup.max.depth, or find what leaks cgroups.",
    ),
    (
        "cgroup-ids",
        False,
        (
            rf"mkdir /sys/fs/cgroup[^:]{{0,400}}: ?{ENOSPC}",
            rf"creat\w{{1,10}} [^:]{{0,60}}cgroup[^:]{{0,80}}: ?{ENOSPC}",
        ),
        "the kernel's 65,535 memory cgroup ids are used up by dead cgroups",
        "Dying cgroups hold ids until their page cache goes: dropping caches once may free some; "
        "update the kernel (fixed in 4.4 and later).",
    ),
    (
        "cgroup-kmem-leak",
        False,
        (
            rf"mkdir /sys/fs/cgroup/memory\S{{0,400}}: ?{ENOMEM}",
            rf"/sys/fs/cgroup/memory/\S{{0,400}}kmem\S{{0,60}}: {ENOMEM}",
        ),
        "the memory controller can't make another cgroup: the kmem accounting leak of 3.10 kernels",
        "Boot with cgroup.memory=nokmem or a kernel from 4.0 on; until then reboot. Dropping caches does not help.",
    ),
    (
        "cgroup-enomem",
        None,
        (rf"/sys/fs/cgroup\S{{0,400}}: ?{ENOMEM}", rf"cgroups?\b[^:]{{0,120}}+: ?{ENOMEM}"),
        "the kernel returned ENOMEM for a new cgroup: memory, or used-up cgroup ids on older kernels",
        "Look for a kernel line at that time, and at the number of cgroups in /proc/cgroups.",
    ),
    (
        "volume-enomem",
        True,
        (near(r"(?:MountVolume|MapVolume|AttachVolume)\.\w+ failed", 600),),
        "the kernel denied memory while a volume was set up",
        "Look for the kernel line at that time; free memory first, then compact.",
    ),
    (
        "veth-highorder",
        True,
        (
            rf"pair interfaces: ?{ENOMEM}",
            near(r"\bveth\b", 200),
            near(r"failed to (?:create|add|make) (?:the )?(?:host )?veth", 200),
        ),
        "the kernel had no block large enough for a veth pair's queues (one per possible CPU, order 4 to 6)",
        "Free large blocks (drop caches, then compact); lower the count of possible CPUs or take a kernel from 6.9 on.",
    ),
    (
        "mount-enomem",
        True,
        (
            rf"(?:bind )?mount(?:ing)? [^:]{{0,200}}+(?:: 0x[0-9a-f]{{1,16}})?: ?{ENOMEM}",
            near(r"error mounting", 400),
        ),
        "the kernel denied memory for a mount",
        "Look for the kernel line at that time; free memory first, then compact.",
    ),
    (
        "netns-highorder",
        True,
        (
            near(r"unshar(?:e|ing)\b", 200),
            near(r"(?:creat\w{1,20}|clone|new|set ?up) (?:a )?(?:network |net)?(?:namespaces?|ns)\b", 120),
            near(r"failed to (?:create|setup|set up) netns", 200),
        ),
        "the kernel had no memory, usually no large block, for a new network namespace",
        "Free large blocks: drop caches, then compact; update kernels before 4.7 (conntrack's per-namespace slab).",
    ),
    (
        "fork-refused",
        True,
        (
            rf"fork/exec [^:]{{0,400}}: ?{ENOMEM}",
            rf"\b(?:fork|clone|vfork)\b[^:]{{0,60}}: ?{ENOMEM}",
            rf"{ENOMEM} - failed to (?:clone|fork)",
        ),
        "the kernel denied memory for a new process of the runtime",
        "Look for the kernel line at that time; check vm.overcommit_memory and the runtime's own cgroup limit.",
    ),
    (
        "pid-limit",
        False,
        (
            near(
                r"fork/exec|\bv?fork\w{0,8}\b|\bclone3?\b|thread|unshar\w{0,20}|setns|nsexec|child process",
                300,
                EAGAIN,
            ),
            r"failed to create new OS thread",
            r"pthread_create failed",
            r"can't start new thread",
        ),
        "the process and thread limit is reached (pids.max, kernel.pid_max, threads-max), not memory",
        "Find the process with the threads; raise TasksMax, pids.max or kernel.pid_max. Dropping caches does not help.",
    ),
    (
        "memory-refused",
        None,
        (
            r"runtime: (?:out of memory|cannot allocate memory)",
            r"cannot allocate \d{1,20}-byte block",
            near(r"seccomp|load program|bpf_prog", 200),
        ),
        "a program of the runtime got no memory: its own limit, the overcommit rule, or the node's memory",
        "Look for a kernel line at that time; without one, at the memory limit of the program and at "
        "vm.overcommit_memory.",
    ),
    (
        "iptables-enomem",
        True,
        (r"memory allocation problem", near(r"ip6?tables|nf_tables|\bnft\b|xtables", 300)),
        "the kernel denied memory for a table of iptables or nftables",
        "Look for the kernel line at that time (vmalloc of a large table); free memory first, then compact.",
    ),
    (
        "network-enomem",
        True,
        (
            near(
                r"bridge|netlink|\blink\b|interface|endpoint|plugin type|cni|netavark|vxlan|ipvlan|macvlan",
                300,
            ),
        ),
        "the kernel denied memory while the pod's network was set up",
        "Free large blocks (drop caches, then compact) and look for the kernel line at that time. For a BPF map also "
        "look at the agent's own memory limit.",
    ),
    (
        "timeout",
        None,
        (r"netplugin failed.{0,80}(?:signal: killed|deadline exceeded)",),
        "the runtime killed a network plug-in that did not answer in time",
        "Look at the CNI plug-in's pods and log, and at what the node waited for then (disk, memory).",
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
)
