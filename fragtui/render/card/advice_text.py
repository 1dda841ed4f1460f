"""A recommended remedy in words, on the card and as a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fragtui.model.remedy.recommendation import Choice, Recommendation
from fragtui.render.card.fitting import Span, Spans, spans, strong
from fragtui.render.card.means import Means
from fragtui.render.numbers import rough, short_bytes

_OF_SCREEN = {
    Choice.DROP_PAGE_CACHE: "drop-page-cache",
    Choice.DROP_CACHES: "drop-caches",
    Choice.COMPACT: "compact",
    Choice.DROP_THEN_COMPACT: "step-by-step",
}
"""The screen's commands, which have keys."""
_TITLES = {
    Choice.DROP_PAGE_CACHE: "drop page cache",
    Choice.DROP_CACHES: "drop caches",
    Choice.COMPACT: "compact",
    Choice.DROP_THEN_COMPACT: "drop caches, then compact",
}
_SHORT_TITLES = {**_TITLES, Choice.DROP_PAGE_CACHE: "drop cache", Choice.DROP_THEN_COMPACT: "drop, compact"}
_COMMANDS = {
    Choice.DROP_PAGE_CACHE: "fragtui drop-caches 1{sync}",
    Choice.DROP_CACHES: "fragtui drop-caches 3{sync}",
    Choice.COMPACT: "fragtui compact{sync}",
    Choice.DROP_THEN_COMPACT: "fragtui drop-caches 3{sync}, then fragtui compact",
}


def remedy_line(recommendation: Recommendation, size: str, means: Means, keys: Mapping[str, str]) -> Sequence[Spans]:
    """Return what the remedy gives in blocks of that size, and its cost, from the full text to the shortest."""
    gain, choice = recommendation.gain, recommendation.choice
    do, short = spans(_TITLES[choice]), spans(_SHORT_TITLES[choice])
    if means is Means.KEYS:
        key = Span(f" {keys[_OF_SCREEN[choice]]} ", "keycap")
        do, short = (key, Span(" "), *do), (key, Span(" "), *short)
    elif means is Means.COMMANDS:
        command = _COMMANDS[choice].format(sync=" --sync" if recommendation.effect.sync else "")
        do, short = spans(strong(command)), spans(strong(command.replace("then fragtui", "then")))
    about = Span(": about ")
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
    base = (*do, about, blocks, Span(less))
    return [
        (*base, Span(ends), Span(full)),
        (*base, Span(ends), Span(brief)),
        (*base, Span(full)),
        (*base, Span(brief)),
        base,
        (*do, about, blocks),
        (*short, about, blocks),
        (*short, Span(": "), blocks),
        short,
    ]
