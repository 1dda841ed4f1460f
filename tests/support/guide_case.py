"""The guide's case as saved files: the kernel denies runc a block, the kubelet's next line says exit status 6."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.host_tree import FRAGMENTED, HostTree

_UID = "485fd485-1ed6-11e9-8661-0a587f8021ea"
_LONG = f"web-1255064836-t4b2w_basic({_UID})"
_KERNEL = "{0} dc05 kernel: runc:[1:CHILD]: page allocation failure: order:6, mode:0x10c0d0\n"
_KUBELET = (
    "{0} dc05 kubelet: {1} 26037 kuberuntime_sandbox.go:54] CreatePodSandbox for pod "
    f'"{_LONG}" failed: rpc error: code = 2 desc = failed to start sandbox container for pod "web-1255064836-t4b2w": '
    r'Error response from daemon: {{"message":"invalid header field value \"oci runtime error: '
    r"container_linux.go:247: starting container process caused \\\"process_linux.go:245: "
    r'running exec setns process for init caused \\\\\\\"exit status 6\\\\\\\"\\\"\\n\""}}'
    "\n"
)
_JANUARY = time.mktime((2026, 1, 23, 10, 0, 4, 0, 0, -1))


def guide_case(root: Path, *, in_two_files: bool = False, pod_first: bool = False, at: float = _JANUARY) -> Path:
    """Write a fragmented node with both lines under `root` and return it; the kernel's is of the epoch second `at`."""
    denied, failed = time.localtime(at), time.localtime(at + 1)
    kernel = _KERNEL.format(time.strftime("%b %d %H:%M:%S", denied))
    kubelet = _KUBELET.format(time.strftime("%b %d %H:%M:%S", failed), time.strftime("E%m%d %H:%M:%S.352496", failed))
    tree = HostTree.small(root, FRAGMENTED)
    if in_two_files:
        tree.put("var/log/kern.log", kernel)
        tree.put("var/log/kubelet.log", kubelet)
    else:
        tree.put("var/log/messages", kubelet + kernel if pod_first else kernel + kubelet)
    return root
