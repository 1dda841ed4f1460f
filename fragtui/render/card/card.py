"""The incident card: state, denied, stuck, try; the same four lines on the screen, in check and in the report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fragtui.model.node.verdict import State
from fragtui.model.state.node_state import NextStep, NodeState, Question, Unseen
from fragtui.render.card.fitting import Span, Spans, cells_in, fitted, plain, spans, strong
from fragtui.render.card.means import Means
from fragtui.render.card.state_text import badge, badge_role, block_size, outlooks, question, sentences
from fragtui.render.numbers import span_words

LABEL_CELLS = 8
"""Cells of a label and the gap after it."""
_DAY = 86_400.0
_CLAUSE = re.compile(r"; | \(|: |, | among |$")


class CardLine(NamedTuple):
    """One line: its label, empty for the first one, and its text."""

    label: str
    text: Spans

    def __str__(self) -> str:
        """Return the line without its roles."""
        return f"{self.label:<{LABEL_CELLS}}{plain(self.text)}"


class Card(NamedTuple):
    """The card for one width."""

    title: str
    since: str | None
    """Since when the state holds; None if that is unknown."""
    badge: str
    badge_role: str
    lines: tuple[CardLine, CardLine, CardLine, CardLine]
    outlook: str | None
    """The text of the lower border; None if there is none."""


def card(
    state: NodeState, width: int, now: float, means: Means = Means.NONE, keys: Mapping[str, str] | None = None
) -> Card:
    """Return the card in `width` cells; `now` is the epoch second that ages are counted from.

    A line that is too long leaves out, in this order: explanation, cause, second name, cost. `keys` are those of the
    screen's commands, for `Means.KEYS`.
    """
    word = badge(state)
    room = width - LABEL_CELLS
    label, step = _next_step(state, means, keys or {})
    first = fitted([spans(strong(text)) for text in sentences(state)], width - max(LABEL_CELLS, cells_in(word) + 4))
    return Card(
        title=question(state),
        since=_since(state, now),
        badge=word,
        badge_role=badge_role(state),
        lines=(
            CardLine("", first),
            CardLine("Denied", fitted(_denied(state, now), room)),
            CardLine("Stuck", fitted(_stuck(state), room)),
            CardLine(label, fitted(step, room)),
        ),
        outlook=next((text for text in outlooks(state) if cells_in(text) <= room), None),
    )


def _since(state: NodeState, now: float) -> str | None:
    at = state.since.at
    if at is None or state.state is State.UNKNOWN:
        return None
    # A check has no history and needs no clock: 2 ms of its CPU.
    from datetime import datetime  # noqa: PLC0415

    age = max(0.0, now - at)
    clock = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S" if age < _DAY / 2 else "%b %d %H:%M")
    return f"since before {clock}" if state.since.at_least else f"since {clock} · {span_words(age)}"


def _unseen(unseen: Unseen | None) -> Sequence[Spans]:
    why = unseen.why if unseen else "not looked at"
    # A long reason leaves its last clauses out, but not what "the journal:" says without its subject.
    cuts = [cut.start() for cut in _CLAUSE.finditer(why) if cut[0] != ": " or "; " not in why[: cut.start()]]
    whys = [_closed(why[:cut]) for cut in reversed(cuts)]
    if unseen is None or not unseen.blind:
        return [spans(text) for text in whys]
    return [*(spans(Span("? unknown: ", "unknown"), text) for text in whys), spans(Span("? unknown", "unknown"))]


def _closed(text: str) -> str:
    """Return a text that was cut inside of brackets with these closed."""
    return text + ")" * max(0, text.count("(") - text.count(")"))


def _denied(state: NodeState, now: float) -> Sequence[Spans]:
    if state.denials is None:
        return _unseen(state.why_unseen(Question.DENIALS))
    # `fragtui check` looks at neither by default: 10 ms of its CPU.
    from fragtui.render.card.events import denied_line  # noqa: PLC0415

    return denied_line(state.denials, state.page_size, now)


def _stuck(state: NodeState) -> Sequence[Spans]:
    if state.pods is None:
        return _unseen(state.why_unseen(Question.PODS))
    from fragtui.render.card.events import stuck_line  # noqa: PLC0415  # See above.

    return stuck_line(state.pods)


def _next_step(state: NodeState, means: Means, keys: Mapping[str, str]) -> tuple[str, Sequence[Spans]]:
    """Return the last line's label and its variants."""
    advice = state.advice
    if advice.step is NextStep.REMEDY and advice.recommendation is not None:
        # A healthy node has none: the forecast is a sixth of the CPU of a check.
        from fragtui.render.card.advice_text import remedy_line  # noqa: PLC0415

        return "Try", remedy_line(advice.recommendation, block_size(state), means, keys)
    if advice.step is NextStep.UNBLIND:
        return "Try", _unblind(state)
    if advice.step is NextStep.FIND_CONSUMER:
        find = spans(strong("find the consumer"))
        return "Try", [(*find, Span(": kubectl top pods, or the largest processes by resident memory")), find]
    if advice.step is NextStep.NOTHING_QUICK:
        move = "Cordon, move pods, reboot when you can"
        head = strong("nothing quick")
        return "Try", [spans(head, f": {advice.why}. {move}"), spans(head, f" helps. {move}"), spans(head, " helps")]
    if advice.step is NextStep.UNKNOWN:
        return "Try", [spans(Span("? ", "unknown"), f"which remedy helps is unknown: {advice.why}"),
                       spans(Span("? ", "unknown"), "which remedy helps is unknown: see ", strong("fragtui doctor")),
                spans(Span("? ", "unknown"), "which remedy helps is unknown")]  # fmt: skip
    if advice.step is NextStep.WAIT:
        return "Next", _wait(state, means, keys)
    if (largest := state.judgement.too_large) is not None:
        return "Try", [spans(f"target order {largest} or lower")]
    return "Next", [spans("nothing to do")]


def _unblind(state: NodeState) -> Sequence[Spans]:
    todo = next((unseen.todo for unseen in state.unseen if unseen.todo), None)
    doctor = spans(strong("fragtui doctor"), " lists each source and what it needs")
    if todo is None:
        return [doctor, spans(strong("fragtui doctor"))]
    return [
        spans(strong(todo), ", or ", strong("fragtui doctor"), " for each source and what it needs"),
        spans(strong(todo), ", or ", strong("fragtui doctor")),
        spans(strong("fragtui doctor")),
    ]


def _wait(state: NodeState, means: Means, keys: Mapping[str, str]) -> Sequence[Spans]:
    head = "wait for the retry" if state.pods and state.pods.by_memory else "watch whether the blocks last"
    settings: Spans = spans(strong("fragtui history --advice"), " lists settings for longer")
    if means is Means.KEYS:
        settings = spans(Span(f" {keys['history']} ", "keycap"), " settings for longer")
    return [spans(f"{head}. If the blocks do not last: ", *settings), spans(head)]
