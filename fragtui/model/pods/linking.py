"""Which kernel line did it: tying a pod's failed attempt to the kernel's refusal of that moment."""

from __future__ import annotations

import re
from typing import Protocol

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.cluster.sandbox_attempts import Attempt
from fragtui.model.pods.stuck_pods import PodLink

WINDOW_SECONDS = 15.0
"""The kernel reports at most one failure in 10 s (5.4 and later), so the report may be another attempt's."""
_SAME_MOMENT_SECONDS = 2.0
_CLOCK_SLACK_SECONDS = 2.0
"""How much later than the attempt's last line the kernel's may be stamped, logs being stamped on arrival."""

_RUNTIME_COMMS = re.compile(
    r"^(?:runc(?::\[.*)?|crun.*|containerd.*|dockerd.*|docker-.*|conmon.*|crio.*|cri-dockerd|kubelet|k3s.*|rke2.*"
    r"|exe|pause|unshare|nsenter|bridge|host-local|portmap|loopback|calico.*|flannel|cilium.*|weave.*|multus.*|ip)$"
)
_CHILD_COMMS = re.compile(r"^(?:runc(?::\[.*)?|crun.*|exe)$")
_NAMESPACE_FRAMES = re.compile(
    r"(?:copy_net_ns|setup_net|ops_init|\w+_net_init|nf_conntrack_(?:init|pernet|standalone)\w*|nf_ct_alloc_hashtable"
    r"|create_new_namespaces|unshare_nsproxy_namespaces|\w*sys_unshare|copy_ipcs|copy_pid_ns|create_pid_namespace"
    r"|veth_(?:newlink|alloc_queues|dev_init|enable|open)\w*|\w*rtnl_newlink\w*|br_dev_(?:newlink|init)|br_add_\w+"
    r"|new_nbp|vxlan_newlink|macvlan_\w*newlink|ipvlan_link_new|alloc_netdev\w*)\b"
)
"""What makes a namespace or a device in it. Not what carries packets: `veth_xmit`, `br_handle_frame`,
`nf_conntrack_in` stand in the stack of any interrupt on a node of containers."""
_FORK_FRAMES = re.compile(r"(?:copy_process|kernel_clone|_?do_fork|dup_task_struct|SyS_clone|\w*sys_clone3?)\b")
"""Every process of the node forks: this tells of a starting container where a runtime does it."""
_STARTING_CAUSES = re.compile(r"^(?:netns|veth)")


class VictimEvidence(Protocol):
    """Whom the OOM killer took."""

    @property
    def comm(self) -> str | None: ...  # noqa: D102


class KernelEvidence(Protocol):
    """What of a kernel incident is asked for."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def time(self) -> float | None: ...  # noqa: D102
    @property
    def comm(self) -> str | None: ...  # noqa: D102
    @property
    def pid(self) -> int | None: ...  # noqa: D102
    @property
    def order(self) -> int | None: ...  # noqa: D102
    @property
    def cause(self) -> str | None: ...  # noqa: D102
    @property
    def stack(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def cpuset(self) -> str | None: ...  # noqa: D102
    @property
    def memory(self) -> bool | None: ...  # noqa: D102
    @property
    def victim(self) -> VictimEvidence | None: ...  # noqa: D102
    @property
    def constraint(self) -> str | None: ...  # noqa: D102
    @property
    def pod_uid(self) -> str | None: ...  # noqa: D102
    @property
    def container_id(self) -> str | None: ...  # noqa: D102


def is_near(attempt: Attempt, kernel: KernelEvidence) -> bool:
    """Say, at little cost, whether `link_of` may find anything: by time, or by the name of a container's cgroup."""
    named = kernel.container_id is not None or (kernel.cpuset or "/") != "/"
    return named or _apart(attempt, kernel) is not None


def link_of(attempt: Attempt, kernel: KernelEvidence, rivals: int = 0) -> PodLink | None:
    """Return the link between a failed attempt and a kernel incident of the same boot, or None if nothing ties them.

    `rivals` is how many other pods failed alike within the same moment: with one report for many failures, the
    report proves the illness of that moment but not that it was this pod's own request.
    """
    refusal = kernel.kind != "stall" and kernel.memory is not False and not _of_memcg(kernel)
    by_identity = _identity(attempt, kernel)
    if by_identity is not None:
        return PodLink(kernel.id, "proven", by_identity, refusal)
    apart = _apart(attempt, kernel)
    if apart is None or not _same_illness(attempt, kernel):
        return None
    sureness, why = _by_asker(attempt, kernel, apart, rivals)
    if sureness == "likely" and (attempt.reason_class.name == "timeout" or (not refusal and not _of_memcg(kernel))):
        # What timed out hung long before; and who merely stalled got its memory in the end.
        sureness = "possible"
    return PodLink(kernel.id, sureness, why, refusal) if sureness else None


def _by_asker(attempt: Attempt, kernel: KernelEvidence, apart: float, rivals: int) -> tuple[str, str]:
    """Return how sure it is that the attempt hangs on the incident, by who asked for what, and why; "" if it doesn't.

    A refusal to the child that runc starts for a new container is that container's, if no other pod failed in the
    same moment. The same child within the kernel's rate limit is likely, a runtime for any reason is possible.
    """
    when = "in the same second" if apart <= 1.0 else f"{apart:.0f} s apart"
    comm = kernel.comm or ""
    child = _CHILD_COMMS.match(comm) is not None
    runtime = child or _RUNTIME_COMMS.match(comm) is not None
    if kernel.kind == "oom":
        return _by_victim(kernel, runtime, when)
    starting = _starting(kernel, runtime)
    says_memory = attempt.reason_class.memory is True
    who = f"{comm} asked for it" if runtime else "its stack is that of a starting container"
    if starting and (child or (runtime and says_memory)):
        sure = apart <= _SAME_MOMENT_SECONDS and rivals == 0 and attempt.reason_class.name != "timeout"
        return "proven" if sure and kernel.kind != "stall" else "likely", f"{who} for a new container, {when}"
    if child or starting or (runtime and says_memory):
        return "likely", f"{who}, {when}"
    if runtime or (says_memory and (kernel.order or 0) > 0):
        return "possible", f"the kernel refused memory {when}, to {comm or 'another process'}"
    return "", ""


def _starting(kernel: KernelEvidence, runtime: bool) -> bool:
    """Say whether the stack, or without one the cause, is that of a container's start."""
    stack = kernel.stack or ()
    # Those with a question mark are left from calls before, but some old kernels are sure of none.
    frames = [frame for frame in stack if not frame.startswith("?")] or [frame.lstrip("? ") for frame in stack]
    if not frames:
        return _STARTING_CAUSES.match(kernel.cause or "") is not None
    return any(
        _NAMESPACE_FRAMES.match(frame) or (runtime and _FORK_FRAMES.match(frame) is not None) for frame in frames
    )


def _by_victim(kernel: KernelEvidence, runtime: bool, when: str) -> tuple[str, str]:
    victim = kernel.victim.comm or "" if kernel.victim is not None else ""
    if _RUNTIME_COMMS.match(victim):
        return "likely", f"the OOM killer took {victim}, {when}"
    if not runtime:
        return "", ""
    if _of_memcg(kernel):
        return "likely", f"{kernel.comm} was at its cgroup's limit, {when}"
    # Who calls the OOM killer mostly gets its memory from the victim.
    return "possible", f"{kernel.comm} called the OOM killer, {when}"


def _identity(attempt: Attempt, kernel: KernelEvidence) -> str | None:
    if kernel.pid is not None and kernel.pid in attempt.pids:
        return f"both name process {kernel.pid}" if _apart(attempt, kernel) is not None else None
    owner = cgroup_owner(kernel.cpuset or "")
    containers = {kernel.container_id, owner.container_id if owner else None} - {None}
    ours = {attempt.sandbox_id, attempt.container_id} - {None}
    if containers & ours:
        return "the kernel line names the container's cgroup"
    uids = {kernel.pod_uid, owner.uid if owner else None} - {None}
    if attempt.pod.uid is not None and attempt.pod.uid in uids and _apart(attempt, kernel) is not None:
        return "the kernel line names the pod's cgroup"
    return None


def _apart(attempt: Attempt, kernel: KernelEvidence) -> float | None:
    """Return the seconds between both if they may belong together: the kernel refuses first, the runtime complains."""
    if kernel.time is None or attempt.first_time is None or attempt.last_time is None:
        return None
    before, after = attempt.first_time - kernel.time, kernel.time - attempt.last_time
    if before > WINDOW_SECONDS or after > _CLOCK_SLACK_SECONDS:
        return None
    return max(before, after, 0.0)


def _of_memcg(kernel: KernelEvidence) -> bool:
    return kernel.kind == "oom" and (kernel.constraint or "").endswith("MEMCG")


def _same_illness(attempt: Attempt, kernel: KernelEvidence) -> bool:
    if attempt.reason_class.name == "memcg-limit":
        return _of_memcg(kernel)
    return attempt.reason_class.memory is not False and kernel.kind != "sandbox_failure" and not _of_memcg(kernel)


def memory_of(attempt: Attempt, links: tuple[PodLink, ...]) -> bool | None:
    """Return whether the kernel refused memory to the attempt, its links considered.

    ``exit status 6`` alone proves nothing; with a kernel line that is proven or likely its own, it is memory, or, if
    that line is of the cgroup's own limit, it is not. What the text itself says stands.
    """
    if attempt.reason_class.memory is not None:
        return attempt.reason_class.memory
    sure = [link for link in links if link.confidence in ("proven", "likely")]
    if any(link.refusal for link in sure):
        return True
    return False if sure else None
