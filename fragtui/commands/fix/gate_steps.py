"""The remedies of a gate: those of the screen's ladder that its need and its options leave, with their forecasts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.need import Need, NeedCheck, view_of
from fragtui.remedies.catalogue import Remedy, read_wake
from fragtui.remedies.escalation import EscalationStep, steps_of_node
from fragtui.remedies.ladder import Rung, ladder

DEFAULT_STEPS = tuple(step for step in EscalationStep if step is not EscalationStep.RECLAIM)
"""One cgroup pays for its reclaim, so that step must be named."""
_THOROUGH = (EscalationStep.SYNC, EscalationStep.PAGE_CACHE, EscalationStep.SLAB, EscalationStep.COMPACT)
"""The steps that include all others."""


def gate_remedies(chosen: Collection[EscalationStep], root: Path, node: int | None) -> tuple[Remedy, ...]:
    """Return the remedies, gentlest first; if the need names a NUMA node, no other one is compacted by itself."""
    remedies = steps_of_node(chosen, root)
    return tuple(remedy for remedy in remedies if node is None or remedy.effect.node in (None, node))


def with_current_wake(remedies: Collection[Remedy], root: Path) -> tuple[Remedy, ...]:
    """Return the remedies; the one that wakes kcompactd, if it can, writes the value that the setting has now."""
    return tuple(
        read_wake(root) if remedy.effect.gentle and remedy.disabled_reason is None else remedy for remedy in remedies
    )


def freeing(remedies: Collection[Remedy]) -> tuple[Remedy, ...]:
    """Return those that free memory: compaction frees none."""
    return tuple(remedy for remedy in remedies if not (remedy.effect.compact or remedy.effect.gentle))


def without_included(remedies: Collection[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies without those that others include: once these have run, nothing is left to try."""
    compacts = any(remedy.effect.compact and remedy.effect.node is None for remedy in remedies)
    drops = any(remedy.effect.page_cache and remedy.effect.reclaim is None for remedy in remedies)
    return tuple(
        remedy
        for remedy in remedies
        if not (compacts and (remedy.effect.gentle or remedy.effect.node is not None))
        and not (drops and remedy.effect.reclaim is not None)
    )


def together(remedies: Collection[Remedy]) -> Effect:
    """Return the effect of all of them."""
    effects = [remedy.effect for remedy in without_included(remedies)]
    return Effect(
        sync=any(effect.sync for effect in effects),
        page_cache=any(effect.page_cache for effect in effects),
        slab=any(effect.slab for effect in effects),
        compact=any(effect.compact for effect in effects),
        reclaim=next((effect.reclaim for effect in effects if effect.reclaim is not None), None),
    )


def forecasts(remedies: Sequence[Remedy], snapshot: Snapshot, need: Need, found: NeedCheck) -> tuple[Rung, ...]:
    """Return the remedies with their forecasts in the zones of the need; free memory counts beside the blocks."""
    missing = max(0, need.blocks - (found.blocks or 0))
    free = max(0, (need.free or 0) - (found.free or 0))
    rungs = ladder(remedies, snapshot, view_of(snapshot, need), missing)

    def suffices(gain: Gain) -> bool:
        return bool(missing or free) and (gain.blocks or 0) >= missing and (gain.bytes or 0) >= free

    return tuple(replace(rung, suffices=suffices(rung.expected)) for rung in rungs)


def left_out(chosen: Collection[EscalationStep], *, compacts: bool) -> str | None:
    """Return which steps that may help are not allowed; None if none is. Compaction counts only if `compacts`."""
    steps = [step for step in _THOROUGH if step not in chosen and (compacts or step is not EscalationStep.COMPACT)]
    return f"--steps leaves out {', '.join(steps)}" if steps else None
