"""How hard the node works to make large blocks: rates of the kernel's counters between two ticks."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.kernel.procfs.counters import sum_prefixed
from fragtui.model.node.snapshot import Snapshot


class Counts(NamedTuple):
    """The counters of one tick since boot (mm/vmstat.c vmstat_text); None if this kernel has no such counter."""

    at: float
    """Monotonic seconds."""
    direct_compactions: int | None
    """compact_stall: an allocation compacted memory directly and waited."""
    compactions_failed: int | None
    """compact_fail: it did, and still found no block."""
    direct_reclaims: int | None
    """allocstall, one counter per zone since 4.8: an allocation reclaimed pages directly and waited."""
    kcompactd_wakes: int | None
    """compact_daemon_wake, 4.6 and later."""
    refaults: int | None
    """workingset_refault, anon and file apart since 5.9: pages read again soon after they were evicted."""


class Rates(NamedTuple):
    """Counts per second over `seconds`; None for unknown."""

    seconds: float
    direct_compactions: float | None
    failed_share: float | None
    """Share of the direct compactions that found no block, 0..1; None if there was none, or unknown."""
    direct_reclaims: float | None
    kcompactd_wakes: float | None
    refaults: float | None


def counts_of(snapshot: Snapshot) -> Counts:
    """Return the counters that rates are computed from."""
    vmstat = snapshot.vmstat
    return Counts(
        at=snapshot.monotonic,
        direct_compactions=vmstat.get("compact_stall"),
        compactions_failed=vmstat.get("compact_fail"),
        direct_reclaims=sum_prefixed(vmstat, "allocstall"),
        kcompactd_wakes=vmstat.get("compact_daemon_wake"),
        refaults=sum_prefixed(vmstat, "workingset_refault"),
    )


def rates_between(before: Counts, after: Counts) -> Rates | None:
    """Return the rates between two ticks, or None if no time passed between them."""
    seconds = after.at - before.at
    if seconds <= 0:
        return None

    def rate(old: int | None, new: int | None) -> float | None:
        # A counter that went back was reset (another boot in a recording, a CPU taken offline): unknown.
        return None if old is None or new is None or new < old else (new - old) / seconds

    stalls = rate(before.direct_compactions, after.direct_compactions)
    failed = rate(before.compactions_failed, after.compactions_failed)
    return Rates(
        seconds=seconds,
        direct_compactions=stalls,
        failed_share=min(1.0, failed / stalls) if stalls and failed is not None else None,
        direct_reclaims=rate(before.direct_reclaims, after.direct_reclaims),
        kcompactd_wakes=rate(before.kcompactd_wakes, after.kcompactd_wakes),
        refaults=rate(before.refaults, after.refaults),
    )
