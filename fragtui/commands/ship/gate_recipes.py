"""What runs ``fragtui gate`` before a job: an init container, a DaemonSet, a drop-in of systemd, a prolog of Slurm."""

from __future__ import annotations

from textwrap import indent

from fragtui.commands.ship.workloads import (
    REMEDY_MOUNTS,
    ROOT,
    container,
    daemon_set,
    lean_container,
    mount_rows,
    volume_rows,
)

DEFAULT_NEED = "200x2M"

_COMMAND = """\
# The image's entry point has --root /host. A status other than 0 restarts this container: 4 not ready now,
# 5 all remedies ran and did not help, 3 unknown; kubectl logs -c gate has the line that says why.
args: [gate, --need, {need}, --heal, "-y", --wait, 10m]
"""

_ABOUT_USER = "# Remedies need uid 0 and the writable mounts below, but no capability, and the pod is not privileged.\n"

_POD = """\
# A pod whose containers start once the node has the memory: the init container and the volumes go into the pod template
# of a job. Its namespace must allow hostPath volumes (Pod Security: privileged). To check without remedies, remove
# --heal, "-y", the mounts and the volumes, and add command: [/usr/local/bin/fragtui]: every container sees the node's
# own /proc/buddyinfo.
apiVersion: v1
kind: Pod
metadata:
  name: job
spec:
  initContainers:
{init}  containers:
    - name: job
      image: registry.example/job:1
  volumes:
{volumes}"""

_ABOUT_DAEMON_SET = """\
# Prepares nodes, one after another: the init container runs remedies until the node has the memory, and
# maxUnavailable is the limit of the rollout. A node that does not get it stays unready and stops the rollout.
# kubectl -n fragtui rollout status, pause, resume, undo and restart control it. ship manifests has its namespace.
# When the DaemonSet is made, its pods start on all nodes with the label at once, so label a node when it is empty:
#   kubectl label node NODE fragtui/gate=on
# A node that stays unready tries again at most every 5 minutes, and each try drops its page cache: remove the label.
"""

_DROP_IN = """\
# /etc/systemd/system/JOB.service.d/fragtui-gate.conf; then systemctl daemon-reload
# The service starts only if the gate ends with 0; journalctl -u JOB has the line that says why it did not.
[Service]
# "+": as root and outside of the service's sandbox, whatever User= and Protect...= ask for.
ExecStartPre=+{program} gate --need {need} --heal -y --wait 5m
# The limit of a start includes ExecStartPre.
TimeoutStartSec=15min
"""

_PROLOG = """\
#!/bin/sh
# /etc/slurm/prolog.d/50-fragtui-gate (Prolog=/etc/slurm/prolog.d/* in slurm.conf): root runs it on each node of a job
# before its first step. A status other than 0 drains the node and requeues the job; PrologEpilogTimeout must be longer
# than --wait. For some partitions only, put this before the last line:
#   case "$SLURM_JOB_PARTITION" in gpu*) ;; *) exit 0 ;; esac
# No remedy runs beside the steps of other jobs.
exec {program} gate --need {need} --heal -y --wait 5m --unless-process slurmstepd
"""


def gate_pod(need: str, image: str) -> str:
    """Return a Pod with the gate as its init container."""
    return _POD.format(init=indent(_init(need, image), "    "), volumes=indent(volume_rows(REMEDY_MOUNTS), "    "))


def gate_daemon_set(need: str, image: str) -> str:
    """Return a DaemonSet with the gate as its init container."""
    return _ABOUT_DAEMON_SET + daemon_set(
        "fragtui-gate",
        lean_container(image),
        max_unavailable="1",
        node_label='fragtui/gate: "on"\n',
        init=_init(need, image),
        volumes=volume_rows(REMEDY_MOUNTS),
    )


def gate_drop_in(need: str, program: str) -> str:
    """Return a drop-in for a unit of systemd; `program` is fragtui's path on the node."""
    return _DROP_IN.format(need=need, program=program)


def gate_prolog(need: str, program: str) -> str:
    """Return a prolog for Slurm."""
    return _PROLOG.format(need=need, program=program)


def _init(need: str, image: str) -> str:
    return container(
        "gate",
        image,
        _COMMAND.format(need=need),
        ("32Mi", "128Mi"),
        user=_ABOUT_USER + ROOT,
        mounts=mount_rows(REMEDY_MOUNTS),
    )
