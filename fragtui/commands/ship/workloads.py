"""What the manifests share: containers, DaemonSets, mounts of the node; each returns the rows of one YAML item."""

from __future__ import annotations

from textwrap import indent
from typing import NamedTuple

NOT_ROOT = """\
runAsNonRoot: true
runAsUser: 65534
runAsGroup: 65534
"""

ROOT = """\
runAsUser: 0
runAsGroup: 0
"""

METRICS_PORT = """\
ports:
  - name: metrics
    containerPort: 9917
    protocol: TCP
"""

READINESS = """\
readinessProbe:
  httpGet:
    path: /healthz
    port: metrics
  periodSeconds: 10
  timeoutSeconds: 5
"""

SCRAPE = """\
prometheus.io/scrape: "true"
prometheus.io/port: "9917"
"""


class Mount(NamedTuple):
    """A folder of the node that a pod sees below /host."""

    name: str
    path: str
    written: bool = False
    kind: str = "Directory"
    """The type of the hostPath; DirectoryOrCreate for one that not every node has."""


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


def container(
    name: str,
    image: str,
    command: str,
    memory: tuple[str, str],
    *,
    env: str = "",
    service: str = "",
    user: str = "",
    about_limit: str = "",
    mounts: str = "",
) -> str:
    """Return a container without privileges; `memory` is its request and its limit.

    `command` has its fields command and args, `service` its ports and probes; `user`, `env` and `mounts` are rows
    below securityContext, env and volumeMounts.
    """
    request, limit = memory
    return f"""\
- name: {name}
  image: {image}
  imagePullPolicy: IfNotPresent
{indent(command, "  ")}  env:
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
{indent(env, "    ")}{indent(service, "  ")}  securityContext:
{indent(user, "    ")}    privileged: false
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
  resources:
    requests:
      cpu: 10m
      memory: {request}
{about_limit}    limits:
      cpu: "1"
      memory: {limit}
{_field("volumeMounts", mounts, 2)}"""


def daemon_set(
    name: str,
    containers: str,
    *,
    labels: str = "",
    max_unavailable: str = "10%",
    annotations: str = "",
    node_label: str = "",
    access: str = "automountServiceAccountToken: false\n",
    user: str = "",
    init: str = "",
    volumes: str = "",
) -> str:
    """Return a DaemonSet on the nodes with Linux.

    `labels` are the labels besides the name, of it and of its pods; `access` has the pod's fields of network and
    service account; `user` is rows of its securityContext. `containers`, `init` and `volumes` are items of their lists.
    """
    labels = f"app.kubernetes.io/name: {name}\n{labels}"
    return f"""\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {name}
  namespace: fragtui
{_field("labels", labels, 2)}spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  updateStrategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: {max_unavailable}
  template:
    metadata:
{_field("labels", labels, 6)}{_field("annotations", annotations, 6)}    spec:
      nodeSelector:
        kubernetes.io/os: linux
{indent(node_label, " " * 8)}      tolerations:
        - operator: Exists
{indent(access, " " * 6)}      enableServiceLinks: false
      terminationGracePeriodSeconds: 10
      securityContext:
{indent(user, " " * 8)}        seccompProfile:
          type: RuntimeDefault
{_field("initContainers", init, 6)}{_field("containers", containers, 6)}{_field("volumes", volumes, 6)}"""


def _field(name: str, rows: str, column: int) -> str:
    return indent(f"{name}:\n{indent(rows, '  ')}", " " * column) if rows else ""


def lean_container(image: str) -> str:
    """Return the container of lean metrics; its pod needs no volume."""
    about = "# Lean metrics: without a privilege and without a mount of the node, as the level restricted asks for.\n"
    return about + container(
        "metrics",
        image,
        """\
# Not the image's entry point: nothing is mounted below /host.
command: [/usr/local/bin/fragtui]
args: [export, --lean, --listen, "0.0.0.0:9917"]
""",
        ("64Mi", "128Mi"),
        service=METRICS_PORT + READINESS,
        user=NOT_ROOT,
    )


def mount_rows(mounts: tuple[Mount, ...], *, recursive: bool = False) -> str:
    """Return mounts below /host as items of volumeMounts; `recursive`: read-only with all mounts below."""
    text = ""
    for mount in mounts:
        text += f"- name: {mount.name}\n  mountPath: /host{mount.path}\n"
        if not mount.written:
            text += "  readOnly: true\n"
        if recursive:
            text += "  recursiveReadOnly: Enabled\n"
    return text


def volume_rows(mounts: tuple[Mount, ...]) -> str:
    """Return their items of volumes."""
    return "".join(
        f"- name: {mount.name}\n  hostPath:\n    path: {mount.path}\n    type: {mount.kind}\n" for mount in mounts
    )
