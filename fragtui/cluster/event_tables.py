"""Tables of events: ``kubectl describe``, ``kubectl get events`` (also wide) and ``kubectl events``, of any version."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from fragtui.cluster.event_reasons import read_event_of
from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.logs.timestamps import rfc3339_time
from fragtui.text import bounded_int, printable

BOX = " \t│┃|║"
"""Characters around a row in a terminal program."""
_TITLES = ("LAST SEEN", "FIRST SEEN", "LASTSEEN", "FIRSTSEEN", "SUBOBJECTPATH")
_AGE = r"(?:(?:\d{1,6}[ydhms]){1,4}+(?!\w)|<invalid>|<unknown>|\d{4}-\d\d-\d\dT[\d:.]{8,18}+Z)"
_TIMES = rf"(?:{_AGE}(?: ?\(x\d{{1,20}}+ over {_AGE}\))?+)"
_PART = r"(?P<part>(?:spec|status)\.\S++|implicitly\S++(?: \S++)?+)?+"
_SOURCE = r"(?P<source>\{?[a-z][\w.\-]*+(?:(?:, ?| (?=\S{1,300}\}))[\w.\-]++\}?)?+)?+"
_CELLS = {
    "NAMESPACE": r"(?P<namespace>[a-z0-9][a-z0-9.\-]*+)",
    "LASTSEEN": rf"(?P<last>{_TIMES})?+",
    "FIRSTSEEN": rf"(?P<first>{_TIMES})?+",
    "AGE": rf"(?P<last>{_TIMES})?+",
    "COUNT": r"(?P<count>\d{1,20}+(?!\w))?+",
    "NAME": r"(?P<name>[a-zA-Z0-9][\w.\-]*+)",
    "KIND": r"(?P<kind>[A-Z]\w*+)",
    "TYPE": r"(?P<type>Normal|Warning)",
    "REASON": r"(?P<reason>\w++)",
    "OBJECT": r"(?P<object>[a-zA-Z.]++/\S++)",
    "SUBOBJECT": _PART,
    "SUBOBJECTPATH": _PART,
    "SOURCE": _SOURCE,
    "FROM": _SOURCE,
    "MESSAGE": r"(?P<message>.*?)",
}
"""What a cell holds, an optional one possibly nothing; possessive, so that no row is tried in many ways."""
_SAME = {"NS": "NAMESPACE", "POD": "NAME", "MSG": "MESSAGE", "TIME": "AGE", "EVENTTIME": "AGE", "LASTTIMESTAMP": "AGE"}
"""Titles that people give the columns (``-o custom-columns``)."""
_ANY_CELL = r"\S++"
_MAX_CELLS = 16
_EVENT_NAME = re.compile(r"\.[0-9a-f]{10,20}$")
"""The end of an event's name; before it stands the name of its object."""
_ALONE = re.compile(
    rf"^(?:(?P<namespace>[a-z0-9][a-z0-9.\-]*+)\s++)??(?:(?P<last>{_TIMES})\s++)?(?P<type>Warning|Normal)\s++(?P<reason>\w++)"
    rf"\s++(?:(?P<age>{_TIMES})\s++)?(?P<message>.*)$"
)
"""A row without its header."""
_OBJECT = re.compile(r"^(?:pods?/)([a-z0-9][a-z0-9.\-]*)\s+", re.IGNORECASE)
_OTHER_OBJECT = re.compile(r"[a-z][a-z0-9.]*+/\S++\s{2}")
_FROM = re.compile(r"^(?:kubelet(?:, ?\S+)?|\S+-scheduler|\S+)\s{2,}")
_RULE = re.compile(r" [|│] ")
_MAX_SPACES = 64
_WIDE = re.compile(rf"\s{{{_MAX_SPACES},}}+")
"""Room between cells; the search for a message's end tries each of it."""
_COUNTED = re.compile(r"\(x(\d{1,20}) over ")

Row = re.Pattern[str]


def table_of(header: str) -> Row | None:
    """Return the expression of a table's rows by its header line, or None for any other line."""
    text = _unruled(header).upper()
    if "REASON" not in text or ("MESSAGE" not in text and "MSG" not in text):
        return None
    for title in _TITLES:
        text = text.replace(title, title.replace(" ", ""))
    columns = tuple(_SAME.get(title, title) for title in text.split())
    if not 3 <= len(columns) <= _MAX_CELLS or len(set(columns)) < len(columns):
        return None
    return _row_of(columns)


def _unruled(text: str) -> str:
    """Return a row without the rules between and around its cells, as Markdown and terminal programs draw them."""
    text = text.strip(BOX)
    return _RULE.sub("   ", text) if "|" in text or "│" in text else text


@lru_cache(maxsize=32)
def _row_of(columns: tuple[str, ...]) -> Row | None:
    cells = [_CELLS.get(column, _ANY_CELL) for column in columns]
    if any(columns.count(one) and columns.count(other) for one, other in (("AGE", "LASTSEEN"), ("FROM", "SOURCE"))):
        return None
    pattern = cells[0]
    for before, cell in pairwise(cells):
        # An empty cell takes no room of its own; a message ends with two spaces, as its words stand one apart.
        space = r"\s{2,}+" if before == _CELLS["MESSAGE"] else r"\s*+" if before.endswith(")?+") else r"\s++"
        pattern += space + cell
    return re.compile(rf"^{pattern}\s*$")


def read_table_row(row: Row, text: str, time: float | None, line: int | None) -> tuple[PodObservation, ...] | None:
    """Return the failure that a row reports, empty if none; None if the text is no row of this table."""
    found = row.match(_WIDE.sub(" " * _MAX_SPACES, _unruled(text)))
    if found is None:
        return None
    cells = found.groupdict()
    name, kind = _object(cells)
    if kind.casefold() not in ("pod", "pods"):
        return ()
    counted = _COUNTED.search(cells.get("last") or "")
    times = cells.get("count") or (counted[1] if counted else None)
    pod = PodRef(cells.get("namespace"), name) if name else PodRef()
    moment = rfc3339_time(cells.get("last") or "") or time
    count = (bounded_int(times) if times else None) or 1
    return _seen(read_event_of(cells["reason"], cells["message"], pod, (moment, line), count), cells.get("last"))


def _seen(events: tuple[PodObservation, ...], age: str | None) -> tuple[PodObservation, ...]:
    return tuple(replace(event, seen=printable(age)) for event in events) if age and age[0].isdigit() else events


def _object(cells: dict[str, str | None]) -> tuple[str | None, str]:
    """Return the name and the kind of a row's object; without a column for it (a description) a pod without a name."""
    if whole := cells.get("object"):
        kind, _, named = whole.partition("/")
        return named, kind
    name = cells.get("name")
    if cells.get("kind"):
        return (_EVENT_NAME.sub("", name) if name else None), cells["kind"] or ""
    return (_EVENT_NAME.sub("", name) if name else None), "pod"


def read_lone_row(text: str, time: float | None, line: int | None) -> tuple[PodObservation, ...] | None:
    """Return the failure that a row without its header reports, empty if none; None if the text is no such row."""
    row = _ALONE.match(text.strip(BOX))
    if row is None:
        return None
    message = row["message"]
    named = _OBJECT.match(message)
    if named is None and _OTHER_OBJECT.match(message):
        return ()
    counted = _COUNTED.search(row["age"] or row["last"] or "")
    pod = PodRef(row["namespace"] if named else None, named[1]) if named else PodRef()
    text = message[named.end() :] if named else _FROM.sub("", message)
    count = (bounded_int(counted[1]) if counted else None) or 1
    return _seen(read_event_of(row["reason"], text, pod, (time, line), count), row["age"] or row["last"])
