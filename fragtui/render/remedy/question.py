"""The text of the question before a remedy: whether it is needed, what to expect, what it costs, how to undo it."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, NodeJudgement, State, Thresholds, judge_node
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import WANTED_BLOCKS, Forecast, Gain, forecast
from fragtui.model.remedy.risk import NodeConditions, risks
from fragtui.model.state.node_state import NextStep, node_state
from fragtui.render.card.advice_text import remedy_line
from fragtui.render.card.fitting import plain
from fragtui.render.card.means import Means
from fragtui.render.card.state_text import need, sentence
from fragtui.render.numbers import one_digit, rough, short_bytes
from fragtui.render.remedy.forecast_text import forecast_text


@dataclass(frozen=True, slots=True)
class Expectation:
    """Blocks of the target order after a remedy, larger ones split; `now` and the ends of the forecast."""

    now: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class RemedyQuestion:
    """What a person reads before a remedy runs; each entry is one sentence or phrase."""

    needed: bool | None
    """Whether it is needed and helps; None if that is unknown."""
    need: str
    """That in words, the first line."""
    need_role: str
    expected: str
    expectation: Expectation | None
    """The expected result in numbers; None if it is unknown, or nothing."""
    reasons: tuple[str, ...]
    costs: tuple[str, ...]
    useless: tuple[str, ...]
    """Why it can't help."""
    risks: tuple[str, ...]
    """What may do harm on this node now."""
    undo: str


def remedy_question(
    snapshot: Snapshot,
    order: int,
    effect: Effect,
    conditions: NodeConditions | None = None,
    previous: Snapshot | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> RemedyQuestion:
    """Return the text for a remedy with this `effect` on the node as sampled; `previous` is an earlier tick."""
    judgement = judge_node(snapshot, order, thresholds)
    view = forecast(snapshot, order)
    # Compaction moves pages and frees none.
    moves_only = judgement.state is State.OUT_OF_MEMORY and effect.compact and not effect.drops
    gain = Gain(0, 0, why="compaction frees no memory") if moves_only else view.gain(effect)
    if judgement.too_large is not None:
        gain = Gain(None, None, why=f"this kernel has no block of order {order}")
    worth = view.worth(gain)
    first, role = need(judgement, snapshot.host.page_size, worth)
    found = risks(snapshot, view, effect, conditions, previous)
    # What gives no block has its reason in `expected`.
    if gain.blocks is None or gain.blocks <= 0:
        found = tuple(risk for risk in found if not risk.useless)
    words = forecast_text(snapshot, view, effect)
    is_ok = judgement.state is State.OK
    return RemedyQuestion(
        needed=False if is_ok else None if judgement.state is State.UNKNOWN else worth,
        need=first + _more(snapshot, judgement, effect, worth),
        need_role=role,
        expected=_expected(view, effect, gain, wanted=not is_ok),
        expectation=_expectation(view, gain),
        reasons=words.reasons,
        costs=words.costs,
        useless=tuple(risk.sentence for risk in found if risk.useless),
        risks=tuple(risk.sentence for risk in found if not risk.useless),
        undo=_undo(effect),
    )


def _more(snapshot: Snapshot, judgement: NodeJudgement, effect: Effect, worth: bool | None) -> str:
    """Return what the first line adds: the state if the remedy helps, the better remedy if there is one."""
    if judgement.state is State.OK or not judgement.serving or worth is None:
        return ""
    state = node_state(snapshot, judgement)
    if worth:
        return f" {sentence(state)}"
    advice = state.advice
    if advice.step is NextStep.FIND_CONSUMER:
        return " Find the process that uses the memory."
    if advice.recommendation is None or advice.recommendation.effect == effect:
        return ""
    size = short_bytes(snapshot.host.page_size << judgement.order)
    return f" Better: {plain(remedy_line(advice.recommendation, size, Means.NONE, {})[-1])}."


def _expected(view: Forecast, effect: Effect, gain: Gain, wanted: bool) -> str:
    if effect.gentle:
        return "kcompactd wakes, and compacts in the background only if its own score is high enough"
    if gain.blocks is None:
        return f"unknown: {gain.why}"
    size = short_bytes(view.block_size)
    freed = f"frees about {short_bytes(one_digit(gain.bytes or 0))}, " if effect.drops and gain.bytes else ""
    if gain.blocks <= 0:
        return f"{freed}{'but ' if freed else ''}no more blocks of {size}: {gain.why}"
    low, high = (rough(gain.blocks if end is None else end) for end in (gain.low, gain.high))
    ends = "" if low == high else f" (likely {low} to {high})"
    less = (
        f", fewer than the {WANTED_BLOCKS} wanted" if gain.blocks < WANTED_BLOCKS else f"; {WANTED_BLOCKS} are wanted"
    )
    noun = "block" if gain.blocks == 1 else "blocks"
    return f"{freed}gives about {rough(gain.blocks)} more {noun} of {size}{ends}{less if wanted else ''}"


def _expectation(view: Forecast, gain: Gain) -> Expectation | None:
    if gain.blocks is None or gain.blocks <= 0 or view.blocks is None:
        return None
    low, high = (gain.blocks if end is None else end for end in (gain.low, gain.high))
    return Expectation(view.blocks, view.blocks + low, view.blocks + high)


def _undo(effect: Effect) -> str:
    if effect.page_cache:
        return "can't be undone, only read again: the cache fills as files are read; no data is lost"
    if effect.slab:
        return "can't be undone, only built again: these caches fill as files are looked up; no data is lost"
    return "nothing to undo: the setting keeps its value" if effect.gentle else "nothing to undo: pages only move"
