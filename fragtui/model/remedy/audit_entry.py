"""Entries of the audit log as JSON lines, written and parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fragtui.kernel.procfs.buddyinfo import MAX_ORDER
from fragtui.logs.bounded_json import read_json
from fragtui.model.remedy.remedy_history import EndEntry, Entry, EvidenceEntry, IntentEntry, Result
from fragtui.text import JSON_BYTES, epoch_seconds, printable

AUDIT_VERSION = 1
_MAX_SECONDS = 1e12
_MAX_COUNT = 1 << 63
_KINDS: dict[type, str] = {IntentEntry: "intent", EndEntry: "ended", EvidenceEntry: "evidence"}


def format_entry(entry: Entry) -> bytes:
    """Return the entry's line with its newline, in ASCII; unknown facts are null."""
    fields = {"v": AUDIT_VERSION, "kind": _KINDS[type(entry)], **asdict(entry)}
    return json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"


def parse_entry(line: str) -> Entry | None:
    """Return the entry of one line, or None if this version can't read it. Never raises."""
    if len(line) > JSON_BYTES or '"kind"' not in line:
        return None
    try:
        fields = read_json(line)
        if not isinstance(fields, dict) or fields.get("v") != AUDIT_VERSION:
            return None
        return _read(_Fields(fields))
    except (ValueError, KeyError, TypeError):
        return None


class _Fields:
    """The fields of a line by type: a value of another type is an error, not a guess."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def absent(self, name: str) -> bool:
        return self._fields.get(name) is None

    def text(self, name: str) -> str:
        value = self._fields[name]
        if not isinstance(value, str):
            raise TypeError(name)
        return printable(value)

    def maybe_text(self, name: str) -> str | None:
        return None if self.absent(name) else self.text(name)

    def number(self, name: str) -> float:
        value = self._fields[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(name)
        if not abs(value) <= _MAX_SECONDS:
            raise ValueError(name)
        return float(value)

    def time(self) -> float:
        if (seconds := epoch_seconds(self.number("time"))) is None:
            raise ValueError("time")
        return seconds

    def maybe_number(self, name: str) -> float | None:
        return None if self.absent(name) else self.number(name)

    def whole(self, name: str) -> int:
        value = self._fields[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(name)
        if not abs(value) < _MAX_COUNT:
            raise ValueError(name)
        return value

    def maybe_whole(self, name: str) -> int | None:
        return None if self.absent(name) else self.whole(name)

    def order(self) -> int:
        if not 0 <= (order := self.whole("order")) <= MAX_ORDER:
            raise ValueError("order")
        return order

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._fields[name]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise TypeError(name)
        return tuple(printable(value) for value in values)


def _read(fields: _Fields) -> Entry | None:
    kind = fields.text("kind")
    if kind == "intent":
        return IntentEntry(
            id=fields.text("id"),
            time=fields.time(),
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
            order=None if fields.absent("order") else fields.order(),
            blocks=fields.maybe_whole("blocks"),
            expected_blocks=fields.maybe_whole("expected_blocks"),
            expected_bytes=fields.maybe_whole("expected_bytes"),
            boottime=fields.maybe_number("boottime"),
            run=fields.maybe_text("run"),
        )
    if kind == "ended":
        return EndEntry(
            id=fields.text("id"),
            time=fields.time(),
            result=Result(fields.text("result")),
            seconds=fields.number("seconds"),
            cpu=fields.maybe_number("cpu"),
            step=fields.maybe_whole("step"),
            error=fields.maybe_text("error"),
        )
    if kind == "evidence":
        return EvidenceEntry(
            id=fields.text("id"),
            time=fields.time(),
            after=fields.number("after"),
            order=fields.order(),
            blocks=fields.whole("blocks"),
            stalled=fields.maybe_number("stalled"),
            refaults=fields.maybe_whole("refaults"),
            read=fields.maybe_whole("read"),
            half_life=fields.maybe_number("half_life"),
            cgroup_refaults=fields.maybe_whole("cgroup_refaults"),
            cgroup_read=fields.maybe_whole("cgroup_read"),
            cgroup_stalled=fields.maybe_number("cgroup_stalled"),
        )
    return None
