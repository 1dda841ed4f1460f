"""Which remedy to run for blocks of the target order, decided once for everything that names one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import WANTED_BLOCKS, Forecast, Gain, moves_large_folios
from fragtui.model.remedy.zone_capacity import page_cache

_MUCH_DIRTY = 64 << 20
"""Bytes of dirty pages from which on a drop begins with a sync: they go only after one."""


class Choice(StrEnum):
    """The remedies to choose from, by their names in JSON."""

    DROP_PAGE_CACHE = "drop_page_cache"
    DROP_CACHES = "drop_caches"
    COMPACT = "compact"
    DROP_THEN_COMPACT = "drop_then_compact"


_EFFECTS = {
    Choice.DROP_PAGE_CACHE: Effect(page_cache=True),
    Choice.DROP_CACHES: Effect(page_cache=True, slab=True),
    Choice.COMPACT: Effect(compact=True),
    # Step by step begins with a sync.
    Choice.DROP_THEN_COMPACT: Effect(sync=True, page_cache=True, slab=True, compact=True),
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A remedy with its expected gain and its price."""

    choice: Choice
    effect: Effect
    gain: Gain
    price: int | None
    """Bytes of page cache that are read from disk again when next needed; None if unknown, 0 if none are."""
    wanted: int = WANTED_BLOCKS
    """Blocks of the target order that would be enough."""

    @property
    def enough(self) -> bool:
        """Whether the expected gain reaches the wanted number."""
        return (self.gain.blocks or 0) >= self.wanted


def with_sync(snapshot: Snapshot, effect: Effect) -> Effect:
    """Return the effect, with a sync first if the dirty pages of the node call for one.

    Much of them would stay when the page cache is dropped; any of them may end a compaction early from 6.9 on.
    """
    dirty = snapshot.meminfo.get("Dirty") or 0
    much = effect.page_cache and dirty > _MUCH_DIRTY
    ends_early = effect.compact and not effect.drops and dirty > 0 and moves_large_folios(snapshot.host.version)
    return replace(effect, sync=True) if much or ends_early else effect


def effect_of(snapshot: Snapshot, choice: Choice) -> Effect:
    """Return what a remedy does on this node."""
    return with_sync(snapshot, _EFFECTS[choice])


def recommend(snapshot: Snapshot, forecast: Forecast, choices: Sequence[Choice]) -> Recommendation | str | None:
    """Return the first remedy that gives the wanted blocks, else the one that gives most of those worth their cost.

    None if no remedy is worth it; a text if that is unknown: the reason.
    """
    best: Recommendation | None = None
    for choice in choices:
        effect = effect_of(snapshot, choice)
        gain = forecast.gain(effect)
        worth = forecast.worth(gain)
        if worth is None:
            return gain.why or "no zone that serves kernel requests could be read"
        if not worth:
            continue
        price = page_cache(snapshot.meminfo) if effect.page_cache else 0
        recommendation = Recommendation(choice, effect, gain, price)
        if recommendation.enough:
            return recommendation
        if best is None or (gain.blocks or 0) > (best.gain.blocks or 0):
            best = recommendation
    return best
