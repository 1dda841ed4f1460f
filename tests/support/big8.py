"""A saved node with 8 NUMA nodes, 130 denied requests, an OOM kill and 26 stuck pods; some names are hostile."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tests.support.places import REPOSITORY

DENIED = 130
OOM_KILLS = 1
NOT_LOGGED = 111
SANDBOXES = 156
LINES = 2241
"""Of both logs."""


def big8(root: Path) -> Path:
    """Unpack the node's files under `root` and return it."""
    with tarfile.open(REPOSITORY / "tests/support/big8.tar.gz") as archive:
        archive.extractall(root, filter="data")
    return root


def big8_logs(root: Path) -> list[str]:
    """Unpack the node's files and return its logs."""
    logs = big8(root) / "var/log"
    return [str(logs / "kern.log"), str(logs / "kubelet.log")]
