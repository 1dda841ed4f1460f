"""The remedies of a recording, with their results from its audit log and the snapshots around them."""

from __future__ import annotations

import re
from dataclasses import replace

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.model.remedy.recovery import GainDecay, compare
from fragtui.model.remedy.remedy_history import EndEntry, Entry, IntentEntry, Result
from fragtui.remedies.catalogue import RECLAIM, Remedy, catalogue, find_remedy, logged_reclaim
from fragtui.remedies.escalation import SETTLE_SECONDS
from fragtui.remedies.outcome import Outcome, StepDone, describe_outcome
from fragtui.remedies.service import RemedyResult

_NODE = re.compile(r"compact-node-(\d{1,4})", re.ASCII)


class ReplayedRemedies:
    """Takes lines and snapshots in the order of their times."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.remedy_result: RemedyResult | None = None
        """The last remedy that has ended, as the screen showed it then."""
        self.running: IntentEntry | None = None
        self._snapshot: Snapshot | None = None
        self.before: Snapshot | None = None
        """The last snapshot before the last remedy."""
        self._ended: tuple[IntentEntry, EndEntry, Snapshot] | None = None

    def take(self, line: str) -> Entry | None:
        """Take a line; return its entry, or None if it is not an entry."""
        entry = parse_entry(line)
        if entry is None:
            return None
        self.entries.append(entry)
        if isinstance(entry, IntentEntry):
            self.running, self.before = entry, self._snapshot
        elif isinstance(entry, EndEntry) and self.running is not None and entry.id == self.running.id:
            if self.before is not None:
                self._ended = (self.running, entry, self.before)
            self.running = None
        return entry

    def see(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; return whether it shows the result of a remedy for the first time."""
        self._snapshot = snapshot
        if self._ended is not None and snapshot.time >= self._ended[1].time + SETTLE_SECONDS:
            intent, ended, before = self._ended
            self._ended = None
            self.remedy_result = _result(intent, ended, before, snapshot)
            return self.remedy_result is not None
        if self.remedy_result is not None and self.remedy_result.gain_decay is not None:
            blocks = target_blocks(snapshot, self.remedy_result.recovery.order)
            if blocks is not None:
                gain_decay = self.remedy_result.gain_decay.see(snapshot.monotonic, blocks)
                self.remedy_result = replace(self.remedy_result, gain_decay=gain_decay)
        return False


def remedy_of(intent: IntentEntry) -> Remedy | None:
    """Return the remedy that an intent names, or None if this version does not have it."""
    if intent.remedy.removeprefix("sync-") == RECLAIM:
        return logged_reclaim(intent.paths, sync=intent.remedy.startswith("sync-"))
    node = _NODE.fullmatch(intent.remedy)
    return find_remedy(catalogue([int(node[1])] if node else ()), intent.remedy)


def title_of(intent: IntentEntry) -> str:
    """Return the title of an intent's remedy."""
    remedy = remedy_of(intent)
    return remedy.title if remedy is not None else intent.remedy


def _result(intent: IntentEntry, ended: EndEntry, before: Snapshot, after: Snapshot) -> RemedyResult | None:
    remedy = remedy_of(intent)
    if remedy is None or intent.order is None:
        return None
    failed = ended.result is Result.FAILED
    step = min(ended.step or 0, len(remedy.steps) - 1)
    done = StepDone(step, ended.seconds, ended.cpu or 0.0, ended.error if failed else None, ended.error == "EAGAIN")
    steps = (done,) if ended.cpu is not None or failed else ()
    explanation = describe_outcome(remedy, ended.result, ended.seconds, steps, ended.error)
    recovery = compare(before, after, intent.order)
    gain_decay = None
    if recovery.before is not None and recovery.after is not None:
        gain_decay = GainDecay(after.monotonic, recovery.before, recovery.after)
    return RemedyResult(
        Outcome(remedy, intent.id, ended.result, ended.seconds, steps, explanation),
        recovery,
        None,
        gain_decay,
        asked_at=intent.time,
    )
