"""The readers of logs and pods for a tree: those that follow a live node, or those that read saved files once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.incident_stream import StreamCall
from fragtui.sources.kernel_log.journal import why_no_journal
from fragtui.sources.node_readers import NodeReaders
from fragtui.sources.pods.interfaces import PodRecorder
from fragtui.sources.pods.watcher import PodWatcher
from fragtui.sources.saved.readers import SavedKernelLog, SavedPods


def joined_readers(
    args: argparse.Namespace,
    reader: NodeReader,
    on_stream: Callable[[], Callable[[StreamCall], None]] | None = None,
    recorder: PodRecorder | None = None,
    *,
    hold: bool = False,
) -> NodeReaders[KernelLog | SavedKernelLog, PodWatcher | SavedPods]:
    """Return both readers that the options select; pods are linked to updates of the kernel log.

    With `hold` an update of the pods has none before their past is read, see `PodWatcher`.
    """
    return NodeReaders(
        partial(kernel_log_of, args, reader, on_stream=on_stream),
        partial(pods_of, args, reader, recorder=recorder, hold=hold),
    )


def kernel_log_of(
    args: argparse.Namespace,
    reader: NodeReader,
    on_update: Callable[[KernelLogUpdate], None] = lambda _: None,
    on_stream: Callable[[], Callable[[StreamCall], None]] | None = None,
) -> KernelLog | SavedKernelLog:
    """Return the reader of the kernel log that ``--root`` and ``--kernel-log`` select."""
    tree = reader.tree
    saved = args.kernel_log == "auto" and not reader.live
    if saved and (tree.kernel_log() is not None or why_no_journal(tree.root) is not None):
        return SavedKernelLog(tree, on_update, on_stream)
    return KernelLog(tree.root, args.kernel_log, on_update, on_stream)


def pods_of(
    args: argparse.Namespace,
    reader: NodeReader,
    on_update: Callable[[PodUpdate], None] = lambda _: None,
    recorder: PodRecorder | None = None,
    *,
    hold: bool = False,
) -> PodWatcher | SavedPods:
    """Return the reader of pods that ``--root``, ``--kubelet-log`` and ``--kubeconfig`` select.

    Credentials and servers in saved files belong to someone else: only ``--kubeconfig`` makes fragtui ask a server.
    """
    tree = reader.tree
    saved = args.kubelet_log == "auto" and args.kubeconfig is None and not reader.live
    if saved and (tree.pod_logs() or why_no_journal(tree.root) is not None):
        return SavedPods(tree, on_update, recorder)
    return PodWatcher(
        tree.root, args.kubelet_log, args.kubeconfig, on_update, live=reader.live, recorder=recorder, hold=hold
    )
