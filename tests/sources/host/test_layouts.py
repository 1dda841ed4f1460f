"""Each collector's bundle gives the denied request, the pod that waits because of it, and the files of /proc."""

# ruff: noqa: E501

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import yaml

from fragtui.commands.cli.parser import build, main
from fragtui.commands.look.report import collect
from fragtui.render.report.report_facts import ReportFacts
from fragtui.sources.host.tree import saved_tree
from tests.cluster.test_pod_formats import EVENT, KUBELET, TABLES
from tests.support.host_tree import FRAGMENTED, HostTree

SAVED = 1_707_220_000.0
KERNEL = (
    "containerd: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null),cpuset=/",
    "CPU: 3 PID: 801 Comm: containerd Not tainted 5.15.0-91-generic #101-Ubuntu",
    "Call Trace:",
    " warn_alloc+0x137/0x160",
    " copy_net_ns+0x11b/0x240",
    " create_new_namespaces+0x113/0x2e0",
)
DMESG = "".join(f"[Tue Feb  6 09:07:11 2024] {line}\n" for line in KERNEL)
KERN_LOG = "".join(f"Feb  6 09:07:11 node-9 kernel: {line}\n" for line in KERNEL)
JOURNAL = "".join(f"Feb 06 09:07:11 node-9 kubelet[4242]: {line}\n" for line in KUBELET)
PLAIN = "".join(f"{line}\n" for line in KUBELET)
SYSLOG = f"{KERN_LOG}{JOURNAL}"
LIST = json.dumps({"apiVersion": "v1", "kind": "List", "items": [EVENT]}, indent=4)
YAML_LIST = yaml.safe_dump({"apiVersion": "v1", "kind": "EventList", "items": [EVENT]})
DESCRIBED = TABLES["describe"]
QUIET = "[Tue Feb  6 09:00:00 2024] IPv6: ADDRCONF(NETDEV_UP): veth1: link is not ready\n"
SECTION = "#==[ Command ]======================================#\n# {}\n{}\n\n"

TREES: dict[str, tuple[dict[str, str], str]] = {
    "sosreport: k3s in the whole journal": (
        {"sos_commands/kernel/dmesg_-T": QUIET, "sos_commands/logs/journalctl_--no-pager": SYSLOG},
        "sosreport",
    ),
    "sosreport: Container-Optimized OS": (
        {"sos_commands/logs/journalctl_--no-pager_--since_-3days": SYSLOG},
        "sosreport",
    ),
    "sosreport: microk8s": (
        {
            "sos_commands/kernel/dmesg_-T": DMESG,
            "sos_commands/microk8s/journalctl_--no-pager_--unit_snap.microk8s.daemon-kubelite": JOURNAL,
        },
        "sosreport",
    ),
    "sosreport: kubeadm and syslog, too": (
        {
            "sos_commands/kernel/dmesg": DMESG,
            "sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet": JOURNAL,
            "var/log/messages": SYSLOG,
            "sos_commands/logs/journalctl_--no-pager": SYSLOG,
        },
        "sosreport",
    ),
    "sosreport: rotated": (
        {"sos_commands/x": "", "var/log/messages": "Feb  7 00:00:01 n cron[1]: x\n", "var/log/messages-20240206": SYSLOG},
        "sosreport",
    ),
    "sosreport: kdump": (
        {
            "sos_commands/kernel/dmesg_-T": QUIET,
            "var/crash/127.0.0.1-2024-02-06-09:08:00/vmcore-dmesg.txt": DMESG,
            "sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet": JOURNAL,
        },
        "sosreport",
    ),
    "sosreport: events of a master": (
        {
            "sos_commands/kernel/dmesg_-T": DMESG,
            "sos_commands/kubernetes/cluster-info/shop/kubectl_get_-o_json_--namespace_shop_events": LIST,
            "sos_commands/kubernetes/cluster-info/kubectl_get_--all-namespaces_true_events": TABLES["get events -A"],
        },
        "sosreport",
    ),
    "supportconfig": (
        {
            "basic-environment.txt": SECTION.format("/bin/uname -a", "Linux node-9 5.14.21-150400-default #1 SMP x86_64"),
            "boot.txt": SECTION.format("/bin/dmesg -T", DMESG),
            "messages.txt": SECTION.format("/var/log/messages", SYSLOG),
            "memory.txt": "",
        },
        "supportconfig",
    ),
    "Rancher, rke2": (
        {
            "systeminfo/dmesg": DMESG,
            "systeminfo/hostname": "node-9\n",
            "journald/rke2-agent": "Feb 06 09:00:00 n rke2[1]: x\n",
            "rke2/agent-logs/kubelet.log": PLAIN,
        },
        "Rancher log bundle",
    ),
    "Rancher, k3s": (
        {"systeminfo/hostname": "node-9\n", "systemlogs/syslog": KERN_LOG, "k3s/kubectl/poddescribe/shop": DESCRIBED},
        "Rancher log bundle",
    ),
    "kind": (
        {"kind-version.txt": "kind v0.20.0\n", "kind-worker/kubelet.log": JOURNAL, "kind-worker/journal.log": SYSLOG},
        "kind log bundle",
    ),
    "microk8s inspect": (
        {"snap.microk8s.daemon-kubelite/journal.log": JOURNAL, "sys/dmesg": DMESG},
        "microk8s inspection report",
    ),
    "must-gather": (
        {"version": "openshift/must-gather\n4.14.0-2023\n", "cluster-scoped-resources/core/nodes/a.yaml": "kind: Node\n",
         "host_service_logs/masters/kubelet_service.log": SYSLOG, "namespaces/shop/core/events.yaml": YAML_LIST},
        "must-gather",
    ),
    "oc adm inspect": (
        {"namespaces/shop/core/events.yaml": YAML_LIST, "namespaces/shop/core/pods.yaml": "apiVersion: v1\nitems: []\n"},
        "must-gather",
    ),
    "AKS": (
        {"collect/sysctl.txt": "", "etc/hostname": "node-9\n", "var/log/kern.log": KERN_LOG, "var/log/syslog": SYSLOG},
        "AKS log bundle",
    ),
    "EKS": (
        {"kernel/dmesg.human.current": DMESG, "kernel/uname.txt": "", "kubelet/kubelet.log": JOURNAL},
        "EKS log bundle",
    ),
    "Bottlerocket": ({"proc-mounts": "", "dmesg": DMESG, "journalctl.log": JOURNAL}, "Bottlerocket log bundle"),
    "k0s by troubleshoot": (
        {"host-collectors/run-host/dmesg.txt": DMESG, "cluster-resources/events/shop.json": LIST},
        "troubleshoot bundle",
    ),
    "a host with k0s": ({"etc/hostname": "node-9\n", "var/log/kern.log": KERN_LOG, "var/log/k0sworker.log": PLAIN}, "host"),
    "cluster-info dump": ({"nodes.json": "{}", "shop/events.json": LIST, "shop/pods.json": "{}"}, "cluster-info dump"),
    "a folder": ({"dmesg.txt": DMESG, "describe.txt": DESCRIBED, "notes.txt": "it is slow\n"}, "folder of saved files"),
    "a folder of other names": (
        {"journalctl-kubelet.txt": JOURNAL, "journal-kernel.txt": KERN_LOG, "picture.png": "x"},
        "folder of saved files",
    ),
    "sosreport: kubectl with a kubeconfig": (
        {"sos_commands/kernel/dmesg_-T": DMESG,
         "sos_commands/kubernetes/cluster-info/shop/kubectl_--kubeconfig_.etc.kubernetes.admin.conf_get_-o_json_--namespace_shop_events": LIST},
        "sosreport",
    ),
    "sosreport: described pods": (
        {"sos_commands/kernel/dmesg_-T": DMESG,
         "sos_commands/kubernetes/cluster-info/shop/pods/kubectl_--namespace_shop_describe_pods_cart-7c-x1": DESCRIBED},
        "sosreport",
    ),
    "sosreport beside other files": (
        {"sos-n/sos_commands/kernel/dmesg_-T": DMESG, "sos-n/sos_commands/logs/journalctl_--no-pager": JOURNAL,
         "__MACOSX/x": "x", "screens/a.png": "x", "notes.txt": "x"},
        "sosreport",
    ),
    "sosreport: unpacked on Windows": (
        {"SOS_Commands/kernel/DMESG_-T": DMESG.replace("\n", "\r\n"), "Var/Log/Messages": JOURNAL.replace("\n", "\r\n")},
        "sosreport",
    ),
    "supportconfig: the journal alone": (
        {"basic-environment.txt": "", "systemd.txt": SECTION.format("/usr/bin/journalctl -b", SYSLOG)},
        "supportconfig",
    ),
    "microk8s inspect, older": (
        {"snap.microk8s.daemon-kubelet/journal.log": JOURNAL, "apparmor/dmesg": DMESG},
        "microk8s inspection report",
    ),
    "Canonical Kubernetes": (
        {"k8s.kubelet/journal.log": JOURNAL, "k8s-cluster-info/cluster-info-dump": LIST, "sys/dmesg": DMESG},
        "microk8s inspection report",
    ),
    "Talos, older": ({"dmesg.log": DMESG, "kubelet.log": PLAIN}, "Talos support bundle"),
    "EKS: packed with its path": (
        {"var/log/eks_i-1/kernel/uname.txt": "", "var/log/eks_i-1/kernel/dmesg.current": DMESG,
         "var/log/eks_i-1/kubelet/kubelet.log": JOURNAL},
        "EKS log bundle",
    ),
    "troubleshoot: a directory for each command": (
        {"host-collectors/run-host/node-9/dmesg/stdout.txt": DMESG, "cluster-resources/events/shop.json": LIST},
        "troubleshoot bundle",
    ),
    "a host with k3s by OpenRC": ({"etc/hostname": "n\n", "var/log/messages": KERN_LOG, "var/log/k3s.log": PLAIN}, "host"),
    "a folder of folders": (
        {"kernel/dmesg.txt": DMESG, "pods/shop/describe.txt": DESCRIBED, "proc/buddyinfo": ""},
        "folder of saved files",
    ),
    "a folder beside those of proc and etc": (
        {"proc/buddyinfo": "", "etc/hostname": "node-9\n", "dmesg.txt": DMESG, "kubelet.log": JOURNAL},
        "folder of saved files",
    ),
    "a folder with a log at each level": (
        {"dmesg": DMESG, "collector/systemlogs/kubelet": JOURNAL},
        "folder of saved files",
    ),
    "a folder of events": ({"events.yaml": YAML_LIST, "readme": "x"}, "folder of saved files"),
}  # fmt: skip
NO_KERNEL = {"oc adm inspect", "cluster-info dump", "a folder of events"}


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (SAVED, SAVED))


def facts_of(root: Path) -> ReportFacts:
    words = ["report", "--root", str(root), "--audit", str(root / "no-audit-log")]
    return collect(build(["report"]).parse_args(words))


@pytest.mark.parametrize("wrapper", ["", "case-7/node-9.tar.d"])
@pytest.mark.parametrize("name", TREES)
def test_a_bundle_gives_the_request_and_the_pod_that_it_stopped(tmp_path: Path, name: str, wrapper: str) -> None:
    files, layout = TREES[name]
    put(tmp_path / "root" / wrapper, files)
    root = tmp_path / "root"
    assert saved_tree(root).layout.name == layout
    facts = facts_of(root)
    assert facts.pods is not None, facts.pods_unknown
    (pod,) = facts.pods.pods
    assert (pod.namespace, pod.name, pod.memory) == ("shop", "cart-7c-x1", True)
    kernel = [each for each in facts.incidents if each.report is not None]
    assert len(kernel) == (0 if name in NO_KERNEL else 1)
    if name in NO_KERNEL:
        assert facts.incidents_from is None
    elif pod.first_failure is not None and pod.first_failure > SAVED - 3 * 3600:
        assert pod.links, "the pod is linked to the kernel's line"


def test_texts_of_proc_are_cut_out_of_a_supportconfig(tmp_path: Path) -> None:
    host = HostTree.small(tmp_path / "host", FRAGMENTED).root
    names = ("meminfo", "buddyinfo", "vmstat", "zoneinfo")
    text = {name: (host / "proc" / name).read_text() for name in names}
    memory = "".join(SECTION.format(f"/bin/cat /proc/{name}", text[name]) for name in names[:2])
    copied = "".join(SECTION.format(f"/proc/{name}", text[name]) for name in names[2:]).replace("\n", "\r\n")
    files, _ = TREES["supportconfig"]
    put(tmp_path / "scc", files | {"memory.txt": memory, "proc.txt": copied})
    saved = facts_of(tmp_path / "scc").snapshot
    assert (saved.host.name, saved.host.release) == ("node-9", "5.14.21-150400-default")
    live = facts_of(host).snapshot
    assert saved.zones == live.zones
    assert saved.zones


def test_a_bundle_is_judged_by_the_order_of_its_last_denied_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "sos", TREES["sosreport: microk8s"][0])
    main(["check", "--root", str(tmp_path / "sos")])
    words = capsys.readouterr().out
    assert "(order 4)" in words
    assert "Denied  containerd asked for 64K" in words
    assert "1 pod, because of it: shop/cart-7c-x1" in words


def test_the_version_of_a_collector_is_no_kernel(tmp_path: Path) -> None:
    put(tmp_path, TREES["must-gather"][0])
    assert facts_of(tmp_path).snapshot.host.release is None


def test_files_of_proc_are_known_by_their_text_in_a_folder(tmp_path: Path) -> None:
    host = HostTree.small(tmp_path / "host", FRAGMENTED).root
    names = {"buddyinfo": "b1.txt", "zoneinfo": "z", "meminfo": "free memory.txt", "vmstat": "counters"}
    put(
        tmp_path / "mail", {own: (host / "proc" / name).read_text() for name, own in names.items()} | {"log.txt": DMESG}
    )
    zones = facts_of(tmp_path / "mail").snapshot.zones
    assert zones
    assert zones == facts_of(host).snapshot.zones


def test_logs_of_two_nodes_are_not_mixed(tmp_path: Path) -> None:
    put(tmp_path, {f"{node}/{name}": DMESG for node in ("node-1", "node-2") for name in ("dmesg.txt", "note.txt")})
    tree = saved_tree(tmp_path)
    assert tree.logs() == ()
    assert str(tree.ambiguous).endswith("has 2 nodes, give one of them as --root: node-1, node-2")


def test_the_last_request_is_that_of_the_last_report_if_no_report_has_a_time(tmp_path: Path) -> None:
    first = (line.replace("order:4", "order:7").replace("801", "77") for line in KERNEL)
    lines = [f"[{100 + at:5}.123456] {line}\n" for at, line in enumerate((*first, *KERNEL))]
    put(tmp_path, {"dmesg": "".join(lines)})
    facts = facts_of(tmp_path)
    assert [each.order for each in facts.incidents] == [7, 4]
    assert facts.judgement.order == 4


def test_a_copy_made_years_later_is_dated_by_the_logs_that_show_the_year(tmp_path: Path) -> None:
    files = {"systeminfo/dmesg": DMESG, "systemlogs/syslog": SYSLOG, "journald/k3s": JOURNAL}
    put(tmp_path, files)
    for name in files:
        os.utime(tmp_path / name, (SAVED + 9e7, SAVED + 9e7))
    facts = facts_of(tmp_path)
    (kernel,) = (each for each in facts.incidents if each.report is not None)
    assert facts.pods is not None
    (pod,) = facts.pods.pods
    assert {time.gmtime(at or 0.0).tm_year for at in (kernel.time, pod.first_failure)} == {2024}
    assert pod.links


def test_a_quiet_kernel_does_not_date_the_logs_of_the_same_year(tmp_path: Path) -> None:
    put(tmp_path, {"systeminfo/dmesg": QUIET, "systemlogs/syslog": SYSLOG.replace("Feb ", "Oct ")})
    for name in ("dmesg", "../systemlogs/syslog"):
        os.utime(tmp_path / "systeminfo" / name, (SAVED + 2.2e7, SAVED + 2.2e7))
    (kernel,) = (each for each in facts_of(tmp_path).incidents if each.report is not None)
    assert time.gmtime(kernel.time)[:2] == (2024, 10)


def test_of_one_report_in_two_logs_the_one_with_a_time_is_kept(tmp_path: Path) -> None:
    dmesg = "".join(f"[{100 + at:5}.123456] {line}\n" for at, line in enumerate(KERNEL))
    put(tmp_path, {"dmesg": dmesg, "syslog": KERN_LOG})
    (kernel,) = facts_of(tmp_path).incidents
    assert kernel.time is not None


@pytest.mark.parametrize(
    "files",
    [
        {"collect/sysctl.txt": "kernel.osrelease = 5.15.0-91-generic\n", "etc/hostname": "node-9\n"},
        {
            "127.0.0.1-2024-02-06-09:08:00/vmcore-dmesg.txt": DMESG,
            "127.0.0.1-2024-02-06-09:08:00/kexec-dmesg.log": "[0.0] x\n",
        },
    ],
    ids=["sysctl", "kdump"],
)
def test_the_release_is_read_from_a_file_that_names_it(tmp_path: Path, files: dict[str, str]) -> None:
    put(tmp_path, files)
    assert facts_of(tmp_path).snapshot.host.release == "5.15.0-91-generic"


def test_a_folder_names_the_files_in_which_pods_were_found(tmp_path: Path) -> None:
    put(tmp_path, TREES["a folder"][0])
    unseen = facts_of(tmp_path).pods_unknown
    assert "describe.txt" in unseen
    assert "notes.txt" not in unseen


def test_explain_reads_all_logs_of_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "one", TREES["sosreport: kubeadm and syslog, too"][0])
    put(tmp_path / "two", {"node-1/dmesg.txt": DMESG, "node-2/dmesg.txt": DMESG})
    assert main(["explain", str(tmp_path / "one")]) == 0
    told = capsys.readouterr().out
    assert "1 allocation failure, 1 failed sandbox" in told
    assert main(["explain", str(tmp_path / "two")]) == 1
    assert "has 2 nodes, give one of them: node-1, node-2" in capsys.readouterr().err
