"""Remedies of this and earlier runs from the audit log: the intent, the end, and how long the gain lasted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fragtui.text import format_bytes, format_count, format_duration

DAY = 86_400.0
_CGROUPS = ("memory.reclaim", "memory.force_empty")
"""Files of a cgroup that remedies write to."""
_STEP_GAP = 10.0
"""Seconds between two steps of one run, at most: a step settles for little more than one."""


class Result(StrEnum):
    """How a remedy ended."""

    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    DIED = "died"
    """The child process died without a report: killed by another process, or unable to start."""


@dataclass(frozen=True, slots=True)
class IntentEntry:
    """The intent, on disk before anything runs."""

    id: str
    time: float
    """Wall clock, seconds since the epoch."""
    remedy: str
    steps: tuple[str, ...]
    """The exact actions, one sentence per step."""
    paths: tuple[str, ...]
    """What each step writes to, "" for a step that writes to no file."""
    by: str
    """screen, remote screen, command, guard or gate."""
    pid: int
    uid: int
    login: str | None = None
    host: str | None = None
    kernel: str | None = None
    boot: str | None = None
    """boot_id of the kernel: a remedy of an earlier boot no longer runs."""
    order: int | None = None
    blocks: int | None = None
    """Blocks of that order before."""
    expected_blocks: int | None = None
    expected_bytes: int | None = None
    boottime: float | None = None
    """CLOCK_BOOTTIME of that boot, seconds: it can't be set."""
    run: str | None = None
    """Id that all steps of one run share."""


@dataclass(frozen=True, slots=True)
class EndEntry:
    """The end of a remedy."""

    id: str
    time: float
    result: Result
    seconds: float
    cpu: float | None = None
    """CPU seconds of the child in its finished steps."""
    step: int | None = None
    """Index of the step that failed or was aborted."""
    error: str | None = None
    """Name of the errno."""


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """Blocks and cost `after` seconds after the end; 0 is right after."""

    id: str
    time: float
    after: float
    order: int
    blocks: int
    stalled: float | None = None
    """PSI stall seconds since the start."""
    refaults: int | None = None
    read: int | None = None
    """Bytes read from disks since the start."""
    half_life: float | None = None
    cgroup_refaults: int | None = None
    """Refaults, bytes read and PSI stall seconds of the cgroup that was reclaimed, since the start."""
    cgroup_read: int | None = None
    cgroup_stalled: float | None = None


Entry = IntentEntry | EndEntry | EvidenceEntry


@dataclass(frozen=True, slots=True)
class Episode:
    """One remedy: its intent, its end, and the later measurements of its gain."""

    intent: IntentEntry
    ended: EndEntry | None
    evidence: tuple[EvidenceEntry, ...]

    @property
    def gained(self) -> int | None:
        """Blocks of the target order gained right after, or None if they were not counted."""
        first = next((e for e in self.evidence if e.after == 0 and e.order == self.intent.order), None)
        if first is None or self.intent.blocks is None:
            return None
        return first.blocks - self.intent.blocks

    @property
    def lasted(self) -> str | None:
        """How long the gain lasted, as text; None without a later measurement."""
        later = [e for e in self.evidence if e.after > 0 and e.order == self.intent.order]
        if not later or (gained := self.gained) is None or gained <= 0 or self.intent.blocks is None:
            return None
        last = later[-1]
        if (half := next((e.half_life for e in later if e.half_life is not None), None)) is not None:
            return f"half of it gone after {format_duration(half)}"
        share = (last.blocks - self.intent.blocks) / gained
        return f"{max(0.0, share) * 100:.0f} % of it left after {format_duration(last.after)}"

    @property
    def paid(self) -> str | None:
        """The data read again until the last measurement, as text; None if it was not counted."""
        last = self.evidence[-1] if self.evidence else None
        if last is None or (last.refaults is None and last.read is None):
            return None
        counts = [f"{format_count(last.refaults)} refaults"] if last.refaults is not None else []
        counts += [f"{format_bytes(last.read)} read"] if last.read is not None else []
        if last.cgroup_read is not None:
            counts.append(f"{format_bytes(last.cgroup_read)} of it by that cgroup")
        return f"{', '.join(counts)} in the {format_duration(last.after)} after" if last.after else ", ".join(counts)

    @property
    def short_lived(self) -> bool:
        """Whether half of the gain was lost within half an hour, or there was no gain."""
        if (gained := self.gained) is None:
            return False
        return gained <= 0 or any(e.half_life is not None and e.half_life <= 1800 for e in self.evidence)


def episodes(entries: Iterable[Entry]) -> tuple[Episode, ...]:
    """Return the remedies in the order of their intents; ends without an intent are ignored."""
    intents: dict[str, IntentEntry] = {}
    ends: dict[str, EndEntry] = {}
    checkpoints: dict[str, list[EvidenceEntry]] = {}
    for entry in entries:
        if isinstance(entry, IntentEntry):
            intents.setdefault(entry.id, entry)
        elif isinstance(entry, EndEntry):
            ends.setdefault(entry.id, entry)
        else:
            checkpoints.setdefault(entry.id, []).append(entry)
    return tuple(
        Episode(intent, ends.get(key), tuple(sorted(checkpoints.get(key, []), key=lambda look: look.after)))
        for key, intent in intents.items()
    )


def unknown_outcomes(history: Sequence[Episode]) -> tuple[Episode, ...]:
    """Return the remedies that have an intent and no end; one that still runs is among them."""
    return tuple(episode for episode in history if episode.ended is None)


def describe_episode(episode: Episode, unknown: bool) -> str:
    """Return one remedy in a line: when, what, by whom, how it ended, its gain and how long it lasted."""
    intent = episode.intent
    when = datetime.fromtimestamp(intent.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    places = (path.rpartition("/") for path in intent.paths)
    place = next((f" on {folder}" for folder, _, file in places if file in _CGROUPS), "")
    words = [f"{when}  {intent.remedy:<20} by {intent.by:<8}{place}"]
    if episode.ended is not None:
        error = f" ({episode.ended.error})" if episode.ended.error else ""
        words.append(f"{episode.ended.result.value}{error} in {format_duration(episode.ended.seconds)}")
    else:
        words.append("did not report back" if unknown else "running")
    if (gained := episode.gained) is not None:
        expected = f", forecast {format_count(intent.expected_blocks)}" if intent.expected_blocks is not None else ""
        done = "gained" if gained >= 0 else "lost"
        words.append(f"{format_count(abs(gained))} blocks of order {intent.order} {done}{expected}")
    if (lasted := episode.lasted) is not None:
        words.append(lasted)
    if (paid := episode.paid) is not None:
        words.append(paid)
    return "; ".join(words)


def describe_unknown(episode: Episode) -> str:
    """Return a sentence about a remedy without an end in the log."""
    return (
        f"{episode.intent.remedy} by {episode.intent.by} (pid {episode.intent.pid}) did not report back: the audit log "
        "has no end of it; fragtui was killed or the node went down"
    )


def runs_of(history: Iterable[Episode]) -> tuple[tuple[Episode, ...], ...]:
    """Return the remedies grouped by run, in the order of their first steps."""
    runs: list[list[Episode]] = []
    by_id: dict[str, list[Episode]] = {}
    for episode in history:
        run = episode.intent.run
        if run is not None and run in by_id:
            by_id[run].append(episode)
        elif runs and _follows(runs[-1][-1], episode):
            runs[-1].append(episode)
        else:
            runs.append([episode])
            if run is not None:
                by_id[run] = runs[-1]
    return tuple(tuple(run) for run in runs)


def _follows(before: Episode, episode: Episode) -> bool:
    """Return whether one process did both within seconds: entries of earlier versions have no run id."""
    first, second = before.intent, episode.intent
    if first.run is not None or second.run is not None:
        return False
    ended = first.time + (before.ended.seconds if before.ended else 0.0)
    return (first.pid, first.by) == (second.pid, second.by) and abs(second.time - ended) <= _STEP_GAP


def repeats(history: Sequence[Episode], now: float) -> str | None:
    """Return a sentence if the remedies of the last day do not last, from the third run on; else None.

    A run did not last if none of its steps did.
    """
    today = runs_of(e for e in history if now - DAY <= e.intent.time <= now and e.ended is not None)
    if len(today) < 3:
        return None
    known = [measured for run in today if (measured := [episode for episode in run if episode.gained is not None])]
    if len(known) < 3 or sum(all(episode.short_lived for episode in run) for run in known) * 2 < len(known):
        return None
    nth = {3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}.get(len(today), f"{format_count(len(today))}th")
    return f"The {nth} remedy in 24 hours, and the gain does not last: fix the cause (see the longer-term settings)."
