"""The node's vm settings, read on request for the tuning advice."""

from __future__ import annotations

import re
from pathlib import Path

from fragtui.kernel.procfs.number_list import parse_number_list
from fragtui.model.remedy.tuning_advice import Tuning
from fragtui.sources.files.host_files import read_text
from fragtui.sources.host.identity import tree_of
from fragtui.sources.host.tree import SavedTree
from fragtui.text import bounded_int

_SETTING = re.compile(r"^vm\.(\w+) = (\d{1,18})$", re.MULTILINE | re.ASCII)
_LISTED = re.compile(r"^ {4,}count:\s+(\d+)", re.MULTILINE | re.ASCII)
_MAX_CPUS = 1 << 16
_ZONEINFO_LIMIT = 32 << 20


def read_vm_settings(root: Path, page_size: int) -> Tuning:
    """Return the settings of the node under `root`, live or saved; `page_size` in bytes."""
    tree = tree_of(root)
    root = tree.root
    listed = _listed(tree)

    def setting(name: str) -> int | None:
        found = _number(root, tree.proc(f"sys/vm/{name}"))
        return found if found is not None else listed.get(name)

    huge = _number(root, "sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
    zoneinfo = read_text(root, tree.proc("zoneinfo"), _ZONEINFO_LIMIT)
    counts = _LISTED.findall(zoneinfo or "")
    return Tuning(
        min_free_kbytes=setting("min_free_kbytes"),
        watermark_scale_factor=setting("watermark_scale_factor"),
        extfrag_threshold=setting("extfrag_threshold"),
        compaction_proactiveness=setting("compaction_proactiveness"),
        defrag_mode=setting("defrag_mode"),
        percpu_pagelist_high_fraction=setting("percpu_pagelist_high_fraction"),
        percpu_pages=sum(bounded_int(count) or 0 for count in counts) if counts else None,
        possible_cpus=_cpus(root, "sys/devices/system/cpu/possible"),
        online_cpus=_cpus(root, "sys/devices/system/cpu/online"),
        huge_order=(huge // page_size).bit_length() - 1 if huge and huge >= page_size else 9,
    )


def _listed(tree: SavedTree) -> dict[str, int]:
    """Return the settings that a saved ``sysctl -a`` lists."""
    path = tree.sysctl()
    text = read_text(tree.root, path) if path is not None else None
    return {name: int(value) for name, value in _SETTING.findall(text or "")}


def _number(root: Path, path: str | Path) -> int | None:
    return bounded_int(read_text(root, path))


def _cpus(root: Path, path: str) -> int | None:
    """Return the number of CPUs in a list such as ``0-3,8``."""
    text = read_text(root, path)
    numbers = parse_number_list(text, _MAX_CPUS) if text else None
    return len(numbers) if numbers is not None else None
