"""Who the node is: name, kernel release, page size."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fragtui.kernel.version import parse_version
from fragtui.model.snapshot import Host
from fragtui.sources.host_files import read_text
from fragtui.text import printable

_NAME_FILES = ("proc/sys/kernel/hostname", "etc/hostname")
_RELEASE_FILES = ("proc/sys/kernel/osrelease", "proc/version")
_KERNEL_PAGE = re.compile(r"^KernelPageSize:\s+(\d+) kB", re.MULTILINE)


def read_host(root: Path) -> Host:
    """Return who the node under `root` is; a page size that no file tells is this host's own, and marked so."""
    name = next((text for file in _NAME_FILES if (text := read_text(root / file))), None)
    release = next((text for file in _RELEASE_FILES if (text := read_text(root / file))), None)
    if release and release.startswith("Linux version "):
        release = release.removeprefix("Linux version ").split(" ", 1)[0]
    told = _page_size(root)
    return Host(
        name=printable(name.split("\n")[0]) if name else None,
        release=printable(release) if release else None,
        version=parse_version(release) if release else None,
        page_size=told or os.sysconf("SC_PAGE_SIZE"),
        page_size_assumed=told is None,
    )


def _page_size(root: Path) -> int | None:
    """Return the page size that the root's own files tell, or None; a live /proc is of this kernel."""
    if is_live(root):
        return os.sysconf("SC_PAGE_SIZE")
    smaps = read_text(root / "proc/self/smaps") or read_text(root / "proc/1/smaps")
    if smaps and (found := _KERNEL_PAGE.search(smaps)):
        return int(found[1]) * 1024
    return None


def is_live(root: Path) -> bool:
    """Tell whether `root`/proc is this kernel's procfs, not a directory of saved files."""
    try:
        return (root / "proc/sys/kernel/random/boot_id").read_bytes() == Path(
            "/proc/sys/kernel/random/boot_id"
        ).read_bytes() and (root / "proc").stat().st_dev != root.stat().st_dev
    except OSError:
        return False
