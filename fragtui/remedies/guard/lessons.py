"""What the guard learns from its runs: which steps are not worth another try, and how much to expect of the others.

All of it comes from the audit log and the runs since, so that a guard that starts again knows it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fragtui.model.remedy.forecast import HELPING_BLOCKS, Gain
from fragtui.model.remedy.remedy_history import Episode, Result
from fragtui.remedies.catalogue import RECLAIM, Remedy
from fragtui.remedies.escalation import StepResult
from fragtui.sources.host.cgroups import HIERARCHIES
from fragtui.text import counted, format_count

LIFETIME = 3600.0
"""Seconds after which a lesson is forgotten: the node is another one by then."""
MIN_SHARE = 0.05
"""Share of its forecast that a run must gain."""
_OTHER_STATE = 2
"""Times as many bytes to free as then: what a drop gained then says nothing of a drop now."""
_MOST_MORE = 2
"""Times its last gain that a remedy is expected to gain at most, in the same state."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the last run of one remedy gained, in blocks of the policy's order; `at` is monotonic seconds."""

    gained: int
    expected: int | None
    freed: int | None
    """Bytes that its forecast said it would free."""
    at: float
    misses: int
    """Times in a row that it gained nothing worth it."""


Lessons = Mapping[str, Lesson]
"""Lessons by the name of the remedy, see `_name`."""


def is_worth_its_cost(gained: int, expected: int | None, missing: int, *, page_cache: bool) -> bool:
    """Return whether a gain is worth what it cost: a tenth of the missing blocks and `MIN_SHARE` of the forecast.

    Page cache that is dropped must be read again from disk: for fewer than `HELPING_BLOCKS` that is too much, unless
    nothing is missing after it.
    """
    least = max(1, missing // 10, (expected or 0) * MIN_SHARE)
    if page_cache:
        least = max(least, min(HELPING_BLOCKS, missing))
    return gained >= least


def learnt(lessons: Lessons, steps: Iterable[StepResult], wanted: int, at: float) -> Lessons:
    """Return the lessons with the steps of a run that wanted so many blocks."""
    found = dict(lessons)
    for step in steps:
        if step.outcome.result is Result.DONE and step.before is not None and step.after is not None:
            missing, gained = wanted - step.before, step.after - step.before
            name, page_cache = _name_of(step.remedy), step.remedy.effect.page_cache
            _add(found, name, gained, missing, step.expected, at, page_cache=page_cache)
    return found


def lessons_from_history(history: Iterable[tuple[float, Episode]], order: int, wanted: int) -> Lessons:
    """Return the lessons of earlier runs at that order, each with its time in monotonic seconds, oldest first."""
    found: dict[str, Lesson] = {}
    for at, episode in history:
        intent, gained = episode.intent, episode.gained
        done = episode.ended is not None and episode.ended.result is Result.DONE
        if done and intent.order == order and gained is not None and intent.blocks is not None:
            expected = Gain(intent.expected_bytes, intent.expected_blocks)
            page_cache = intent.remedy.endswith(("drop-caches-1", "drop-caches-3", RECLAIM))
            name = _name(intent.remedy, intent.paths)
            _add(found, name, gained, wanted - intent.blocks, expected, at, page_cache=page_cache)
    return found


def _add(
    lessons: dict[str, Lesson], name: str, gained: int, missing: int, expected: Gain, at: float, *, page_cache: bool
) -> None:
    if missing <= 0:
        return  # The gain says nothing of a run that is needed.
    worth_it = is_worth_its_cost(gained, expected.blocks, missing, page_cache=page_cache)
    last = lessons.get(name)
    misses = 0 if worth_it else 1 + (last.misses if last is not None else 0)
    lessons[name] = Lesson(gained, expected.blocks, expected.bytes, at, misses)


def against(lessons: Lessons, remedy: Remedy, gain: Gain, now: float) -> str | None:
    """Return why a remedy is not worth another try now, or None if it is; `gain` is its forecast.

    Page cache is dropped once in the same state, other steps fail twice.
    """
    lesson = _of(lessons, remedy, gain, now)
    if lesson is None or lesson.misses < (1 if remedy.effect.page_cache else 2):
        return None
    gained = "gained no block" if lesson.gained <= 0 else f"gained {counted(lesson.gained, 'block')}"
    expected = f" of {format_count(lesson.expected)} forecast" if lesson.expected and lesson.expected > 0 else ""
    again = f", too few {lesson.misses} times in a row" if lesson.misses > 1 else ""
    return f"{_name_of(remedy)}: {gained}{expected} last time{again}"


def weighed(lessons: Lessons, remedy: Remedy, gain: Gain, now: float) -> Gain:
    """Return the forecast of a remedy, lowered by what its last run gained."""
    lesson = _of(lessons, remedy, gain, now)
    if lesson is None or gain.blocks is None:
        return gain
    blocks = min(gain.blocks, max(0, lesson.gained) * _MOST_MORE)
    low = None if gain.low is None else min(gain.low, blocks)
    return replace(gain, blocks=blocks, low=low, why=gain.why or (None if blocks > 0 else "it gained none last time"))


def _name_of(remedy: Remedy) -> str:
    return _name(remedy.id, [step.path for step in remedy.steps])


def _name(remedy: str, paths: Iterable[str]) -> str:
    """Return what a lesson is about: the id of a remedy, for a reclaim with the cgroup below the mount."""
    if not remedy.endswith(RECLAIM):
        return remedy
    # The audit log has it below a root, a remedy has not; a root may change between two guards, its cgroups do not.
    files = (path.partition(HIERARCHIES[1][0])[2] for path in paths)
    return f"{remedy} of {next(filter(None, files), '').rpartition('/')[0]}"


def _of(lessons: Lessons, remedy: Remedy, gain: Gain, now: float) -> Lesson | None:
    """Return the lesson that holds for a remedy now, if any."""
    lesson = lessons.get(_name_of(remedy))
    if lesson is None or now - lesson.at > LIFETIME:
        return None
    if remedy.effect.drops and (gain.bytes or 0) > _OTHER_STATE * (lesson.freed or 0) > 0:
        return None
    return lesson
