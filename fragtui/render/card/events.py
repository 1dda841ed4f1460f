"""The card's lines about denied requests and stuck pods."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.pods.stuck_pods import StuckPod
from fragtui.model.state.denials import Denials
from fragtui.model.state.waiting_pods import WaitingPods
from fragtui.render.card.fitting import Span, Spans, name, spans, strong
from fragtui.render.incident_text import kind_counts
from fragtui.render.numbers import ago_words, short_bytes, span_words
from fragtui.render.pod_text import pod_name, stuck_words
from fragtui.text import counted


def denied_line(denials: Denials, page_size: int, now: float) -> Sequence[Spans]:
    """Return who was denied memory, from the full text to the shortest; other reports are named apart."""
    last, others = denials.last, kind_counts(dict(denials.others))
    if not denials.requests and denials.unlogged:
        least = "" if denials.exact else "at least "
        traced = spans(strong(f"{least}{counted(denials.unlogged, 'request')}"), " not logged, by the trace")
        return [*([(*traced, Span(f"; {others}"))] if others else []), traced]
    if not denials.requests and others:
        return [spans("no denied request, ", strong(others)), spans("no denied request")]
    if not denials.requests:
        if not denials.proof:
            return [spans("none in the kernel log")]
        none = spans(Span("✓ ", "good"), "none in the kernel log")
        return [(*none, Span(f": {denials.proof}")), none]
    apart = f"; {others}" if others else ""
    if last is None or denials.requests + denials.suppressed + (denials.unlogged or 0) > 1:
        return _many_denied(denials, apart, page_size, now)
    who, size, ago = name(last.comm or "a task"), strong(_size(page_size, last.order)), _ago(last.time, now)
    failed = spans(who, " asked for ", size, f" {ago} and failed, 1 time")
    purpose = f", for {last.purpose}" if last.purpose else ""
    brief = spans(who, " asked for ", size, f" {ago}, 1 time")
    return [*([(*failed, Span(purpose + apart))] if apart else []), (*failed, Span(purpose)), failed, brief]


def _many_denied(denials: Denials, apart: str, page_size: int, now: float) -> Sequence[Spans]:
    last = denials.last
    window = "" if denials.window is None or denials.window < 1 else f" in {span_words(denials.window)}"
    count, ago = f"{denials.requests:,}", _ago(None if last is None else last.time, now)
    # A trace counts what the rate limit hides, and more.
    more = denials.suppressed if denials.unlogged is None else denials.unlogged
    least = "at least " if denials.unlogged is None or not denials.exact else ""
    hidden = f"{more:,} more not logged" if more else ""
    head = spans(strong(f"{count} request{'' if denials.requests == 1 else 's'}"), f"{window}, last {ago}")
    full = (*head, Span(f"; {least}{hidden}" if hidden else ""))
    brief = (*head, Span(f"; {hidden}" if hidden else ""))
    short = spans(strong(count), f"{window}, last {ago}")
    variants = [brief, (*short, Span(f"; {hidden}" if hidden else "")), short]
    if apart:
        variants.insert(0, (*brief, Span(apart)))
    if denials.most is not None:
        comm, order, times = denials.most
        who = spans(name(comm), " ", strong(_size(page_size, order)))
        most = (Span(". Most: "), *who, Span(f" ({times})"))
        most_short = (Span("; most "), *who)
        variants = [(*full, Span(apart), *most), (*brief, Span(apart), *most_short), *variants]
    return variants


def _ago(at: float | None, now: float) -> str:
    return ago_words(None if at is None else now - at)


def _size(page_size: int, order: int | None) -> str:
    return "memory" if order is None or order < 0 else short_bytes(page_size << min(order, 30))


def stuck_line(pods: WaitingPods) -> Sequence[Spans]:
    """Return which pods are stuck, those by memory first, from the full text to the shortest."""
    if not pods.by_memory:
        return _not_by_memory(pods)
    count = len(pods.by_memory)
    names, first = _named(pods.by_memory), _first(pods.by_memory)
    if pods.total > 2 or count != pods.total:
        head = spans(strong(counted(count, "pod")), stuck_words(pods).removeprefix(f"{count:,}"))
        of_all = counted(count, "pod") if count == pods.total else f"{count:,} of {counted(pods.total, 'pod')}"
        brief = spans(strong(of_all), " by memory")
        lead = ". First: " if count > 2 else ": "
        return [
            *([(*head, Span(lead), *names)] if count == 2 else []),
            (*head, Span(lead), *first),
            (*brief, Span(": "), *first),
        ]
    surely = "" if pods.confidence == "proven" else f"{pods.confidence} "
    because = f", {'both ' if count == 2 else ''}{surely}because of it" if pods.confidence else ""
    head = spans(strong(counted(count, "pod")))
    return [(*head, Span(f"{because}: "), *names), (*head, Span(": "), *names), (*head, Span(": "), *first)]


def _not_by_memory(pods: WaitingPods) -> Sequence[Spans]:
    """Return the line for pods of which none is known to wait for memory."""
    unclear = (*pods.possibly, *pods.unknown)
    if not unclear:
        proof = spans(Span("✓ ", "good"), "no pod waits for memory")
        if others := len(pods.others):
            return [(*proof, Span(f"; {others} {_waits(others)} for other reasons")), proof]
        return [proof]
    short = spans(Span("? ", "unknown"), f"{counted(pods.total, 'pod')} {_waits(pods.total)}")
    all_unknown = len(pods.unknown) == pods.total
    head = spans(*short, ", cause unknown" if all_unknown else f": {stuck_words(pods)}")
    lead = Span(": " if all_unknown else ". First: ")
    return [(*head, lead, *_named(unclear)), (*head, lead, *_first(unclear)), head, short]


def _waits(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _named(pods: Sequence[StuckPod]) -> Spans:
    """Return the first two names, and how many more there are."""
    if len(pods) == 1:
        return _first(pods)
    more = f", +{len(pods) - 2}" if len(pods) > 2 else ""
    return spans(name(pod_name(pods[0])), ", ", name(pod_name(pods[1])), more)


def _first(pods: Sequence[StuckPod]) -> Spans:
    """Return the first name, and how many more there are."""
    more = f", +{len(pods) - 1}" if len(pods) > 1 else ""
    return spans(name(pod_name(pods[0])), more)
