"""The words for what could be looked at and what could not, for the screen, `check`, `report` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fragtui.model.node.source_state import AS_ROOT, Sight, SourceState
from fragtui.model.state.node_state import Question
from fragtui.model.state.node_state import Unseen as Unanswered

_PODS_SEEN_BY = ("API", "kubelet log", "saved logs", "pods")
"""The sources that can report a stuck pod by name, the most complete one first; `pods` stands for all of them."""
_STATE_WORDS = {"live": "read", "nothing": "not here", "connecting": "reading", "unsaved": "not saved"}
_KERNEL_LOG = SourceState("kernel log", "connecting", "")
_MAX_WHY = 300
"""Characters of one reason."""


class SightLine(NamedTuple):
    """What stands in place of an empty list: with a sign only if it is proven (✓) or unknown (?)."""

    sight: Sight
    text: str


class Unseen(NamedTuple):
    """One thing that can't be seen on this node, and so must not be called none."""

    what: str
    """``denied requests`` or ``stuck pods``."""
    source: str
    """The name of its best source."""
    why: str
    """Why that can't be read."""
    remedy: str
    """What to do about it, a command if there is one; empty if nothing is known."""

    @property
    def sentence(self) -> str:
        """The reason in one clause: ``the kernel log needs root (/dev/kmsg: operation not permitted)``."""
        return _reason(self.source, self.why, self.remedy)


def remedy_words(remedy: str, command: str | None) -> str:
    """Return the step; `AS_ROOT` becomes the command itself if the program knows how it was called."""
    return f"sudo {command}" if remedy == AS_ROOT and command else remedy


def unseen(
    log: SourceState | None, pods: Sequence[SourceState] | None, command: str | None = None
) -> tuple[Unseen, ...]:
    """Return what can't be seen, with its reasons: denied requests, stuck pods. Empty if both lists can be trusted.

    `log` is the state of the kernel log and `pods` those of the sources of pods, None before their first report.
    What is still being read, and what does not exist on this node, is not in it.
    """
    found = []
    if log is not None and log.sight is Sight.BLIND:
        found.append(Unseen("denied requests", log.name, log.cannot_tell, remedy_words(log.remedy, command)))
    if pods is not None and pods_sight(pods) is Sight.BLIND:
        blind = [source for source in _seers(pods) if source.sight is Sight.BLIND] or list(pods)
        needs_root = next((source for source in blind if source.remedy == AS_ROOT), None)
        best = needs_root or next((source for source in blind if source.name == "kubelet log"), blind[0])
        why = best.cannot_tell or best.state
        found.append(Unseen("stuck pods", best.name, why, remedy_words(best.remedy, command)))
    return tuple(found)


def unanswered(
    log: SourceState | None,
    pods: Sequence[SourceState] | None,
    command: str | None = None,
    *,
    denials: bool = False,
    stuck: bool = False,
) -> Iterator[Unanswered]:
    """Yield what can't be answered: what could not be looked at, is not read yet, or does not exist on this node.

    `denials` and `stuck` are whether some are known: then the question is answered.
    """
    blind = {item.what: item for item in unseen(log, pods, command)}
    for question, name, is_known, instead in (
        (Question.DENIALS, "denied requests", denials, no_denials(log)),
        (Question.PODS, "stuck pods", stuck, no_stuck_pods(pods)),
    ):
        if is_known or instead.sight is Sight.LOOKED:
            continue
        item = blind.get(name)
        if item is None:
            yield Unanswered(question, instead.text, blind=False)
        else:
            yield Unanswered(question, item.sentence, item.remedy or None)


def pods_sight(sources: Iterable[SourceState]) -> Sight:
    """Return what an empty list of stuck pods means: proven if one source that can report a pod has delivered."""
    sources = tuple(sources)
    sights = {source.sight for source in _seers(sources)} if sources else {Sight.PENDING}
    for sight in (Sight.LOOKED, Sight.PENDING, Sight.NOTHING):
        if sight in sights:
            return sight
    return Sight.BLIND


def no_denials(log: SourceState | None) -> SightLine:
    """Return the line for an empty list of denied requests."""
    log = log or _KERNEL_LOG
    if log.sight is Sight.LOOKED:
        place = "the part of the kernel log that was read" if log.cannot_tell else "the kernel log"
        # Recordings of older versions have no proof.
        return SightLine(log.sight, f"✓ none in {place}: {log.proof}" if log.proof else f"none in {place}")
    if log.sight is Sight.PENDING:
        return SightLine(log.sight, "reading the kernel log…")
    if log.state == "off":
        return SightLine(log.sight, f"? unknown: the kernel log is {log.cannot_tell}")
    return SightLine(log.sight, f"? unknown: {_reason(log.name, log.cannot_tell, log.remedy)}")


def no_stuck_pods(sources: Sequence[SourceState] | None) -> SightLine:
    """Return the line for an empty list of stuck pods."""
    sight = pods_sight(sources or ())
    if not sources or sight is Sight.PENDING:
        return SightLine(sight, "looking for the kubelet's log, the API and crictl…")
    seers = [source for source in _seers(sources) if source.sight is sight]
    if sight is Sight.LOOKED:
        proofs = "; ".join(f"{source.name}: {source.proof}" for source in seers if source.proof)
        return SightLine(sight, f"✓ none by the {proofs}" if proofs else f"none by the {seers[0].name}")
    if sight is Sight.NOTHING:
        return SightLine(sight, seers[0].cannot_tell)
    (blind,) = unseen(None, sources)
    return SightLine(sight, f"? unknown: {blind.sentence}")


def needs_root(
    log: SourceState | None, pods: Sequence[SourceState] | None, page_types: str | None, remedies: str | None
) -> tuple[str, ...]:
    """Return the names of what only root can see or do here.

    `page_types` is why /proc/pagetypeinfo was not read and `remedies` why none can be run, None if there is no reason.
    """
    blind = unseen(log, pods)
    found = [each.what for each in blind if each.remedy == AS_ROOT]
    found += ["migratetypes"] if page_types is not None and "needs root" in page_types else []
    return (*found, *(("remedies",) if remedies is not None and "must be root" in remedies else ()))


def root_lines(missing: Sequence[str], command: str, width: int, key: str, *, in_card: bool = False) -> tuple[str, ...]:
    """Return the note of a screen without root: one line, or a second one for the commands; none if nothing is missing.

    The command is never cut unless it is longer than a line. With `in_card` the card has it, and doctor, already. `key`
    is the one that hides the note.
    """
    if not missing:
        return ()
    names = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
    first = f"Not root: {names} {'is' if missing == ('remedies',) else 'are'} unavailable."
    short = f"Not root: no {', '.join(missing)}"
    run = f"sudo {command}"
    hints = (
        f"{run} · fragtui doctor says why · {key} hides this",
        f"{run} · why: fragtui doctor · {key}: hide",
        f"{run} · why: fragtui doctor",
    )
    if in_card:
        alone = (f"{first} {key} hides this", f"{short} · {key}: hide", short)
        return (next((line for line in alone if len(line) <= width), short),)
    joined = f"{first} {hints[0]}"
    if len(joined) <= width:
        return (joined,)
    return (first if len(first) <= width else short, next((hint for hint in hints if len(hint) <= width), run))


def state_word(source: SourceState) -> str:
    """Return the state of one source in one or two words."""
    return _STATE_WORDS.get(source.state, source.state)


def other_lines(sources: Iterable[SourceState]) -> list[str]:
    """Return, for an empty list of stuck pods, what the other sources can't show."""
    sources = tuple(sources)
    sight = pods_sight(sources)
    if sight is Sight.PENDING:
        return []
    if sight is Sight.NOTHING:  # No pod is missed, but a source that can't start now says something of the node.
        sources = tuple(source for source in sources if source.state == "waiting")
    said = [blind.why for blind in unseen(None, sources)]
    return [
        f"{source.name} can't show {source.cannot_tell}"
        if source.sight is Sight.LOOKED
        else f"{source.name}: {source.cannot_tell}"
        for source in sources
        if source.cannot_tell and source.cannot_tell not in said and source.sight is not Sight.NOTHING
    ]


def _seers(sources: Iterable[SourceState]) -> list[SourceState]:
    """Return the sources that can report a stuck pod, the most complete first."""
    return sorted(
        (source for source in sources if source.name in _PODS_SEEN_BY),
        key=lambda source: _PODS_SEEN_BY.index(source.name),
    )


def _reason(name: str, why: str, remedy: str) -> str:
    why = why[:_MAX_WHY]
    if remedy == AS_ROOT or remedy.startswith("sudo "):
        return f"the {name} needs root ({why})" if why else f"the {name} needs root"
    if why.startswith(("not among", "not in ")):
        return f"no {name} {why.removeprefix('not ')}"
    if why.startswith("no log of"):
        return why
    if why.startswith("switched off"):
        return f"the {name} is {why}"
    return f"the {name} can't be read: {why}{f'; {remedy}' if remedy else ''}"
