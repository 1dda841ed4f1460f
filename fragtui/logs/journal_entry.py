"""Journal entries: fields, `journalctl -o export` streams and `-o verbose` text."""

from __future__ import annotations

import re

from fragtui.logs.record import LogRecord, message_lines
from fragtui.text import LINE_BYTES, bounded_int, epoch_seconds, printable

_WANTED = frozenset({
    "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_PID", "_COMM", "_HOSTNAME",
    "_TRANSPORT", "_SOURCE_MONOTONIC_TIMESTAMP", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "_SYSTEMD_UNIT",
})  # fmt: skip


_VERBOSE_HEAD = re.compile(
    rb"\S.* \[s=[0-9a-f]{32};i=[0-9a-f]+;b=[0-9a-f]{32};m=([0-9a-f]{1,16});t=([0-9a-f]{1,16});x=[0-9a-f]+\]\Z"
)
"""A moment and the entry's cursor, which holds the moment in microseconds."""
_VERBOSE_FIELD = re.compile(rb" {4}([A-Z_][A-Z0-9_]*)=(.*)\Z")


def records_of(fields: dict[str, str], number: int | None, torn: bool = False) -> tuple[LogRecord, ...]:
    """Return one record for each line of an entry's MESSAGE; `fields` maps journald's field names to values."""
    if (message := fields.get("MESSAGE")) is None:
        return ()
    monotonic = bounded_int(fields.get("_SOURCE_MONOTONIC_TIMESTAMP"))
    real = bounded_int(fields.get("__REALTIME_TIMESTAMP")) or bounded_int(fields.get("_SOURCE_REALTIME_TIMESTAMP"))
    facility = bounded_int(fields.get("SYSLOG_FACILITY"))
    level = bounded_int(fields.get("PRIORITY"))
    pid = bounded_int(fields.get("_PID") or fields.get("SYSLOG_PID"))
    program = fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM")
    transport = fields.get("_TRANSPORT")
    # Userland writers of /dev/kmsg share the kernel's transport, but not its facility.
    from_kernel = facility in {0, None} if transport == "kernel" else None if transport is None else False
    lines = message_lines(message.rstrip("\n"))
    torn = torn or len(message) > LINE_BYTES
    return tuple(
        LogRecord(
            text=text,
            line=number,
            time=None if real is None else epoch_seconds(real / 1e6),
            monotonic=None if monotonic is None else monotonic / 1e6,
            facility=facility,
            level=level,
            host=None if (host := fields.get("_HOSTNAME")) is None else printable(host),
            program=None if program is None else printable(program),
            pid=pid,
            from_kernel=from_kernel,
            torn=torn and index == len(lines) - 1,
        )
        for index, text in enumerate(lines)
    )


class ExportEntry:
    """Collects the lines of one `journalctl -o export` entry, binary fields included.

    Format: systemd's JOURNAL_EXPORT_FORMATS: ``NAME=value``, or ``NAME`` then a 64-bit little-endian length, the bytes
    and a newline; an empty line ends an entry.
    """

    __slots__ = ("_data", "_name", "_size", "_torn", "binary", "fields", "first_line")

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.first_line: int | None = None
        self._name = ""
        self._data = bytearray()
        """The length of a binary field and the part of it read so far."""
        self._size = 0
        self.binary = False
        """Whether the next lines belong to a binary field."""
        self._torn = False

    @property
    def active(self) -> bool:
        """Whether an entry has begun and not ended."""
        return self.binary or bool(self.fields) or self.first_line is not None

    def add(self, line: bytes, number: int | None, torn: bool = False) -> bool:
        """Take a line without its newline, `torn` if it had none; return whether it ended the entry."""
        if self.first_line is None:
            self.first_line = number
        if self.binary:
            if (room := 8 + LINE_BYTES - len(self._data)) > 0:
                self._data += line[:room] + b"\n"
            self._size += len(line) + 1
            if self._size < 8:
                return False
            length = int.from_bytes(self._data[:8], "little")
            if length > 1 << 24:  # No such field: the stream was cut here, start over.
                self.binary = False
                return True
            if self._size >= 8 + length + 1:
                if self._name in _WANTED:
                    self.fields[self._name] = self._data[8 : 8 + length].decode("utf-8", "surrogateescape")
                self.binary = False
            return False
        if not line:
            return True
        self._torn = torn
        name, separator, value = line.partition(b"=")
        key = name.decode("ascii", "replace")
        if separator:
            if key in _WANTED:
                self.fields[key] = value.decode("utf-8", "surrogateescape")
        else:
            self._name, self._data, self._size, self.binary = key, bytearray(), 0, True
        return False

    def take(self, number: int | None) -> tuple[LogRecord, ...]:
        """Return the records of the entry so far and start a new one. A field that is cut off is left out."""
        records = records_of(self.fields, number if number is not None else self.first_line, self._torn)
        self.fields, self.first_line, self.binary, self._data, self._torn = {}, None, False, bytearray(), False
        return records


class VerboseEntry:
    """Collects the lines of one `journalctl -o verbose` entry; the first line of another form ends it."""

    __slots__ = ("_fields", "_line", "_torn")

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._line: int | None = None
        self._torn = False

    @property
    def active(self) -> bool:
        """Whether an entry has begun."""
        return bool(self._fields)

    def add(self, line: bytes, number: int | None, torn: bool) -> bool:
        """Take the next line of an entry; return False for any other line."""
        if not self.active:
            if not line.endswith(b"]") or (head := _VERBOSE_HEAD.match(line)) is None:
                return False
            self._fields = {"__REALTIME_TIMESTAMP": str(int(head[2], 16))}
            return True
        if (field := _VERBOSE_FIELD.match(line)) is None:
            return False
        if (name := field[1].decode("ascii")) in _WANTED:
            self._fields[name] = field[2].decode("utf-8", "surrogateescape")
        if name == "MESSAGE":
            self._line, self._torn = number, torn
        return True

    def take(self) -> tuple[LogRecord, ...]:
        """Return the records of the entry and start a new one."""
        records = records_of(self._fields, self._line, self._torn)
        self._fields, self._line, self._torn = {}, None, False
        return records
