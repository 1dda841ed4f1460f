"""Whether a kubelet or a container runtime is on this host at all: only a positive answer is one."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NamedTuple

from fragtui.sources.files.host_files import read_text
from fragtui.sources.pods.kubernetes.kubelet import KUBELET_NAMES

_KERNEL_THREADS = "kthreadd"
"""PID 2 of every host, and of no other PID namespace: a container's /proc does not show the host's processes."""
_MAX_PROCESSES = 100_000


class Program(NamedTuple):
    """What a program leaves on a host: processes of these names, folders below the root."""

    what: str
    processes: frozenset[str]
    folders: tuple[str, ...]


KUBELET = Program(
    "kubelet", KUBELET_NAMES, ("var/lib/kubelet", "var/log/pods", "var/snap/microk8s", "var/lib/k0s", "etc/kubernetes")
)
RUNTIME = Program(
    "container runtime",
    frozenset({"containerd", "dockerd", "crio", "cri-dockerd", *KUBELET_NAMES}),
    ("run/containerd", "run/docker.sock", "run/crio", "run/k3s"),
)


def why_none(root: Path, program: Program = KUBELET) -> str | None:
    """Return how it is known that the host under `root` has no such program; None if it may have one."""
    if may_have(root, program):
        return None
    if read_text(root, "proc/2/comm", 100) != _KERNEL_THREADS:
        return None
    try:
        numbers = [entry.name for entry in (root / "proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    names = {read_text(root, f"proc/{number}/comm", 100) for number in numbers[:_MAX_PROCESSES]}
    if len(numbers) > _MAX_PROCESSES or names & program.processes:
        return None
    return f"no {program.what} on this host: no such process, no /{program.folders[0]}"


def may_have(root: Path, program: Program) -> bool:
    """Return whether the program's folders may exist; cheap."""
    return any(_may_exist(root / folder) for folder in program.folders)


def _may_exist(path: Path) -> bool:
    try:
        path.lstat()
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR)
    return True
