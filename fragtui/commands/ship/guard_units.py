"""A systemd unit and a Kubernetes DaemonSet that run the guard: to read and adapt before use."""

from fragtui.commands.ship.manifests import IMAGE, daemon_set
from fragtui.remedies.guard.policy import Policy, format_policy

GUARD_UNIT = """\
# /etc/systemd/system/fragtui-guard.service
# Policy: /etc/fragtui/guard.toml; 'fragtui guard --print-policy' prints the default.
[Unit]
Description=fragtui guard: frees large blocks of memory by a policy

[Service]
ExecStart=/usr/bin/env fragtui guard --policy /etc/fragtui/guard.toml
# 1 gave up, 2 wrong policy, 3 can't guard here: a person must look, a restart does not help.
Restart=on-failure
RestartPreventExitStatus=1 2 3
# The OOM killer must spare it, and its own use of memory must stay small.
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
