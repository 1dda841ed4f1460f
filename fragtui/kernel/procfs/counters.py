"""Files with one number per name: ``/proc/vmstat`` and ``/proc/meminfo``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VMSTAT = re.compile(r"^([a-z0-9_]+) (\d{1,20})(?=\r?\n)", re.MULTILINE | re.ASCII)
_MEMINFO = re.compile(r"^([A-Za-z0-9_()]+):[ \t]*(\d{1,20})( kB)?[ \t\r]*(?=\n)", re.MULTILINE | re.ASCII)


def parse_vmstat(text: str) -> Mapping[str, int]:
    """Return all counters by name, cumulative since boot; names differ by version and configuration.

    A last line without its newline is torn and not read. See kernel mm/vmstat.c vmstat_text.
    """
    return {name: int(value) for name, value in _VMSTAT.findall(text)}


def parse_meminfo(text: str) -> Mapping[str, int]:
    """Return all fields by name; those printed in kB are in bytes, the others (HugePages_Total) as printed."""
    return {name: int(value) * (1024 if kilo else 1) for name, value, kilo in _MEMINFO.findall(text)}


def sum_prefixed(counters: Mapping[str, int], prefix: str) -> int | None:
    """Return the sum of a counter that newer kernels print per zone (``allocstall_normal``), or None."""
    values = [value for name, value in counters.items() if name == prefix or name.startswith(prefix + "_")]
    return sum(values) if values else None
