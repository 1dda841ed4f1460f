"""The order of remedies by forecast: the gentlest step that is expected to give what is wanted comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.forecast import Forecast, Gain
from fragtui.model.remedy.tuning_advice import node_score, start_score
from fragtui.remedies.catalogue import Remedy
from fragtui.text import bounded_int, counted

Weigh = Callable[[Remedy, Gain], Gain]
"""Corrects the forecast of a step by what is known of it."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder."""

    remedy: Remedy
    expected: Gain
    skipped: str | None = None
    """Why it is not run now: a later step is expected to suffice, and this one is not. None if it is."""
    suffices: bool = False
    """Whether it alone is expected to give the missing blocks."""


def ladder(
    remedies: Sequence[Remedy], snapshot: Snapshot, view: Forecast, missing: int, weigh: Weigh | None = None
) -> tuple[Rung, ...]:
    """Return the steps in the order given, gentlest first, judged by the forecast `view` of the node as sampled.

    If a step is expected to give the `missing` blocks, those before it that are not are skipped. If none is, all run:
    together they may. A sync frees nothing, and prepares the others. Waking kcompactd gives an unknown number of
    blocks, so it runs if kcompactd would compact at all.
    """
    gains = [view.gain(remedy.effect) for remedy in remedies]
    if weigh is not None:
        gains = [weigh(remedy, gain) for remedy, gain in zip(remedies, gains, strict=True)]
    enough = [(gain.blocks or 0) >= max(1, missing) for gain in gains]
    first = enough.index(True) if any(enough) else 0
    rungs = []
    for number, (remedy, gain) in enumerate(zip(remedies, gains, strict=True)):
        why = None
        if remedy.effect.gentle:
            why = _why_not_woken(remedy, snapshot)
        elif number < first and (remedy.effect.drops or remedy.effect.compact):
            # Unknown counts as too few: what follows is known to be enough.
            given = "unknown" if gain.blocks is None else counted(max(0, gain.blocks), "block")
            why = f"forecast {given}, {missing} missing"
        rungs.append(Rung(remedy, gain, why, enough[number]))
    return tuple(rungs)


def gentlest(rungs: Sequence[Rung]) -> tuple[Rung | None, Rung | None]:
    """Return the gentlest step that suffices, and the next after it that gives more; None for none."""
    chosen = next((rung for rung in rungs if rung.suffices and rung.skipped is None), None)
    if chosen is None:
        return None, None
    later = rungs[rungs.index(chosen) + 1 :]
    more = (rung for rung in later if (rung.expected.blocks or 0) > (chosen.expected.blocks or 0))
    return chosen, next(more, None)


def _why_not_woken(remedy: Remedy, snapshot: Snapshot) -> str | None:
    """Return why kcompactd would not compact once it wakes, or None if it would or its score is unknown."""
    if remedy.disabled_reason is not None:
        return remedy.disabled_reason
    proactiveness = bounded_int(remedy.steps[0].text) or 0
    scores = [node_score(snapshot, node) for node in sorted({zone.node for zone in snapshot.zones or ()})]
    start = start_score(proactiveness, snapshot)
    if not scores or any(score is None or score > start for score in scores):
        return None
    return f"kcompactd would not compact: its score is {max(filter(None, scores), default=0)}, it starts above {start}"
