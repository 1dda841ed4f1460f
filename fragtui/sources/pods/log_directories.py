"""The pods of this node, by the kubelet's log directories: no API, no credentials needed."""

from __future__ import annotations

from pathlib import Path

from fragtui.cluster.pod_ref import PodRef, log_directory_ref
from fragtui.sources.files.root_path import in_root
from fragtui.text import printable

_MAX_PODS = 4096


def read_pod_directories(root: Path) -> tuple[PodRef, ...]:
    """Return the pods that have a directory under `root`/var/log/pods; empty if it can't be read."""
    pods = []
    try:
        for entry in in_root(root, "/var/log/pods").iterdir():
            pod = log_directory_ref(printable(entry.name))
            if pod is not None:
                pods.append(pod)
            if len(pods) >= _MAX_PODS:
                break
    except OSError:
        pass
    return tuple(pods)
