"""Rates of the last seconds, and their wording."""

from __future__ import annotations

from collections import deque

from fragtui.model.node.rates import Counts, Rates, counts_of, rates_between
from fragtui.model.node.snapshot import Snapshot

WINDOW = 10.0
"""Seconds covered by a rate: the counters are per CPU and are summed about once a second (vm.stat_interval)."""

_MIN_SECONDS = 0.9
"""Seconds below which a rate has no meaning: the screen's second tick comes right after its first."""

_MAX_TICKS = 256
"""Most ticks kept; the shortest interval gives fewer in the window."""


class RateWindow:
    """Keeps the counters of the last `WINDOW` seconds."""

    def __init__(self) -> None:
        self._ticks: deque[Counts] = deque(maxlen=_MAX_TICKS)

    def note(self, snapshot: Snapshot) -> None:
        """Add the counters of one tick; a tick without them is left out."""
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
        """Rates between the oldest and the newest tick kept; None before they are `_MIN_SECONDS` apart."""
        if not self._ticks or self._ticks[-1].at - self._ticks[0].at < _MIN_SECONDS:
            return None
        return rates_between(self._ticks[0], self._ticks[-1])


def rate_words(rates: Rates | None) -> str:
    """Return the rates in words, without those that are zero; an unknown rate is not called zero."""
    if rates is None:
        return "compaction and reclaim: measuring…"
    parts = [
        _rate(rates.direct_compactions, "direct compactions", _failed(rates.failed_share)),
        _rate(rates.direct_reclaims, "direct reclaims"),
        _rate(rates.kcompactd_wakes, "kcompactd wakes"),
        _rate(rates.refaults, "refaults"),
    ]
    words = [part for part in parts if part]
    if rates.direct_compactions is None and rates.direct_reclaims is None:
        words.insert(0, "this kernel does not count compaction and reclaim")
    elif not rates.direct_compactions and not rates.direct_reclaims:
        words.insert(0, "no stalls for compaction or reclaim")
    return f"last {rates.seconds:.0f} s: {', '.join(words)}"


def _rate(rate: float | None, noun: str, more: str = "") -> str:
    if not rate:
        return ""
    return f"{rate:.0f}/s {noun}{more}" if rate >= 9.95 else f"{rate:.1f}/s {noun}{more}"


def _failed(share: float | None) -> str:
    return "" if share is None else f" ({share * 100:.0f} % failed)"
