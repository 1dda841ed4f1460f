"""All remedies as data: what is written where, what it does, and how to see that it worked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from shlex import quote

from fragtui.kernel.procfs.version import KernelVersion, parse_version
from fragtui.model.node.cgroup_memory import CgroupMemory
from fragtui.model.remedy.effect import Effect
from fragtui.sources.files.host_files import read_text
from fragtui.text import bounded_int, printable

DROP_CACHES = "proc/sys/vm/drop_caches"
COMPACT_MEMORY = "proc/sys/vm/compact_memory"
PROACTIVENESS = "proc/sys/vm/compaction_proactiveness"
NODES = "sys/devices/system/node"
RECLAIM = "reclaim-cgroup"
"""Id of the remedy that reclaims one cgroup, of whichever cgroup."""
V2_RECLAIM = "memory.reclaim"
_V1_RECLAIM = "memory.force_empty"
_MAX_NODE = 1023


class Action(StrEnum):
    """What a step does."""

    SYNC = "sync"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class RemedyStep:
    """One step: sync(2), or a write of exactly `text` (no newline added) to `path` below the host's root."""

    action: Action
    path: str = ""
    text: str = ""
    cgroup: tuple[int, int] | None = None
    """Of a file of a cgroup: st_dev and st_ino of its directory, without which it is not written."""

    def target(self, root: Path) -> Path:
        """Return the exact path written; links in `root` itself are resolved, below it there may be none."""
        return root.resolve() / self.path

    def sentence(self, root: Path) -> str:
        """Return exactly what the step does."""
        if self.action is Action.SYNC:
            return "sync(2): writes all dirty pages of all file systems"
        return f"writes {self.text!r} to {printable(str(self.target(root)))}"

    def command(self, root: Path) -> str:
        """Return the shell command that does the same."""
        if self.action is Action.SYNC:
            return "sync"
        # A cgroup's name may have a backslash of systemd, or be chosen by a container.
        return f"echo -n {self.text} > {quote(printable(str(self.target(root))))}"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy. Its `id` is stable: the audit log, policies and scripts use it."""

    id: str
    title: str
    steps: tuple[RemedyStep, ...]
    effect: Effect
    needs: str
    evidence: str
    """How to see that it worked."""
    disabled_reason: str | None = None
    """Why this node has no such remedy; None if it has."""

    @property
    def sync_first(self) -> bool:
        """Whether dirty pages are written first."""
        return self.effect.sync


_ROOT = "root (effective uid 0) and a writable mount; capabilities do not count"
_DROPS = {
    1: ("Drop page cache", Effect(page_cache=True), "the page cache in meminfo falls, free blocks rise"),
    2: ("Drop slab (dentries, inodes)", Effect(slab=True), "SReclaimable in meminfo falls, free blocks rise"),
    3: (
        "Drop page cache and slab",
        Effect(page_cache=True, slab=True),
        "page cache and SReclaimable in meminfo fall, free blocks rise",
    ),
}
_COMPACTED = "pgmigrate_success in vmstat rises, small free blocks turn into large ones"


def drop_caches(value: int, *, sync: bool) -> Remedy:
    """Return the remedy that writes `value` (1 page cache, 2 slab, 3 both) to drop_caches, after a sync if asked.

    4 only stops the kernel's log line, 5 and above are invalid; see fs/drop_caches.c.
    """
    title, effect, evidence = _DROPS[value]
    write = RemedyStep(Action.WRITE, DROP_CACHES, str(value))
    if not sync:
        return Remedy(f"drop-caches-{value}", title, (write,), effect, _ROOT, evidence)
    return Remedy(
        id=f"sync-drop-caches-{value}",
        title=f"Sync, then {title[0].lower()}{title[1:]}",
        steps=(RemedyStep(Action.SYNC), write),
        effect=Effect(sync=True, page_cache=effect.page_cache, slab=effect.slab),
        needs=_ROOT,
        evidence=evidence,
    )


def sync_only() -> Remedy:
    """Return the remedy that only writes dirty pages."""
    return Remedy("sync", "Sync", (RemedyStep(Action.SYNC),), Effect(sync=True), "nothing", "Dirty in meminfo falls")


def compact_all(*, sync: bool = False) -> Remedy:
    """Return the remedy that compacts every zone of every NUMA node; from 6.5 on the kernel accepts only "1"."""
    step = RemedyStep(Action.WRITE, COMPACT_MEMORY, "1")
    needs = f"{_ROOT}; CONFIG_COMPACTION"
    remedy = Remedy("compact", "Compact all memory", (step,), Effect(compact=True), needs, _COMPACTED)
    return _synced(remedy) if sync else remedy


def compact_node(node: int, *, sync: bool = False) -> Remedy:
    """Return the remedy that compacts the zones of one NUMA node; a successful write proves nothing."""
    step = RemedyStep(Action.WRITE, f"{NODES}/node{node}/compact", "1")
    needs = f"{_ROOT}; CONFIG_COMPACTION and CONFIG_NUMA"
    effect = Effect(compact=True, node=node)
    remedy = Remedy(f"compact-node-{node}", f"Compact NUMA node {node}", (step,), effect, needs, _COMPACTED)
    return _synced(remedy) if sync else remedy


def _synced(remedy: Remedy) -> Remedy:
    """Return the remedy with a sync first: a dirty page can't be dropped, and it can end compaction early."""
    return replace(
        remedy,
        id=f"sync-{remedy.id}",
        title=f"Sync, then {remedy.title[0].lower()}{remedy.title[1:]}",
        steps=(RemedyStep(Action.SYNC), *remedy.steps),
        effect=replace(remedy.effect, sync=True),
    )


def wake_kcompactd(proactiveness: int | None, version: KernelVersion | None) -> Remedy:
    """Return the remedy that rewrites compaction_proactiveness with its value, which wakes kcompactd from 5.15 on.

    The setting does not change. See mm/compaction.c compaction_proactiveness_sysctl_handler.
    """
    disabled_reason = None
    if proactiveness is None:
        disabled_reason = "vm.compaction_proactiveness can't be read (needs kernel 5.9 and CONFIG_COMPACTION)"
    elif proactiveness == 0:
        disabled_reason = "vm.compaction_proactiveness is 0: background compaction is off"
    elif version is not None and not version.at_least(5, 15):
        disabled_reason = "before 5.15 a write to vm.compaction_proactiveness starts nothing"
    return Remedy(
        id="nudge-kcompactd",
        title="Wake background compaction",
        steps=(RemedyStep(Action.WRITE, PROACTIVENESS, str(proactiveness or 0)),),
        effect=Effect(gentle=True),
        needs=f"{_ROOT}; kernel 5.15",
        evidence="compact_daemon_migrate_scanned in vmstat rises",
        disabled_reason=disabled_reason,
    )


def reclaim_cgroup(cgroup: CgroupMemory, name: str, amount: int | None = None, *, sync: bool = False) -> Remedy:
    """Return the remedy that reclaims the page cache of one cgroup and of all below it; `name` is the pod's.

    `amount` is in bytes, None for all that is clean. Version 2 takes it (mm/memcontrol.c memory_reclaim, 5.19), version
    1 reclaims all that it can (mm/memcontrol-v1.c mem_cgroup_force_empty). Both map pages out and swap, too.
    """
    wanted = cgroup.clean if amount is None or cgroup.version == 1 else amount
    file, text = (_V1_RECLAIM, "0") if cgroup.version == 1 else (V2_RECLAIM, str(wanted))
    path = f"{cgroup.folder}/{file}"
    disabled_reason = None if wanted else "it has no clean page cache"
    if printable(path) != path:
        disabled_reason = "the name of its cgroup has characters that can't be shown"
    remedy = Remedy(
        id=RECLAIM,
        title=f"Reclaim the page cache of {name}",
        steps=(RemedyStep(Action.WRITE, path, text, (cgroup.device, cgroup.inode)),),
        effect=Effect(page_cache=True, reclaim=wanted),
        needs="root and a writable cgroup mount; cgroup v1, or v2 and kernel 5.19",
        evidence="the file pages in the cgroup's memory.stat fall, free blocks rise",
        disabled_reason=disabled_reason,
    )
    return _synced(remedy) if sync else remedy


def logged_reclaim(paths: Iterable[str], *, sync: bool) -> Remedy:
    """Return the remedy of a logged reclaim, which wrote to these paths; it can't be run again."""
    steps = tuple(RemedyStep(Action.WRITE if path else Action.SYNC, path) for path in paths)
    place = next((step.path.rpartition("/")[0] for step in steps if step.path), "one cgroup")
    title = f"Reclaim the page cache of {place}"
    effect = Effect(sync=sync, page_cache=True, reclaim=0)
    return Remedy(f"sync-{RECLAIM}" if sync else RECLAIM, title, steps, effect, "", "", "it is logged")


def catalogue(
    nodes: Iterable[int] = (), proactiveness: int | None = None, version: KernelVersion | None = None
) -> tuple[Remedy, ...]:
    """Return all remedies of a node with these NUMA nodes, gentlest first."""
    drops = [drop_caches(value, sync=sync) for value in (1, 2, 3) for sync in (False, True)]
    by_node = [compact_node(node, sync=sync) for node in sorted(nodes) for sync in (False, True)]
    compacts = [compact_all(sync=sync) for sync in (False, True)]
    return (sync_only(), *drops, wake_kcompactd(proactiveness, version), *by_node, *compacts)


def read_wake(root: Path) -> Remedy:
    """Return the remedy that wakes kcompactd of the node under `root`."""
    release = read_text(root, "proc/sys/kernel/osrelease")
    return wake_kcompactd(bounded_int(read_text(root, PROACTIVENESS)), parse_version(release) if release else None)


def numa_nodes(root: Path) -> tuple[int, ...]:
    """Return the NUMA nodes that sysfs shows; none if the kernel has no NUMA or sysfs is missing."""
    try:
        names = [entry.name for entry in (root / NODES).iterdir()]
    except OSError:
        return ()
    numbers = (bounded_int(name[4:], _MAX_NODE) for name in names if name.startswith("node"))
    return tuple(sorted(number for number in numbers if number is not None))


def find_remedy(remedies: Iterable[Remedy], remedy_id: str) -> Remedy | None:
    """Return the remedy of that id, or None."""
    return next((remedy for remedy in remedies if remedy.id == remedy_id), None)
