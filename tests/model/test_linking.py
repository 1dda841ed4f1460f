"""Links between pod failures and kernel denials: the task, the time, the confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.failure_reason import classify, innermost_error
from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sandbox_attempts import Attempt
from fragtui.kernel.reports.report import KilledTask
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.linking import LinkIndex, link_of
from fragtui.model.log_linker import link_sides, sandbox_incident
from fragtui.model.pods.pod_state import memory_of
from tests.support.incidents import kernel_incident

UID = "1bcd0d00-baf1-11ea-88c6-0242c0219250"
SANDBOX = "029ce88eb5e7ed97a7a52134c5ca26748e104d90cc3ba5434d2ef501b4d74b85"
EXIT_STATUS = 'running exec setns process for init caused "exit status 6"'


def attempt_at(time: float | None, error: str = EXIT_STATUS, name: str = "web-1", **more: object) -> Attempt:
    attempt = Attempt(
        id=f"a-{name}-{time}",
        pod=PodRef("shop", name, UID if name == "web-1" else None),
        stage="sandbox",
        reason_class=classify(error),
        reason=innermost_error(error),
        error=error,
        first_time=time,
        last_time=time,
        lines=(1, 4),
        sandbox_id=SANDBOX,
        container_id=None,
        sources=("kubelet",),
        observations=4,
        count=None,
        pids=(),
        absorbed=(),
    )
    return replace(attempt, **more)  # type: ignore[arg-type]


def refusal(time: float | None, comm: str | None = "runc:[1:CHILD]", **more: object) -> Incident:
    facts: dict[str, Any] = {
        "pid": 70623,
        "order": 5,
        "stack": ("dump_stack", "kmem_cache_create", "nf_conntrack_init_net", "copy_net_ns"),
        "id": "k1",
    }
    return kernel_incident(time=time, comm=comm, **{**facts, **more})


def linked(
    kernel: Sequence[Incident], attempts: Sequence[Attempt], names: Sequence[PodRef] = ()
) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    index = LinkIndex()
    for incident in kernel:
        index.add_incident(incident)
    for attempt in attempts:
        index.add_attempt(attempt)
    return link_sides(kernel, attempts, index, names)


def test_same_second_same_asker_is_proven_and_makes_it_memory() -> None:
    attempt = attempt_at(1000.4)
    link = link_of(attempt, refusal(1000.0))
    assert link is not None and link.confidence == "proven" and link.incident_id == "k1"
    assert attempt.reason_class.memory is None
    assert memory_of(attempt, (link,)) is True


def test_exit_status_without_a_kernel_line_stays_unknown() -> None:
    assert memory_of(attempt_at(1000.0), ()) is None
    assert sandbox_incident(attempt_at(1000.0)).memory is None


def test_what_to_do_is_a_sentence_of_its_own() -> None:
    link = link_of(attempt_at(1000.4), refusal(1000.0))
    assert link is not None
    words = sandbox_incident(attempt_at(1000.4), (link,)).explanation or ""
    assert words.endswith("in the same second. Free large blocks: drop caches first, then compact.")


def test_one_report_for_many_failures_is_only_likely() -> None:
    link = link_of(attempt_at(1000.4), refusal(1000.0), has_rival=True)
    assert link is not None and link.confidence == "likely"


def test_within_the_rate_limit_it_is_likely() -> None:
    link = link_of(attempt_at(1012.0), refusal(1000.0))
    assert link is not None and link.confidence == "likely"


@pytest.mark.parametrize("apart", [15.5, 60.0, 86_400.0, -2.5, -60.0])
def test_outside_the_window_nothing_is_tied(apart: float) -> None:
    assert link_of(attempt_at(1000.0 + apart), refusal(1000.0)) is None


def test_failures_without_times_are_linked_by_identity_only() -> None:
    assert link_of(attempt_at(None), refusal(1000.0)) is None
    assert link_of(attempt_at(None), refusal(None)) is None
    link = link_of(attempt_at(None), refusal(None, cpuset=f"cri-containerd-{SANDBOX}.scope"))
    assert link is not None and link.confidence == "proven"


def test_process_id_and_cgroup_prove() -> None:
    link = link_of(attempt_at(1000.0, pids=(70623,)), refusal(1000.0, comm="anything", stack=()))
    assert link is not None and link.confidence == "proven"
    pod_cgroup = f"/kubepods/burstable/pod{UID}/x"
    link = link_of(attempt_at(1000.0), refusal(1000.0, comm="anything", stack=(), cpuset=pod_cgroup))
    assert link is not None and link.confidence == "proven"


def test_an_old_pid_used_again_proves_nothing() -> None:
    assert link_of(attempt_at(9000.0, pids=(70623,)), refusal(1000.0)) is None


@pytest.mark.parametrize(
    "error",
    [
        'plugin type="calico" failed (add): connection refused',
        "mkdir /sys/fs/cgroup/memory/kubepods/x: cannot allocate memory",
        "error loading seccomp filter: errno 524",
        "fork/exec /usr/bin/containerd-shim: resource temporarily unavailable",
        "mkdir /var/lib/docker/aufs: no space left on device",
    ],
)
def test_look_alikes_are_not_linked_to_a_denial(error: str) -> None:
    assert link_of(attempt_at(1000.0, error), refusal(1000.0)) is None


def test_memory_limit_goes_with_the_cgroups_oom_kill_only() -> None:
    attempt = attempt_at(1000.5, 'setns process for init caused "signal: killed"')
    kill = refusal(1000.0, kind=ReportKind.OOM, constraint="CONSTRAINT_MEMCG", comm="runc:[2:INIT]", stack=())
    link = link_of(attempt, kill)
    assert link is not None and link.confidence == "likely"
    assert link_of(attempt, refusal(1000.0)) is None
    assert link_of(attempt_at(1000.5), kill) is None
    assert memory_of(attempt, (link,)) is False


def test_the_denial_of_another_task_is_at_most_possible() -> None:
    network = refusal(1000.0, comm="swapper/3", stack=("__netif_receive_skb", "mlx5e_alloc_rq"))
    assert link_of(attempt_at(1000.5), network) is None
    link = link_of(attempt_at(1000.5, "fork/exec /usr/bin/containerd-shim: cannot allocate memory"), network)
    assert link is not None and link.confidence == "possible"


def test_both_sides_name_each_other() -> None:
    attempt = attempt_at(1000.4)
    kernel, pods = linked([refusal(1000.0), refusal(5000.0, id="k2")], [attempt, attempt_at(7000.0, name="b")])
    assert [each.linked for each in kernel] == [(attempt.id,), ()]
    assert [each.linked for each in pods] == [("k1",), ()]
    assert (kernel[0].namespace, kernel[0].pod, kernel[0].pod_uid) == ("shop", "web-1", UID)
    assert pods[0].memory is True and pods[1].memory is None
    assert pods[0].report is None
    assert "k1" in (pods[0].explanation or "")
    assert pods[0].to_json()["kind"] == "sandbox_failure"


def test_a_memory_cgroup_kill_is_shown_with_its_pod() -> None:
    kill = kernel_incident(ReportKind.OOM, time=1.0, constraint="CONSTRAINT_MEMCG", pod_uid=UID, id="o")
    kernel, _ = linked([kill], [], [PodRef("shop", "web-1", UID)])
    assert (kernel[0].namespace, kernel[0].pod) == ("shop", "web-1")


@given(
    st.none() | st.floats(0, 2e9),
    st.none() | st.floats(0, 2e9),
    st.none() | st.text(max_size=15),
    st.sampled_from(list(ReportKind)),
    st.none() | st.text(max_size=80),
    st.text(max_size=100),
)
def test_any_pair_is_judged(
    time: float | None, kernel_time: float | None, comm: str | None, kind: ReportKind, cpuset: str | None, error: str
) -> None:
    link = link_of(attempt_at(time, error), refusal(kernel_time, comm, kind=kind, cpuset=cpuset))
    assert link is None or link.confidence in ("proven", "likely", "possible")


PACKETS = (
    ("__alloc_skb", "veth_xmit", "dev_hard_start_xmit", "br_handle_frame", "nf_conntrack_in", "ip_vs_in"),
    ("page_frag_alloc", "veth_poll", "net_rx_action"),
    ("kmem_cache_alloc", "br_nf_pre_routing", "nf_conntrack_tcp_packet"),
)


@pytest.mark.parametrize("stack", PACKETS)
@pytest.mark.parametrize("comm", ["swapper/3", "java", "ksoftirqd/1"])
def test_packets_that_pass_a_nodes_bridges_are_no_starting_container(stack: tuple[str, ...], comm: str) -> None:
    assert link_of(attempt_at(1000.4), refusal(1000.0, comm, stack=stack, order=0)) is None


def test_any_process_may_fork_but_a_runtimes_fork_is_a_start() -> None:
    fork = ("alloc_thread_stack_node", "dup_task_struct", "copy_process", "kernel_clone")
    assert link_of(attempt_at(1000.4), refusal(1000.0, "java", stack=fork, order=2)) is None
    link = link_of(attempt_at(1000.4), refusal(1000.0, "containerd-shim", stack=fork, order=2))
    assert link is not None and link.confidence == "likely"
    attempt = attempt_at(
        1000.4, "failed to start shim: fork/exec /usr/bin/containerd-shim-runc-v2: cannot allocate memory"
    )
    link = link_of(attempt, refusal(1000.0, "containerd-shim", stack=fork, order=2))
    assert link is not None and link.confidence == "proven"


def test_frames_that_the_kernel_is_not_sure_of_count_only_where_it_is_sure_of_none() -> None:
    doubtful = ("__alloc_pages_slowpath", "tcp_sendmsg", "? copy_net_ns", "? setup_net")
    assert link_of(attempt_at(1000.4), refusal(1000.0, "java", stack=doubtful)) is None
    link = link_of(attempt_at(1000.4), refusal(1000.0, "java", stack=("? copy_net_ns", "? sys_unshare")))
    assert link is not None and link.confidence == "likely"


@pytest.mark.parametrize("comm", ["dockerd", "containerd", "exe", "runc:[1:CHILD]", "runc", "crun", "calico", "ip"])
def test_a_namespace_stack_in_the_same_second_makes_an_exit_status_memory(comm: str) -> None:
    attempt = attempt_at(1000.4)
    link = link_of(attempt, refusal(1000.0, comm))
    assert link is not None and link.confidence in ("proven", "likely")
    assert memory_of(attempt, (link,)) is True


@pytest.mark.parametrize("order", [0, 3, 6])
def test_a_runtimes_other_requests_leave_an_exit_status_unknown(order: int) -> None:
    attempt = attempt_at(1000.4)
    other = refusal(1000.0, "containerd", stack=("filemap_fault", "ext4_filemap_fault"), order=order)
    link = link_of(attempt, other)
    assert link is not None and link.confidence == "possible"
    assert memory_of(attempt, (link,)) is None


def test_the_pods_own_limit_is_never_mistaken_for_the_nodes_memory() -> None:
    """The cgroup's kill names the pod, so the link is proven; the cause is the limit, even if the text is vague."""
    attempt = attempt_at(1000.4)
    kill = refusal(1000.0, kind=ReportKind.OOM, constraint="CONSTRAINT_MEMCG", memory=False, pod_uid=UID, stack=())
    link = link_of(attempt, kill)
    assert link is not None and link.confidence == "proven" and not link.refusal
    assert memory_of(attempt, (link,)) is False
    kernel, pods = linked([kill], [attempt])
    assert pods[0].memory is False and kernel[0].linked == (attempt.id,)
    assert "drop caches" not in (pods[0].explanation or "")


def test_the_nodes_own_oom_counts_by_its_victim() -> None:
    attempt = attempt_at(1000.4)
    took = refusal(1000.0, "java", kind=ReportKind.OOM, memory=True, stack=(), victim=KilledTask("runc", 7))
    link = link_of(attempt, took)
    assert link is not None and (link.confidence, memory_of(attempt, (link,))) == ("likely", True)
    asked = refusal(1000.0, "runc", kind=ReportKind.OOM, memory=True, stack=(), victim=KilledTask("java", 7))
    link = link_of(attempt, asked)
    assert link is not None and (link.confidence, memory_of(attempt, (link,))) == ("possible", None)
    other = refusal(1000.0, "java", kind=ReportKind.OOM, memory=True, stack=(), victim=KilledTask("java", 7))
    assert link_of(attempt, other) is None


def test_a_stall_and_a_lack_of_address_space_are_no_denial() -> None:
    attempt = attempt_at(1000.4)
    for kind, memory in ((ReportKind.STALL, True), (ReportKind.VMALLOC_FAILURE, False)):
        link = link_of(attempt, refusal(1000.0, kind=kind, memory=memory))
        assert link is not None and link.confidence in ("possible", "proven"), kind
        assert memory_of(attempt, (link,)) is not True


def test_a_timed_out_pod_was_blocked_before_the_denial() -> None:
    attempt = attempt_at(1000.4, "context deadline exceeded")
    link = link_of(attempt, refusal(1000.0))
    assert link is not None and link.confidence == "possible"
    assert memory_of(attempt, (link,)) is None


LOOK_ALIKES = (
    'plugin type="calico" failed (add): error getting ClusterInformation: connection refused',
    "mkdir /sys/fs/cgroup/memory/kubepods/burstable/podx: cannot allocate memory",
    "mkdir /sys/fs/cgroup/memory/kubepods/burstable/podx: no space left on device",
    "error loading seccomp filter into kernel: errno 524",
    "container init was OOM-killed (memory limit too low?)",
    "fork/exec /usr/bin/containerd-shim-runc-v2: resource temporarily unavailable",
    "failed to pull image: dial tcp: i/o timeout",
    'Conflict. The container name "/x_y" is already in use by container "z"',
    "write /proc/self/attr/keycreate: permission denied",
    "mkdir /var/lib/containerd/x: no space left on device",
    'connection error: desc = "transport: dial unix /run/containerd/containerd.sock: connect: connection refused"',
)


@given(
    st.sampled_from(LOOK_ALIKES),
    st.floats(-20, 20),
    st.sampled_from(["runc:[1:CHILD]", "containerd", "dockerd", "exe", "java", None]),
    st.sampled_from(list(ReportKind)),
    st.sampled_from([None, UID]),
    st.sampled_from([(), (70623,)]),
)
def test_a_similar_error_is_never_memory(
    error: str, apart: float, comm: str | None, kind: ReportKind, uid: str | None, pids: tuple[int, ...]
) -> None:
    attempt = attempt_at(1000.0 + apart, error, pids=pids)
    assert attempt.reason_class.memory is False
    kernel = refusal(1000.0, comm, kind=kind, pod_uid=uid, cpuset=f"cri-containerd-{SANDBOX}.scope", memory=True)
    _, (pod,) = linked([kernel], [attempt])
    assert pod.memory is False


@given(st.floats(-40, 40), st.sampled_from(["runc:[1:CHILD]", "containerd", "exe"]))
def test_memory_by_a_kernel_line_needs_the_window(apart: float, comm: str) -> None:
    _, (pod,) = linked([refusal(1000.0, comm)], [attempt_at(1000.0 + apart)])
    assert pod.memory is (True if -2.0 <= apart <= 15.0 else None)
