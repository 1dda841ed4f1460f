"""The state of the node for the target order: one object that screen, dialogs, check, report, JSON and metrics show."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import NodeJudgement, Severity, State, severity_of

if TYPE_CHECKING:  # `fragtui check` looks at no logs and mostly needs no forecast: together half of its CPU.
    from fragtui.model.remedy.recommendation import Recommendation
    from fragtui.model.state.denials import Denials
    from fragtui.model.state.waiting_pods import WaitingPods

_REMEDY_SLACK = 5.0
"""Seconds by which the blocks may be back before the remedy is logged."""


class Question(StrEnum):
    """What a source answers besides the blocks."""

    DENIALS = "denials"
    PODS = "pods"


class Unseen(NamedTuple):
    """A question that can't be answered, and why."""

    question: Question
    why: str
    """``not root``, ``/dev/kmsg: operation not permitted``."""
    todo: str | None = None
    """What makes it readable, as a command or an imperative: ``sudo fragtui``; None if that is unknown."""
    blind: bool = True
    """Whether it could not be looked at; False if it was not asked for, or not yet: `why` is then the whole text."""


class Since(NamedTuple):
    """When the state began."""

    at: float | None
    """Seconds since the epoch; None if unknown."""
    why: str | None = None
    """Why it is unknown."""
    at_least: bool = False
    """Whether it may have begun before: `at` is then the first reading."""


class LastRemedy(NamedTuple):
    """The newest remedy that is known to have run."""

    at: float
    """Its start, seconds since the epoch."""
    did: str
    """What it did, as a clause: ``you dropped caches``, ``caches were dropped``."""


class NextStep(StrEnum):
    """What to do, by the names in JSON."""

    NOTHING = "nothing"
    WAIT = "wait"
    REMEDY = "remedy"
    NOTHING_QUICK = "nothing_quick"
    FIND_CONSUMER = "find_consumer"
    UNBLIND = "unblind"
    """Make readable what can't be read."""
    UNKNOWN = "unknown"


class Advice(NamedTuple):
    """The one decision on what to do."""

    step: NextStep
    recommendation: Recommendation | None = None
    """The remedy, if `step` is REMEDY."""
    why: str | None = None
    """Why nothing quick helps, or why that is unknown."""
    frees: int | None = None
    """Bytes that dropping caches frees, if `step` is FIND_CONSUMER."""
    bound: float | None = None
    """Share of the free memory in smaller blocks that is between unmovable pages; None if not looked at or unknown."""


class Compactions(NamedTuple):
    """Compactions since boot that requests of any order waited for (compact_fail and compact_success of vmstat)."""

    failed: int
    done: int
    """All of them, those that found a block and those that failed."""


class NodeState(NamedTuple):
    """The state for requests of `judgement.order`."""

    state: State
    severity: Severity
    """Its value is the exit status."""
    judgement: NodeJudgement
    page_size: int
    """Bytes."""
    at: float
    """Time of the sample, seconds since the epoch."""
    cannot_judge: str | None
    """Why the blocks can't be judged; None if they can."""
    since: Since
    denials: Denials | None
    """None if they were not looked at; `unseen` says why."""
    pods: WaitingPods | None
    """None if they were not looked at; `unseen` says why."""
    advice: Advice
    compactions: Compactions | None = None
    """None if the kernel does not count them."""
    remedy: LastRemedy | None = None
    """The remedy that the node recovers from; None if there is none."""
    unseen: tuple[Unseen, ...] = ()

    @property
    def partly_blind(self) -> bool:
        """Whether the blocks can be judged, but logs or pods can't be seen."""
        return self.state is not State.UNKNOWN and any(unseen.blind for unseen in self.unseen)

    @property
    def bare_nodes(self) -> tuple[int, int] | None:
        """How many of the NUMA nodes have no block, and of how many; None unless only some of them have none."""
        without = len(self.judgement.nodes_without)
        return (without, self.judgement.nodes) if without else None

    def why_unseen(self, question: Question) -> Unseen | None:
        """Return why a question can't be answered, or None if it can."""
        return next((unseen for unseen in self.unseen if unseen.question is question), None)


NO_HISTORY = Since(None, "one sample has no history")


def node_state(
    snapshot: Snapshot,
    judgement: NodeJudgement,
    *,
    denials: Denials | None = None,
    pods: WaitingPods | None = None,
    since: Since = NO_HISTORY,
    remedy: LastRemedy | None = None,
    unseen: tuple[Unseen, ...] = (),
) -> NodeState:
    """Return the state of the node as sampled; what is None has its reason in `unseen`."""
    state, severity = judgement.state, judgement.severity
    lasts = judgement.thresholds.recovering_seconds
    recovered = remedy if remedy is not None and _recovers(snapshot, since, remedy, lasts) else None
    if state is State.OK and (recovered is not None or (pods is not None and pods.by_memory)):
        state, severity = State.RECOVERING, severity_of(State.RECOVERING)
    found = NodeState(
        state=state,
        severity=severity,
        judgement=judgement,
        page_size=snapshot.host.page_size,
        at=snapshot.time,
        cannot_judge=_cannot_judge(snapshot, judgement),
        since=since,
        denials=denials,
        pods=pods,
        advice=Advice(NextStep.NOTHING),
        compactions=_compactions(snapshot),
        remedy=recovered,
        unseen=unseen,
    )
    return found._replace(advice=_advice(snapshot, found))


def _compactions(snapshot: Snapshot) -> Compactions | None:
    failed, found = (snapshot.vmstat.get(f"compact_{end}") for end in ("fail", "success"))
    return None if failed is None or found is None else Compactions(failed, failed + found)


def _recovers(snapshot: Snapshot, since: Since, remedy: LastRemedy, lasts: float) -> bool:
    """Return whether the remedy is recent and the blocks came back after it; unknown counts as after it."""
    if not 0 <= snapshot.time - remedy.at < lasts:
        return False
    return since.at is None or (not since.at_least and since.at >= remedy.at - _REMEDY_SLACK)


def _cannot_judge(snapshot: Snapshot, judgement: NodeJudgement) -> str | None:
    if judgement.state is not State.UNKNOWN or judgement.too_large is not None:
        return None
    if judgement.doubtful:
        name = "zoneinfo" if any(zone.state.hidden.reserve for zone in judgement.doubtful) else "pagetypeinfo"
        return f"/proc/{name}: {snapshot.why(name) or 'not read yet'}"
    why = snapshot.why("buddyinfo")
    return f"/proc/buddyinfo: {why}" if why else "no zone that kernel requests may use"


def _advice(snapshot: Snapshot, found: NodeState) -> Advice:
    if found.state is State.UNKNOWN:
        return Advice(NextStep.UNBLIND if found.judgement.too_large is None else NextStep.NOTHING)
    if found.state is State.RECOVERING:
        return Advice(NextStep.WAIT)
    if found.judgement.unsure:
        return Advice(NextStep.UNBLIND)
    if found.state is State.OK:
        return Advice(NextStep.UNBLIND if found.partly_blind else NextStep.NOTHING)
    # A check runs every minute, mostly on a healthy node: the forecast is a sixth of its CPU.
    from fragtui.model.remedy.forecast import forecast, limit_phrase  # noqa: PLC0415
    from fragtui.model.remedy.recommendation import Choice, effect_of, recommend  # noqa: PLC0415

    choices = {
        State.LOW: tuple(Choice),
        # Compaction makes no memory.
        State.OUT_OF_MEMORY: (Choice.DROP_CACHES,),
    }.get(found.state, (Choice.DROP_CACHES, Choice.COMPACT, Choice.DROP_THEN_COMPACT))
    view = forecast(snapshot, found.judgement.order)
    best = recommend(snapshot, view, choices)
    if isinstance(best, str):
        return Advice(NextStep.UNKNOWN, why=best, bound=view.bound)
    if best is not None:
        return Advice(NextStep.REMEDY, best, bound=view.bound)
    if found.state is State.OUT_OF_MEMORY:
        return Advice(NextStep.FIND_CONSUMER, frees=view.gain(effect_of(snapshot, Choice.DROP_CACHES)).bytes)
    return Advice(NextStep.NOTHING_QUICK, why=limit_phrase(view), bound=view.bound)
