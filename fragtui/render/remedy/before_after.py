"""The result of a remedy in words: did it work, which pods started, how long the gain lasted, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.node.cgroup_memory import CgroupPrice
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.remedy.recovery import Recovery, Success
from fragtui.model.remedy.remedy_history import Result
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.service import RemedyResult
from fragtui.render.numbers import short_bytes, span_words
from fragtui.render.pod_text import pod_name
from fragtui.render.remedy.forecast_text import early_end_sentence
from fragtui.text import counted, format_count

_WORDS = {
    Success.WORKED: ("✓ IT WORKED", "good"),
    Success.LITTLE: ("! HELPED A LITTLE", "warn"),
    Success.NONE: ("✗ NO EFFECT", "bad"),
    Success.UNKNOWN: ("? UNKNOWN", "unknown"),
}
_BEFORE_SECONDS = 300.0
"""Seconds before a remedy from which events are listed."""
_MAX_DENIALS = 3
"""Denied requests that are listed before a remedy, and after it."""
_MAX_PODS = 6


class Verdict(NamedTuple):
    """Whether a remedy worked: a word, its style, and the numbers in a sentence."""

    word: str
    style: str
    sentence: str


class Event(NamedTuple):
    """One thing that happened."""

    at: float
    """Seconds since the epoch."""
    sign: str
    style: str
    text: str


def verdict(result: RemedyResult) -> Verdict:
    """Return whether the remedy worked; unknown if blocks were not counted, or if it failed and there are more."""
    outcome, recovery = result.outcome, result.recovery
    success = recovery.success
    counts = _counts(result)
    alone = result.escalation_end is None
    if alone and outcome.result in (Result.FAILED, Result.DIED):
        if success in (Success.WORKED, Success.LITTLE):
            word, style = _WORDS[Success.UNKNOWN]
            return Verdict(word, style, f"{outcome.explanation} {counts} Something else may have freed them.")
        word, style = _WORDS[success]
        return Verdict(word, style, f"{outcome.explanation} {counts}".strip())
    word, style = _WORDS[success]
    early = early_end_sentence(recovery, outcome.remedy.effect)
    aborted = outcome.explanation if alone and outcome.result is Result.ABORTED else None
    enough = None
    if success is Success.LITTLE and recovery.before and (recovery.gained or 0) * 2 < recovery.before:
        enough = "Most of them were free before."
    return Verdict(word, style, " ".join(filter(None, (counts, kept(result), enough, aborted, early))))


def _counts(result: RemedyResult) -> str:
    recovery = result.recovery
    if recovery.before is None or recovery.after is None:
        return "The free blocks could not be read before or after."
    size = short_bytes(recovery.page_size << recovery.order)
    before, after = format_count(recovery.before), format_count(recovery.after)
    if recovery.after == recovery.before:
        return f"{size} blocks: {before} before and after."
    return f"{size} blocks went from {before} to {after}{_took(result)}."


def _took(result: RemedyResult) -> str:
    end = result.escalation_end
    seconds = result.outcome.seconds if end is None else sum(step.outcome.seconds for step in end.steps)
    return f" in {seconds:.1f} s" if seconds < 9.95 else f" in {span_words(seconds)}"


def kept(result: RemedyResult) -> str | None:
    """Return what is left of the gain now, in a sentence; None without a gain or a later sample."""
    decay = result.gain_decay
    if decay is None or decay.gain <= 0 or decay.share is None or not decay.age or decay.now is None:
        return None
    half = "" if decay.half_life is None else f" Half of it was gone after {span_words(decay.half_life)}."
    share = min(100, round(decay.share * 100))
    return f"After {span_words(decay.age)} {format_count(decay.now)} are left: {share} % of the gain.{half}"


def kept_phrases(recovery: Recovery, result: RemedyResult) -> Sequence[str]:
    """Return the share of the gain that was left at each checkpoint, with the cost to the node until then."""
    if recovery.before is None or recovery.gained is None or recovery.gained <= 0:
        return ()
    # A recording has the blocks of each checkpoint, not the cost.
    marks = result.gain_decay.marks if result.gain_decay else ()
    looks = [(look.after, look.blocks, look.cost.read) for look in result.checkpoints]
    phrases = []
    for after, blocks, read in looks or [(after, blocks, None) for after, blocks in marks]:
        share = max(0.0, (blocks - recovery.before) / recovery.gained)
        cost = "" if read is None else f", {short_bytes(read)} read from disk"
        phrases.append(f"{min(100, round(share * 100))} % after {span_words(after)}: {counted(blocks, 'block')}{cost}")
    return phrases


def price_phrase(price: CgroupPrice) -> str:
    """Return the cost to a cgroup since it was reclaimed; unknown counts are named."""
    refaults = "refaults unknown" if price.refaults is None else counted(price.refaults, "refault")
    read = "reads unknown" if price.read is None else f"{short_bytes(price.read)} read from disk"
    stalled = price.stalled
    waited = "stalls unknown (cgroup v1 has no PSI)" if stalled is None else f"its tasks waited {stalled:.1f} s"
    return f"{refaults}, {read}, {waited}"


def pods_phrase(pods: StuckPods, asked_at: float | None) -> tuple[str, str]:
    """Return which pods that waited for memory have started since the remedy, and the style of that text."""
    started = [pod for pod in pods.started if _started_after(pod, asked_at)]
    waiting = [pod for pod in pods.pods if pod.memory]
    if not started and not waiting:
        return "✓ no pod waits for memory", "good"
    names = ", ".join(f"{pod_name(pod)}{_after(pod, asked_at)}" for pod in started[:_MAX_PODS])
    still = ", ".join(pod_name(pod) for pod in waiting[:_MAX_PODS])
    count = len(started) + len(waiting)
    parts = [f"{len(started)} of {counted(count, 'pod')} started", f": {names}" if names else ""]
    if waiting:
        parts.append(f"; still waiting: {still}{_rest(waiting)}")
    return f"{'!' if waiting else '✓'} {''.join(parts)}", "warn" if waiting else "good"


def _rest(pods: Sequence[StuckPod]) -> str:
    return f", +{len(pods) - _MAX_PODS}" if len(pods) > _MAX_PODS else ""


def _started_after(pod: StuckPod, asked_at: float | None) -> bool:
    return bool(pod.memory) and pod.started is not None and (asked_at is None or pod.started >= asked_at)


def _after(pod: StuckPod, asked_at: float | None) -> str:
    return "" if asked_at is None or pod.started is None else f" after {span_words(pod.started - asked_at)}"


def events(
    result: RemedyResult, incidents: Iterable[Incident], pods: StuckPods | None, now: float, page_size: int
) -> list[Event]:
    """Return what happened from five minutes before the remedy until now, in order; empty if its time is unknown."""
    asked_at = result.asked_at
    if asked_at is None:
        return []
    denied = [
        (incident.time, incident)
        for incident in incidents
        if incident.kind is ReportKind.ALLOCATION_FAILURE
        and incident.time is not None
        and asked_at - _BEFORE_SECONDS <= incident.time <= now
    ]
    before = [item for item in denied if item[0] < asked_at][-_MAX_DENIALS:]
    after = [item for item in denied if item[0] >= asked_at]
    found = [Event(at, "✗", "bad", _denied(incident, page_size)) for at, incident in before + after[:_MAX_DENIALS]]
    if len(after) > _MAX_DENIALS:
        found.append(Event(after[-1][0], "✗", "bad", f"{len(after) - _MAX_DENIALS} more denied requests until then"))
    found.append(Event(asked_at, "▸", "key", f"{_title(result)} requested"))
    end = result.escalation_end
    seconds = result.outcome.seconds if end is None else sum(step.outcome.seconds for step in end.steps)
    style = "good" if result.outcome.result is Result.DONE else "warn"
    found.append(Event(asked_at + seconds, "▼", style, _ended(result.outcome, result)))
    if pods is not None:
        found += _pod_events([*pods.pods, *pods.started], asked_at)
    return sorted(found)


def _pod_events(pods: Iterable[StuckPod], asked_at: float) -> list[Event]:
    found = []
    for pod in [pod for pod in pods if pod.memory][:_MAX_PODS]:
        failed = pod.first_failure if pod.first_failure is not None else pod.since
        if failed is not None and failed >= asked_at - _BEFORE_SECONDS:
            found.append(Event(failed, "!", "warn", f"{pod_name(pod)} did not start"))
        if pod.started is not None and pod.started >= asked_at - _BEFORE_SECONDS:
            found.append(Event(pod.started, "✓", "good", f"{pod_name(pod)} started"))
    return found


def _denied(incident: Incident, page_size: int) -> str:
    order = incident.order
    size = "memory" if order is None or not 0 <= order <= 30 else short_bytes(page_size << order)
    return f"{incident.comm or 'a task'} was denied {size}"


def _title(result: RemedyResult) -> str:
    return "step by step" if result.escalation_end else result.outcome.remedy.title.lower()


def _ended(outcome: Outcome, result: RemedyResult) -> str:
    end = result.escalation_end
    if end is not None:
        return f"{end.reason}: {end.why}"
    return outcome.explanation.removeprefix(f"{outcome.remedy.title}: ").rstrip(".")
