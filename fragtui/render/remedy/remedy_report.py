"""The result of a remedy as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.recovery import Recovery, ZoneRecovery
from fragtui.model.remedy.remedy_history import Episode
from fragtui.remedies.follow_up import FollowUp
from fragtui.remedies.outcome import Outcome
from fragtui.render.remedy.forecast_text import early_end_sentence, error_sentence
from fragtui.text import counted, format_block, format_bytes, format_count, format_duration


def result_sentences(outcome: Outcome, recovery: Recovery, expected: Gain | None) -> list[str]:
    """Return the gain in blocks of the target order, against the forecast, and whether compaction ended early."""
    if recovery.before is None or recovery.after is None or recovery.gained is None:
        sentences = ["The result is unknown: the free blocks could not be read before or after."]
    else:
        sentences = [
            f"Blocks of {format_block(recovery.page_size, recovery.order)}: {format_count(recovery.before)} before, "
            f"{format_count(recovery.after)} after ({_signed(recovery.gained)})."
        ]
        if recovery.unusable:
            before, after = recovery.unusable
            sentences.append(f"Unusable free memory: {before / 10:.1f} % → {after / 10:.1f} %.")
        if expected is not None and expected.blocks is not None:
            sentences.append(error_sentence(expected.blocks, recovery.gained))
    if (early := early_end_sentence(recovery, outcome.remedy.effect)) is not None:
        sentences.append(early)
    return sentences


def cost_sentence(outcome: Outcome, recovery: Recovery) -> str:
    """Return what the remedy cost the node in a sentence."""
    return f"Cost: {cost_phrase(outcome, recovery)}."


def cost_phrase(outcome: Outcome, recovery: Recovery) -> str:
    """Return what the remedy cost the node: time, free memory, stalls, pages moved and read again."""
    cost = recovery.cost
    parts = [f"took {format_duration(outcome.seconds)}", f"{format_duration(outcome.cpu)} of CPU"]
    if recovery.free_bytes is not None:
        sign = "more" if recovery.free_bytes >= 0 else "less"
        parts.append(f"{format_bytes(abs(recovery.free_bytes))} {sign} free")
    if cost.stalled is not None:
        stalled = "no task stalled" if cost.stalled < 0.05 else f"tasks stalled for {format_duration(cost.stalled)}"
        parts.append(stalled)
    if cost.migrated or cost.migrate_failed:
        failed = f", {format_count(cost.migrate_failed)} could not be moved" if cost.migrate_failed else ""
        parts.append(f"{format_count(cost.migrated or 0)} pages moved{failed}")
    if cost.refaults is not None:
        parts.append(counted(cost.refaults, "refault"))
    if cost.read is not None:
        parts.append(f"{format_bytes(cost.read)} read from disk")
    return ", ".join(parts)


def outcome_lines(outcome: Outcome, recovery: Recovery, expected: Gain) -> str:
    """Return the report as lines: how the remedy ended, before and after for each zone and order, gain and cost."""
    result = result_sentences(outcome, recovery, expected)
    return "\n".join([outcome.explanation, *_table(recovery), *result, cost_sentence(outcome, recovery)])


def outcome_json(outcome: Outcome, recovery: Recovery, expected: Gain) -> dict[str, Any]:
    """Return the report for JSON; unknown facts are null."""
    cost = recovery.cost
    return {
        "id": outcome.id,
        "result": outcome.result.value,
        "explanation": outcome.explanation,
        "seconds": round(outcome.seconds, 3),
        "cpu_seconds": round(outcome.cpu, 3),
        "order": recovery.order,
        "blocks": {"before": recovery.before, "after": recovery.after, "gained": recovery.gained},
        "expected": {
            "bytes": expected.bytes,
            "blocks": expected.blocks,
            "low": expected.low,
            "high": expected.high,
            "why": expected.why,
        },
        "free_bytes_gained": recovery.free_bytes,
        "zones": [
            {
                "node": zone.key[0],
                "zone": zone.key[1],
                "serves_kernel": zone.target,
                "before": zone.before,
                "after": zone.after,
            }
            for zone in recovery.zones
        ],
        "cost": {
            "stalled_seconds": cost.stalled,
            "stalled_full_seconds": cost.stalled_full,
            "refaults": cost.refaults,
            "read_bytes": cost.read,
            "migrated_pages": cost.migrated,
            "migrate_failed_pages": cost.migrate_failed,
            "scanned_pages": cost.scanned,
            "scanned_share": None if recovery.looked_at is None else round(recovery.looked_at, 3),
        },
    }


def episode_json(episode: Episode, *, lost: bool = False) -> dict[str, Any]:
    """Return the object of `history --json`; `lost` is whether the remedy's end is unknown."""
    state = episode.ended.result.value if episode.ended else "running"
    return {
        **asdict(episode.intent),
        "state": "unknown" if lost else state,
        "ended": asdict(episode.ended) if episode.ended else None,
        "gained": episode.gained,
        "lasted": episode.lasted,
        "evidence": [asdict(entry) for entry in episode.evidence],
    }


def decay_json(followup: FollowUp) -> dict[str, Any]:
    """Return the later measurements of the gain for JSON; null if there were none."""
    gain_decay = followup.gain_decay
    return {
        "half_life_seconds": gain_decay.half_life if gain_decay else None,
        "looks": [
            {
                "after_seconds": look.after,
                "blocks": look.blocks,
                "refaults": look.cost.refaults,
                "read_bytes": look.cost.read,
                "stalled_seconds": look.cost.stalled,
            }
            for look in followup.checkpoints
        ],
    }


def _table(recovery: Recovery) -> list[str]:
    width = max((len(side) for zone in recovery.zones for side in (zone.before, zone.after) if side), default=0)
    lines = [f"{'':24}" + "".join(f"{order:>7}" for order in range(width))]
    for zone in recovery.zones:
        name = f"node {zone.key[0]} {zone.key[1]}"
        lines.append(f"{name:<17}before " + _counts(zone.before, width))
        lines.append(f"{'':<17}after  " + _counts(zone.after, width))
        lines.append(f"{'':<17}change " + _changes(zone, width))
    return lines


def _counts(counts: tuple[int, ...] | None, width: int) -> str:
    if counts is None:
        return "unknown"
    return "".join(f"{format_count(count):>7}" for count in counts[:width])


def _changes(zone: ZoneRecovery, width: int) -> str:
    changes = [zone.gained(order) for order in range(width)]
    return "".join(f"{'?' if change is None else _signed(change):>7}" for change in changes)


def _signed(count: int) -> str:
    return f"+{format_count(count)}" if count > 0 else format_count(count)
