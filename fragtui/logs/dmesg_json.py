"""`dmesg -J`: one JSON document over many lines, read a line at a time."""

from __future__ import annotations

import re

from fragtui.logs.bounded_json import read_json
from fragtui.logs.record import LogRecord, message_lines
from fragtui.text import printable

_MEMBER = re.compile(r'\s*+"(pri|fac|time|caller|msg|dmesg)": *+(.*)')
_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")


class DmesgJson:
    """Collects ``"pri"``, ``"time"`` and ``"msg"`` of one object; a message yields its records at once."""

    __slots__ = ("_caller", "_facility", "_level", "_time", "active")

    def __init__(self) -> None:
        self.active = False
        self._clear()

    def _clear(self) -> None:
        self._level: int | None = None
        self._facility: int | None = None
        self._time: float | None = None
        self._caller: str | None = None

    def add(self, line: str, number: int | None) -> tuple[LogRecord, ...] | None:
        """Return the records of a line of the document (often none), or None if it is no such line."""
        bare = line.strip()
        if bare in {"{", "}", "},{", "},", "]", "[", "}]"}:
            self._clear()
            self.active = self.active and line[:1] != "}"
            return () if bare[0] in "{}" or self.active else None
        if (found := _MEMBER.match(line)) is None:
            return None
        self.active = True
        name, value = found[1], found[2].rstrip().removesuffix(",")
        try:
            parsed = read_json(value) if name != "dmesg" else None
        except ValueError:
            return ()
        if name == "pri":
            if isinstance(parsed, int):
                self._level, self._facility = parsed & 7, parsed >> 3
            elif parsed in _LEVELS:
                self._level = _LEVELS.index(parsed)
        elif name == "fac":
            self._facility = 0 if parsed == "kern" else 1
        elif name == "time" and isinstance(parsed, int | float):
            self._time = float(parsed)
        elif name == "caller" and isinstance(parsed, str):
            self._caller = printable(parsed, 32)
        elif name == "msg" and isinstance(parsed, str):
            records = tuple(
                LogRecord(
                    text=text,
                    line=number,
                    monotonic=self._time,
                    facility=self._facility,
                    level=self._level,
                    caller=self._caller,
                    from_kernel=None if self._facility is None else self._facility == 0,
                )
                for text in message_lines(parsed)
            )
            self._clear()
            return records
        return ()
