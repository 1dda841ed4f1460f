"""Entries of the audit log as JSON lines, written and parsed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from fragtui.kernel.procfs.buddyinfo import MAX_ORDER
from fragtui.logs.bounded_json import read_json
from fragtui.model.remedy.remedy_history import EndEntry, Entry, EvidenceEntry, IntentEntry, Result
from fragtui.text import JSON_BYTES, epoch_seconds, printable

AUDIT_VERSION = 1
_MAX_SECONDS = 1e12
_MAX_COUNT = 1 << 63
_KINDS: dict[type[Entry], str] = {IntentEntry: "intent", EndEntry: "ended", EvidenceEntry: "evidence"}


def format_entry(entry: Entry) -> bytes:
    """Return the entry's line with its newline, in ASCII; unknown facts are null."""
    facts = {"v": AUDIT_VERSION, "kind": _KINDS[type(entry)], **asdict(entry)}
    return json.dumps(facts, ensure_ascii=True).encode("ascii") + b"\n"


def parse_entry(line: str) -> Entry | None:
    """Return the entry of one line, or None if this version can't read it. Never raises."""
    if len(line) > JSON_BYTES or '"kind"' not in line:
        return None
    try:
        facts = read_json(line)
        if not isinstance(facts, dict) or facts.get("v") != AUDIT_VERSION:
            return None
        return _read(facts)
    except (ValueError, KeyError, TypeError):
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return printable(value)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError
    return tuple(map(_text, values))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if not abs(value) <= _MAX_SECONDS:
        raise ValueError
    return float(value)


def _time(value: Any) -> float:
    if (seconds := epoch_seconds(_number(value))) is None:
        raise ValueError
    return seconds


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if not abs(value) < _MAX_COUNT:
        raise ValueError
    return value


def _order(value: Any) -> int:
    if not 0 <= (order := _whole(value)) <= MAX_ORDER:
        raise ValueError
    return order


_Reader = Callable[[Any], Any]
_BY_NAME: dict[str, _Reader] = {"time": _time, "order": _order}
_BY_TYPE: dict[str, _Reader] = {
    "str": _text, "float": _number, "int": _whole, "tuple[str, ...]": _texts, "Result": Result
}  # fmt: skip


def _readers(entry: type) -> tuple[tuple[str, _Reader, bool], ...]:
    """Return name, reader and whether it may be null, of each field."""
    named = [(field.name, *str(field.type).partition(" | ")[::2]) for field in fields(entry)]
    return tuple((name, _BY_NAME.get(name) or _BY_TYPE[kind], bool(null)) for name, kind, null in named)


_READERS = {kind: (entry, _readers(entry)) for entry, kind in _KINDS.items()}


def _read(facts: Mapping[str, Any]) -> Entry:
    """Return the entry; a value of another type is an error, not a guess."""
    entry, readers = _READERS[facts["kind"]]
    values: dict[str, Any] = {
        name: None if may_be_null and facts.get(name) is None else read(facts[name])
        for name, read, may_be_null in readers
    }
    return entry(**values)
