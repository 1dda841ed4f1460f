"""How hard the node works at making large blocks: rates of the kernel's counters over the last seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from fragtui.kernel.counters import sum_prefixed
from fragtui.model.snapshot import Snapshot

WINDOW = 10.0
"""Seconds that a rate is taken over: the counters are per CPU and are summed about once a second (vm.stat_interval)."""

_MOST = 256
"""Ticks remembered at most; the shortest interval gives fewer in the window."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counters of one tick since boot (mm/vmstat.c vmstat_text); None where this kernel has no such counter."""

    at: float
    """Monotonic seconds."""
    direct_compactions: int | None
    """compact_stall: an allocation had to compact for itself, and waited."""
    compactions_failed: int | None
    """compact_fail: it did so and still found no block."""
    direct_reclaims: int | None
    """allocstall, one counter a zone since 4.8: an allocation had to free pages for itself, and waited."""
    kcompactd_wakes: int | None
    """compact_daemon_wake, 4.6 and later."""
    refaults: int | None
    """workingset_refault, anon and file apart since 5.9: pages read again soon after they were dropped."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts a second over `seconds`; None for unknown."""

    seconds: float
    direct_compactions: float | None
    failed_share: float | None
    """Share of the direct compactions that found no block, 0..1; None if there was none, or unknown."""
    direct_reclaims: float | None
    kcompactd_wakes: float | None
    refaults: float | None


class RateWindow:
    """Remembers the counters of the last `WINDOW` seconds."""

    def __init__(self) -> None:
        self._ticks: deque[Counts] = deque(maxlen=_MOST)

    def note(self, snapshot: Snapshot) -> None:
        """Take the counters of one tick; a tick without them is left out."""
        if not snapshot.vmstat:
            return
        self._ticks.append(counts_of(snapshot))
        while len(self._ticks) > 2 and self._ticks[1].at <= snapshot.monotonic - WINDOW:
            self._ticks.popleft()

    def clear(self) -> None:
        """Forget all ticks."""
        self._ticks.clear()

    @property
    def rates(self) -> Rates | None:
        """The rates between the oldest and the newest tick remembered, or None before there are two."""
        return rates_between(self._ticks[0], self._ticks[-1]) if len(self._ticks) > 1 else None


def counts_of(snapshot: Snapshot) -> Counts:
    """Return the counters that rates are made of."""
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
    """Return the rates between two ticks, or None if no time lies between them."""
    seconds = after.at - before.at
    if seconds <= 0:
        return None

    def rate(old: int | None, new: int | None) -> float | None:
        # A counter that went back was set anew (another boot in a recording, a CPU taken offline): unknown.
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


def rate_words(rates: Rates | None) -> str:
    """Return the rates in words, those that are zero left out; what is unknown is not called zero."""
    if rates is None:
        return "compaction and reclaim: no two readings of /proc/vmstat yet"
    told = [
        _told(rates.direct_compactions, "direct compactions", _failed(rates.failed_share)),
        _told(rates.direct_reclaims, "direct reclaims"),
        _told(rates.kcompactd_wakes, "kcompactd wakes"),
        _told(rates.refaults, "refaults"),
    ]
    said = [words for words in told if words]
    if rates.direct_compactions is None and rates.direct_reclaims is None:
        said.insert(0, "compaction and reclaim are not counted here")
    elif not rates.direct_compactions and not rates.direct_reclaims:
        said.insert(0, "no allocation waits for compaction or reclaim")
    return f"last {rates.seconds:.0f} s: {', '.join(said)}"


def _told(rate: float | None, noun: str, more: str = "") -> str:
    if not rate:
        return ""
    return f"{rate:.0f}/s {noun}{more}" if rate >= 9.95 else f"{rate:.1f}/s {noun}{more}"


def _failed(share: float | None) -> str:
    return "" if share is None else f" ({share * 100:.0f} % failed)"
