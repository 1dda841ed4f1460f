"""The links between failed attempts of pods and kernel incidents, and their confidence."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from heapq import nsmallest
from operator import itemgetter

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.cluster.sandbox_attempts import Attempt
from fragtui.model.failures.incident import Incident
from fragtui.model.pods.stuck_pods import PodLink

WINDOW_SECONDS = 15.0
"""The kernel reports at most one failure in 10 s (5.4 and later), so the report may be another attempt's."""
_DEADLINE_SECONDS = 240.0
"""How long the kubelet waits for a sandbox: an attempt that ran into its deadline began that much earlier."""
_SAME_MOMENT_SECONDS = 2.0
_RIVAL_SECONDS = 5.0
_CLOCK_SLACK_SECONDS = 2.0
"""How much later than the attempt's last line the kernel's may be stamped: logs stamp lines on arrival."""

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
"""Functions that create a namespace or a device in it. Not those that carry packets: `veth_xmit`, `br_handle_frame`,
`nf_conntrack_in` are in the stack of any interrupt on a container node."""
_FORK_FRAMES = re.compile(r"(?:copy_process|kernel_clone|_?do_fork|dup_task_struct|SyS_clone|\w*sys_clone3?)\b")
"""Every process forks: these are of a starting container only if a runtime calls them."""
_CNI_AGENTS = re.compile(r"^(?:calico|cilium|flannel|weave|kindnetd|aws-k8s-agent|ovnkube|ovs-|multus)")
_VICTIMS = {
    "runtime-down": re.compile(r"^(?:containerd|docker-containe|dockerd|docker-.*|crio|cri-dockerd|k3s.*|rke2.*)$"),
    "shim-died": re.compile(r"^(?:containerd|conmon|runc|crun)"),
    "vm-runtime": re.compile(r"^(?:qemu|cloud-hyperviso|firecracker|containerd-shim|runsc|exe$)"),
    "cni": _CNI_AGENTS,
    "cni-agent": _CNI_AGENTS,
    "systemd": re.compile(r"^(?:systemd|dbus-)"),
}
"""Tasks without which a pod fails for that reason: an OOM kill of one explains it, whatever the error says."""
_STARTING_CAUSES = re.compile(r"^(?:netns|veth)")


class LinkIndex:
    """Kernel incidents and failed attempts, indexed by time and by container id.

    The links depend on the content of the index, not on the order of insertion. Not thread-safe.
    """

    def __init__(
        self, max_incidents: int | None = None, max_attempts: int | None = None, max_links: int | None = None
    ) -> None:
        """Keep the newest of both, and of one attempt the links nearest in time; None keeps all."""
        self._max_incidents, self._max_attempts, self._max_links = max_incidents, max_attempts, max_links
        self._incidents: dict[str, Incident] = {}
        self._attempts: dict[str, Attempt] = {}
        self._incident_times: list[tuple[float, str]] = []
        self._attempt_times: list[tuple[float, str]] = []
        """By the time of the last line."""
        self._incidents_in: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._attempts_in: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._alone: dict[str, None] = {}
        """Attempts that were linked while no other pod failed at the same time."""

    def add_incident(self, incident: Incident, key: str | None = None) -> None:
        """Add an incident, or replace it by a more complete one. `key` distinguishes incidents of one id."""
        key = key or incident.id
        self._unlist_incident(key)
        self._incidents[key] = incident
        if incident.time is not None:
            insort(self._incident_times, (incident.time, key))
        for container in _named_containers(incident):
            self._incidents_in[container][key] = None
        if self._max_incidents is not None and len(self._incidents) > self._max_incidents:
            self.remove_incident(next(iter(self._incidents)))

    def remove_incident(self, key: str) -> None:
        """Remove an incident."""
        self._unlist_incident(key)
        self._incidents.pop(key, None)

    def add_attempt(self, attempt: Attempt) -> None:
        """Add an attempt, or replace it by a more complete one."""
        for known in (attempt.id, *attempt.absorbed):
            self.remove_attempt(known)
        self._attempts[attempt.id] = attempt
        if attempt.last_time is not None:
            insort(self._attempt_times, (attempt.last_time, attempt.id))
        for container in _containers(attempt):
            self._attempts_in[container][attempt.id] = None
        if self._max_attempts is not None and len(self._attempts) > self._max_attempts:
            self.remove_attempt(next(iter(self._attempts)))

    def remove_attempt(self, attempt_id: str) -> None:
        """Remove an attempt."""
        attempt = self._attempts.pop(attempt_id, None)
        if attempt is None:
            return
        self._alone.pop(attempt_id, None)
        if attempt.last_time is not None:
            del self._attempt_times[bisect_left(self._attempt_times, (attempt.last_time, attempt_id))]
        for container in _containers(attempt):
            _remove(self._attempts_in, container, attempt_id)

    def no_longer_alone(self, attempt: Attempt) -> list[Attempt]:
        """Return the attempts to judge again: of other pods at the same time, judged without a rival so far."""
        span = self._moment(attempt)
        if len(self._alone) > len(span):
            rivals = [rival for rival in self._rivals(attempt) if rival.id in self._alone]
        else:
            alone = [self._attempts[attempt_id] for attempt_id in self._alone]
            rivals = [other for other in alone if _are_rivals(attempt, other)]
        return rivals

    def judge(self, attempt: Attempt) -> dict[str, PodLink | None]:
        """Return the link of an attempt to each incident near it, by the incident's id; None for no link."""
        has_rival = next(self._rivals(attempt), None) is not None
        if has_rival:
            self._alone.pop(attempt.id, None)
        elif attempt.id in self._attempts:
            self._alone[attempt.id] = None
        return {incident.id: link_of(attempt, incident, has_rival) for incident in self._incidents_near(attempt)}

    def near(self, incident: Incident) -> Iterator[tuple[Attempt, PodLink | None]]:
        """Yield the judged attempts near an incident, each with its link; None for no link."""
        near: dict[str, None] = {}
        for container in _named_containers(incident):
            near.update(self._attempts_in.get(container, {}))
        if incident.time is not None:
            low = bisect_left(self._attempt_times, incident.time - _CLOCK_SLACK_SECONDS, key=itemgetter(0))
            latest = incident.time + WINDOW_SECONDS + _DEADLINE_SECONDS
            for _, attempt_id in self._attempt_times[low:]:
                first = self._attempts[attempt_id].first_time
                if first is not None and first <= latest:
                    near[attempt_id] = None
        for attempt_id in near:
            attempt = self._attempts[attempt_id]
            yield attempt, link_of(attempt, incident, attempt_id not in self._alone)

    def _incidents_near(self, attempt: Attempt) -> list[Incident]:
        near: list[tuple[float, str]] = []
        if attempt.first_time is not None and attempt.last_time is not None:
            first, last = attempt.first_time - _window_of(attempt), attempt.last_time + _CLOCK_SLACK_SECONDS
            times = self._incident_times
            near = times[bisect_left(times, first, key=itemgetter(0)) : bisect_right(times, last, key=itemgetter(0))]
        if self._max_links is not None and len(near) > self._max_links:
            moment = attempt.last_time or 0.0
            near = nsmallest(self._max_links, near, key=lambda timed: abs(timed[0] - moment))
        keys = dict.fromkeys(key for _, key in near)
        for container in _containers(attempt):
            keys.update(self._incidents_in.get(container, {}))
        return [self._incidents[key] for key in keys]

    def _rivals(self, attempt: Attempt) -> Iterator[Attempt]:
        """Yield the attempts of other pods that failed at the same time."""
        for place in self._moment(attempt):
            other = self._attempts[self._attempt_times[place][1]]
            if _are_rivals(attempt, other):
                yield other

    def _moment(self, attempt: Attempt) -> range:
        """Return the indices, by time, of the attempts that failed at the same time as this one."""
        if attempt.last_time is None:
            return range(0)
        earliest, latest = attempt.last_time - _RIVAL_SECONDS, attempt.last_time + _RIVAL_SECONDS
        times = self._attempt_times
        return range(bisect_left(times, earliest, key=itemgetter(0)), bisect_right(times, latest, key=itemgetter(0)))

    def _unlist_incident(self, key: str) -> None:
        known = self._incidents.get(key)
        if known is None:
            return
        if known.time is not None:
            del self._incident_times[bisect_left(self._incident_times, (known.time, key))]
        for container in _named_containers(known):
            _remove(self._incidents_in, container, key)


def _are_rivals(one: Attempt, other: Attempt) -> bool:
    """Return whether two attempts are of different pods and at the same time."""
    if one.last_time is None or other.last_time is None or abs(one.last_time - other.last_time) > _RIVAL_SECONDS:
        return False
    return bool(one.pod or other.pod) and not one.pod.may_be(other.pod)


def _containers(attempt: Attempt) -> set[str]:
    return {container for container in (attempt.sandbox_id, attempt.container_id) if container}


def _named_containers(incident: Incident) -> set[str]:
    owner = cgroup_owner(incident.cpuset or "")
    named = (incident.container_id, owner.container_id if owner else None)
    return {container for container in named if container}


def _remove(index: dict[str, dict[str, None]], container: str, key: str) -> None:
    index[container].pop(key, None)
    if not index[container]:
        del index[container]


def link_of(attempt: Attempt, kernel: Incident, has_rival: bool = False) -> PodLink | None:
    """Return the link between a failed attempt and a kernel incident of the same boot, or None.

    `has_rival`: another pod failed at the same time. One report for several failures proves the cause, but not that it
    was this pod's own request.
    """
    if kernel.report is None:
        return None
    refusal = kernel.kind != "stall" and kernel.memory is not False and not _of_memcg(kernel)
    by_identity = _identity(attempt, kernel)
    if by_identity is not None:
        return PodLink(kernel.id, "proven", by_identity, refusal)
    apart = _seconds_apart(attempt, kernel)
    if apart is None or _is_of_other_pod(attempt, kernel) or not _same_problem(attempt, kernel):
        return None
    confidence, why = _by_task(attempt, kernel, apart, has_rival)
    if confidence == "likely" and (attempt.reason_class.name == "timeout" or (not refusal and not _of_memcg(kernel))):
        # A timeout started long before the report, and a stalled request got its memory in the end.
        confidence = "possible"
    return PodLink(kernel.id, confidence, why, refusal, _took_what_it_needs(attempt, kernel)) if confidence else None


def _by_task(attempt: Attempt, kernel: Incident, apart: float, has_rival: bool) -> tuple[str, str]:
    """Return the confidence that the incident made the attempt fail, from task and request, and why; "" if none.

    A denial to the child that runc starts for a new container is proven if no other pod failed at the same time; within
    the kernel's rate limit it is likely; one to a runtime for another request is possible.
    """
    when = "in the same second" if apart <= 1.0 else f"{apart:.0f} s apart"
    comm = kernel.comm or ""
    child = _CHILD_COMMS.match(comm) is not None
    runtime = child or _RUNTIME_COMMS.match(comm) is not None
    if _took_what_it_needs(attempt, kernel) and kernel.victim is not None:
        return "likely", f"the OOM killer killed {kernel.victim.comm}, {when}"
    if kernel.kind == "oom":
        return _by_victim(kernel, runtime, when)
    starting = _starting(kernel, runtime)
    names_memory = attempt.reason_class.memory is True
    who = f"{comm} requested it" if runtime else "its stack is that of a starting container"
    if starting and (child or (runtime and names_memory)):
        sure = apart <= _SAME_MOMENT_SECONDS and not has_rival and attempt.reason_class.name != "timeout"
        return "proven" if sure and kernel.kind != "stall" else "likely", f"{who} for a new container, {when}"
    if child or starting or (runtime and names_memory):
        return "likely", f"{who}, {when}"
    if runtime or (names_memory and (kernel.order or 0) > 0):
        return "possible", f"the kernel denied memory to {comm or 'another process'}, {when}"
    return "", ""


def _starting(kernel: Incident, runtime: bool) -> bool:
    """Return whether the stack, or without one the cause, is of a container's start."""
    stack = kernel.stack or ()
    # Frames with a question mark are remains of earlier calls, but some old kernels mark all of them.
    frames = [frame for frame in stack if not frame.startswith("?")] or [frame.lstrip("? ") for frame in stack]
    if not frames:
        return _STARTING_CAUSES.match(kernel.cause or "") is not None
    return any(
        _NAMESPACE_FRAMES.match(frame) or (runtime and _FORK_FRAMES.match(frame) is not None) for frame in frames
    )


def _by_victim(kernel: Incident, runtime: bool, when: str) -> tuple[str, str]:
    victim = kernel.victim.comm or "" if kernel.victim is not None else ""
    if _RUNTIME_COMMS.match(victim):
        return "likely", f"the OOM killer killed {victim}, {when}"
    if not runtime:
        return "", ""
    if _of_memcg(kernel):
        return "likely", f"{kernel.comm} was at its cgroup's limit, {when}"
    # The process that invokes the OOM killer usually gets its memory from the victim.
    return "possible", f"{kernel.comm} invoked the OOM killer, {when}"


def _identity(attempt: Attempt, kernel: Incident) -> str | None:
    if kernel.pid is not None and kernel.pid in attempt.pids:
        return f"both name process {kernel.pid}" if _seconds_apart(attempt, kernel) is not None else None
    owner = cgroup_owner(kernel.cpuset or "")
    containers = {kernel.container_id, owner.container_id if owner else None} - {None}
    ours = {attempt.sandbox_id, attempt.container_id} - {None}
    if containers & ours:
        return "the kernel line names the container's cgroup"
    uids = {kernel.pod_uid, owner.uid if owner else None} - {None}
    if attempt.pod.uid is not None and attempt.pod.uid in uids and _seconds_apart(attempt, kernel) is not None:
        return "the kernel line names the pod's cgroup"
    return None


def _seconds_apart(attempt: Attempt, kernel: Incident) -> float | None:
    """Return the seconds between both if they may belong together: the kernel reports first, then the runtime."""
    if kernel.time is None or attempt.first_time is None or attempt.last_time is None:
        return None
    before, after = attempt.first_time - kernel.time, kernel.time - attempt.last_time
    if before > _window_of(attempt) or after > _CLOCK_SLACK_SECONDS:
        return None
    return max(before, after, 0.0)


def _window_of(attempt: Attempt) -> float:
    return WINDOW_SECONDS + (_DEADLINE_SECONDS if attempt.reason_class.name == "timeout" else 0.0)


def _took_what_it_needs(attempt: Attempt, kernel: Incident) -> bool:
    """Return whether the OOM killer killed the task whose absence is the attempt's reason."""
    victims = _VICTIMS.get(attempt.reason_class.name)
    victim = kernel.victim.comm if kernel.kind == "oom" and kernel.victim is not None else None
    return victims is not None and victim is not None and victims.match(victim) is not None


def _of_memcg(kernel: Incident) -> bool:
    return kernel.kind == "oom" and (kernel.constraint or "").endswith("MEMCG")


def _is_of_other_pod(attempt: Attempt, kernel: Incident) -> bool:
    """Return whether the cgroup that reached its limit is of another pod, not one that several pods share."""
    if not _of_memcg(kernel) or kernel.report is None or attempt.pod.uid is None:
        return False
    uid = kernel.pod_uid
    if (limited := kernel.report.oom_memcg) is not None:
        owner = cgroup_owner(limited)
        uid = owner.uid if owner is not None else None
    return uid is not None and uid != attempt.pod.uid


def _same_problem(attempt: Attempt, kernel: Incident) -> bool:
    if attempt.reason_class.name == "memcg-limit":
        return _of_memcg(kernel)
    if _took_what_it_needs(attempt, kernel):
        return True
    if attempt.reason_class.name == "name-conflict":  # Only the attempt that it follows failed by itself.
        return False
    return attempt.reason_class.memory is not False and not _of_memcg(kernel)
