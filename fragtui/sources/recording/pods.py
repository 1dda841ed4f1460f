"""The pods of a recording: the recorded observations are passed to a tracker again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.tracker import IncidentTracker
from fragtui.sources.pods.line_tally import KUBELET_LOG
from fragtui.sources.pods.observation_json import read_observation, read_pod_facts, read_text_fact
from fragtui.sources.pods.paced_reader import PodLineParser
from fragtui.sources.recording.reader import RecordedEvent

_DAY = 86_400.0
_MAX_LOGS = 256
"""Logs of one recording; a node has a handful."""


class RecordedPods:
    """Makes the updates from the events of kind ``P``; times are those of the recording."""

    def __init__(self, *, saved: bool = True) -> None:
        """`saved` is whether the recording has any such event."""
        self._tracker = IncidentTracker()
        self._logs: dict[float, PodLineParser] = {}
        self._states = {} if saved else {KUBELET_LOG: SourceState(KUBELET_LOG, "unsaved", "not in the recording")}
        self._now = 0.0

    def take(self, event: RecordedEvent) -> None:
        """Take an event; invalid events are ignored."""
        self._now = event.time
        try:
            self._take(event.facts[0], event.facts[1:])
        except (ValueError, TypeError, KeyError, IndexError):
            return

    def kernel_update(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log, to be linked to the pods."""
        self._tracker.kernel_update(update)

    def remedy_ran(self, name: str) -> None:
        """Note that a remedy ran."""
        self._tracker.remedy_ran(name)

    def update(self, now: float) -> PodUpdate:
        """Return the update with the state of the pods at an epoch second."""
        return PodUpdate(self._tracker.snapshot(now), tuple(self._states.values()), self._tracker.names)

    def _take(self, what: object, facts: Sequence[Any]) -> None:
        if what == "log":
            number, now, offset = (_number(fact) for fact in facts)
            if len(self._logs) < _MAX_LOGS:
                self._logs.setdefault(number, PodLineParser(lambda: self._now or now, max(-_DAY, min(_DAY, offset))))
        elif what == "lines" and (log := self._logs.get(_number(facts[0]))) is not None:
            observations = [observation for line in facts[1:] for observation in log.feed(_raw(line))]
            for observation in (*observations, *log.finish()):
                self._tracker.observe(observation, self._now)
        elif what == "seen":
            self._tracker.observe(read_observation(facts[0]), self._now)
        elif what == "learnt":
            self._tracker.learn(read_pod_facts(facts[0]))
        elif what == "all":
            self._tracker.set_existing([read_pod_facts(fact) for fact in facts], self._now)
        elif what == "state":
            state = _state(facts[0])
            if len(self._states) < _MAX_LOGS or state.name in self._states:
                self._states[state.name] = state


def _state(facts: Mapping[str, object]) -> SourceState:
    name, state, cannot_tell = (read_text_fact(facts[key]) or "" for key in ("name", "state", "cannot_tell"))
    # Older recordings don't have these.
    proof, remedy = (read_text_fact(facts.get(key)) or "" for key in ("proof", "remedy"))
    return SourceState(name, state, cannot_tell, proof, remedy)


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a number")
    return float(value)


def _raw(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("a raw line")
    return value.encode("latin-1")
