"""Where support bundles keep the files that fragtui reads: one row per layout, patterns tried in order."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """One layout of a node's files. Patterns are globs below the node's directory; ``{name}`` is a file of /proc.

    `marks` identify the layout: one of them must exist. `nodes` are directories of single nodes in the bundle,
    empty if it is of one node; `named` means that such a directory has the node's name.
    """

    name: str
    marks: tuple[str, ...]
    proc: tuple[str, ...] = ("proc/{name}",)
    nodes: tuple[str, ...] = ()
    named: bool = False
    hostname: tuple[str, ...] = ()
    uname: tuple[str, ...] = ()
    kernel_logs: tuple[str, ...] = ()
    """The first existing one is used for the kernel's messages."""
    pod_logs: tuple[str, ...] = ()
    """All existing ones are read for pods."""
    crash_logs: tuple[str, ...] = ("var/crash/*/vmcore-dmesg.txt",)
    """The messages of kernels that crashed, saved by kdump: all are read besides the first of `kernel_logs`."""
    sysctl: tuple[str, ...] = ()
    """The output of ``sysctl -a``, for settings whose files of /proc/sys were not collected."""


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
            "sos_commands/logs/journalctl_--no-pager",
            "var/log/messages",
            "var/log/kern.log",
            "var/log/syslog",
            "var/log/dmesg",
        ),
        pod_logs=(
            "sos_commands/kubernetes/journalctl_*kubelet*",
            "sos_commands/openshift/journalctl_*kubelet*",
            "sos_commands/crio/journalctl_*crio*",
            "sos_commands/containerd/journalctl_*containerd*",
            "var/log/messages",
            "var/log/syslog",
        ),
        sysctl=("sos_commands/kernel/sysctl_-a",),
    ),
    Layout(
        name="must-gather",
        marks=("cluster-scoped-resources", "host_service_logs", "nodes/*/*_logs_kubelet.gz"),
        nodes=("nodes/*",),
        named=True,
        proc=("proc/{name}", "sysinfo/proc/{name}", "proc_{name}", "{name}"),
        kernel_logs=("dmesg",),
        pod_logs=(
            "*_logs_kubelet.gz",
            "*_logs_kubelet",
            "*_logs_crio.gz",
            "*_logs_crio",
            # Of all masters in one file; only if there is no directory of a node to choose.
            "host_service_logs/*/kubelet_service.log",
            "host_service_logs/*/crio_service.log",
        ),
    ),
    Layout(
        name="Talos support bundle",
        marks=("dmesg.log", "*/dmesg.log"),
        nodes=("*",),
        named=True,
        proc=("proc/{name}", "{name}"),
        kernel_logs=("dmesg.log",),
        pod_logs=("service-logs/kubelet.log", "service-logs/cri.log"),
    ),
    Layout(
        name="EKS log bundle",
        marks=("kernel/dmesg.current", "kernel/uname.txt"),
        proc=("proc/{name}", "system/{name}", "system/{name}.txt", "kernel/{name}", "kernel/{name}.txt"),
        uname=("kernel/uname.txt",),
        kernel_logs=("kernel/dmesg.human.current", "kernel/dmesg.current", "var_log/messages", "var_log/syslog"),
        pod_logs=("kubelet/kubelet.log", "containerd/containerd-log.txt", "docker/docker.log", "var_log/messages"),
        sysctl=("sysctls/sysctl_all.txt",),
    ),
)

LAYOUT_FOLDER = Layout(
    name="folder of saved files",
    marks=(),
    proc=("proc/{name}", "{name}", "{name}.txt", "proc_{name}", "proc_{name}.txt"),
    hostname=("hostname", "hostname.txt"),
    uname=("uname", "uname.txt", "uname_-a"),
    kernel_logs=("dmesg", "dmesg.txt", "dmesg.log", "kernel.log", "kern.log", "messages", "syslog"),
    crash_logs=("vmcore-dmesg.txt", "*/vmcore-dmesg.txt", "var/crash/*/vmcore-dmesg.txt"),
    pod_logs=("kubelet.log", "containerd.log", "crio.log"),
    sysctl=("sysctl", "sysctl.txt", "sysctl_-a"),
)
"""No known layout: a few saved files."""

LAYOUT_HOST = Layout(
    name="host",
    marks=(),
    hostname=("proc/sys/kernel/hostname", "etc/hostname"),
    kernel_logs=("var/log/kern.log", "var/log/messages", "var/log/syslog", "var/log/dmesg"),
    pod_logs=("var/log/messages", "var/log/syslog", *OWN_LOGS),
)
"""A root file system, or a directory with files at the same paths."""
