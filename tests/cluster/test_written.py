"""Every written text gives its facts by `fragtui explain --json`, and by the watcher's reader."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import sandbox_incident
from tests.cluster.reading import attempts_of
from tests.cluster.written_texts import CASES, FINAL_CHILD, S1, UID, VETH, WEB, Case, containerd, journal_json, klog
from tests.support.go_quoting import quoted
from tests.support.places import FIXTURES


def explained(paths: list[Path], capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["explain", "--json", *map(str, paths)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_explain_reads_every_written_text(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "node.log"
    log.write_text(case.text)
    found = explained([log], capsys)
    assert [((each["namespace"], each["pod"], each["pod_uid"]), each["cause"], each["memory"]) for each in found] == [
        (fact.pod, fact.cause, fact.memory) for fact in case.facts
    ]
    assert [each["sandbox_id"] for each in found] == [fact.sandbox for fact in case.facts]
    assert all(each["kind"] == "sandbox_failure" and each["linked"] == [] for each in found)


@pytest.mark.parametrize("case", [case for case in CASES if "export" not in case.name], ids=lambda case: case.name)
def test_the_watch_reads_the_same(case: Case) -> None:
    found = [sandbox_incident(attempt) for attempt in attempts_of(case.text.encode())]
    assert [((each.namespace, each.pod, each.pod_uid), each.cause, each.memory, each.sandbox_id) for each in found] == [
        (fact.pod, fact.cause, fact.memory, fact.sandbox) for fact in case.facts
    ]


def test_an_image_of_a_container_is_read_by_the_watch() -> None:
    error = 'failed to "StartContainer" for "app" with ImagePullBackOff: "Back-off pulling image \\"shop/web:1\\""'
    (attempt,) = attempts_of(
        f'E1124 05:14:59.185427   29426 pod_workers.go:1298] "Error syncing pod, skipping" err={quoted(error)} '
        f'pod="{WEB[0]}/{WEB[1]}" podUID="{UID}"\n'.encode()
    )
    assert (attempt.reason_class.name, attempt.stage, attempt.pod.uid) == ("image-pull", "container", UID)


def test_kubelet_and_runtime_in_files_of_their_own_make_one_incident(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kubelet.json").write_text(journal_json(klog(VETH)))
    (tmp_path / "containerd.log").write_text(
        containerd(VETH, "2.1").replace("2026-11-24T05:14:59.184105331Z", "2026-11-28T05:14:59.184105331Z")
    )
    both = [tmp_path / "containerd.log", tmp_path / "kubelet.json"]
    (one,) = explained(both, capsys)
    assert (one["pod_uid"], one["memory"]) == (UID, True)


def refused(comm: str, pid: int, order: int, *frames: str) -> str:
    """A kernel's report of a denied allocation, as in syslog."""
    lines = (
        f"{comm}: page allocation failure: order:{order}, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null),"
        "cpuset=/,mems_allowed=0",
        f"CPU: 3 PID: {pid} Comm: {comm} Not tainted 5.15.0 #1",
        "Call Trace:",
        *(f" {frame}+0x1/0x20" for frame in ("warn_alloc", *frames)),
    )
    return "".join(f"Nov 24 05:14:58 node-3 kernel: {line}\n" for line in lines)


def killed_at_its_limit() -> str:
    """A kernel's report of a kill in the pod's own cgroup."""
    pod = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice"
    lines = (
        f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=cri-containerd-{S1}.scope,mems_allowed=0,"
        f"oom_memcg={pod},task_memcg={pod}/cri-containerd-{S1}.scope,task=runc:[2:INIT],pid=777,uid=0",
        "Memory cgroup out of memory: Killed process 777 (runc:[2:INIT]) total-vm:1234kB, anon-rss:12kB, file-rss:1kB, "
        "shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:-998",
    )
    return "".join(f"Nov 24 05:14:58 node-3 kernel: {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("kernel", "memory", "linked"),
    [
        (refused("runc:[1:CHILD]", 70623, 5, "copy_net_ns", "create_new_namespaces"), True, True),
        (refused("swapper/3", 0, 1, "__alloc_skb", "veth_xmit", "br_handle_frame", "nf_conntrack_in"), None, False),
        (refused("java", 4711, 2, "dup_task_struct", "copy_process", "kernel_clone"), None, False),
        (killed_at_its_limit(), False, True),
    ],
    ids=["a namespace", "passing packets", "a fork of java", "the pod's own limit"],
)
def test_a_kernel_line_of_that_moment_explains_an_exit_status(
    kernel: str, memory: bool | None, linked: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "messages").write_text(kernel + klog(FINAL_CHILD, prefix="Nov 24 05:14:59 node-3 kubelet[29426]: "))
    of_kernel, of_pod = explained([tmp_path / "messages"], capsys)
    assert (of_pod["kind"], of_pod["cause"], of_pod["memory"]) == ("sandbox_failure", "runc-init-died", memory)
    assert (of_pod["linked"], of_kernel["linked"]) == (([of_kernel["id"]], [of_pod["id"]]) if linked else ([], []))
    assert of_kernel["pod_uid"] == (UID if linked else None)


@pytest.mark.parametrize("form", ["plain", "gzip"])
def test_saved_events_are_read_and_meet_the_log(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `kubectl get events -o json` saves them: alone, and with the kubelet's log of the same attempts."""
    saved = tmp_path / "events.json"
    saved.write_bytes((FIXTURES / "events.json").read_bytes())
    if form == "gzip":
        saved = tmp_path / "events.json.gz"
        saved.write_bytes(gzip.compress((FIXTURES / "events.json").read_bytes()))
    alone = explained([saved], capsys)
    assert alone and all(each["pod"] and each["pod_uid"] and each["sandbox_id"] and each["time"] for each in alone)
    assert {each["cause"] for each in alone} == {"runc-init-died"}
    log = FIXTURES / "unshare-kubelet.log"
    of_log = {each["sandbox_id"] for each in explained([log], capsys)}
    both = [each["sandbox_id"] for each in explained([saved, log], capsys)]
    assert len(both) == len(set(both)) and set(both) == of_log | {each["sandbox_id"] for each in alone}


def test_saved_events_that_are_cut_off_give_their_complete_items(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (FIXTURES / "events.json").read_bytes()
    (tmp_path / "cut.json").write_bytes(whole[: len(whole) // 2])
    assert main(["explain", "--json", str(tmp_path / "cut.json")]) == 1
    found = capsys.readouterr()
    assert "cut.json: expected a list of Kubernetes objects" in found.err and found.out.count("sandbox_failure") >= 1


def test_one_saved_event_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = json.loads((FIXTURES / "events.json").read_text())["items"]
    failed = next(event for event in events if event["reason"] == "FailedCreatePodSandBox")
    (tmp_path / "one.json").write_text(json.dumps(failed, indent=1))
    (one,) = explained([tmp_path / "one.json"], capsys)
    assert one["pod"] == failed["involvedObject"]["name"]


def test_incidents_of_other_kinds_are_not_made() -> None:
    found = [sandbox_incident(attempt) for case in CASES for attempt in attempts_of(case.text.encode())]
    assert all(isinstance(each, Incident) and each.report is None for each in found)
