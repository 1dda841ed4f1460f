"""Conditions of the node that a remedy needs and a Snapshot lacks, read once before the remedy is offered."""

from __future__ import annotations

import re
from pathlib import Path

from fragtui.kernel.procfs.pressure import parse_pressure
from fragtui.model.remedy.risk import NodeConditions
from fragtui.sources.files.host_files import read_text
from fragtui.text import bounded_int

_ARC = re.compile(r"^size\s+\d+\s+(\d+)\s*$", re.MULTILINE | re.ASCII)
_MEMORY = re.compile(r"^memory\s+\d+\s+(\d+)\s+\d+\s*$", re.MULTILINE | re.ASCII)
_CGROUP_STAT = re.compile(r"^nr_(?:dying_)?descendants (\d+)$", re.MULTILINE | re.ASCII)


def read_conditions(root: Path) -> NodeConditions:
    """Return the conditions; None for what can't be read. Cheap: four small files."""
    io = read_text(root, "proc/pressure/io")
    arc = _ARC.search(read_text(root, "proc/spl/kstat/zfs/arcstats") or "")
    ksm = read_text(root, "sys/kernel/mm/ksm/pages_sharing")
    return NodeConditions(
        # read_text strips the last newline, and a line without it counts as torn.
        io=parse_pressure(io + "\n") if io else None,
        zfs_arc=bounded_int(arc[1]) if arc else None,
        ksm_sharing=bounded_int(ksm),
        memory_cgroups=_memory_cgroups(root),
    )


def _memory_cgroups(root: Path) -> int | None:
    """Return the number of memory cgroups, dying ones included: of the v2 tree, else of the v1 controller."""
    if counts := _CGROUP_STAT.findall(read_text(root, "sys/fs/cgroup/cgroup.stat") or ""):
        return sum(bounded_int(count) or 0 for count in counts)
    found = _MEMORY.search(read_text(root, "proc/cgroups") or "")
    return bounded_int(found[1]) if found else None
