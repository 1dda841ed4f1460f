"""The manifests as a kustomization: watch can't write to a node, lean mounts nothing, treat runs remedies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from fragtui import __version__
from fragtui.commands.ship import manifest_texts as texts
from fragtui.commands.ship.lean_manifest import LEAN, LEAN_CONTAINER
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.output_file import PUBLIC, write_file
from fragtui.remedies.guard.policy import Policy, format_policy
from fragtui.render.alert_rules import alert_rules

IMAGE = f"registry.example/fragtui:{__version__}"
"""The image that manifests and commands name if the user names none."""


class Mount(NamedTuple):
    """A folder of the node that a pod sees below /host."""

    name: str
    path: str
    written: bool = False
    kind: str = "Directory"
    """The type of the hostPath; DirectoryOrCreate for one that not every node has."""


_LOGS = (Mount("logs", "/var/log"), Mount("volatile-journal", "/run/log", kind="DirectoryOrCreate"))
_WATCH = (Mount("proc", "/proc"), Mount("sys", "/sys"), *_LOGS)
REMEDY_MOUNTS = (
    Mount("proc", "/proc"),
    Mount("sysctls", "/proc/sys/vm", written=True),
    Mount("sys", "/sys"),
    Mount("numa-nodes", "/sys/devices/system/node", written=True),
    Mount("audit", "/var/log/fragtui", written=True, kind="DirectoryOrCreate"),
    Mount("locks", "/run/fragtui", written=True, kind="DirectoryOrCreate"),
    Mount("site-policy", "/etc/fragtui", kind="DirectoryOrCreate"),
)
"""What a remedy reads and writes; the folders of the node come before those in them."""
_TREAT = (*REMEDY_MOUNTS[:4], *_LOGS, *REMEDY_MOUNTS[4:])


def kustomization(image: str, *, guard: bool) -> dict[str, str]:
    """Return the files by their names; `guard` adds a guard to treat, in a dry run."""
    files = {
        "kustomization.yaml": texts.TOP,
        "common/kustomization.yaml": texts.COMMON,
        "common/namespace.yaml": texts.NAMESPACE,
        "common/access.yaml": texts.ACCESS,
        "watch/kustomization.yaml": texts.MODE,
        "watch/daemonset.yaml": _daemon_set("watch", image, _WATCH, guard=False),
        "lean/kustomization.yaml": texts.MODE,
        "lean/daemonset.yaml": LEAN.format(version=_version_label(), container=LEAN_CONTAINER.format(image=image)),
        "treat/kustomization.yaml": texts.GUARD_MODE if guard else texts.MODE,
        "treat/daemonset.yaml": _daemon_set("treat", image, _TREAT, guard=guard),
        "prometheus/kustomization.yaml": texts.PROMETHEUS,
        "prometheus/podmonitor.yaml": texts.POD_MONITOR,
        "prometheus/rules.yaml": texts.RULE.format(groups=_indented(alert_rules(COSTLY_ORDER), 2)),
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


def _version_label() -> str:
    return re.sub(r"[^\w.-]", "-", __version__)


def _daemon_set(mode: str, image: str, mounts: tuple[Mount, ...], *, guard: bool) -> str:
    watch = mode == "watch"
    rows = "".join(mount_rows(mount, recursive=watch) for mount in mounts)
    volumes = "".join(volume_rows(mount) for mount in mounts)
    tmp_mount = "            - name: tmp\n              mountPath: /tmp\n"
    tmp_volume = "        - name: tmp\n          emptyDir:\n            sizeLimit: 64Mi\n"
    return texts.DAEMON_SET.format(
        about=texts.ABOUT_WATCH if watch else texts.ABOUT_TREAT,
        mode=mode,
        version=_version_label(),
        image=image,
        user=texts.NOT_ROOT if watch else texts.ROOT,
        env=texts.READ_ONLY_ENV if watch else "",
        mounts=rows + tmp_mount,
        guard=texts.GUARD.format(image=image, mounts=rows) if guard else "",
        volumes=volumes + tmp_volume + (texts.GUARD_VOLUME if guard else ""),
    )


def mount_rows(mount: Mount, *, recursive: bool = False) -> str:
    """Return a mount below /host as an item of volumeMounts."""
    rows = f"            - name: {mount.name}\n              mountPath: /host{mount.path}\n"
    if not mount.written:
        rows += "              readOnly: true\n"
    return f"{rows}              recursiveReadOnly: Enabled\n" if recursive else rows


def volume_rows(mount: Mount) -> str:
    """Return its item of volumes."""
    return (
        f"        - name: {mount.name}\n          hostPath:\n            path: {mount.path}\n"
        f"            type: {mount.kind}\n"
    )


def _indented(text: str, columns: int) -> str:
    return "".join(f"{' ' * columns}{line}\n" if line else "\n" for line in text.splitlines())
