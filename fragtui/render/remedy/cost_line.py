"""What a remedy cost the node, in one line that fits."""

from __future__ import annotations

from collections.abc import Iterator

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.recovery import Cost, cost_between
from fragtui.remedies.service import RemedyResult
from fragtui.render.numbers import prose_count, short_bytes, span_words

_MIN_STALL = 0.05
"""Seconds from which on processes waited."""
_MAX_APART = 3.0
"""Seconds between a remedy and the snapshot taken just before it, at most."""


def cost_line(result: RemedyResult, before: Snapshot | None, now: Snapshot, width: int) -> str:
    """Return the cost in at most `width` cells, the last facts left out first.

    `before` is the snapshot that bars are compared with: if it is that of the remedy, what was read since is known.
    """
    asked_at = result.asked_at
    same = before is not None and asked_at is not None and abs(before.time - asked_at) <= _MAX_APART
    read = cost_between(before, now).read if before is not None and same else None
    text = ""
    for part in _parts(result, read):
        longer = f"{text}, {part}" if text else f"cost: {part}"
        if len(longer) > width:
            break
        text = longer
    return text


def _parts(result: RemedyResult, read: int | None) -> Iterator[str]:
    end, recovery = result.escalation_end, result.recovery
    outcomes = [result.outcome] if end is None else [step.outcome for step in end.steps]
    effects = [outcome.remedy.effect for outcome in outcomes]
    yield _seconds(sum(outcome.seconds for outcome in outcomes))
    yield _stall(recovery.cost)
    if any(effect.drops for effect in effects):
        gained = recovery.free_bytes
        yield "unknown how much was freed" if gained is None else f"{short_bytes(max(0, gained))} freed"
    if any(effect.compact for effect in effects):
        moved = recovery.cost.migrated
        yield "moved pages unknown" if moved is None else f"{prose_count(moved)} pages moved"
    if read is not None:
        yield f"{short_bytes(read)} read from disk since"
    if cpu := sum(outcome.cpu for outcome in outcomes):
        yield f"{_seconds(cpu)} of CPU"


def _stall(cost: Cost) -> str:
    if cost.stalled is None:
        return "stalls unknown"
    return "no process waited" if cost.stalled < _MIN_STALL else f"processes waited {_seconds(cost.stalled)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 9.95 else span_words(seconds)
