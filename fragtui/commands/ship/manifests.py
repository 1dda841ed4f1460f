"""The manifests as a kustomization: watch can't write to a node, lean mounts nothing, treat runs remedies."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

from fragtui import __version__
from fragtui.commands.ship import manifest_texts as texts
from fragtui.commands.ship.workloads import (
    METRICS_PORT,
    NOT_ROOT,
    READINESS,
    REMEDY_MOUNTS,
    ROOT,
    SCRAPE,
    Mount,
    container,
    daemon_set,
    lean_container,
    mount_rows,
    volume_rows,
)
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.output_file import PUBLIC, write_file
from fragtui.remedies.guard.policy import Policy, format_policy
from fragtui.render.alert_rules import alert_rules

IMAGE = f"registry.example/fragtui:{__version__}"
"""The image that manifests and commands name if the user names none."""

_VERSION = re.sub(r"[^\w.-]", "-", __version__)
_VERSION_LABEL = f'app.kubernetes.io/version: "{_VERSION}"\n'
_LOGS = (Mount("logs", "/var/log"), Mount("volatile-journal", "/run/log", kind="DirectoryOrCreate"))
_WATCH = (Mount("proc", "/proc"), Mount("sys", "/sys"), *_LOGS)
_TREAT = (*REMEDY_MOUNTS[:4], *_LOGS, *REMEDY_MOUNTS[4:])


def kustomization(image: str, *, guard: bool) -> dict[str, str]:
    """Return the files by their names; `guard` adds a guard to treat, in a dry run."""
    files = {
        "kustomization.yaml": texts.TOP,
        "common/kustomization.yaml": texts.COMMON,
        "common/namespace.yaml": texts.NAMESPACE,
        "common/access.yaml": texts.ACCESS,
        "watch/kustomization.yaml": texts.MODE,
        "watch/daemonset.yaml": _node_daemon_set("watch", image, _WATCH, guard=False),
        "lean/kustomization.yaml": texts.MODE,
        "lean/daemonset.yaml": _lean_daemon_set(image),
        "treat/kustomization.yaml": texts.GUARD_MODE if guard else texts.MODE,
        "treat/daemonset.yaml": _node_daemon_set("treat", image, _TREAT, guard=guard),
        "prometheus/kustomization.yaml": texts.PROMETHEUS,
        "prometheus/podmonitor.yaml": texts.POD_MONITOR,
        "prometheus/rules.yaml": texts.RULE.format(groups=indent(alert_rules(COSTLY_ORDER), "  ")),
    }
    if guard:
        files["treat/guard.toml"] = format_policy(Policy())
    return files


def write_kustomization(folder: Path, files: dict[str, str]) -> None:
    """Write the files below a folder, which is made if it is missing. Raises OSError."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text, PUBLIC)


def debug_line(node: str, image: str) -> str:
    """Return the command that starts the full screen on one node."""
    return (
        f"kubectl debug node/{node} -it --image={image} --image-pull-policy=IfNotPresent --profile=sysadmin"
        " -- /usr/local/bin/fragtui --root /host\n"
        "# The node's files are writable under /host with any profile, so remedies can be run: add --read-only to\n"
        "# look only. --profile=sysadmin makes the pod privileged, which /dev/kmsg needs: without it the kernel log\n"
        "# is read from the node's journal or log files. The pod stays when it ends: kubectl delete pod removes it.\n"
    )


def _node_daemon_set(mode: str, image: str, mounts: tuple[Mount, ...], *, guard: bool) -> str:
    watch = mode == "watch"
    rows = mount_rows(mounts, recursive=watch)
    containers = container(
        "fragtui",
        image,
        texts.EXPORT,
        ("64Mi", "256Mi"),
        env=texts.POD_IP + (texts.READ_ONLY_ENV if watch else ""),
        service=METRICS_PORT + texts.LIVENESS + READINESS,
        about_limit="    # The exporter takes 36 MB, each screen with its children up to 95 MB: room for two.\n",
        mounts=rows + texts.TMP_MOUNT,
    )
    if guard:
        containers += texts.ABOUT_GUARD + container(
            "guard", image, texts.GUARD, ("24Mi", "96Mi"), mounts=rows + texts.GUARD_MOUNT
        )
    return (texts.ABOUT_WATCH if watch else texts.ABOUT_TREAT) + daemon_set(
        "fragtui",
        containers,
        labels=f"{_VERSION_LABEL}app.kubernetes.io/component: {mode}\n",
        annotations=f"kubectl.kubernetes.io/default-container: fragtui\n{SCRAPE}",
        access=texts.NODE_ACCESS,
        user=(NOT_ROOT if watch else ROOT) + texts.LOG_READERS,
        volumes=volume_rows(mounts) + texts.TMP_VOLUME + (texts.GUARD_VOLUME if guard else ""),
    )


def _lean_daemon_set(image: str) -> str:
    return texts.ABOUT_LEAN + daemon_set(
        "fragtui-lean", lean_container(image), labels=_VERSION_LABEL, annotations=SCRAPE
    )
