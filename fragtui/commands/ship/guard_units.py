"""What runs the guard on a node: a systemd unit and a Kubernetes DaemonSet, to be read and changed before use."""

from fragtui.commands.ship.manifests import IMAGE, daemon_set
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

_CONFIG_MAP = """\
# Read what it would do with --dry-run in its log first, then remove --dry-run.
apiVersion: v1
kind: ConfigMap
metadata:
  name: fragtui-guard
  namespace: kube-system
data:
  guard.toml: |
"""
_MOUNT = """\
            - name: policy
              mountPath: /etc/fragtui
              readOnly: true
"""
_VOLUME = """\
        - name: policy
          configMap:
            name: fragtui-guard
"""


def guard_manifest(policy: Policy) -> str:
    """Return the DaemonSet with a ConfigMap that holds the policy."""
    indented = "".join(f"    {row}\n" for row in format_policy(policy).splitlines())
    # A DaemonSet restarts a pod that ends, so a guard that gave up must stay.
    args = ("guard", "--dry-run", "--stay", "--policy", "/etc/fragtui/guard.toml")
    guard = daemon_set("fragtui-guard", "kube-system", IMAGE, args, mounts=_MOUNT, volumes=_VOLUME)
    return f"{_CONFIG_MAP}{indented}---\n{guard}"
