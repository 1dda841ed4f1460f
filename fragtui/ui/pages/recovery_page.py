"""What a remedy brought: before and after per zone and order, the cost, and what is left of the gain."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.remedy.recovery import Recovery, ZoneRecovery
from fragtui.remedies.escalation import EscalationEnd
from fragtui.remedies.service import RemedyResult
from fragtui.render.forecast_text import checkpoint_sentence, decay_sentence, early_end_sentence, error_sentence
from fragtui.text import format_bytes, format_count, format_duration
from fragtui.ui.widgets.cells import fit, fit_right, wrap
from fragtui.ui.widgets.rows import Line, Span, line


def summary(remedy_result: RemedyResult) -> str:
    """Return the result in one sentence for the main screen."""
    recovery = remedy_result.recovery
    said = (
        remedy_result.outcome.explanation
        if remedy_result.escalation_end is None
        else f"Step by step: {remedy_result.escalation_end.why}."
    )
    if recovery.before is None or recovery.after is None:
        return said
    text = f"{said} Order-{recovery.order} blocks: {format_count(recovery.before)} → {format_count(recovery.after)}"
    gain_decay = remedy_result.gain_decay
    if gain_decay and gain_decay.share is not None and gain_decay.age is not None:
        text += f"; {min(9.99, gain_decay.share) * 100:.0f} % of the gain left after {format_duration(gain_decay.age)}"
    return text + "."


def recovery_lines(remedy_result: RemedyResult, width: int) -> Sequence[Line]:
    """Return the whole page for one remedy."""
    outcome, recovery = remedy_result.outcome, remedy_result.recovery
    style = "good" if outcome.result == "done" else "warn"
    lines = _climbed(remedy_result.escalation_end, width) if remedy_result.escalation_end else []
    lines += [line((row, style)) for row in wrap(outcome.explanation, width, 3)]
    if outcome.audit_problem:
        lines += [line((row, "bad")) for row in wrap(f"Its end is not on record: {outcome.audit_problem}", width, 2)]
    lines += [line((row, "text")) for row in wrap(_gain(remedy_result), width, 3)]
    lines.append(line())
    lines += _table(recovery, width)
    lines.append(line())
    lines += [line((row, "dim")) for row in wrap(_cost(remedy_result), width, 4)]
    for look in remedy_result.checkpoints:
        lines += [line((row, "dim")) for row in wrap(checkpoint_sentence(look, recovery.order), width, 2)]
    return lines


def _climbed(end: EscalationEnd, width: int) -> list[Line]:
    lines = [line((row, "text")) for row in wrap(f"Step by step: {end.reason}, {end.why}.", width, 3)]
    for step in end.steps:
        before, after = ("?" if count is None else format_count(count) for count in (step.before, step.after))
        lines.append(line((f"  {step.remedy.title}", "text"), (f"  {before} → {after} blocks", "good")))
    for skipped in end.skipped:
        lines += [line((f"  {row}", "dim")) for row in wrap(f"skipped {skipped}", width - 2, 2)]
    return lines


def _gain(remedy_result: RemedyResult) -> str:
    recovery = remedy_result.recovery
    if recovery.before is None or recovery.after is None or recovery.gained is None:
        return "What it brought is unknown: the zones could not be read before or after."
    sign = "+" if recovery.gained >= 0 else ""
    text = (
        f"Blocks of order {recovery.order}: {format_count(recovery.before)} before, {format_count(recovery.after)} "
        f"after ({sign}{format_count(recovery.gained)})."
    )
    if recovery.unusable:
        text += f" Unusable free memory: {recovery.unusable[0] / 10:.1f} % → {recovery.unusable[1] / 10:.1f} %."
    if remedy_result.expected and remedy_result.expected.blocks is not None:
        text += f" {error_sentence(remedy_result.expected.blocks, recovery.gained)}"
    if (early := early_end_sentence(recovery, remedy_result.outcome.remedy.effect)) is not None:
        text += f" {early}"
    if (said := decay_sentence(remedy_result.gain_decay)) is not None:
        text += f" {said}"
    return text


def _cost(remedy_result: RemedyResult) -> str:
    cost = remedy_result.recovery.cost
    pieces = [f"took {format_duration(remedy_result.outcome.seconds)}", f"{remedy_result.outcome.cpu:.1f}s of CPU"]
    freed = remedy_result.recovery.free_bytes
    if freed is not None:
        pieces.append(f"free memory {'+' if freed >= 0 else ''}{format_bytes(freed)}")
    if cost.stalled is not None:
        pieces.append(f"tasks stalled for {format_duration(cost.stalled)}")
    if cost.migrated is not None:
        failed = f", {format_count(cost.migrate_failed)} could not be" if cost.migrate_failed else ""
        pieces.append(f"{format_count(cost.migrated)} pages moved{failed}")
    if cost.refaults is not None:
        pieces.append(f"{format_count(cost.refaults)} refaults")
    if cost.read is not None:
        pieces.append(f"{format_bytes(cost.read)} read from disk")
    return "Cost: " + ", ".join(pieces) + "."


def _table(recovery: Recovery, width: int) -> list[Line]:
    orders = max((len(zone.after or zone.before or ()) for zone in recovery.zones), default=0)
    label = 18
    cell = max(5, min(7, (width - label) // max(1, orders)))
    shown = max(0, (width - label) // cell)
    # Where not all orders fit, the high ones are those that matter.
    first = max(0, orders - shown)
    head: list[Span] = [(fit("", label), "title")]
    head += [
        (
            fit_right(f"▾{order}" if order == recovery.order else str(order), cell),
            "target" if order == recovery.order else "title",
        )
        for order in range(first, orders)
    ]
    rows = [line(*head)]
    for zone in recovery.zones:
        rows += _zone_rows(zone, range(first, orders), label, cell)
    return rows


def _zone_rows(zone: ZoneRecovery, orders: range, label: int, cell: int) -> list[Line]:
    name = f"N{zone.key[0]} {zone.key[1]}"
    rows = []
    for word, counts in (("before", zone.before), ("after", zone.after)):
        spans: list[Span] = [(fit(name if word == "before" else "", 11), "text"), (fit(word, label - 11), "dim")]
        for order in orders:
            text = "?" if counts is None or order >= len(counts) else format_count(counts[order])
            spans.append((fit_right(text, cell), _change(zone, order) if word == "after" else "dim"))
        rows.append(line(*spans))
    return rows


def _change(zone: ZoneRecovery, order: int) -> str:
    gained = zone.gained(order)
    if not gained:
        return "text"
    return "good" if gained > 0 else "held"
