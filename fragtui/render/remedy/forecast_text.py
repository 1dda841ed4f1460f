"""A forecast in sentences: the expected result of a remedy on this node, why, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Forecast, Gain, limit_phrase
from fragtui.model.remedy.recovery import Checkpoint, GainDecay, Recovery
from fragtui.model.remedy.tuning_advice import node_score, start_score
from fragtui.render.numbers import one_digit, rough
from fragtui.text import counted, format_block, format_bytes, format_count, format_duration

_STALE = 60.0
"""Seconds after which a reading of the migratetypes counts as old."""


_DOUBTFUL = ": shared memory may be part of Mapped"


@dataclass(frozen=True, slots=True)
class ForecastText:
    """The text shown before a remedy runs; each entry is one short sentence or phrase."""

    gain: Gain
    headline: str
    """The expected result, in one sentence."""
    reasons: tuple[str, ...]
    """How the headline was computed."""
    costs: tuple[str, ...]
    """Its cost on this node now."""


def forecast_text(snapshot: Snapshot, forecast: Forecast, effect: Effect) -> ForecastText:
    """Return the text for a remedy with this `effect` on the node as sampled."""
    gain = forecast.gain(effect)
    reasons = _gentle_reasons(snapshot) if effect.gentle else _reasons(forecast, effect)
    return ForecastText(gain, _headline(forecast, effect, gain), reasons, _costs(snapshot, effect))


def _headline(forecast: Forecast, effect: Effect, gain: Gain) -> str:
    block = format_block(forecast.page_size, forecast.order)
    if effect == Effect(sync=True):
        return "Writes dirty pages to disk; frees nothing by itself."
    if effect.gentle:
        return "Wakes kcompactd, which compacts in the background only if its own score is high enough."
    if gain.blocks is None:
        return f"The result is unknown: {gain.why}."
    freed = f"frees about {format_bytes(one_digit(gain.bytes or 0))} and " if effect.drops else ""
    if gain.blocks <= 0:
        text = f"{freed}is not expected to give blocks of {block}: {gain.why}."
    else:
        text = f"{freed}should give about {_blocks(gain)} of {block}{_range(gain)}"
        text += f"; {format_count(forecast.blocks)} free now." if forecast.blocks is not None else "."
    if gain.blocks > 0 and not forecast.worth(gain):
        return f"Hardly helps: {text}"
    return text[0].upper() + text[1:]


def _blocks(gain: Gain) -> str:
    blocks = gain.blocks or 0
    return f"{rough(blocks)} more {'block' if blocks == 1 else 'blocks'}"


def _range(gain: Gain) -> str:
    if gain.low is None or gain.high is None or one_digit(gain.low) == one_digit(gain.high):
        return ""
    return f", from {rough(gain.low)} to {rough(gain.high)}"


def _reasons(forecast: Forecast, effect: Effect) -> tuple[str, ...]:
    page = forecast.page_size
    reasons: list[str] = []
    clean = [room.cache for room in forecast.zone_capacities if room.cache is not None]
    if effect.reclaim is not None:
        whole = "" if forecast.cache is None else f" of {format_bytes(forecast.cache)} page cache on the node"
        reasons.append(
            f"the cgroup holds {format_bytes(effect.reclaim)} clean{whole}; no file shows in which zones and "
            "pageblocks, so an even spread is assumed, and the range is wide"
        )
    elif effect.page_cache and forecast.cache is not None and clean:
        low, likely, high = (sum(ends) * page for ends in zip(*clean, strict=True))
        about = "" if high - low <= high // 10 else f"about {format_bytes(likely)}, {format_bytes(low)} to "
        reasons.append(
            f"{about}{format_bytes(high if about else likely)} of {format_bytes(forecast.cache)} page cache is clean "
            f"and not mapped, in zones that serve kernel requests{_DOUBTFUL if about else ''}"
        )
        if effect.sync and forecast.dirty:
            reasons.append(f"{format_bytes(forecast.dirty)} of dirty pages can be dropped once they are written")
    if effect.slab and forecast.slab is not None:
        reasons.append(f"slab: more than half of {format_bytes(forecast.slab)} reclaimable is usually freed")
    if effect.compact:
        rooms = [room for room in forecast.zone_capacities if effect.node in (None, room.key[0])]
        if all(room.typed for room in rooms):
            small = sum(room.movable.small for room in rooms) * page
            reasons.append(
                f"{format_bytes(small)} free in small blocks inside Movable pageblocks can be merged, "
                f"{format_bytes(sum(r.unmovable.small + r.reclaimable.small for r in rooms) * page)} elsewhere cannot"
            )
        stuck = sum(room.stuck or 0 for room in rooms) * page
        if stuck:
            reasons.append(
                f"{format_bytes(stuck)} in Movable pageblocks is on no LRU list, so compaction does not move it"
            )
        if forecast.may_end_early(effect):
            reasons.append(
                f"{format_bytes(forecast.dirty)} is dirty: from 6.9 on the first dirty large folio that can be neither "
                "moved nor split ends the compaction of its zone; a sync first prevents that"
            )
    if (listed := forecast.listed) and (effect.page_cache or effect.compact):
        drained = "a drop returns part of it" if effect.page_cache else "compaction does not return it"
        reasons.append(f"{format_bytes(listed)} more is free on per-CPU lists, where no page merges; {drained}")
    if forecast.bound is not None and forecast.bound > 0.5 and (effect.drops or effect.compact):
        reasons.append(limit_phrase(forecast))
    if forecast.zone_capacities and not all(room.typed for room in forecast.zone_capacities):
        reasons.append("migratetypes are unknown (pagetypeinfo): all memory counts as movable, so this is optimistic")
    elif forecast.age is not None and forecast.age > _STALE:
        reasons.append(f"migratetypes were read {format_duration(forecast.age)} ago")
    return tuple(reasons)


def _gentle_reasons(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the score of each NUMA node, which decides whether kcompactd compacts once it wakes."""
    nodes = sorted({zone.node for zone in snapshot.zones or ()})
    scores = [(node, node_score(snapshot, node)) for node in nodes]
    return tuple(
        f"kcompactd's score of NUMA node {node} is {score}; with the default proactiveness of 20 it compacts above "
        f"{start_score(20, snapshot)}"
        for node, score in scores
        if score is not None
    )


def _costs(snapshot: Snapshot, effect: Effect) -> tuple[str, ...]:
    meminfo = snapshot.meminfo
    costs: list[str] = []
    if effect.sync:
        dirty = meminfo.get("Dirty")
        amount = f"{format_bytes(dirty)} of dirty pages" if dirty is not None else "all dirty pages"
        costs.append(f"sync writes {amount} of every file system; this is slow on a slow disk or a dead NFS server")
    if effect.reclaim is not None:
        costs += _reclaim_costs(meminfo, effect.reclaim)
    elif effect.page_cache:
        cache = sum(meminfo.get(field, 0) for field in ("Active(file)", "Inactive(file)")) or meminfo.get("Cached")
        amount = f"{format_bytes(cache)} of" if cache is not None else "the"
        costs.append(f"{amount} page cache is read again from disk when next needed; cannot be stopped once started")
    if effect.slab:
        slab = meminfo.get("SReclaimable")
        amount = f"{format_bytes(slab)} of" if slab is not None else "the"
        costs.append(
            f"{amount} dentries, inodes and other slab caches are rebuilt; file lookups are slower for a while"
        )
    if effect.compact:
        where = f"of NUMA node {effect.node}" if effect.node is not None else "of every zone"
        costs.append(f"compaction scans all memory {where} and moves pages: processes touching a page being moved wait")
        free = meminfo.get("MemFree")
        if free is not None:
            costs.append(f"{format_bytes(free)} free to move pages into")
    if effect.gentle:
        costs.append("background compaction by kcompactd, in its own time")
    if snapshot.pressure and snapshot.pressure.some:
        costs.append(
            f"memory pressure now: tasks waited {snapshot.pressure.some.avg10:.1f} % of the last 10 s, "
            f"{snapshot.pressure.some.avg60:.1f} % of the last minute"
        )
    return tuple(costs)


def _reclaim_costs(meminfo: Mapping[str, int], reclaim: int) -> tuple[str, ...]:
    """Return the cost to the cgroup of reclaiming `reclaim` bytes: unlike drop_caches, it unmaps pages and may swap."""
    texts = [
        f"{format_bytes(reclaim)} of this cgroup's page cache, programs and libraries that it runs too, is read again "
        "from disk when next needed; other cgroups keep theirs; an abort stops it soon"
    ]
    if swap := meminfo.get("SwapFree"):
        texts.append(f"swap has {format_bytes(swap)} free: memory of its processes may be swapped out, too")
    return tuple(texts)


def early_end_sentence(recovery: Recovery, effect: Effect) -> str | None:
    """Return that a compaction of all memory gave up before its end, or None if it did not."""
    if not effect.compact or effect.node is not None or not recovery.ended_early or recovery.looked_at is None:
        return None
    return (
        f"Compaction ended early: it scanned {recovery.looked_at * 100:.0f} % of the pages in use. From 6.9 on a dirty "
        "large folio that can be neither moved nor split does that: sync first."
    )


def decay_sentence(gain_decay: GainDecay | None) -> str | None:
    """Return how long a gain has lasted so far, or None if there is no gain or no measurement."""
    if gain_decay is None or gain_decay.gain <= 0 or gain_decay.share is None or gain_decay.age is None:
        return None
    if gain_decay.half_life is not None:
        return f"Half of the gain was gone after {format_duration(gain_decay.half_life)}."
    return f"{share_phrase(gain_decay.share).capitalize()} {format_duration(gain_decay.age)} later."


def share_phrase(share: float) -> str:
    """Return how much of a gain is left, 1.0 for all of it (more if further blocks became free)."""
    if share >= 0.995:
        return "all of the gain still there"
    return f"{share * 100:.0f} % of the gain left"


def checkpoint_sentence(checkpoint: Checkpoint, recovery: Recovery) -> str:
    """Return the blocks some minutes after a remedy, and the cost to the node until then."""
    block = format_block(recovery.page_size, recovery.order)
    parts = [f"After {format_duration(checkpoint.after)}: {counted(checkpoint.blocks, 'block')} of {block}"]
    if checkpoint.cost.refaults is not None:
        parts.append(counted(checkpoint.cost.refaults, "refault"))
    if checkpoint.cost.read is not None:
        parts.append(f"{format_bytes(checkpoint.cost.read)} read from disk")
    if checkpoint.cost.stalled is not None:
        parts.append(f"tasks stalled on memory {format_duration(checkpoint.cost.stalled)}")
    return f"{', '.join(parts)} since the start."


def error_sentence(expected: int, gained: int) -> str:
    """Return how a forecast compares with the result, both in blocks of the target order."""
    if gained <= 0:
        return f"Forecast {format_count(expected)}, gained none." if expected > 0 else "Forecast none, gained none."
    if expected <= 0:
        return f"Forecast none, gained {counted(gained, 'block')}."
    ratio = expected / gained
    if 0.95 <= ratio <= 1.05:
        return f"Forecast {format_count(expected)}, gained {format_count(gained)}."
    times = f"{ratio:.1f} times too high" if ratio > 1 else f"{1 / ratio:.1f} times too low"
    return f"Forecast {format_count(expected)}, gained {format_count(gained)}: {times}."
