"""Before and after a remedy: whether it worked, the pods, the cost, what is next, the sizes, what happened."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_zones
from fragtui.model.remedy.recovery import Recovery
from fragtui.model.state.node_state import Question
from fragtui.remedies.escalation import EscalationEnd
from fragtui.remedies.service import RemedyResult
from fragtui.render.card.card import card
from fragtui.render.card.fitting import plain
from fragtui.render.card.means import Means
from fragtui.render.numbers import short_bytes, span_words
from fragtui.render.remedy.before_after import events, kept_phrases, pods_phrase, price_phrase, verdict
from fragtui.render.remedy.forecast_text import error_sentence, share_phrase
from fragtui.render.remedy.remedy_report import cost_phrase
from fragtui.text import format_block, format_count
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit, fit_right, spans_width, wrap
from fragtui.ui.widgets.incident_cells import time_of_day
from fragtui.ui.widgets.log_scale import decades, log_cells
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

_LABEL_CELLS = 9
_MAX_ROWS = 6
"""Rows of one paragraph."""
_COLUMNS = ("size", "before", "after", "now", "change")
_CELLS = (7, 8, 8, 8, 9)
"""Widths of the columns: a count takes at most six cells with its sign."""
_MIN_BAR_CELLS = 14
_MAX_BAR_CELLS = 60


def summary(remedy_result: RemedyResult) -> str:
    """Return the result for a line of the main screen: the gain first, which a narrow one must not leave out."""
    recovery = remedy_result.recovery
    sentence = (
        remedy_result.outcome.explanation
        if remedy_result.escalation_end is None
        else f"Step by step: {remedy_result.escalation_end.why}."
    )
    if recovery.before is None or recovery.after is None:
        return sentence
    block = format_block(recovery.page_size, recovery.order)
    text = f"Blocks of {block}: {format_count(recovery.before)} → {format_count(recovery.after)}"
    gain_decay = remedy_result.gain_decay
    if gain_decay and gain_decay.share is not None and gain_decay.age is not None:
        text += f"; {share_phrase(gain_decay.share)} {span_words(gain_decay.age)} later"
    return f"{text}. {sentence}"


def page_title(result: RemedyResult) -> str:
    """Return the title of the page: which remedy, and when."""
    title = "Step by step" if result.escalation_end else result.outcome.remedy.title
    return f"Before and after: {title}" + ("" if result.asked_at is None else f", {time_of_day(result.asked_at)}")


def recovery_lines(result: RemedyResult, session: Session, width: int) -> Sequence[Line]:
    """Return the whole page for one remedy."""
    outcome, recovery = result.outcome, result.recovery
    word, style, sentence = verdict(result)
    head, *rest = wrap(f"{word}  {sentence}", width, _MAX_ROWS)
    lines = [line((word, style), (head[len(word) :], "title")), *(line((row, "title")) for row in rest)]
    lines += _pods(result, session, width)
    lines += _field("Cost", cost_phrase(outcome, recovery), width)
    if session.trace is not None and result.asked_at is not None:
        from fragtui.render.tracing.trace_tables import stalled_words  # noqa: PLC0415  # Only with a trace.

        begin, end = result.asked_at, result.asked_at + outcome.seconds
        stalled = stalled_words(session.trace, begin, end, recovery.page_size)
        lines += _field("Stalled", stalled or "? unknown: the trace did not run all the time", width)
    if (state := session.state) is not None:
        means = Means.NONE if session.disabled_reason else Means.KEYS
        last = card(state, 10_000, CLOCK.now(), means, session.key_names).lines[3]
        lines += _field(last.label, " ".join(plain(last.text).split()), width)
    if outcome.audit_problem:
        lines += _field("Log", f"The end is not logged: {outcome.audit_problem}", width, "bad")
    if result.escalation_end is not None:
        lines += [line(), *_step_lines(result.escalation_end, width)]
    lines += [line(), *_sizes(recovery, session.snapshot, width), *_zones(recovery, width)]
    lines += _lasted(result, width)
    if session.recording is None:
        lines += _price(result, width)
    return [*lines, *_happened(result, session, width)]


def _field(label: str, text: str, width: int, style: str = "text") -> list[Line]:
    rows = wrap(text, width - _LABEL_CELLS, _MAX_ROWS) or [""]
    return [
        line((fit(label if number == 0 else "", _LABEL_CELLS), "title"), (row, style))
        for number, row in enumerate(rows)
    ]


def _pods(result: RemedyResult, session: Session, width: int) -> list[Line]:
    state, pods = session.state, session.pods
    unseen = state.why_unseen(Question.PODS) if state is not None else None
    if pods is None or unseen is not None:
        return _field("Pods", f"? unknown: {unseen.why if unseen else 'the pods are not read yet'}", width, "unknown")
    text, style = pods_phrase(pods.stuck, result.asked_at)
    return _field("Pods", text, width, style)


def _step_lines(end: EscalationEnd, width: int) -> list[Line]:
    lines = [line((row, "text")) for row in wrap(f"Step by step: {end.reason}, {end.why}.", width, 3)]
    for number, step in enumerate(end.steps, 1):
        before, after = ("?" if count is None else format_count(count) for count in (step.before, step.after))
        lines.append(line((f"  {number}  {step.remedy.title}", "text"), (f"  {before} → {after} blocks", "good")))
    for skipped in end.skipped:
        lines += [line((f"  {row}", "muted")) for row in wrap(f"skipped {skipped}", width - 2, 2)]
    return lines


def _sums(sides: Sequence[tuple[int, ...] | None]) -> tuple[int, ...] | None:
    """Return the blocks of all zones by order; None if those of one are unknown."""
    known = [side for side in sides if side is not None]
    if not known or len(known) < len(sides):
        return None
    orders = max(map(len, known))
    return tuple(sum(side[order] for side in known if order < len(side)) for order in range(orders))


def _now(recovery: Recovery, snapshot: Snapshot | None) -> tuple[int, ...] | None:
    if snapshot is None:
        return None
    keys = {zone.key for zone in recovery.zones if zone.target}
    return _sums([zone.free_blocks for zone in target_zones(snapshot) if zone.key in keys])


def _sizes(recovery: Recovery, snapshot: Snapshot | None, width: int) -> list[Line]:
    """Return the free blocks of exactly each size in the zones that serve kernel requests."""
    served = [zone for zone in recovery.zones if zone.target]
    before, after = _sums([zone.before for zone in served]), _sums([zone.after for zone in served])
    now = _now(recovery, snapshot)
    if before is None or after is None:
        return [line(("Blocks of each size: unknown, they could not be read before or after.", "unknown"))]
    latest = after if now is None else now
    room = min(_MAX_BAR_CELLS, width - sum(_CELLS) - 2)
    span = decades([*before, *latest])
    head = [(fit_right(name, cells), "muted") for name, cells in zip(_COLUMNS, _CELLS, strict=True)]
    legend = _legend()
    fits = room >= spans_width(legend)
    rows = [line(*head, *(legend if fits else ()))]
    for order in range(len(before)):
        old, mid = before[order], after[order] if order < len(after) else 0
        new = latest[order] if order < len(latest) else 0
        rows.append(line(*_row(recovery, order, (old, mid, None if now is None else new), new - old), *(
            _bar(old, new, span, room) if room >= _MIN_BAR_CELLS else ())))  # fmt: skip
    if not fits and room >= _MIN_BAR_CELLS:
        rows.append(line(*legend))
    small = any(latest[k] < before[k] for k in range(min(recovery.order, len(latest))))
    large = any(latest[k] > before[k] for k in range(recovery.order, min(len(latest), len(before))))
    if small and large:
        aim = "Small sizes fell because their blocks were merged into larger ones: that is the aim."
        rows += [line((row, "text")) for row in wrap(aim, width, 3)]
    return rows


def _row(recovery: Recovery, order: int, counts: Sequence[int | None], change: int) -> list[Span]:
    is_target = order == recovery.order
    size = ("▾" if is_target else "") + short_bytes(recovery.page_size << order)
    style = "good" if change > 0 and order >= recovery.order else "text"
    sign = "+" if change > 0 else ""
    old, mid, new = ("?" if count is None else format_count(count) for count in counts)
    return [
        (fit_right(size, _CELLS[0]), "strong" if is_target else "text"),
        (fit_right(old, _CELLS[1]), "muted"),
        (fit_right(mid, _CELLS[2]), "text"),
        (fit_right(new, _CELLS[3]), "title"),
        (fit_right(f"{sign}{format_count(change)}", _CELLS[4]), style),
    ]


def _bar(old: int, new: int, span: int, room: int) -> list[Span]:
    before, after, both = (log_cells(count, span, room) for count in (old, new, min(old, new)))
    gained, lost = after - both, before - both
    tones = bar_tones()
    return [("  ", "text"), (tones.kept * both, "bar"), (tones.gained * gained, "gained"), (tones.lost * lost, "lost")]


def _legend() -> tuple[Span, ...]:
    """Return the meaning of the tones of a bar."""
    tones = bar_tones()
    kept, gained, lost = (tones.kept, "bar"), (tones.gained, "gained"), (tones.lost, "lost")
    return ("  ", "text"), kept, (" as before ", "muted"), gained, (" gained ", "muted"), lost, (" gone", "muted")


def _zones(recovery: Recovery, width: int) -> list[Line]:
    """Return the blocks of the target size in each zone, if there are several."""
    served = [zone for zone in recovery.zones if zone.target]
    if len(served) < 2:
        return []
    size = short_bytes(recovery.page_size << recovery.order)
    rows = [line(), line((f"{size} blocks by zone, larger ones split", "title"))]
    for zone in served:
        before, after = ("?" if count is None else format_count(count) for count in zone.blocks(recovery.order))
        name = f"N{zone.key[0]} {zone.key[1]}"
        rows.append(line((fit(f"  {name}", 18), "text"), (fit_right(before, 8), "muted"), (f"  →  {after}", "text")))
    return rows


def _lasted(result: RemedyResult, width: int) -> list[Line]:
    """Return how long the gain lasted, and how good the forecast was."""
    recovery, expected = result.recovery, result.expected
    lines = [line(), line(("How long it lasts", "title"))]
    looks = kept_phrases(recovery, result)
    lines += [line((row, "text")) for look in looks for row in wrap(f"  {look}", width, 2)]
    if not looks:
        waits = recovery.gained is not None and recovery.gained > 0
        text = "  It is measured again after 1, 5 and 30 minutes." if waits else "  There is no gain to measure."
        lines += [line((row, "muted")) for row in wrap(text, width, 2)]
    if expected is not None and expected.blocks is not None and recovery.gained is not None:
        lines += [
            line((f"  {row}", "muted")) for row in wrap(error_sentence(expected.blocks, recovery.gained), width - 2, 2)
        ]
    return lines


def _price(result: RemedyResult, width: int) -> list[Line]:
    """Return the cost to the cgroup that was reclaimed, if one was."""
    end = result.escalation_end
    remedies = [result.outcome.remedy] if end is None else [step.remedy for step in end.steps]
    reclaimed = next((remedy for remedy in remedies if remedy.effect.reclaim is not None), None)
    if reclaimed is None:
        return []
    lines = [line(), line(("What it costs the reclaimed cgroup", "title"))]
    paid = [(look.after, look.price) for look in result.checkpoints if look.price is not None]
    texts = [f"{span_words(after)} after: {price_phrase(price)}" for after, price in paid]
    if not texts:
        texts = ["Its refaults, reads and stalls are read after 1, 5 and 30 minutes."]
    return [*lines, *(line((row, "text")) for text in texts for row in wrap(f"  {text}", width, 2))]


def _happened(result: RemedyResult, session: Session, width: int) -> list[Line]:
    """Return what happened, in order."""
    pods = session.pods.stuck if session.pods else None
    now = CLOCK.now()
    found = events(result, session.failures.incidents, pods, now, result.recovery.page_size)
    if not found:
        return []
    lines = [line(), line(("What happened", "title"))]
    for event in found:
        first, *rest = wrap(event.text, width - 12, 3) or [""]
        lines.append(line((f"{time_of_day(event.at)}  ", "muted"), (f"{event.sign} ", event.style), (first, "text")))
        lines += [line((" " * 12 + row, "text")) for row in rest]
    state = session.state
    seen = state is not None and state.denials is not None
    if seen and not any(event.sign == "✗" and event.at >= (result.asked_at or 0) for event in found):
        lines.append(line((f"{time_of_day(now)}  ", "muted"), ("· ", "muted"), ("no denied request since", "text")))
    return lines
