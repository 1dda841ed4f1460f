"""The Containerfile, the manifest and the debug line: texts to copy, with what they allow and what they do not."""

from __future__ import annotations

import sys

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that makes the zipapp: its bytecode is of no use to another."""

CONTAINERFILE = f"""\
# fragtui in an image: for nodes without Python (Talos, Bottlerocket, Flatcar, COS).
#   fragtui ship zipapp fragtui.pyz && fragtui ship containerfile > Containerfile
#   podman build -t registry.example/fragtui:latest .
# The host's root is mounted at /host; fragtui reads and writes /host/proc, never the container's own /proc.
# The Python is the one that made the zipapp: its bytecode makes the start quick. journalctl (of systemd) reads the
# host's journal, pyyaml the kubeconfig, zstandard rotated logs; without one of them fragtui says what it can't tell.
FROM docker.io/library/python:{_PYTHON}-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd && rm -rf /var/lib/apt/lists/* \\
 && pip install --no-cache-dir "pyyaml>=6" "prometheus-client>=0.20" "zstandard>=0.22"
COPY fragtui.pyz /usr/local/bin/fragtui
RUN chmod 0755 /usr/local/bin/fragtui
ENV TERM=xterm-256color LC_ALL=C.UTF-8
USER 0
ENTRYPOINT ["/usr/local/bin/fragtui", "--root", "/host"]
"""

_MANIFEST = """\
# fragtui on every node. It serves metrics to the node's own pod address and waits for you:
#   kubectl -n fragtui exec -it ds/fragtui -- /usr/local/bin/fragtui --root /host
# Privileged is what lets it write /host/proc/sys/vm/drop_caches and compact_memory and open /host/dev/kmsg (a container
# may not open that device otherwise, whatever its capabilities). hostPID: the audit log names processes of the host.
# To watch only, drop `privileged`, set `readOnly: true` on the mount of /host and add `--read-only`: the kernel log is
# then read from the host's journal or log files, and no remedy can be run.
# Not possible: on nodes with user namespaces or a locked-down kernel, and where Pod Security forbids the namespace's
# label, the pod does not start or /host/proc/sys stays read-only; fragtui then says so.
apiVersion: v1
kind: Namespace
metadata:
  name: fragtui
  labels:
    pod-security.kubernetes.io/enforce: privileged
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: fragtui
  namespace: fragtui
  labels:
    app.kubernetes.io/name: fragtui
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: fragtui
  template:
    metadata:
      labels:
        app.kubernetes.io/name: fragtui
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9917"
    spec:
      nodeSelector:
        kubernetes.io/os: linux
      hostPID: true
      enableServiceLinks: false
      terminationGracePeriodSeconds: 5
      automountServiceAccountToken: false
      priorityClassName: system-node-critical
      tolerations:
        - operator: Exists
      containers:
        - name: fragtui
          image: {image}
          args: ["export", "--listen", "0.0.0.0:9917"]
          ports:
            - name: metrics
              containerPort: 9917
          securityContext:
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
      volumes:
        - name: host
          hostPath:
            path: /
            type: Directory
        - name: tmp
          emptyDir: {{}}
"""


def exporter_manifest(image: str) -> str:
    """Return the manifest of a DaemonSet with that image."""
    return _MANIFEST.format(image=image)


def debug_line(node: str, image: str) -> str:
    """Return the line that starts the full screen on one node."""
    return (
        f"kubectl debug node/{node} -it --image={image} --profile=sysadmin -- /usr/local/bin/fragtui --root /host\n"
        "# --profile=sysadmin makes the pod privileged. Without it /host/proc/sys is read-only and kmsg closed:\n"
        "# fragtui then shows the zones, greys the remedies and says why. The pod stays until kubectl delete pod.\n"
    )
