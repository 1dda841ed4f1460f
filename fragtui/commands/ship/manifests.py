"""The Containerfile, the manifests and the debug line: texts to copy, with their requirements and limits."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that makes the zipapp; no other version can use its bytecode."""

CONTAINERFILE = f"""\
# fragtui in an image: for nodes without Python (Talos, Bottlerocket, Flatcar, COS).
#   fragtui ship zipapp fragtui.pyz && fragtui ship containerfile > Containerfile
#   podman build -t registry.example/fragtui:latest .
# Mount the host's root at /host: fragtui reads and writes /host/proc, never the container's own /proc.
# The Python version is that of the zipapp, so that its bytecode makes the start quick. journalctl (systemd) reads the
# host's journal, pyyaml the kubeconfig, zstandard rotated logs; without one of them fragtui reports what is unknown.
FROM docker.io/library/python:{_PYTHON}-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd && rm -rf /var/lib/apt/lists/* \\
 && pip install --no-cache-dir "pyyaml>=6" "prometheus-client>=0.20" "zstandard>=0.22"
COPY fragtui.pyz /usr/local/bin/fragtui
RUN chmod 0755 /usr/local/bin/fragtui
ENV TERM=xterm-256color LC_ALL=C.UTF-8
USER 0
ENTRYPOINT ["/usr/local/bin/fragtui", "--root", "/host"]
"""

IMAGE = "registry.example/fragtui:latest"
"""The image that manifests name if the user names none."""

_NAMESPACE = """\
# fragtui on every node. It serves metrics at the address of its own pod, and you open the screen in it:
#   kubectl -n fragtui exec -it ds/fragtui -- /usr/local/bin/fragtui --root /host
# To watch only, drop `privileged`, set `readOnly: true` on the mount of /host and add `--read-only`: the kernel log is
# then read from the host's journal or log files, and no remedy can be run.
apiVersion: v1
kind: Namespace
metadata:
  name: fragtui
  labels:
    pod-security.kubernetes.io/enforce: privileged
---
"""

_DAEMON_SET = """\
# privileged: a container may write /host/proc/sys/vm/drop_caches and compact_memory and open /host/dev/kmsg in no other
# way, whatever its capabilities. hostPID: the audit log names processes of the host. On nodes with user namespaces or a
# locked-down kernel, and if Pod Security forbids privileged pods in the namespace, the pod does not start or
# /host/proc/sys stays read-only; fragtui then reports it.
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: {name}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
{annotations}    spec:
      nodeSelector:
        kubernetes.io/os: linux
      hostPID: true
      enableServiceLinks: false
      automountServiceAccountToken: false
      priorityClassName: system-node-critical
      tolerations:
        - operator: Exists
      containers:
        - name: {name}
          image: {image}
          # The image's entry point has --root /host.
          args: {args}
{ports}          securityContext:
            privileged: true
            runAsUser: 0
            readOnlyRootFilesystem: true
          resources:
            requests:
              cpu: 10m
              memory: 48Mi
            limits:
              memory: 128Mi
          volumeMounts:
            - name: host
              mountPath: /host
              mountPropagation: HostToContainer
            - name: tmp
              mountPath: /tmp
{mounts}      volumes:
        - name: host
          hostPath:
            path: /
            type: Directory
        - name: tmp
          emptyDir: {{}}
{volumes}"""

_SCRAPED = """\
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9917"
"""
_PORT = """\
          ports:
            - name: metrics
              containerPort: 9917
"""


def daemon_set(
    name: str,
    namespace: str,
    image: str,
    args: Sequence[str],
    *,
    annotations: str = "",
    ports: str = "",
    mounts: str = "",
    volumes: str = "",
) -> str:
    """Return a DaemonSet that runs fragtui with `args` and may write the host's sysctls; the rest is YAML to insert."""
    return _DAEMON_SET.format(
        name=name,
        namespace=namespace,
        image=image,
        args=json.dumps(args),
        annotations=annotations,
        ports=ports,
        mounts=mounts,
        volumes=volumes,
    )


def exporter_manifest(image: str) -> str:
    """Return the namespace and the DaemonSet that serves metrics."""
    args = ("export", "--listen", "0.0.0.0:9917")
    return _NAMESPACE + daemon_set("fragtui", "fragtui", image, args, annotations=_SCRAPED, ports=_PORT)


def debug_line(node: str, image: str) -> str:
    """Return the command that starts the full screen on one node."""
    return (
        f"kubectl debug node/{node} -it --image={image} --profile=sysadmin -- /usr/local/bin/fragtui --root /host\n"
        "# --profile=sysadmin makes the pod privileged. Without it /host/proc/sys is read-only, /dev/kmsg closed:\n"
        "# fragtui then shows the zones, disables the remedies and says why. kubectl delete pod removes the pod.\n"
    )
