"""One JSON object a line, as log shippers write them: a log line wrapped with what the shipper adds.

Seen: docker's json-file (``log``, ``time``), Filebeat and Logstash (``message``, ``@timestamp``), Elasticsearch's
export of them (``_source``), Vector (``message``, ``timestamp``, ``host``, ``appname``), Fluent Bit (``log``,
``date``), Google's (``textPayload`` or ``jsonPayload.message``, ``timestamp``), and the same as their tools print it, a
member a line (``aws logs filter-log-events``, ``gcloud logging read``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.logs.bounded_json import read_json
from fragtui.logs.timestamps import iso_time
from fragtui.text import LATEST, LINE_BYTES

_INSIDE = ("_source", "jsonPayload")
_TEXTS = ("log", "message", "textPayload")
_TIMES = ("@timestamp", "time", "timestamp", "date")
_HOSTS = ("hostname", "host")
_PROGRAMS = ("appname", "program", "ident")
_MEMBER = re.compile(r'\s*+"([\w@.]++)": (.*)', re.ASCII)
_BRACKETS = re.compile(r"[\s{}\[\],]*$")
_OBJECTS = frozenset({"involvedObject", "kind", "reason", "level"})
"""An object with one of these beside its message is a structured log by itself and read as a whole."""


@dataclass(slots=True)
class ShippedLine:
    """The wrapped line, with the time (epoch seconds), host and program beside it."""

    text: str
    time: float | None
    host: str | None
    program: str | None


def shipped_in(entry: dict[str, object]) -> ShippedLine | None:
    """Return what a shipper wrapped in a JSON object, or None if it is not such an object."""
    for name in _INSIDE:
        if isinstance(inner := entry.get(name), dict):
            entry = entry | inner
    text = _first(entry, _TEXTS)
    if text is None or not _OBJECTS.isdisjoint(entry):
        return None
    time = next((found for name in _TIMES if (found := _time(entry.get(name))) is not None), None)
    if isinstance(host := entry.get("host"), dict):  # Elastic Common Schema.
        entry = entry | {"host": host.get("name")}
    return ShippedLine(_settled(text), time, _first(entry, _HOSTS), _first(entry, _PROGRAMS))


def _settled(text: str) -> str:
    return text.rstrip("\r\n")[: LINE_BYTES + 1].replace("\t", " ")


def _first(entry: dict[str, object], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := entry.get(name), str)), None)


def _time(value: object) -> float | None:
    if isinstance(value, str):
        return iso_time(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LATEST * 10**9:
        return None
    unit = 1
    while value / unit >= LATEST:  # It counts milliseconds, microseconds or nanoseconds.
        unit *= 1000
    return value / unit


class ShippedMembers:
    """Such objects printed one member a line: gives the wrapped line of each, with the time if it comes before it."""

    __slots__ = ("_active", "_time")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the lines before: some were left out."""
        self._active = False
        self._time: float | None = None

    def add(self, line: str) -> ShippedLine | bool:
        """Return the wrapped line, or whether a line is another part of such an object."""
        if (found := _MEMBER.match(line)) is None:
            self._time = None
            self._active = self._active and _BRACKETS.match(line) is not None
            return self._active
        try:
            value = read_json(found[2].rstrip().removesuffix(","))
        except ValueError:
            return self._active
        if found[1] in _TIMES:
            self._time = _time(value)
        elif found[1] in _TEXTS and isinstance(value, str):
            self._active = True
            return ShippedLine(_settled(value), self._time, None, None)
        return self._active
