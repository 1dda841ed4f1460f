"""The files of memory cgroups below a saved root, as both versions write them."""

from __future__ import annotations

from pathlib import Path

UID = "e501ca8a-ec23-11e8-b17a-0a586444015a"
OTHER_UID = "0b2d8c6e-4d0c-4f5e-9a36-6a3f0c1d2e3f"
PODS = f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice"
"""The path of the first pod, as the systemd driver names it."""
OTHER_PODS = f"kubepods/besteffort/pod{OTHER_UID}"
"""The path of the second, as the cgroupfs driver names it."""


def stat_v2(cache: int, dirty: int = 0, slab: int = 0, refaults: int = 0) -> str:
    """Return a memory.stat of version 2, in bytes."""
    return (
        f"anon 1000\nfile {cache + 500}\nshmem 500\nfile_mapped 0\nfile_dirty {dirty}\nfile_writeback 0\n"
        f"inactive_file {cache // 2}\nactive_file {cache - cache // 2}\nslab_reclaimable {slab}\n"
        f"slab_unreclaimable 7\nworkingset_refault_anon 3\nworkingset_refault_file {refaults}\n"
    )


def stat_v1(cache: int, dirty: int = 0, refaults: int = 0) -> str:
    """Return a memory.stat of version 1: its own fields, none here, and those of all below."""
    return (
        "cache 0\ndirty 0\nwriteback 0\ninactive_file 0\nactive_file 0\nworkingset_refault_file 0\n"
        f"total_cache {cache + 500}\ntotal_shmem 500\ntotal_dirty {dirty}\ntotal_writeback 0\n"
        f"total_workingset_refault_file {refaults}\ntotal_inactive_file {cache}\ntotal_active_file 0\n"
    )


def put_v2(root: Path, path: str, cache: int, dirty: int = 0, slab: int = 0, refaults: int = 0) -> Path:
    """Write a cgroup of version 2 below a root, and the mount around it."""
    mount = root / "sys/fs/cgroup"
    folder = mount / path
    folder.mkdir(parents=True, exist_ok=True)
    (mount / "cgroup.controllers").write_text("cpu io memory pids\n")
    (folder / "memory.stat").write_text(stat_v2(cache, dirty, slab, refaults))
    return folder


def put_v1(root: Path, path: str, cache: int, dirty: int = 0, refaults: int = 0) -> Path:
    """Write a cgroup of version 1 below a root, and the mount around it."""
    mount = root / "sys/fs/cgroup/memory"
    folder = mount / path
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("memory.stat", "release_agent"):
        if not (mount / name).exists():
            (mount / name).write_text(stat_v1(0) if name == "memory.stat" else "")
    (folder / "memory.stat").write_text(stat_v1(cache, dirty, refaults))
    return folder
