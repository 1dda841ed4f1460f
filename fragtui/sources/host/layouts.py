"""Where support bundles keep the files that fragtui reads: one row per layout, patterns tried in order.

The names are those of the collectors' own sources: sos, must-gather and oc adm inspect, talosctl, the log collectors of
EKS, AKS and Rancher, supportutils, kind, microk8s inspect, Bottlerocket's logdog, troubleshoot, kubectl.
"""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """One layout of a node's files. Patterns are globs below the node's directory; ``{name}`` is a file of /proc.

    ``A|B`` is A, or B if there is no A. `marks` identify the layout: one of them must exist. `nodes` are directories of
    single nodes in the bundle, empty if it is of one node; `named` means that such a directory has the node's name.
    """

    name: str
    marks: tuple[str, ...]
    proc: tuple[str, ...] = ("proc/{name}",)
    nodes: tuple[str, ...] = ()
    named: bool = False
    hostname: tuple[str, ...] = ()
    uname: tuple[str, ...] = ()
    kernel_logs: tuple[str, ...] = ()
    """All files of the first pattern with a report of the kernel are read, else of the first one with files."""
    other_logs: tuple[str, ...] = ()
    """Logs that may be the kernel's: the first pattern with a report of it, if none of `kernel_logs` has one."""
    pod_logs: tuple[str, ...] = ()
    """All existing ones are read for pods: logs, events and pods."""
    crash_logs: tuple[str, ...] = ("var/crash/*/vmcore-dmesg.txt", "var/crash/*/dmesg.*")
    """The messages of kernels that crashed, saved by kdump: all are read besides `kernel_logs`."""
    sysctl: tuple[str, ...] = ()
    """The output of ``sysctl -a``, for settings whose files of /proc/sys were not collected."""
    sections: tuple[str, ...] = ()
    """Files with the texts of /proc one after another, each below the command that printed it."""
    every_file: bool = False
    """Whether logs may have any name."""


OWN_LOGS = (
    "var/log/kubelet.log",
    "var/log/kubelet/kubelet.log",
    "var/log/containerd.log",
    "var/log/docker.log",
    "var/log/crio/crio.log",
    "var/lib/rancher/k3s/agent/containerd/containerd.log",
    "var/lib/rancher/rke2/agent/logs/kubelet.log",
    "var/lib/rancher/rke2/agent/containerd/containerd.log",
)
"""Logs that kubelet and runtime write themselves, below a host's root."""
_SYSLOG = ("var/log/messages*", "var/log/syslog*")
"""With those that were rotated, today's may be an hour old."""
_SERVICE_LOGS = ("var/log/k[03]s*.log", "var/log/rke2*.log")
"""Of a distribution that OpenRC started."""
_KERNEL_SYSLOG = ("var/log/kern.log*", *_SYSLOG, "var/log/dmesg")

LAYOUTS = (
    Layout(
        name="sosreport",
        marks=("sos_commands", "sos_logs"),
        hostname=("hostname", "sos_commands/host/hostname", "etc/hostname"),
        uname=("uname", "sos_commands/kernel/uname_-a"),
        kernel_logs=(
            "sos_commands/kernel/dmesg_-T",
            "sos_commands/kernel/dmesg",
            "dmesg",
            "sos_commands/logs/journalctl_--no-pager|sos_commands/logs/journalctl_--no-pager_*",
            *_KERNEL_SYSLOG,
        ),
        pod_logs=(
            "sos_commands/kubernetes/journalctl_*",
            "sos_commands/openshift*/journalctl_*",
            "sos_commands/cri*/journalctl_*",
            "sos_commands/containerd/journalctl_*",
            "sos_commands/docker/journalctl_*",
            "sos_commands/podman/journalctl_*",
            "sos_commands/microk8s/journalctl_*",
            "sos_commands/k[03]s/journalctl_*",
            "sos_commands/rke*/journalctl_*",
            "sos_commands/logs/journalctl_--no-pager|sos_commands/logs/journalctl_--no-pager_*",
            "sos_commands/kubernetes/cluster-info/*/*kubectl*_get_-o_json_*events"
            "|sos_commands/kubernetes/cluster-info/*events",
            "sos_commands/kubernetes/cluster-info/*/pods/*_describe_pods_*",
            "sos_commands/openshift/cluster-info/*/oc_get_-o_json_*events|sos_commands/openshift/*/*events",
            *_SYSLOG,
            *_SERVICE_LOGS,
            *OWN_LOGS,
        ),
        sysctl=("sos_commands/kernel/sysctl_-a",),
    ),
    Layout(
        name="must-gather",
        marks=(
            "cluster-scoped-resources",
            "host_service_logs",
            "nodes/*/*_logs_kubelet.gz",
            "namespaces/*/core",
            "namespaces/all",
        ),
        nodes=("nodes/*",),
        named=True,
        proc=("proc/{name}", "sysinfo/proc/{name}", "proc_{name}", "{name}"),
        kernel_logs=("dmesg", "host_service_logs/*/kernel*.log"),
        pod_logs=(
            "*_logs_kubelet.gz",
            "*_logs_kubelet",
            "*_logs_crio.gz",
            "*_logs_crio",
            # Of all masters in one file; only if there is no directory of a node to choose.
            "host_service_logs/*/kubelet_service.log",
            "host_service_logs/*/crio_service.log",
            "namespaces/*/core/events.yaml",
            "namespaces/*/core/pods.yaml",
        ),
    ),
    Layout(
        name="Talos support bundle",
        marks=("dmesg.log", "*/dmesg.log"),
        nodes=("*",),
        named=True,
        proc=("proc/{name}", "{name}"),
        kernel_logs=("dmesg.log",),
        pod_logs=(
            "service-logs/kubelet.log",
            "service-logs/cri.log",
            "service-logs/containerd.log",
            "kubelet.log",
            "cri.log",
            "containerd.log",
        ),
    ),
    Layout(
        name="EKS log bundle",
        marks=("kernel/dmesg.current", "kernel/uname.txt"),
        proc=("proc/{name}", "system/{name}", "system/{name}.txt", "kernel/{name}", "kernel/{name}.txt"),
        uname=("kernel/uname.txt",),
        kernel_logs=("kernel/dmesg.human.current", "kernel/dmesg.current", "var_log/messages*", "var_log/syslog*"),
        pod_logs=(
            "kubelet/kubelet.log*",
            "containerd/containerd-log.txt*",
            "docker/docker.log*",
            "var_log/messages*",
            "var_log/syslog*",
        ),
        sysctl=("sysctls/sysctl_all.txt",),
    ),
    Layout(
        name="Rancher log bundle",
        marks=("systeminfo/dmesg", "systeminfo/uname", "systeminfo/hostname"),
        proc=("proc/{name}", "systeminfo/{name}", "systeminfo/proc{name}"),
        hostname=("systeminfo/hostname",),
        uname=("systeminfo/uname",),
        kernel_logs=("systeminfo/dmesg", "systemlogs/kern.log*", "systemlogs/messages*", "systemlogs/syslog*"),
        pod_logs=(
            "journald/*",
            "*/agent-logs/kubelet.log*",
            "*/containerd.log",
            "*/kubectl/events*",
            "*/kubectl/poddescribe/*",
            "k8s/containerlogs/kubelet",
            "docker/*",
            "systemlogs/messages*",
            "systemlogs/syslog*",
        ),
        sysctl=("systeminfo/sysctla",),
    ),
    Layout(
        name="AKS log bundle",
        marks=("collect/proc", "collect/crictl_pods.json", "collect/sysctl.txt"),
        proc=("collect/proc/{name}", "proc/{name}"),
        hostname=("etc/hostname",),
        uname=("collect/uname.txt", "collect/uname"),
        kernel_logs=("collect/dmesg*", *_KERNEL_SYSLOG),
        pod_logs=("collect/*kubelet*", "collect/*containerd*", "collect/journal*", *_SYSLOG, *OWN_LOGS),
        sysctl=("collect/sysctl.txt",),
    ),
    Layout(
        name="supportconfig",
        marks=("basic-environment.txt", "supportconfig.txt", "basic-health-check.txt"),
        uname=("basic-environment.txt",),
        kernel_logs=("boot.txt", "messages.txt", "warn.txt", "systemd*.txt"),
        crash_logs=("crash.txt",),
        pod_logs=(
            "messages.txt",
            "systemd*.txt",
            "*kubernetes*.txt",
            "*k8s*.txt",
            "docker.txt",
            "podman.txt",
            "*cri*.txt",
            "*rke2*.txt",
            "*k3s*.txt",
        ),
        sysctl=("env.txt",),
        sections=("memory.txt", "proc.txt", "env.txt"),
    ),
    Layout(
        name="microk8s inspection report",
        marks=("snap.microk8s.daemon-*", "microk8s.daemon-*", "k8s.kubelet", "snap.k8s.kubelet"),
        proc=("sys/{name}", "proc/{name}"),
        uname=("sys/uname",),
        kernel_logs=("sys/dmesg*", "apparmor/dmesg*", "sys/journal*"),
        pod_logs=(
            "*microk8s.daemon-*/*.log",
            "*k8s.*/*.log",
            "k8s/*events*",
            "k8s*/cluster-info-dump*",
            "k8s/get-*",
            "*/pods.describe",
        ),
    ),
    Layout(
        name="Bottlerocket log bundle",
        marks=("proc-mounts", "kube-status", "containerd-config"),
        kernel_logs=("dmesg", "journalctl.log*", "journalctl-*"),
        pod_logs=("journalctl.log*", "journalctl-*", "kubelet*", "containerd*.log"),
    ),
    Layout(
        name="kind log bundle",
        marks=("kind-version.txt", "kubernetes-version.txt", "*/kubernetes-version.txt", "docker-info.txt"),
        nodes=("*",),
        named=True,
        kernel_logs=("dmesg*", "journal.log", "serial.log"),
        pod_logs=("kubelet.log", "containerd.log", "journal.log"),
    ),
    Layout(
        name="troubleshoot bundle",
        marks=("cluster-resources", "host-collectors"),
        proc=("proc/{name}", "host-collectors/run-host/{name}", "host-collectors/run-host/{name}.txt"),
        uname=("host-collectors/run-host/uname*",),
        kernel_logs=(
            "host-collectors/**/*dmesg*.txt",
            "host-collectors/**/*dmesg*/*",
            "host-collectors/**/*kern*.txt",
            "host-collectors/**/*journal*",
        ),
        pod_logs=(
            "host-collectors/**/*kubelet*",
            "host-collectors/**/*k[03]s*",
            "host-collectors/**/*containerd*",
            "host-collectors/**/*journal*",
            "cluster-resources/events/*.json",
            "cluster-resources/pods/*.json",
        ),
    ),
    Layout(
        name="cluster-info dump",
        marks=("nodes.json", "nodes.yaml"),
        proc=(),
        pod_logs=("*/events.json", "*/events.yaml", "*/pods.json", "*/pods.yaml"),
    ),
)

LAYOUT_FOLDER = Layout(
    name="folder of saved files",
    marks=(),
    proc=(
        "proc/{name}",
        "{name}",
        "{name}.txt",
        "proc_{name}",
        "proc_{name}.txt",
        "*{name}*",
        "*/{name}",
        "*/{name}.txt",
    ),
    hostname=("hostname", "hostname.txt", "etc/hostname"),
    uname=("uname", "uname.txt", "uname_-a"),
    kernel_logs=("*dmesg*", "kern*", "messages*", "syslog*"),
    other_logs=("*journal*", "*", "*/*", "*/*/*"),
    crash_logs=("vmcore-dmesg.txt", "*/vmcore-dmesg.txt", "var/crash/*/vmcore-dmesg.txt", "*/dmesg.20*"),
    pod_logs=("*", "*/*", "*/*/*"),
    sysctl=("sysctl", "sysctl.txt", "sysctl_-a"),
    every_file=True,
)
"""No known layout: a few saved files."""

LAYOUT_HOST = Layout(
    name="host",
    marks=(),
    hostname=("proc/sys/kernel/hostname", "etc/hostname"),
    kernel_logs=_KERNEL_SYSLOG,
    pod_logs=(*_SYSLOG, *_SERVICE_LOGS, *OWN_LOGS),
)
"""A root file system, or a directory with files at the same paths."""
