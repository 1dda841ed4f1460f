"""What a gatherer with no open report still knows of what it read: little, and it can be carried elsewhere.

So a log can be read in parts at the same time. Whoever begins in its middle takes what was before for nothing and
keeps the questions; whoever knows what was before sees whether a true answer would have been another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LogSource = tuple[str | None, str | None]
"""Host and printing caller of a record."""
Task = tuple[str | None, int | None]
"""Host and pid."""
NEAR = 6
"""A foreign frame within so many records means that its dump still runs."""
MAX_KILLED = 32
_HIDDEN_NEAR = 8
_MOST_DUMPS = 256
MAX_SOURCES = 4096
"""Hosts and callers that are remembered of each kind, the first: more of them are no node's log."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many reports the rate limit hid, as a line said that belongs to the next head line. `at` counts records."""

    count: int
    host: str | None
    caller: str | None
    at: int

    def concerns(self, host: str | None, at: int) -> bool:
        """Tell whether a head line at that record stands close enough."""
        return self.host == host and at - self.at <= _HIDDEN_NEAR


@dataclass(frozen=True, slots=True)
class StateDelta:
    """What the reading of one stretch of a log leaves behind. Records are counted from its beginning.

    `tasked` are those whose dumps have a task line, `dumps` tells where a foreign dump was last seen (None: it ended),
    `named` whether the last dump of a closed report got no further than its task line, `killed` the last tasks that
    were reported killed. `hidden` means nothing unless `knows_hidden`.
    """

    records: int = 0
    tasked: frozenset[LogSource] = frozenset()
    dumps: tuple[tuple[LogSource, int | None], ...] = ()
    named: tuple[tuple[LogSource, bool], ...] = ()
    killed: tuple[Task, ...] = ()
    hidden: Hidden | None = None
    knows_hidden: bool = False


class ParserState:
    """What was read before, as far as it matters. Every question is answered with something false for no."""

    __slots__ = ("_dumps", "_hidden", "_killed", "_named", "_records", "_tasked")

    def __init__(self) -> None:
        self._records = 0
        self._tasked: set[LogSource] = set()
        self._dumps: dict[LogSource, int] = {}
        self._named: set[LogSource] = set()
        self._killed: tuple[Task, ...] = ()
        self._hidden: Hidden | None = None

    def add(self, more: StateDelta) -> None:
        """Take what the next stretch left."""
        before = self._records
        self._records += more.records
        if len(self._tasked) < MAX_SOURCES:
            self._tasked |= more.tasked
        for source, at in more.dumps:
            if at is None:
                self._dumps.pop(source, None)
            else:
                self._dumps[source] = before + at
        if len(self._dumps) > _MOST_DUMPS:
            self._dumps = {source: at for source, at in self._dumps.items() if self._records - at <= NEAR}
        for source, named in more.named:
            if not named:
                self._named.discard(source)
            elif len(self._named) < MAX_SOURCES:
                self._named.add(source)
        self._killed = (*self._killed, *more.killed)[-MAX_KILLED:]
        if more.knows_hidden:
            hidden = more.hidden
            if hidden is not None:
                hidden = Hidden(hidden.count, hidden.host, hidden.caller, before + hidden.at)
            self._hidden = hidden

    def has_task_line(self, source: LogSource) -> bool:
        """Tell whether dumps of this source were seen to have a task line."""
        return source in self._tasked

    def dump_runs(self, source: LogSource, records: int) -> bool:
        """Tell whether a foreign dump of this source may still run, so many records on."""
        at = self._dumps.get(source)
        return at is not None and self._records + records - at <= NEAR

    def was_only_named(self, source: LogSource) -> bool:
        """Tell whether the last dump of this source got no further than its task line."""
        return source in self._named

    def was_killed(self, task: Task, last: int) -> bool:
        """Tell whether this task is among the last ones that were reported killed."""
        return task in self._killed[-last:]

    def hidden_at_head(self, records: int) -> Hidden | None:
        """Return what may belong to a head line so many records on, counted from here."""
        hidden = self.hidden_at_more()
        return None if hidden is not None and hidden.caller is None and records - hidden.at > _HIDDEN_NEAR else hidden

    def hidden_at_more(self) -> Hidden | None:
        """Return what waits for a head line, counted from here."""
        hidden = self._hidden
        return None if hidden is None else Hidden(hidden.count, hidden.host, hidden.caller, hidden.at - self._records)


Question = tuple[str, tuple[object, ...]]
"""A method of `ParserState` and what it was asked."""


class UnknownState(ParserState):
    """Answers no to everything and keeps what it was asked."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Question] = []

    def has_task_line(self, source: LogSource) -> bool:
        """Keep the question."""
        self.asked.append(("has_task_line", (source,)))
        return False

    def dump_runs(self, source: LogSource, records: int) -> bool:
        """Keep the question."""
        self.asked.append(("dump_runs", (source, records)))
        return False

    def was_only_named(self, source: LogSource) -> bool:
        """Keep the question."""
        self.asked.append(("was_only_named", (source,)))
        return False

    def was_killed(self, task: Task, last: int) -> bool:
        """Keep the question."""
        self.asked.append(("was_killed", (task, last)))
        return False

    def hidden_at_head(self, records: int) -> Hidden | None:
        """Keep the question."""
        self.asked.append(("hidden_at_head", (records,)))
        return None

    def hidden_at_more(self) -> Hidden | None:
        """Keep the question."""
        self.asked.append(("hidden_at_more", ()))
        return None


def is_no_to_all(past: ParserState, asked: Iterable[Question]) -> bool:
    """Tell whether what took the past for nothing would have read the same knowing it."""
    return not any(getattr(past, name)(*args) for name, args in asked)
