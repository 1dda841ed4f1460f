"""What a tool puts before each line of a log: learned from one line whose end is known, stripped from the others.

Seen: the name of a file (`grep`, `zgrep`, with ``-`` for `grep -A`), a line's number, a node's name (`pdsh`, `clush`),
labels (`logcli`), a pod's (`stern`), a clock, and the other columns of a CSV export.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fragtui.logs.bounded_json import DECODER
from fragtui.logs.timestamps import iso_time

HEAD = re.compile(
    r": page allocation (?:failure[:.] ?o|stalls f)| invoked oom-killer: |: vmalloc(?:: allocation f| error: size )"
    r"|: vmemmap alloc failure: o"
)
"""What follows a task's name in the head line of a report."""
TASK = re.compile(
    r"CPU: \d{1,6} (?:UID: \d{1,12} )?PID: \d{1,12} Comm: |Pid: \d{1,12}, comm: |INFO: task .{1,15}:\d{1,12} blocked"
    r"|percpu: allocation failed, |WARNING: (?:CPU: \d{1,6} PID: \d{1,12} at )?mm/page_alloc|oom-killer: gfp_mask="
    r"|__alloc_pages: \d{1,2}-order allo|SL[AU]B: Unable to allocate "
    r"|(?:^|(?<=[\]:|>}),\"\d] ))page allocation failure[:.] ?o"
    r"|vmalloc: allocation failure|vmap allocation for size "
)
"""The beginning of a line of a report: what is before it is not the kernel's."""
_WORDS = (
    "page alloc", "omm: ", "oom-killer", "vmalloc", " blocked ", "percpu: alloc", "mm/page_alloc", "B: Unable to ",
    "-order allo", "vmap alloc", "vmemmap",
)  # fmt: skip
MAX_COMM = 15
"""Bytes of a task's name (TASK_COMM_LEN without its zero byte)."""
_MAX_WRAPPERS = 64
_MAX_LENGTH = 256
_ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt])")
_NO_COMM = re.compile(r"\[ *\d{1,10}\.\d{3,9}\]|\d\d:\d\d:\d\d")
_INNER = re.compile(
    r"\[ *\d{1,10}\.\d{6}\]|(?:[^\s:]{1,64} )?kernel: |[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d "
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|<\d{1,3}>"
)
"""The start of a format that the parser knows."""
_SEPARATORS = re.compile(r": |\] |\| ?|[})>\"][,;]? ?| - |  +|[,;]|'")
_SPACES = re.compile(r" +")
_KNOWN_BEFORE = re.compile(r".*(?:kernel: |\] )(?=.{1,15}$)")
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_VARIABLE = re.compile(rf"({_ISO})|({_CLOCK})|((?<![\w.-])[\d.-]*+[A-Za-z_][\w.-]*+)|((?:(?<! ) ++)?+\d+(?:\.\d+)?)")
_ISO_TIME = re.compile(_ISO)
_WORD = re.compile(r"[\w./-]+")
_CLOSED = re.compile(r"[\s,;)\]}]*")
"""What may follow the last quote of a wrapped line."""
_FIELD = re.compile(r',(?:"((?:[^"]|"")*+)"(?=,|$)|([^,"]*+))')
_MAX_FIELDS = 64


def is_comm(text: str) -> bool:
    """Return whether a text may be a task's name: short enough, and with no stamp or program in it."""
    text = text.strip()
    return (len(text) <= MAX_COMM or len(_ESCAPE.sub("x", text)) <= MAX_COMM) and _NO_COMM.search(text) is None


def comm_in(text: str) -> str | None:
    """Return the task's name at the end of a text, after the last thing that separates; None if there is none."""
    if is_comm(text):
        return text or None
    start = _comm_start(text)
    return None if start is None else text[start:] or None


def _comm_start(text: str) -> int | None:
    """Return where a task's name of possible length begins, after a separator."""
    if found := _KNOWN_BEFORE.match(text):
        return found.end()
    tail = max(0, len(text) - 4 * MAX_COMM)
    for separators in (_SEPARATORS, _SPACES):  # A name may hold spaces, but seldom does.
        for found in reversed(list(separators.finditer(text, tail))):
            if found.end() < len(text) and is_comm(text[found.end() :]):
                return found.end()
    start = text.find(":", max(0, len(text) - MAX_COMM - 1)) + 1
    return start if 0 < start < len(text) and is_comm(text[start:]) else None


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A line without its wrapper, with the time (epoch seconds) and the words of the wrapper."""

    text: str
    time: float | None
    label: str | None


def teaches_nothing(said: str) -> bool:
    """Return whether no wrapper can be learned from a line of this text: most lines have none of the kernel's words."""
    for word in _WORDS:
        if word in said:
            return TASK.match(said) is not None and HEAD.search(said) is None
    return True


class Wrappers:
    """The wrappers of one log."""

    __slots__ = ("_column", "_columns", "_known", "_shapes")

    def __init__(self) -> None:
        self._shapes: dict[str, str | None] = {}
        """Expressions of the wrappers, and the words of each that tell its lines from others."""
        self._known: re.Pattern[str] | None = None
        self._column = self._columns = 0
        """The column of the text in a CSV export, and how many there are."""

    @property
    def known(self) -> bool:
        """Whether there is anything to strip."""
        return self._known is not None or self._columns > 0

    def strip(self, text: str) -> Unwrapped | None:
        """Return a wrapped line, None if it has none of the wrappers."""
        if self._columns and len(fields := csv_fields(text)) == self._columns:
            rest = ",".join(fields[: self._column] + fields[self._column + 1 :])
            return Unwrapped(fields[self._column], _time_in(rest), None)
        if self._known is None or (found := self._known.match(text)) is None:
            return None
        label = list(self._shapes.values())[(found.lastindex or 1) - 1]
        rest = text[found.end() :]
        last = found[0][-1:]
        if last in {",", ";"} and len(rest) > 1 and rest[0] == rest[-1] == '"':  # A field that has commas.
            rest = rest[1:-1].replace('""', '"')
        elif last == '"' and (inside := _string_in(text, found.end() - 1)) is not None:
            rest = inside
        elif last in {'"', "'", "│"} and (end := rest.rfind(last)) >= 0 and _CLOSED.fullmatch(rest, end + 1):
            rest = rest[:end].replace("\\" + last, last)
        return Unwrapped(rest, _time_in(found[0]), label)

    def learn(self, text: str, said: str, said_of: Callable[[str], str]) -> bool:
        """Learn the wrapper of a line whose parsed text is `said`; return whether there is a new one.

        `said_of` returns the text of the line's rest, parsed.
        """
        if teaches_nothing(said):
            return False
        if (head := HEAD.search(said)) is not None:
            if is_comm(said[: head.start()]):
                at = text.find(
                    said[:40]
                )  # No host is after such a stamp: the first word of other lines looks like one.
                return at > 0 and _ISO_TIME.fullmatch(text[:at].strip()) is not None and self._add(text[:at])
            at = text.find(said[head.start() : head.start() + 40])
            return at > 0 and (self._learn_column(text) or self._learn_before(text, at, said_of))
        if (task := TASK.search(said)) is not None and said[: task.start()].strip():
            at = text.find(said[task.start() : task.start() + 40])
            return at > 0 and (self._learn_column(text) or self._learn_before(text, at, said_of))
        return False

    def _learn_before(self, text: str, at: int, said_of: Callable[[str], str]) -> bool:
        for inner in _INNER.finditer(text[:at]):
            said = said_of(text[inner.start() :]) if inner.start() else ""
            if TASK.match(said.lstrip()) or ((head := HEAD.search(said)) is not None and is_comm(said[: head.start()])):
                return self._add(text[: inner.start()])
        if TASK.match(text, at):
            return self._add(text[:at])
        start = _comm_start(text[:at])
        return start is not None and self._add(text[:start])

    def _learn_column(self, text: str) -> bool:
        fields = csv_fields(text) if '"' in text and "," in text else []
        columns = [place for place, field in enumerate(fields) if HEAD.search(field) or TASK.search(field)]
        if len(fields) < 2 or len(columns) != 1 or self._columns == len(fields):
            return False
        self._column, self._columns = columns[0], len(fields)
        return True

    def _add(self, wrapper: str) -> bool:
        shape = shape_of(wrapper)
        if not wrapper.strip() or len(wrapper) > _MAX_LENGTH or shape in self._shapes:
            return False
        if len(self._shapes) >= _MAX_WRAPPERS:
            del self._shapes[next(iter(self._shapes))]
        words = [word for word in _WORD.findall(_ISO_TIME.sub("", wrapper)) if any(map(str.isalpha, word))]
        self._shapes[shape] = " ".join(words) or None
        self._known = any_of(self._shapes)
        return True


def _string_in(text: str, start: int) -> str | None:
    """Return the JSON string that begins at a quote, None if it is none."""
    try:
        inside, end = DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return inside if isinstance(inside, str) and text[end : end + 1] in ",]} " else None


def any_of(shapes: Iterable[str]) -> re.Pattern[str]:
    """Return an expression with a group for each wrapper's shape."""
    return re.compile("|".join(f"({shape})" for shape in shapes))


def shape_of(wrapper: str) -> str:
    """Return an expression for a wrapper: its words as they are, its times and numbers as any.

    A number within a word belongs to a name: ``node07``. `grep -A` writes ``-`` instead of the last colon.
    """
    last = wrapper[-1:] in ":-"
    body = wrapper[:-1] if last else wrapper
    shape, at = "", 0
    for found in _VARIABLE.finditer(body):
        shape += re.escape(body[at : found.start()])
        iso, clock, word, _ = found.groups()
        shape += (
            _ISO if iso else r"\d\d:\d\d:\d\d(?:[.,]\d+)?" if clock else re.escape(word) if word else r" *\d+(?:\.\d+)?"
        )
        at = found.end()
    return shape + re.escape(body[at:]) + ("[:-]" if last else "")


def csv_fields(text: str) -> list[str]:
    """Return the fields of a CSV line, empty if it is none: a text with a comma needs quotes."""
    fields: list[str] = []
    at, text = 0, f",{text}"
    while at < len(text):
        if (found := _FIELD.match(text, at)) is None or len(fields) >= _MAX_FIELDS:
            return []
        fields.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
    return fields


def _time_in(text: str) -> float | None:
    return iso_time(found[0]) if (found := _ISO_TIME.search(text)) else None
