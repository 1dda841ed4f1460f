"""The API source, running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
from tests.support.pod_sink import CollectingSink


@contextmanager
def asked(root: Path, kubeconfig: Path | None = None) -> Iterator[CollectingSink]:
    """Yield the sink of the API source with this kubeconfig of the user, else with the files of the node."""
    sink = CollectingSink()
    api = ApiSupervisor(root, sink, None if kubeconfig is None else str(kubeconfig), pace=(0.05, 0.4))
    api.start()
    try:
        yield sink
    finally:
        api.stop()
