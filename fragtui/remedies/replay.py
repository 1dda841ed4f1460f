"""The remedies of a recording: from the lines of its audit log and the snapshots around them, what they brought."""

from __future__ import annotations

import re

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.model.remedy.recovery import Lasting, compare
from fragtui.model.remedy.remedy_history import Ended, Entry, Intent, Result
from fragtui.remedies.catalogue import Remedy, catalogue, find
from fragtui.remedies.escalation import SETTLE
from fragtui.remedies.outcome import Outcome, StepDone, explain
from fragtui.remedies.service import Treated

_NODE = re.compile(r"compact-node-(\d{1,4})", re.ASCII)


class ReplayedRemedies:
    """Fed with lines and snapshots in the order of their times."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.treated: Treated | None = None
        """The last remedy that is over, as the screen of that time showed it."""
        self.running: Intent | None = None
        self._snapshot: Snapshot | None = None
        self.before: Snapshot | None = None
        """The last snapshot before the last remedy."""
        self._over: tuple[Intent, Ended, Snapshot] | None = None

    def take(self, line: str) -> Entry | None:
        """Take a line; return its entry, or None where it is none."""
        entry = parse_entry(line)
        if entry is None:
            return None
        self.entries.append(entry)
        if isinstance(entry, Intent):
            self.running, self.before = entry, self._snapshot
        elif isinstance(entry, Ended) and self.running is not None and entry.id == self.running.id:
            if self.before is not None:
                self._over = (self.running, entry, self.before)
            self.running = None
        return entry

    def see(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; return whether a remedy's result is known with it that was not before."""
        self._snapshot = snapshot
        if self._over is not None and snapshot.time >= self._over[1].time + SETTLE:
            intent, ended, before = self._over
            self._over = None
            self.treated = _treated(intent, ended, before, snapshot)
            return self.treated is not None
        if self.treated is not None and self.treated.lasting is not None:
            blocks = target_blocks(snapshot, self.treated.recovery.order)
            if blocks is not None:
                lasting = self.treated.lasting.see(snapshot.monotonic, blocks)
                self.treated = Treated(self.treated.outcome, self.treated.recovery, None, lasting)
        return False


def remedy_of(intent: Intent) -> Remedy | None:
    """Return the remedy that an intent names, or None for one that this version does not have."""
    node = _NODE.fullmatch(intent.remedy)
    return find(catalogue([int(node[1])] if node else ()), intent.remedy)


def title_of(intent: Intent) -> str:
    """Return what an intent's remedy is called."""
    remedy = remedy_of(intent)
    return remedy.title if remedy is not None else intent.remedy


def _treated(intent: Intent, ended: Ended, before: Snapshot, after: Snapshot) -> Treated | None:
    remedy = remedy_of(intent)
    if remedy is None or intent.order is None:
        return None
    failed = ended.result is Result.FAILED
    step = min(ended.step or 0, len(remedy.steps) - 1)
    steps = (StepDone(step, ended.seconds, ended.cpu or 0.0, ended.error),) if ended.cpu is not None or failed else ()
    said = explain(remedy, ended.result, ended.seconds, steps, ended.error)
    recovery = compare(before, after, intent.order)
    lasting = None
    if recovery.before is not None and recovery.after is not None:
        lasting = Lasting(after.monotonic, recovery.before, recovery.after)
    return Treated(Outcome(remedy, intent.id, ended.result, ended.seconds, steps, said), recovery, None, lasting)
