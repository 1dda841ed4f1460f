"""A recommended remedy in words, on the card and as a command."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.remedy.recommendation import Choice, Recommendation
from fragtui.render.card.fitting import Span, Spans, spans, strong
from fragtui.render.card.means import Means
from fragtui.render.numbers import rough, short_bytes

_KEYS = {Choice.DROP_PAGE_CACHE: "1", Choice.DROP_CACHES: "3", Choice.COMPACT: "c", Choice.DROP_THEN_COMPACT: "l"}
_TITLES = {
    Choice.DROP_PAGE_CACHE: "drop page cache",
    Choice.DROP_CACHES: "drop caches",
    Choice.COMPACT: "compact",
    Choice.DROP_THEN_COMPACT: "drop caches, then compact",
}
_COMMANDS = {
    Choice.DROP_PAGE_CACHE: "fragtui drop-caches 1",
    Choice.DROP_CACHES: "fragtui drop-caches 3",
    Choice.COMPACT: "fragtui compact",
    Choice.DROP_THEN_COMPACT: "fragtui drop-caches 3, then fragtui compact",
}


def command_of(recommendation: Recommendation) -> str:
    """Return the command that runs the remedy."""
    sync = " --sync" if recommendation.effect.sync else ""
    return f"{_COMMANDS[recommendation.choice]}{sync}"


def remedy_line(recommendation: Recommendation, size: str, means: Means) -> Sequence[Spans]:
    """Return what the remedy gives in blocks of that size, and its cost, from the full text to the shortest."""
    gain, choice = recommendation.gain, recommendation.choice
    do = spans(f"{_TITLES[choice]}: about ")
    if means is Means.KEYS:
        do = spans(Span(f" {_KEYS[choice]} ", "keycap"), f" {_TITLES[choice]}: about ")
    elif means is Means.COMMANDS:
        do = spans(strong(command_of(recommendation)), ": about ")
    blocks = strong(f"{rough(gain.blocks or 0)} blocks of {size}")
    less = "" if recommendation.enough else f", fewer than the {recommendation.wanted} wanted"
    low, high = (None if end is None else rough(end) for end in (gain.low, gain.high))
    ends = f" ({low} to {high})" if low is not None and high is not None and low != high else ""
    cost = f"{short_bytes(recommendation.price)} is " if recommendation.price else None
    if recommendation.price is None:
        cost = "an unknown amount is "
    full, brief = (f"; {cost}then read from disk again", f"; {cost}read again") if cost else ("", "")
    if recommendation.effect.compact:
        full += "; processes that touch a page being moved wait"
    base = (*do, blocks, Span(less))
    return [
        (*base, Span(ends), Span(full)),
        (*base, Span(ends), Span(brief)),
        (*base, Span(full)),
        (*base, Span(brief)),
        base,
        (*do, blocks),
    ]
