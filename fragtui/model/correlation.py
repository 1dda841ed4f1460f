"""Which kernel line did it: tying a pod's failed attempt to the kernel's refusal of that moment."""

from __future__ import annotations

import re
from typing import Protocol

from fragtui.cluster.attempts import Attempt
from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.model.pods import PodLink

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
_STARTING_FRAMES = re.compile(
    r"copy_net_ns|setup_net|ops_init|nf_conntrack|veth_|rtnl_newlink|create_new_namespaces|unshare|br_|copy_process"
    r"|kernel_clone|_do_fork|ip_vs|copy_ipcs|create_pid_namespace|vxlan|macvlan|ipvlan|alloc_netdev"
)
_STARTING_CAUSES = re.compile(r"netns|namespace|veth|conntrack|bridge|fork|clone|net_ns|ipvs")


class KernelSide(Protocol):
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
    def constraint(self) -> str | None: ...  # noqa: D102
    @property
    def pod_uid(self) -> str | None: ...  # noqa: D102
    @property
    def container_id(self) -> str | None: ...  # noqa: D102


def near(attempt: Attempt, kernel: KernelSide) -> bool:
    """Say, at little cost, whether `tie` may find anything: by time, or by the name of a container's cgroup."""
    named = kernel.container_id is not None or (kernel.cpuset or "/") != "/"
    return named or _apart(attempt, kernel) is not None


def tie(attempt: Attempt, kernel: KernelSide, rivals: int = 0) -> PodLink | None:
    """Return the link between a failed attempt and a kernel incident of the same boot, or None if nothing ties them.

    `rivals` is how many other pods failed alike within the same moment: with one report for many failures, the
    report proves the illness of that moment but not that it was this pod's own request.
    """
    by_identity = _identity(attempt, kernel)
    if by_identity is not None:
        return PodLink(kernel.id, "proven", by_identity)
    apart = _apart(attempt, kernel)
    if apart is None or not _same_illness(attempt, kernel):
        return None
    when = "in the same second" if apart <= 1.0 else f"{apart:.0f} s apart"
    comm = kernel.comm or ""
    child = _CHILD_COMMS.match(comm) is not None
    runtime = child or _RUNTIME_COMMS.match(comm) is not None
    starting = _STARTING_CAUSES.search(kernel.cause or "") is not None or any(
        _STARTING_FRAMES.search(frame) for frame in kernel.stack or ()
    )
    if kernel.kind == "oom":
        return PodLink(kernel.id, "likely", f"the OOM killer took {comm}, {when}") if runtime else None
    who = f"{comm} asked for it" if runtime else "its stack is that of a starting container"
    if (child and starting) or (runtime and starting and attempt.reason_class.memory is True):
        if apart <= _SAME_MOMENT_SECONDS and rivals == 0:
            return PodLink(kernel.id, "proven", f"{who} for a new container, {when}")
        return PodLink(kernel.id, "likely", f"{who} for a new container, {when}")
    if child or starting or (runtime and attempt.reason_class.memory is True):
        return PodLink(kernel.id, "likely", f"{who}, {when}")
    if runtime or (attempt.reason_class.memory is True and (kernel.order or 0) > 0):
        return PodLink(kernel.id, "possible", f"the kernel refused memory {when}, to {comm or 'another process'}")
    return None


def _identity(attempt: Attempt, kernel: KernelSide) -> str | None:
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


def _apart(attempt: Attempt, kernel: KernelSide) -> float | None:
    """Return the seconds between both if they may belong together: the kernel refuses first, the runtime complains."""
    if kernel.time is None or attempt.first_time is None or attempt.last_time is None:
        return None
    before, after = attempt.first_time - kernel.time, kernel.time - attempt.last_time
    if before > WINDOW_SECONDS or after > _CLOCK_SLACK_SECONDS:
        return None
    return max(before, after, 0.0)


def _same_illness(attempt: Attempt, kernel: KernelSide) -> bool:
    memcg = kernel.kind == "oom" and (kernel.constraint or "").endswith("MEMCG")
    if attempt.reason_class.name == "memcg-limit":
        return memcg
    return attempt.reason_class.memory is not False and kernel.kind != "sandbox_failure" and not memcg


def memory_of(attempt: Attempt, links: tuple[PodLink, ...]) -> bool | None:
    """Return whether the kernel refused memory to the attempt, its links considered.

    ``exit status 6`` alone proves nothing; with a kernel line that is proven or likely its own, it is memory.
    """
    if attempt.reason_class.memory is None and any(link.confidence in ("proven", "likely") for link in links):
        return True
    return attempt.reason_class.memory
