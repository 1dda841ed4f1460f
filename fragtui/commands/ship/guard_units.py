"""What runs the guard on a node: a systemd unit and a Kubernetes DaemonSet, to be read and changed before use."""

from fragtui.remedies.guard.policy import Policy, format_policy

GUARD_UNIT = """\
# /etc/systemd/system/fragtui-guard.service
# The policy in /etc/fragtui/guard.toml: 'fragtui guard --print-policy' prints the default.
[Unit]
Description=fragtui guard: frees large blocks of memory by a stated policy

[Service]
ExecStart=/usr/bin/env fragtui guard --policy /etc/fragtui/guard.toml
# Gave up (1) or a wrong policy (2) wants a look, not a restart.
Restart=on-failure
RestartPreventExitStatus=1 2 3
# It must not be the one that is killed, nor take part in what it heals.
OOMScoreAdjust=-900
Nice=10
MemoryMax=128M
NoNewPrivileges=yes
ProtectHome=yes
PrivateTmp=yes
# /proc/sys and /sys must stay writable, so neither ProtectKernelTunables nor ProtectSystem=strict.
ProtectSystem=full
LogsDirectory=fragtui

[Install]
WantedBy=multi-user.target
"""

_MANIFEST = """\
# The image must carry fragtui; --dry-run first, and take it away when the log says what you want.
apiVersion: v1
kind: ConfigMap
metadata:
  name: fragtui-guard
  namespace: kube-system
data:
  guard.toml: |
POLICY---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: fragtui-guard
  namespace: kube-system
spec:
  selector:
    matchLabels: {app: fragtui-guard}
  template:
    metadata:
      labels: {app: fragtui-guard}
    spec:
      hostPID: true
      priorityClassName: system-node-critical
      tolerations: [{operator: Exists}]
      containers:
      - name: guard
        image: fragtui:latest
        # A DaemonSet restarts what ends, so a guard that gave up must stay.
        command: [fragtui, guard, --dry-run, --stay, --root, /host, --policy, /etc/fragtui/guard.toml]
        # A container that is not privileged has /proc/sys and /sys read-only.
        securityContext: {privileged: true}
        resources:
          requests: {cpu: 10m, memory: 32Mi}
          limits: {memory: 128Mi}
        volumeMounts:
        - {name: host, mountPath: /host}
        - {name: policy, mountPath: /etc/fragtui, readOnly: true}
      volumes:
      - name: host
        hostPath: {path: /}
      - name: policy
        configMap: {name: fragtui-guard}
"""


def guard_manifest(policy: Policy) -> str:
    """Return the DaemonSet with a ConfigMap that holds the policy."""
    indented = "".join(f"    {row}\n" for row in format_policy(policy).splitlines())
    return _MANIFEST.replace("POLICY", indented, 1)
