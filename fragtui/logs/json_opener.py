"""The log lines inside JSON: what journald, dmesg, shippers and exporters wrap them in, by the names of its members.

Seen: docker's json-file (``log``), Filebeat and Logstash (``message``, ``@timestamp``), Elasticsearch (``_source``),
Vector (``host``, ``appname``), Fluent Bit (``date``), Google's (``textPayload``, ``jsonPayload.message`` or
``.MESSAGE``), AWS (``events``; ``field`` and ``value``), Loki (``line``, ``values``), Splunk (``result._raw``), Ansible
(``stdout_lines``), `journalctl -o json` (``MESSAGE``, ``__REALTIME_TIMESTAMP``) and `dmesg -J` (``pri``, ``msg``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fragtui.logs.bounded_json import DECODER, read_json
from fragtui.logs.journal_entry import records_of
from fragtui.logs.record import LogRecord, message_lines
from fragtui.logs.timestamps import iso_time
from fragtui.text import LATEST, printable

_INSIDE = ("_source", "jsonpayload", "fields")
_TEXTS = ("log", "message", "textpayload", "line", "_raw", "@message", "stdout", "body", "event", "entry", "msg")
_LOGGERS = frozenset({"caller", "level", "logger", "error", "err", "v"})
"""An object with one of these beside ``msg`` is a structured log: kubelet's, a runtime's."""
_LEVEL_KEYS = frozenset({"level", "@level"})
_LISTS = frozenset({"stdout_lines", "lines", "messages", "values", "logs", "stderr_lines", "msg"})
"""Members whose strings are lines."""
_TIMES = ("@timestamp", "time", "timestamp", "date", "_time", "ts", "eventtime")
_HOSTS = ("hostname", "_hostname", "host")
_PROGRAMS = ("syslog_identifier", "appname", "program", "ident")
_JOURNAL = frozenset({"__realtime_timestamp", "_transport", "_source_monotonic_timestamp", "_boot_id"})
_PROGRAM_FIELDS = frozenset({"host", "program", "date"})
"""What syslog-ng writes beside MESSAGE, which then is a line of syslog or the kernel's with its stamp."""
_FACTS = frozenset({"involvedobject", "kind", "reason"})
"""An object with one of these beside its message is a structured log by itself and read as a whole."""
_KERNELS = re.compile(r"page allocation|oom-killer|^(?:kernel: |\[ *\d+\.\d{6}\])| kernel: ")
_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
MAX_LINES = 20_000
"""Lines opened of one JSON text."""
_MAX_DEPTH = 6


@dataclass(slots=True)
class ShippedLine:
    """The wrapped line, with the time (epoch seconds), host and program beside it."""

    text: str
    time: float | None = None
    host: str | None = None
    program: str | None = None


def json_values(text: str) -> Iterator[Any]:
    """Yield the values of a text: one, several after each other, or those of an array whose end may be cut off.

    Raises ValueError if something else follows the first of them.
    """
    at, many = (1, True) if text[:1] == "[" else (0, False)
    count = 0
    while True:
        while at < len(text) and text[at] in " ,]" and (count or many):
            at += 1
        if at >= len(text):
            return
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            if many and count:  # The line was cut.
                return
            raise ValueError("not JSON") from None
        count += 1
        yield value


def open_json(text: str, number: int | None) -> list[LogRecord | ShippedLine] | None:
    """Return the lines inside a JSON text, in order; None if it is not JSON or holds no line of a log."""
    found: list[LogRecord | ShippedLine] = []
    try:
        for value in json_values(text):
            for opened in _opened(value, number, int(text[:1] == "[")):
                found.append(opened)
                if len(found) >= MAX_LINES:
                    return found
    except ValueError:
        return None
    return found or None


def unquoted(text: str) -> str | None:
    """Return the string of a line that is one JSON or CSV string and nothing else, such as an array's element."""
    bare = text.strip().rstrip(",")
    if len(bare) < 2 or bare[0] != '"' or bare[-1] != '"':
        return None
    try:
        value = read_json(bare)
    except ValueError:
        inside = bare[1:-1].replace('""', "")
        return None if '"' in inside else bare[1:-1].replace('""', '"')
    return value if isinstance(value, str) else None


def _opened(value: Any, number: int | None, depth: int) -> Iterator[LogRecord | ShippedLine]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str) and depth:
        yield ShippedLine(_settled(value))
    elif isinstance(value, list):
        if len(value) == 2 and all(isinstance(part, str) for part in value) and value[0].isdigit():
            yield ShippedLine(_settled(value[1]), _time(float(value[0][:20])))  # Loki: nanoseconds and line.
            return
        if pairs := _pairs(value):
            value = [pairs]
        for element in value:
            yield from _opened(element, number, depth + 1)
    elif isinstance(value, dict):
        yield from _object(value, number, depth)


def _pairs(value: list[Any]) -> dict[str, Any]:
    """Return the object that CloudWatch Insights writes as a list of fields with their values; empty for others."""
    fields = [part for part in value if isinstance(part, dict) and part.keys() == {"field", "value"}]
    whole = bool(fields) and len(fields) == len(value)
    return {str(part["field"]): part["value"] for part in fields} if whole else {}


def _object(value: dict[str, Any], number: int | None, depth: int) -> Iterator[LogRecord | ShippedLine]:
    entry = {key.lower(): member for key, member in value.items()}
    for name in _INSIDE:
        if isinstance(inner := entry.get(name), dict):
            entry = entry | {key.lower(): member for key, member in inner.items()}
    if not _JOURNAL.isdisjoint(entry) or ("MESSAGE" in value and _PROGRAM_FIELDS.isdisjoint(entry)):
        yield from _journal(entry, number)
        return
    if "msg" in entry and ("pri" in entry or "prio" in entry):
        yield from _dmesg(entry, number)
        return
    if not _FACTS.isdisjoint(entry):
        return
    if entry.keys() == {"field", "value"}:
        entry = {str(entry["field"]).lower(): entry["value"]}
    text = _first(entry, _TEXTS if _LOGGERS.isdisjoint(entry) else _TEXTS[:-1])
    if text is None:  # A whole log in one string.
        text = next((each for each in entry.values() if isinstance(each, str) and _is_log(each)), None)
    if text is not None and (_LEVEL_KEYS.isdisjoint(entry) or _KERNELS.search(text)):
        if isinstance(host := entry.get("host"), dict):  # Elastic Common Schema.
            entry = entry | {"host": host.get("name")}
        yield ShippedLine(_settled(text), _first_time(entry), _first(entry, _HOSTS), _first(entry, _PROGRAMS))
        return
    for name, member in entry.items():
        if isinstance(member, dict) or (
            isinstance(member, list) and (name in _LISTS or not (member and isinstance(member[0], str)))
        ):
            yield from _opened(member, number, depth + 1)


def _is_log(text: str) -> bool:
    return "\n" in text and _KERNELS.search(text) is not None


def _journal(entry: dict[str, Any], number: int | None) -> Iterator[LogRecord]:
    fields = {key.upper(): text for key, member in entry.items() if (text := _as_text(member)) is not None}
    if "__REALTIME_TIMESTAMP" not in fields and (time := _first_time(entry)) is not None:
        fields["__REALTIME_TIMESTAMP"] = str(int(time * 1e6))
    yield from records_of(fields, number)


def _dmesg(entry: dict[str, Any], number: int | None) -> Iterator[LogRecord]:
    """Yield the records of an object of `dmesg -J`: ``pri`` is a number or, with -x, a level beside ``fac``."""
    priority, time, caller, message = (entry.get(name) for name in ("pri", "time", "caller", "msg"))
    level = facility = None
    if isinstance(priority, int):
        level, facility = priority & 7, priority >> 3
    elif priority in _LEVELS:
        level = _LEVELS.index(priority)
    if "fac" in entry:
        facility = 0 if entry["fac"] == "kern" else 1
    if not isinstance(message, str):
        return
    for text in message_lines(message):
        yield LogRecord(
            text=text,
            line=number,
            monotonic=float(time) if isinstance(time, int | float) and not isinstance(time, bool) else None,
            facility=facility,
            level=level,
            caller=printable(caller, 32) if isinstance(caller, str) else None,
            from_kernel=None if facility is None else facility == 0,
        )


def _as_text(value: object) -> str | None:
    """Return a journal field's text: a string, or an array of byte values for what is not UTF-8 or not printable."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, list) and value and isinstance(value[0], str):
        return value[0]
    return None


def _settled(text: str) -> str:
    return text.rstrip("\r\n").replace("\t", " ")


def _first(entry: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := entry.get(name), str)), None)


def _first_time(entry: dict[str, Any]) -> float | None:
    return next((found for name in _TIMES if (found := _time(entry.get(name))) is not None), None)


def _time(value: object) -> float | None:
    if isinstance(value, str):
        return _time(float(value)) if value.isdigit() and value.isascii() and len(value) <= 20 else iso_time(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LATEST * 10**9:
        return None
    unit = 1
    while value / unit >= LATEST:  # It counts milliseconds, microseconds or nanoseconds.
        unit *= 1000
    return value / unit


_KEY = re.compile(r'\s*"[^"\\]{1,99}" ?: ?')
_PART = re.compile(
    r'\s*+(?:"[^"\\]{1,99}"\s*+:|[{}\[\],\s]++$|"(?:[^"\\]|\\.)*+",?\s*+$|(?:-?\d[\d.eE+-]*+|true|false|null),?\s*+$)'
)
_MESSAGES = frozenset(_TEXTS)
_MAX_HELD = 2000
_MAX_BYTES = 1 << 18


PrettyLine = tuple[str, int | None, bool]
"""A line, its number, and whether it lacks its newline."""


class PrettyObject:
    """Collects the lines of a JSON object that is printed a member a line, from its ``{`` or from any member on."""

    __slots__ = ("_bytes", "_held", "_indent")

    def __init__(self) -> None:
        self._held: list[PrettyLine] = []
        self._indent: int | None = None
        self._bytes = 0

    @property
    def active(self) -> bool:
        """Whether an object has begun and not ended."""
        return bool(self._held)

    def wants(self, text: str) -> bool:
        """Return whether a line is a part of such an object."""
        if not self._held:
            return _opens(text) or (text[:1] == " " and _KEY.match(text) is not None)
        return self._bytes < _MAX_BYTES and len(self._held) < _MAX_HELD and _PART.match(text) is not None

    def add(self, text: str, number: int | None, torn: bool) -> list[PrettyLine]:
        """Take a line that it wants; return the lines of the object that it ends, empty if it ends none."""
        indent = _indent_of(text)
        ended: list[PrettyLine] = []
        if self._held and text.lstrip(" ")[:1] == "}":
            mine = self._indent if self._indent is not None else min(_indent_of(line) for line, _, _ in self._held) - 1
            ended = self.take() if indent <= mine else []
        if _opens(text):  # What is around it (a list, its name) is left out.
            self.take()
            self._indent = indent
            self._held.append(("{", number, torn))
        elif not ended:
            self._held.append((text, number, torn))
            self._bytes += len(text)
        return ended

    def take(self) -> list[PrettyLine]:
        """Return the collected lines and forget them."""
        held = self._held
        self._held, self._indent, self._bytes = [], None, 0
        return held


def whole_object(lines: list[PrettyLine]) -> tuple[str, int | None]:
    """Return the text of an object of these lines, whose end or beginning may be missing, and its message's line."""
    texts = [line for line, _, _ in lines]
    number = next(
        (place for line, place, _ in lines if (key := _KEY.match(line)) and key[0].strip(' ":').lower() in _MESSAGES),
        lines[-1][1],
    )
    if not texts[-1].rstrip().endswith((",", '"', "}", "]")) and not texts[-1].rstrip()[-1:].isdigit():
        texts.pop()  # It is cut off.
    body = "\n".join(texts).rstrip().rstrip(",")
    return ("" if body.startswith("{") else "{") + body + "}" * max(1, body.count("{") - body.count("}")), number


def _indent_of(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _opens(text: str) -> bool:
    return text[-1:] == "{" and text.strip() in {"{", "[{", "},{", "}, {"}
