"""Lines of the audit log: one JSON object each, written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from fragtui.model.remedy_history import Ended, Entry, Evidence, Intent, Result
from fragtui.text import printable

VERSION = 1
_KINDS: dict[type, str] = {Intent: "intent", Ended: "ended", Evidence: "evidence"}


def format_entry(entry: Entry) -> bytes:
    """Return the entry's line with its newline, in ASCII; facts that are unknown are null."""
    fields = {"v": VERSION, "kind": _KINDS[type(entry)], **asdict(entry)}
    return json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"


def parse_entry(line: str) -> Entry | None:
    """Return the entry of one line, or None where it is none that this version can read."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields.get("v") != VERSION:
            return None
        return _read(_Fields(fields))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


class _Fields:
    """The fields of a line by type: a value of another type is an error, not a guess."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        value = self._fields[name]
        if not isinstance(value, str):
            raise TypeError(name)
        return printable(value)

    def maybe_text(self, name: str) -> str | None:
        return None if self._fields.get(name) is None else self.text(name)

    def number(self, name: str) -> float:
        value = self._fields[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(name)
        if not isfinite(value):
            raise ValueError(name)
        return float(value)

    def maybe_number(self, name: str) -> float | None:
        return None if self._fields.get(name) is None else self.number(name)

    def whole(self, name: str) -> int:
        value = self._fields[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(name)
        return value

    def maybe_whole(self, name: str) -> int | None:
        return None if self._fields.get(name) is None else self.whole(name)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._fields[name]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise TypeError(name)
        return tuple(printable(value) for value in values)


def _read(fields: _Fields) -> Entry | None:
    kind = fields.text("kind")
    if kind == "intent":
        return Intent(
            id=fields.text("id"),
            time=fields.number("time"),
            remedy=fields.text("remedy"),
            steps=fields.texts("steps"),
            paths=fields.texts("paths"),
            by=fields.text("by"),
            pid=fields.whole("pid"),
            uid=fields.whole("uid"),
            login=fields.maybe_text("login"),
            host=fields.maybe_text("host"),
            kernel=fields.maybe_text("kernel"),
            boot=fields.maybe_text("boot"),
            order=fields.maybe_whole("order"),
            blocks=fields.maybe_whole("blocks"),
            expected_blocks=fields.maybe_whole("expected_blocks"),
            expected_bytes=fields.maybe_whole("expected_bytes"),
            boottime=fields.maybe_number("boottime"),
            run=fields.maybe_text("run"),
        )
    if kind == "ended":
        return Ended(
            id=fields.text("id"),
            time=fields.number("time"),
            result=Result(fields.text("result")),
            seconds=fields.number("seconds"),
            cpu=fields.maybe_number("cpu"),
            step=fields.maybe_whole("step"),
            error=fields.maybe_text("error"),
        )
    if kind == "evidence":
        return Evidence(
            id=fields.text("id"),
            time=fields.number("time"),
            after=fields.number("after"),
            order=fields.whole("order"),
            blocks=fields.whole("blocks"),
            stalled=fields.maybe_number("stalled"),
            refaults=fields.maybe_whole("refaults"),
            read=fields.maybe_whole("read"),
            half_life=fields.maybe_number("half_life"),
        )
    return None
