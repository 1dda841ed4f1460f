"""Saved files of other shapes of machine, of kernels 6.1 and 6.12: HighMem, CMA, large pages, 16 NUMA nodes."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

from tests.support.places import REPOSITORY

_ARCHIVE = REPOSITORY / "tests/support/machines.tar.xz"


@cache
def _files() -> dict[str, bytes]:
    with tarfile.open(_ARCHIVE) as archive:
        return {entry.name: file.read() for entry in archive if (file := archive.extractfile(entry)) is not None}


MACHINES = sorted({name.split("/")[0] for name in _files()})


def machine(name: str, folder: Path) -> Path:
    """Write the files of a machine into the folder and return its root."""
    for path, text in _files().items():
        if path.startswith(f"{name}/"):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
    return folder / name
