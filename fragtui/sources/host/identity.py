"""The node's identity: name, kernel release, page size."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import parse_buddyinfo
from fragtui.kernel.procfs.counters import parse_meminfo
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import parse_zoneinfo
from fragtui.model.node.snapshot import Host
from fragtui.sources.files.host_files import pod_node_name, read_text
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.layouts import LAYOUT_HOST
from fragtui.sources.host.tree import SavedTree, saved_tree
from fragtui.text import printable

_KERNEL_PAGE = re.compile(r"^KernelPageSize:\s+(\d{1,20}) kB", re.MULTILINE)
_UNAME = re.compile(r"^Linux (\S+) (\d+\.\S+) .*?\b(\w+)(?: GNU/Linux)?\s*$", re.MULTILINE)
_OSRELEASE = re.compile(r"^kernel\.osrelease = (\d+\.\S+)$", re.MULTILINE)
_BANNER = re.compile(rb"Linux version (\d+\.\S+)")
_REPORTED = re.compile(rb"Comm: .{1,40}ainted:?[ A-Z]* (\d+\.\d+\.\S+)")
"""A line of every report of the kernel, for a log that begins after the boot."""
_BANNER_WITHIN = 1 << 20
_ONE_SIZE = ("x86_64", "amd64", "i386", "i486", "i586", "i686", "s390x", "riscv64", "armv7l")
"""Machines whose kernels only have pages of 4 KiB."""
_SIZES = (4096, 16384, 65536)
_SIZE_OF_ORDERS = {14: 65536, 9: 65536, 12: 16384}
"""Page sizes by the number of orders, if it is unique: arm64 with 64 and 16 KiB, ppc64 with 64 KiB."""


def read_host(root: Path, tree: SavedTree | None = None) -> Host:
    """Return the identity of the node under `root`; a page size that no file gives is assumed, and marked so."""
    if is_live(root):
        return _host(
            pod_node_name() or read_text(root, "proc/sys/kernel/hostname"),
            read_text(root, "proc/sys/kernel/osrelease"),
            os.sysconf("SC_PAGE_SIZE"),
        )
    tree = tree or saved_tree(root)
    if tree.nodes:
        return Host(None, None, None, os.sysconf("SC_PAGE_SIZE"), True)
    uname = _UNAME.search(_text(tree, tree.uname()) or "")
    named = _text(tree, tree.proc("sys/kernel/hostname")) or _text(tree, tree.hostname())
    name = named or (uname[1] if uname else tree.node)
    release = _text(tree, tree.proc("sys/kernel/osrelease"))
    banner = _text(tree, tree.proc("version")) or ""
    if not release and banner.startswith("Linux version "):  # A collector's own version may be in a file of that name.
        release = banner.removeprefix("Linux version ").split(" ", 1)[0]
    settings = _OSRELEASE.search(_text(tree, tree.sysctl()) or "") if not release and uname is None else None
    release = release or (uname[2] if uname else None) or (settings[1] if settings else None) or _banner(tree)
    machine = uname[3] if uname else (release or "").rpartition(".")[2]
    size, doubt = _page_size(tree, machine)
    return _host(name, release, size, tree, doubt)


def _host(
    name: str | None, release: str | None, size: int | None, tree: SavedTree | None = None, doubt: str | None = None
) -> Host:
    buddyinfo = (_proc_text(tree, "buddyinfo") if tree and size is None else None) or ""
    orders = len(buddyinfo.split("\n", 1)[0].split()) - 4
    return Host(
        name=printable(name.split("\n")[0]) if name else None,
        release=printable(release) if release else None,
        version=parse_version(release) if release else None,
        page_size=size or _SIZE_OF_ORDERS.get(orders, 4096),
        page_size_assumed=size is None,
        page_size_doubt=doubt,
    )


def _text(tree: SavedTree, path: Path | None, limit: int = 1 << 20) -> str | None:
    return read_text(tree.root, path, limit) if path is not None else None


def _proc_text(tree: SavedTree, name: str) -> str | None:
    text, section = _text(tree, tree.proc(name), 32 << 20), tree.section(name)
    if section is None or text is None:
        return text
    found = section.search(text)
    return found[1] if found else None


def _banner(tree: SavedTree) -> str | None:
    """Return the release in the beginning of the best kernel log that has it, or None."""
    from fragtui.sources.files.log_files import open_log  # noqa: PLC0415

    for log in reversed(tree.kernel_logs()):
        try:
            with open_log(log, opener_of(tree.root, live=False)) as lines:
                data = lines.read(_BANNER_WITHIN) or b""
                if found := _BANNER.findall(data) or _REPORTED.findall(data):
                    return bytes(found[-1]).decode("ascii", "replace")  # That of the last boot.
        except (OSError, EOFError):
            continue
    return None


def _page_size(tree: SavedTree, machine: str) -> tuple[int | None, str | None]:
    """Return the page size that follows from the files, or None; and what contradicts it or any."""
    smaps = _text(tree, tree.proc("self/smaps")) or _text(tree, tree.proc("1/smaps"))
    named = 4096 if machine in _ONE_SIZE else None
    if smaps and (found := _KERNEL_PAGE.search(smaps)):
        named = int(found[1]) * 1024
    fits, of_what = _size_by_memory(tree)
    if named is not None and fits is not None and fits != named:
        return named, f"{of_what} fits pages of {fits} bytes"
    return named or fits, f"{of_what} fits no page size" if fits is None and of_what else None


def _size_by_memory(tree: SavedTree) -> tuple[int | None, str]:
    """Return the page size with which the zones' pages are as much memory as meminfo has, and by which of its fields.

    The managed pages of all zones times the page size are MemTotal (totalram_pages, mm/show_mem.c); without them, the
    pages in free blocks are MemFree but for those that are freed between the readings. None if no size fits.
    """
    meminfo = parse_meminfo((_proc_text(tree, "meminfo") or "") + "\n")
    zones = parse_zoneinfo((_proc_text(tree, "zoneinfo") or "") + "\n")
    total, managed = meminfo.get("MemTotal"), sum(zone.managed or 0 for zone in zones)
    if total and managed:
        return next((size for size in _SIZES if abs(managed * size - total) < total // 10), None), "MemTotal"
    blocks, _ = parse_buddyinfo((_proc_text(tree, "buddyinfo") or "") + "\n")
    free, pages = meminfo.get("MemFree"), sum(zone.free_pages for zone in blocks)
    if not free or not pages:
        return None, ""
    return next((size for size in _SIZES if size < 2 * free / pages < 4 * size), None), "MemFree"


def tree_of(root: Path) -> SavedTree:
    """Return the tree under `root`: this kernel's own, or a saved one at or below it."""
    return SavedTree(root, LAYOUT_HOST) if is_live(root) else saved_tree(root)


def node_name(root: Path) -> str | None:
    """Return the name of the node under `root`, or None: the kernel's host name, but in a pod that of the cluster.

    A pod without the host's network has a host name of its own, and a kubelet may have registered another one.
    """
    return (pod_node_name() if is_live(root) else None) or read_text(root, "proc/sys/kernel/hostname")


def boot_id(root: Path) -> str | None:
    """Return the kernel's id of this boot, or None if it can't be read."""
    return read_text(root, "proc/sys/kernel/random/boot_id")


def is_live(root: Path) -> bool:
    """Return whether `root`/proc is this kernel's procfs, not a directory of saved files."""
    own = boot_id(Path("/"))
    try:
        return own is not None and boot_id(root) == own and (root / "proc").lstat().st_dev != root.stat().st_dev
    except OSError:
        return False
