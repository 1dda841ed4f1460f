"""A forecast in sentences: what a remedy is expected to bring on this node, why, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Forecast, Gain, Outlook, limit_phrase
from fragtui.model.remedy.recovery import Checkpoint, GainDecay, Recovery
from fragtui.model.remedy.tuning_advice import node_score, start_score
from fragtui.text import counted, format_bytes, format_count, format_duration

_STALE = 60.0
"""Seconds after which a reading of the migratetypes is called old."""


@dataclass(frozen=True, slots=True)
class ForecastText:
    """What to say before a remedy runs; each entry is one short sentence or phrase."""

    gain: Gain
    headline: str
    """What it brings, in one sentence."""
    reasons: tuple[str, ...]
    """How the headline was reckoned."""
    costs: tuple[str, ...]
    """What it costs this node now."""


def forecast_text(snapshot: Snapshot, forecast: Forecast, effect: Effect) -> ForecastText:
    """Return what to say of a remedy with this `effect` on the node as sampled."""
    gain = forecast.gain(effect)
    reasons = _gentle_reasons(snapshot) if effect.gentle else _reasons(forecast, effect)
    return ForecastText(gain, _headline(forecast, effect, gain), reasons, _costs(snapshot, effect))


_EFFECTS = {
    Outlook.DROP_CACHES: Effect(sync=True, page_cache=True, slab=True),
    Outlook.COMPACT: Effect(compact=True),
    Outlook.DROP_THEN_COMPACT: Effect(sync=True, page_cache=True, slab=True, compact=True),
}
"""What is done where an outlook says that it helps."""


def outlook_sentence(forecast: Forecast) -> str:
    """Return what would help a request of the target order on this node, in one sentence."""
    size = format_bytes(forecast.block_size)
    outlook = forecast.outlook
    if outlook is Outlook.UNKNOWN:
        return f"What would help is unknown: {forecast.gain(Effect(page_cache=True)).why or 'no zone could be read'}."
    if outlook is Outlook.NEITHER:
        return f"Neither dropping caches nor compacting would make many blocks of {size}: {limit_phrase(forecast)}."
    gain = forecast.gain(_EFFECTS[outlook])
    verb = {
        Outlook.DROP_CACHES: "Dropping caches",
        Outlook.COMPACT: "Compacting",
        Outlook.DROP_THEN_COMPACT: "Dropping caches, then compacting,",
    }[outlook]
    return f"{verb} would make about {_blocks(gain)} of {size}."


_VERBS = {
    Outlook.DROP_CACHES: "drop caches",
    Outlook.COMPACT: "compact",
    Outlook.DROP_THEN_COMPACT: "drop, then compact",
}


def outlook_brief(forecast: Forecast) -> str:
    """Return what would help in a few words, with the blocks that it makes."""
    if forecast.outlook is Outlook.UNKNOWN:
        return "what helps is unknown"
    if forecast.outlook is Outlook.NEITHER:
        return "no remedy makes many"
    blocks = forecast.gain(_EFFECTS[forecast.outlook]).blocks or 0
    return f"{_VERBS[forecast.outlook]}: ~+{format_count(blocks)}"


def _headline(forecast: Forecast, effect: Effect, gain: Gain) -> str:
    size = format_bytes(forecast.block_size)
    if effect == Effect(sync=True):
        return "Writes dirty pages to disk; frees nothing by itself."
    if effect.gentle:
        return "Wakes kcompactd, which compacts in the background only if its own score says so."
    if gain.blocks is None:
        return f"What it brings is unknown: {gain.why}."
    freed = f"frees about {format_bytes(gain.bytes or 0)} and " if effect.drops else ""
    if not gain.blocks:
        text = f"{freed}is not expected to make blocks of {size}: {gain.why}."
    else:
        text = f"{freed}makes about {_blocks(gain)} of {size} (order {forecast.order}){_range(gain)}"
        text += f"; there are {format_count(forecast.blocks)} now." if forecast.blocks is not None else "."
    if gain.blocks and not forecast.worth(gain):
        return f"Hardly helps: {text}"
    return text[0].upper() + text[1:]


def _blocks(gain: Gain) -> str:
    blocks = gain.blocks or 0
    return f"{format_count(blocks)} more {'block' if blocks == 1 else 'blocks'}"


def _range(gain: Gain) -> str:
    if gain.low is None or gain.high is None or gain.low == gain.high:
        return ""
    return f", between {format_count(gain.low)} and {format_count(gain.high)}"


def _reasons(forecast: Forecast, effect: Effect) -> tuple[str, ...]:
    page = forecast.page_size
    reasons: list[str] = []
    clean = [room.cache for room in forecast.zone_capacities if room.cache is not None]
    if effect.page_cache and forecast.cache is not None and clean:
        reasons.append(
            f"{format_bytes(sum(clean) * page)} of {format_bytes(forecast.cache)} page cache is clean and not mapped "
            "in the zones that serve the kernel"
        )
        if effect.sync and forecast.dirty:
            reasons.append(f"{format_bytes(forecast.dirty)} of dirty pages can go once they are written")
    if effect.slab and forecast.slab is not None:
        reasons.append(f"slab: more than half of {format_bytes(forecast.slab)} reclaimable goes as a rule")
    if effect.compact:
        rooms = [room for room in forecast.zone_capacities if effect.node in (None, room.key[0])]
        if all(room.typed for room in rooms):
            small = sum(room.movable.small for room in rooms) * page
            reasons.append(
                f"{format_bytes(small)} free in small blocks inside Movable pageblocks can be put together, "
                f"{format_bytes(sum(r.unmovable.small + r.reclaimable.small for r in rooms) * page)} elsewhere can not"
            )
        stuck = sum(room.stuck or 0 for room in rooms) * page
        if stuck:
            reasons.append(
                f"{format_bytes(stuck)} in Movable pageblocks is on no LRU list: per-CPU lists, or not movable"
            )
        if forecast.may_end_early(effect):
            reasons.append(
                f"{format_bytes(forecast.dirty)} is dirty: from 6.9 on the first dirty large folio that can be neither "
                "moved nor split ends the compaction of its zone; a sync before prevents it"
            )
    if forecast.bound is not None and forecast.bound > 0.5 and (effect.drops or effect.compact):
        reasons.append(limit_phrase(forecast))
    if forecast.zone_capacities and not all(room.typed for room in forecast.zone_capacities):
        reasons.append("migratetypes are unknown (pagetypeinfo): all memory is taken for movable, which flatters")
    elif forecast.age is not None and forecast.age > _STALE:
        reasons.append(f"migratetypes were read {format_duration(forecast.age)} ago")
    return tuple(reasons)


def _gentle_reasons(snapshot: Snapshot) -> tuple[str, ...]:
    """Return each NUMA node's score, which decides whether a woken kcompactd compacts."""
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
        costs.append(f"sync writes {amount} of every file system; on a slow disk or a dead NFS server that takes long")
    if effect.page_cache:
        cache = sum(meminfo.get(field, 0) for field in ("Active(file)", "Inactive(file)")) or meminfo.get("Cached")
        amount = f"{format_bytes(cache)} of" if cache is not None else "the"
        costs.append(f"{amount} page cache is read again from disk when it is next needed; the walk can't be aborted")
    if effect.slab:
        slab = meminfo.get("SReclaimable")
        amount = f"{format_bytes(slab)} of" if slab is not None else "the"
        costs.append(
            f"{amount} dentries, inodes and other slab caches are built anew; path look-ups are slow meanwhile"
        )
    if effect.compact:
        where = f"of NUMA node {effect.node}" if effect.node is not None else "of every zone"
        costs.append(f"compaction scans all memory {where} and moves pages: those who touch a page on its way wait")
        free = meminfo.get("MemFree")
        if free is not None:
            costs.append(f"{format_bytes(free)} free as targets to move to")
    if effect.gentle:
        costs.append("background compaction by kcompactd, in its own time")
    if snapshot.pressure and snapshot.pressure.some:
        costs.append(
            f"memory pressure now: tasks waited {snapshot.pressure.some.avg10:.1f} % of the last 10 s, "
            f"{snapshot.pressure.some.avg60:.1f} % of the last minute"
        )
    return tuple(costs)


def early_end_sentence(recovery: Recovery, effect: Effect) -> str | None:
    """Return that a compaction of all memory gave up before it was through, or None where it did not."""
    if not effect.compact or effect.node is not None or not recovery.ended_early or recovery.looked_at is None:
        return None
    return (
        f"Compaction ended early: it looked at {recovery.looked_at * 100:.0f} % of what is in use. From 6.9 on a dirty "
        "large folio that can be neither moved nor split does that: sync first."
    )


def decay_sentence(gain_decay: GainDecay | None) -> str | None:
    """Return how long a gain lasts as far as it has been seen, or None where there is none or nothing was seen."""
    if gain_decay is None or gain_decay.gain <= 0 or gain_decay.share is None or gain_decay.age is None:
        return None
    if gain_decay.half_life is not None:
        return f"Half of the gain was gone after {format_duration(gain_decay.half_life)}."
    return f"{min(9.99, gain_decay.share) * 100:.0f} % of the gain is left after {format_duration(gain_decay.age)}."


def checkpoint_sentence(look: Checkpoint, order: int) -> str:
    """Return what was there some minutes after a remedy, and what the node paid until then."""
    said = [f"After {format_duration(look.after)}: {counted(look.blocks, 'block')} of order {order}"]
    if look.cost.refaults is not None:
        said.append(counted(look.cost.refaults, "refault"))
    if look.cost.read is not None:
        said.append(f"{format_bytes(look.cost.read)} read from disks")
    if look.cost.stalled is not None:
        said.append(f"tasks stalled on memory {format_duration(look.cost.stalled)}")
    return f"{', '.join(said)} since the start."


def error_sentence(expected: int, gained: int) -> str:
    """Return how a forecast compares with what happened, both in blocks of the target order."""
    if gained <= 0:
        return f"Forecast {format_count(expected)}, gained none." if expected else "Forecast none, gained none."
    if expected <= 0:
        return f"Forecast none, gained {counted(gained, 'block')}."
    ratio = expected / gained
    if 0.95 <= ratio <= 1.05:
        return f"Forecast {format_count(expected)}, gained {format_count(gained)}."
    times = f"{ratio:.1f} times too high" if ratio > 1 else f"{1 / ratio:.1f} times too low"
    return f"Forecast {format_count(expected)}, gained {format_count(gained)}: {times}."
