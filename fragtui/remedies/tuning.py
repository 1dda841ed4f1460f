"""The node's settings that advice is about, read when it is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from fragtui.model.advice import Tuning
from fragtui.sources.host_files import read_text

_LISTED = re.compile(r"^ {4,}count:\s+(\d+)", re.MULTILINE | re.ASCII)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_ZONEINFO_LIMIT = 32 << 20


def read_tuning(root: Path, page_size: int) -> Tuning:
    """Return the settings of the node under `root`; `page_size` in bytes."""
    vm = root / "proc/sys/vm"
    huge = _number(root / "sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
    zoneinfo = read_text(root / "proc/zoneinfo", _ZONEINFO_LIMIT)
    counts = _LISTED.findall(zoneinfo or "")
    return Tuning(
        min_free_kbytes=_number(vm / "min_free_kbytes"),
        watermark_scale_factor=_number(vm / "watermark_scale_factor"),
        extfrag_threshold=_number(vm / "extfrag_threshold"),
        compaction_proactiveness=_number(vm / "compaction_proactiveness"),
        defrag_mode=_number(vm / "defrag_mode"),
        percpu_pagelist_high_fraction=_number(vm / "percpu_pagelist_high_fraction"),
        percpu_pages=sum(map(int, counts)) if counts else None,
        possible_cpus=_cpus(root / "sys/devices/system/cpu/possible"),
        online_cpus=_cpus(root / "sys/devices/system/cpu/online"),
        huge_order=(huge // page_size).bit_length() - 1 if huge and huge >= page_size else 9,
    )


def _number(path: Path) -> int | None:
    text = read_text(path)
    return int(text) if text and text.isdecimal() else None


def _cpus(path: Path) -> int | None:
    """Return how many CPUs a list such as ``0-3,8`` names."""
    text = read_text(path)
    if not text:
        return None
    count = 0
    for part in text.split(","):
        if (found := _RANGE.fullmatch(part)) is None:
            return None
        count += int(found[2] or found[1]) - int(found[1]) + 1
    return count
