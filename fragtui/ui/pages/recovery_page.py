"""The result of a remedy: before and after for each zone and order, the cost, and what is left of the gain."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.remedy.recovery import Recovery, ZoneRecovery
from fragtui.remedies.escalation import EscalationEnd
from fragtui.remedies.service import RemedyResult
from fragtui.render.forecast_text import checkpoint_sentence, decay_sentence, share_phrase
from fragtui.render.remedy_report import cost_sentence, result_sentences
from fragtui.text import format_block, format_count, format_duration
from fragtui.ui.widgets.cells import fit, fit_right, wrap
from fragtui.ui.widgets.rows import Line, Span, line


def summary(remedy_result: RemedyResult) -> str:
    """Return the result in one sentence for the main screen."""
    recovery = remedy_result.recovery
    sentence = (
        remedy_result.outcome.explanation
        if remedy_result.escalation_end is None
        else f"Step by step: {remedy_result.escalation_end.why}."
    )
    if recovery.before is None or recovery.after is None:
        return sentence
    block = format_block(recovery.page_size, recovery.order)
    text = f"{sentence} Blocks of {block}: {format_count(recovery.before)} → {format_count(recovery.after)}"
    gain_decay = remedy_result.gain_decay
    if gain_decay and gain_decay.share is not None and gain_decay.age is not None:
        text += f"; {share_phrase(gain_decay.share)} {format_duration(gain_decay.age)} later"
    return text + "."


def recovery_lines(remedy_result: RemedyResult, width: int) -> Sequence[Line]:
    """Return the whole page for one remedy."""
    outcome, recovery = remedy_result.outcome, remedy_result.recovery
    style = "good" if outcome.result == "done" else "warn"
    lines = _step_lines(remedy_result.escalation_end, width) if remedy_result.escalation_end else []
    lines += [line((row, style)) for row in wrap(outcome.explanation, width, 3)]
    if outcome.audit_problem:
        lines += [line((row, "bad")) for row in wrap(f"The end is not logged: {outcome.audit_problem}", width, 2)]
    lines += [line((row, "text")) for row in wrap(_gain(remedy_result), width, 3)]
    lines.append(line())
    lines += _table(recovery, width)
    lines.append(line())
    lines += [line((row, "muted")) for row in wrap(cost_sentence(outcome, recovery), width, 4)]
    for look in remedy_result.checkpoints:
        lines += [line((row, "muted")) for row in wrap(checkpoint_sentence(look, recovery), width, 2)]
    return lines


def _step_lines(end: EscalationEnd, width: int) -> list[Line]:
    lines = [line((row, "text")) for row in wrap(f"Step by step: {end.reason}, {end.why}.", width, 3)]
    for step in end.steps:
        before, after = ("?" if count is None else format_count(count) for count in (step.before, step.after))
        lines.append(line((f"  {step.remedy.title}", "text"), (f"  {before} → {after} blocks", "good")))
    for skipped in end.skipped:
        lines += [line((f"  {row}", "muted")) for row in wrap(f"skipped {skipped}", width - 2, 2)]
    return lines


def _gain(result: RemedyResult) -> str:
    sentences = result_sentences(result.outcome, result.recovery, result.expected)
    decay = decay_sentence(result.gain_decay)
    return " ".join([*sentences, *([decay] if decay else [])])


def _table(recovery: Recovery, width: int) -> list[Line]:
    orders = max((len(zone.after or zone.before or ()) for zone in recovery.zones), default=0)
    label = 18
    cell = max(5, min(7, (width - label) // max(1, orders)))
    shown = max(0, (width - label) // cell)
    # If not all orders fit, show the high ones.
    first = max(0, orders - shown)
    head: list[Span] = [(fit("", label), "title")]
    head += [
        (
            fit_right(f"▾{order}" if order == recovery.order else str(order), cell),
            "strong" if order == recovery.order else "title",
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
        spans: list[Span] = [(fit(name if word == "before" else "", 11), "text"), (fit(word, label - 11), "muted")]
        for order in orders:
            text = "?" if counts is None or order >= len(counts) else format_count(counts[order])
            spans.append((fit_right(text, cell), _change(zone, order) if word == "after" else "muted"))
        rows.append(line(*spans))
    return rows


def _change(zone: ZoneRecovery, order: int) -> str:
    gained = zone.gained(order)
    if not gained:
        return "text"
    return "good" if gained > 0 else "muted"
