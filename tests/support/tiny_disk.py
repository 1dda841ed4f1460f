"""A file system of one page in a mount namespace of its own, for the running process."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
_LIBC = ctypes.CDLL(None, use_errno=True)


def mount_tiny(folder: Path, size: int = 4096) -> None:
    """Mount a tmpfs of so many bytes over a folder; no other process sees it, and it ends with this one."""
    calls = (
        _LIBC.unshare(CLONE_NEWNS),
        _LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None),
        _LIBC.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={size},mode=700".encode()),
    )
    if any(calls):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def fill(folder: Path) -> Path:
    """Write a file until the file system is full; return it."""
    path = folder / "full"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return path
