"""Formats of events and a trace of kernels 6.1, 6.12 and 6.18, as their tracefs prints them."""

from __future__ import annotations

import tarfile
from functools import cache

from tests.support.places import REPOSITORY

KERNELS = ("6.1", "6.12", "6.18")


@cache
def _files() -> dict[str, bytes]:
    with tarfile.open(REPOSITORY / "tests/support/traces.tar.xz") as archive:
        return {entry.name: file.read() for entry in archive if (file := archive.extractfile(entry)) is not None}


def event_formats(kernel: str) -> dict[str, str]:
    """Return the text of each event's format file, by ``system/event``."""
    start, end = f"{kernel}/events/", "/format"
    return {name[len(start) : -len(end)]: text.decode() for name, text in _files().items() if name.startswith(start)}


def saved_trace(kernel: str) -> bytes:
    """Return a saved ``trace`` file."""
    return _files()[f"{kernel}/trace"]
