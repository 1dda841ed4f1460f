"""The blocks of all nodes by fragtui's own gauges: the verdict is made on each node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fragtui.model.node.verdict import Severity, State
from fragtui.sources.prometheus.client import MAX_ROWS, Answer
from fragtui.sources.prometheus.queries import chunks, gauge, one_of, selector
from fragtui.sources.prometheus.raw_blocks import Column, Key, Run, key_function

_MAX_BAD = 250
"""Nodes whose largest block is read at each refresh; those of the others are read at each probe."""
_SEVERITIES = {severity.value: severity for severity in Severity}
_STATES = {state.value: state for state in State}
_NOT_OK = 'state!="ok"'
_NO_ANSWER = Answer([])
_STATE_OF = {Severity.FINE: State.OK, Severity.UNKNOWN: State.UNKNOWN}
"""Of other severities there are several states."""


class GaugeBlocks:
    """Reads the gauges of an order."""

    recorded = True

    def __init__(self, order: int, match: str, by: Sequence[str]) -> None:
        """`by` are the labels of a `Key`."""
        self._order = order
        self._match = match
        self.by = tuple(by)
        self._key = key_function(by)
        self._complete: bool | None = None
        """Whether each node that has blocks has a severity; None until the next reading."""
        self._largest: dict[Key, int] = {}
        self._bad: list[Key] | None = None
        """Those that were not OK at the last reading; None before the first."""

    def probe(self, _: Run) -> None:
        """At the next reading, look whether each node has a severity and read the largest blocks of all nodes."""
        self._complete, self._bad, self._largest = None, None, {}

    def read(self, run: Run, _: Iterable[Key], *, quick: bool = False) -> tuple[dict[Key, Column], tuple[str, ...]]:
        """Return what the nodes report, if `quick` without the largest block, and notes."""
        by = ", ".join(self.by)
        free, severity = (gauge(name, self._order, self._match) for name in ("target_blocks", "severity"))
        some = "" if self._bad is None else one_of("instance", (key[0] for key in self._bad))
        expressions = [  # The costly ones first: two are in work.
            "" if quick else f"max by ({by}) ({selector('fragtui_largest_free_bytes', some, self._match)})",
            "" if self._complete is not None else f"count({free} unless on ({by}) {severity})",
            f"max by ({by}) ({free})",
            severity if self._complete is False else f"{severity} > 0",  # Of most nodes it is 0.
            f"max by ({by}, state) ({gauge('state', self._order, _NOT_OK, self._match)} == 1)",
        ]
        answers = iter(run(list(filter(None, expressions))))
        largest, without, blocks, severe, states = [next(answers) if each else _NO_ANSWER for each in expressions]
        if self._complete is None:
            self._complete = not without.values
            if not self._complete:
                (severe,) = run([severity])
        severities, counts = self._numbers(severe), self._numbers(blocks)
        if not self._complete or len(severe.values) >= MAX_ROWS:  # Of some nodes it is unknown, not 0.
            severities = dict.fromkeys(counts, float(Severity.UNKNOWN)) | severities
        self._largest |= {key: int(size) for key, size in self._numbers(largest).items() if 0 <= size < 1 << 60}
        named = {self._key(value.labels): _STATES.get(value.labels.get("state", "")) for value in states.values}
        new, ok, fine, sizes = tuple.__new__, State.OK, Severity.FINE, self._largest  # There are thousands of nodes.
        columns = {
            key: new(Column, (ok, fine, number, sizes.get(key)))
            for key, number in counts.items()
            if key not in severities
        }
        for key, number in severities.items():
            found = _SEVERITIES.get(int(number), Severity.UNKNOWN)
            state = named.get(key) or _STATE_OF.get(found)
            columns[key] = Column(state, found, counts.get(key), self._largest.get(key))
        bad = [key for key, column in columns.items() if column.severity is not Severity.FINE]
        self._bad = next(chunks(bad[:_MAX_BAD], 1, self._match), [])
        return columns, tuple(note for answer in (blocks, severe, states, largest) for note in answer.notes)

    def last_known(self, run: Run, keys: Sequence[Key], seconds: int) -> dict[Key, Column]:
        """Return what some nodes that are down reported last, if it was in the last seconds."""
        one = one_of("instance", (key[0] for key in keys))
        by = ", ".join(self.by)
        blocks, severity = run(
            [
                f"max by ({by}) (last_over_time({gauge(name, self._order, one, self._match)}[{seconds}s]))"
                for name in ("target_blocks", "severity")
            ]
        )
        counts = self._numbers(blocks)
        return {
            key: Column(_STATE_OF.get(found), found, counts.get(key))
            for key, number in self._numbers(severity).items()
            for found in (_SEVERITIES.get(int(number), Severity.UNKNOWN),)
        }

    def histories(self, keys: Sequence[Key]) -> list[str]:
        """Return expressions of the blocks of some nodes."""
        parts = (one_of("instance", (key[0] for key in chunk)) for chunk in chunks(keys, 1, self._match))
        by = ", ".join(self.by)
        return [f"max by ({by}) ({gauge('target_blocks', self._order, one, self._match)})" for one in parts]

    def _numbers(self, answer: Answer) -> dict[Key, float]:
        return {self._key(value.labels): value.number for value in answer.values}
