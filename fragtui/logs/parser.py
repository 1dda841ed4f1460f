"""Any log, line by line, as records: the format is detected for every line, so a file may mix formats."""

from __future__ import annotations

import re
from dataclasses import replace

from fragtui.logs.dmesg_prefix import DATELESS, MONOTONIC_HOST, STAMPED, Prefix, read_brackets, read_priority
from fragtui.logs.journal_entry import ExportEntry, VerboseEntry
from fragtui.logs.json_opener import PrettyLine, PrettyObject, ShippedLine, open_json, unquoted, whole_object
from fragtui.logs.kmsg_record import looks_like_kmsg, parse_kmsg_record
from fragtui.logs.markup import is_quoted_printable, is_soft_broken, unquote_printable, without_markup
from fragtui.logs.own_stamp import date_yearless
from fragtui.logs.record import LogRecord, is_newest_first, message_lines
from fragtui.logs.syslog_line import (
    KERNEL_PROGRAMS,
    MIN_STAMPS,
    SameHead,
    SyslogLine,
    is_bare,
    parse_common,
    parse_syslog,
    split_host,
    unescape_octal,
)
from fragtui.logs.wrapper import Wrappers, any_of, shape_of, teaches_nothing
from fragtui.text import LINE_BYTES, epoch_seconds, line_limit, printable

_EXPORT_START = re.compile(rb"__(?:CURSOR|REALTIME_TIMESTAMP|MONOTONIC_TIMESTAMP)=")
_REPEATED = re.compile(r"(?:last message repeated|message repeated) (\d+) times(?:: \[ ?(.*)\])?")
_DICTIONARY = re.compile(r" [A-Z][A-Z0-9_]*=")
_COLOUR = re.compile(r"\x1b\[[\d;]*[mK]", re.ASCII)
"""As `dmesg --color=always` and `grep --color` write it."""
_MAX_LABELS = 256
_MAX_PARTS = 1024
"""Lines read of one shipped message."""
_QUOTE = re.compile(r"(?:[>│|] ?)+")
_TALOS = re.compile(r"(?:\S+: )?(?=(?:kern|user|daemon|syslog): +[a-z]+: \[\d{4}-)")
_RECORD_START = re.compile(r"\[ *\d{1,10}\.\d{6}\](?:\[ *[TC]\d+\])? ")
_BRACKETS = re.compile(r"[\s{}\[\],]+$")
"""What is between the members of a JSON text."""
_SENT = re.compile(r"data: ?(?=[{\[])")
"""Before each object of a server-sent stream."""


class LogParser:
    """Turns the lines of one log into records, in order. Never raises, for any bytes.

    `now` (epoch seconds) dates syslog timestamps without a year, `boot` (epoch seconds of the kernel's time zero) gives
    kernel timestamps a wall clock; without them those records have no `time`.
    """

    def __init__(self, now: float | None = None, boot: float | None = None, shift: float = 0.0) -> None:
        self._now = epoch_seconds(now)
        self.shift = shift  # Seconds to add to stamps without a year: from lines that have a full one, too.
        self._boot = boot
        self._export = ExportEntry()
        self._verbose = VerboseEntry()
        self._pretty = PrettyObject()
        self._wrappers = Wrappers()
        self._lasts: dict[str | None, LogRecord] = {}
        """The last record of each wrapper's label, such as a node: the lines of several may be mixed."""
        self._soft = ""
        """The beginning of a line that quoted-printable text has broken."""
        self._quoted = False
        """Whether the log is quoted-printable text."""
        self._last: LogRecord | None = None
        self._same = SameHead()
        self.busy = False
        """Whether a record is incomplete: further lines belong to it."""

    def feed(self, line: bytes, number: int | None = None, torn: bool = False) -> tuple[LogRecord, ...]:
        """Return the records that a line (without its newline) completes; `torn` if it had no newline."""
        if not (torn or self._quoted):
            usual = self._same.read(line, number)
            if usual is None or "#" in usual.text:
                usual = self._usual(line, number, usual)
            if usual is not None:
                self._last = usual
                return (usual,)
        if len(line) > LINE_BYTES and not self._export.binary:
            limit = line_limit(line)
            line, torn = line[:limit], torn or len(line) > limit
        if self._verbose.add(line, number, torn):
            self.busy = True
            return ()
        if self._verbose.active:
            records = self._remember(self._verbose.take())
            self.busy = self._export.active
            return (*records, *self.feed(line, number, torn))
        if self._export.active or (line[:2] == b"__" and _EXPORT_START.match(line)):
            ended = self._export.add(line, number, torn)
            records = self._remember(self._export.take(None)) if ended else ()
            self.busy = self._export.active
            return records
        text = line.decode("utf-8", "surrogateescape")
        if not text.isprintable():
            if "\x1b[" in text:
                text = _COLOUR.sub("", text)
            # A byte order mark, or the separator of `journalctl -o json-seq`, may be before it.
            text = text.rstrip("\r").replace("\t", " ").replace("\xa0", " ").lstrip("\ufeff\x1e")
        if self._soft or text[-1:] == "=":
            if is_soft_broken(text, self._quoted) and len(self._soft) < LINE_BYTES and not torn:
                self._soft, self._quoted = self._soft + text[:-1], True
                self.busy = True
                return ()
            text, self._soft = self._soft + text, ""
        records = self._opened(line, text, number, torn)
        self.busy = self._export.active or self._pretty.active
        return self._remember(records)

    def _usual(self, line: bytes, number: int | None, same: LogRecord | None) -> LogRecord | None:
        """Return the record of a plain line of a syslog file; the way through all formats gives the same, more slowly.

        `same` is the record by the head of the line before, None without.
        """
        if self.busy or self._pretty.active or self._wrappers.known or not b"A" <= line[:1] <= b"Z":
            return None
        text = line.decode("utf-8", "surrogateescape")
        if len(line) > LINE_BYTES or text.endswith(("=", "]")):  # Soft broken, or the head of a verbose entry.
            return None
        if same is None:
            if (parsed := self._common(text)) is None:
                return None
            if parsed.program != "kernel":
                return self._of_program(parsed, number, False)
            self._same.remember(text, parsed)
            same = self._same.read(line, number)
        if same is None or same.text[:1] in "(." or not is_bare(text) or not teaches_nothing(same.text):
            return None
        return same

    def _common(self, text: str) -> SyslogLine | None:
        """Return the parts of a plain syslog line, dated; None for any other line."""
        common = parse_common(text, self._now)
        self.shift = date_yearless(common, self.shift)
        return common

    def _of_program(self, common: SyslogLine, number: int | None, torn: bool) -> LogRecord:
        self._same.forget()
        return LogRecord(
            common.text, number, common.time, None, None, None, None, None,
            common.host, common.program, common.pid, False, torn,
        )  # fmt: skip

    def finish(self) -> tuple[LogRecord, ...]:
        """Return what the end of the log completes."""
        if not self.busy and not self._soft:
            return ()
        soft, self._soft = self._soft, ""
        rest = self._opened(b"", soft, None, True) if soft else ()
        held = self._from_lines(self._pretty.take())
        self.busy = False
        return (*self._verbose.take(), *self._export.take(None), *held, *rest)

    def skip(self) -> None:
        """Forget the line before: lines were left out here."""
        self._last = None
        self._same.forget()
        self._soft = ""
        if not self.busy:
            self._export.take(None)

    def _remember(self, records: tuple[LogRecord, ...]) -> tuple[LogRecord, ...]:
        if records:
            self._last = records[-1]
        return records

    def _opened(self, line: bytes, text: str, number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        """Return the records of a line, those of JSON inside it if there is any."""
        if self._pretty.active or (text[-1:] in '{,:"' and text[:1] in ' [{}"'):
            if (single := unquoted(text)) is None and self._pretty.wants(text):
                return self._from_lines(self._pretty.add(text, number, torn))
            if self._pretty.active and single is None:  # It was something else, or is cut off.
                held = self._from_lines(self._pretty.take())
                return (*held, *self._opened(line, text, number, torn))
        elif text[:1] in " {}[]" and _BRACKETS.match(text):
            return ()
        bare = text.lstrip(" ") if text[:1] == " " else text
        if bare[:5] == "data:" and (sent := _SENT.match(bare)):
            bare = bare[sent.end() :]
        first = bare[:1]
        if first == "{" or (first == "[" and bare[1:].lstrip(" ")[:1] in {"{", '"', "["}):
            if (found := self._json(bare, number)) is not None:
                return found
            if len(text) > LINE_BYTES:  # It looked like JSON but is not.
                line, text, torn = line[:LINE_BYTES], text[:LINE_BYTES], True
        elif first == '"' and (single := unquoted(bare)) is not None:
            return self._shipped(ShippedLine(single), number, torn)
        return self._unwrapped(line, text, number, torn)

    def _from_lines(self, lines: list[PrettyLine]) -> tuple[LogRecord, ...]:
        """Return the records of the lines of a JSON object, each line by itself if it holds no line of a log."""
        if not lines:
            return ()
        if (found := self._json(*whole_object(lines))) is not None:
            return found
        return tuple(each for part in lines for each in self._records(b"", *part))

    def _unwrapped(self, line: bytes, text: str, number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        """Return the records of a line without what a tool wrote before it."""
        if self._wrappers.known and (found := self._wrappers.strip(text)) is not None:
            self._last = self._lasts.get(found.label)
            records = self._records(line, found.text, number, torn)
            time, host = found.time, found.label
            if time is None and any(each.time is None for each in records):
                # What was learned may hold a date that the parser knows, and the host.
                whole = self._plain(text, None, False)[0]
                self._same.forget()
                time, host = whole.time, host if whole.host is None else whole.host
            records = tuple(each.dated_by(time, host) for each in records)
            if records and (found.label in self._lasts or len(self._lasts) < _MAX_LABELS):
                self._lasts[found.label] = records[-1]
            return records
        records = self._records(line, text, number, torn)
        if (
            len(records) == 1
            and records[0].from_kernel is not False
            and self._wrappers.learn(text, records[0].text, lambda rest: self._plain(rest, None, False)[0].text)
        ):
            return self._unwrapped(line, text, number, torn)
        return records

    def _records(self, line: bytes, text: str, number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        if not self._quoted and (common := self._common(text)) is not None and common.program != "kernel":
            return (self._of_program(common, number, torn),)
        first = text[:1]
        if first.isdigit() and looks_like_kmsg(text):
            return parse_kmsg_record(line, self._boot, number, torn)
        if "=" in text and (self._quoted or is_quoted_printable(text)):
            text, self._quoted = unquote_printable(text), True
        if "<" in text or "&" in text or "\\" in text or "_4kB" in text:
            text = without_markup(text)
            if "\n" in text:
                parts = text.split("\n")
                return tuple(
                    each
                    for place, part in enumerate(parts, 1)
                    if part
                    for each in self._records(b"", part, number, torn and place == len(parts))
                )
        if text.count("] ") >= MIN_STAMPS:
            starts = [found.start() for found in _RECORD_START.finditer(text)]
            if len(starts) >= MIN_STAMPS:
                return self._split(text, starts, number, torn)
        first = text[:1]
        if first == " ":
            last, stripped = self._last, text.lstrip(" ")
            # /dev/kmsg puts a record's dictionary under it.
            if last is not None and last.sequence is not None and _DICTIONARY.match(text):
                return ()
            # An indented log; ` 7月` is a month in Japanese.
            if STAMPED.match(stripped):
                return self._plain(stripped, number, torn)
            if last is not None:
                return (self._continued(last, text, number, torn),)
        if first in {">", "│", "|"} and (quote := _QUOTE.match(text)):
            text = text[quote.end() :]
            if first != ">":  # A table.
                text = text.removesuffix(first).rstrip(" ")
        return self._plain(text, number, torn)

    def _split(self, text: str, starts: list[int], number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        """Return the records of a log in one line; what stands before its first stamp is before the others, too."""
        before = text[: starts[0]]
        again = any_of([shape_of(before) + r"\Z"]) if before.strip() else None
        records: list[LogRecord] = []
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            part = text[start:end]
            if again is not None:
                part = again.sub("", part)
            part = part.rstrip(" ").removesuffix("\\n")
            records += self._plain(before + part, number, torn and end == len(text))
        return tuple(records)

    def _json(self, text: str, number: int | None) -> tuple[LogRecord, ...] | None:
        """Return the records of a JSON text; a wrapped text may itself be a line of any log format."""
        if (found := open_json(text, number)) is None:
            return None
        records: list[LogRecord] = []
        for each in found:
            records += (each,) if isinstance(each, LogRecord) else self._shipped(each, number, False)
        return tuple(reversed(records) if is_newest_first(records) else records)

    def _shipped(self, shipped: ShippedLine, number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        parts = shipped.text[:LINE_BYTES].split("\n", _MAX_PARTS)[:_MAX_PARTS]
        torn = torn or len(shipped.text) > LINE_BYTES
        records = [each for part in parts for each in self._inside(part, number, torn)]
        program = None if shipped.program is None else printable(shipped.program)
        host = None if shipped.host is None else printable(shipped.host)
        return tuple(
            replace(
                each,
                time=shipped.time if each.time is None else each.time,
                host=host if each.host is None else each.host,
                program=program if each.program is None else each.program,
                from_kernel=False if program is not None and program not in KERNEL_PROGRAMS else each.from_kernel,
            )
            for each in records
        )

    def _inside(self, text: str, number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        """Return the records of a wrapped line: docker's json-file may hold another JSON object."""
        if text[:1] == "{" and (found := self._json(text, number)) is not None:
            return found
        return self._unwrapped(b"", text, number, torn)

    def _continued(self, before: LogRecord, text: str, number: int | None, torn: bool) -> LogRecord:
        """Return a line that dmesg indented under the first line of its record, or an indented plain line."""
        return replace(before, text=printable(text, LINE_BYTES), line=number, sequence=None, torn=torn, repeats=None)

    def _times(self, prefix: Prefix, syslog_time: float | None) -> float | None:
        if syslog_time is not None:
            return syslog_time
        if prefix.time is not None:
            return prefix.time
        if self._boot is not None and prefix.monotonic is not None:
            return epoch_seconds(self._boot + prefix.monotonic)
        return None

    def _syslog(self, text: str, prefix: Prefix) -> SyslogLine | None:
        """Parse a syslog line; keep its timestamp, host and `kernel:` for following lines with the same head."""
        parsed = parse_syslog(text, prefix, self._now)
        self.shift = date_yearless(parsed, self.shift)
        self._same.forget()
        if parsed is not None and parsed.program == "kernel" and prefix.end == 0 and text.isprintable():
            self._same.remember(text, parsed)
        return parsed

    def _plain(self, text: str, number: int | None, torn: bool) -> tuple[LogRecord, ...]:
        prefix = Prefix()
        if ": [" in text and (talos := _TALOS.match(text)) is not None:
            prefix.end = talos.end()
        first = text[prefix.end : prefix.end + 1]
        if first == "<" or first.islower():
            read_priority(text, prefix)
        syslog = None
        host = program = pid = None
        if text[prefix.end : prefix.end + 1] != "[":
            syslog = self._syslog(text, prefix)
        if syslog is not None:
            host, program, pid = syslog.host, syslog.program, syslog.pid
            text = syslog.text
            prefix.end = 0
            if "#" in text:
                text = unescape_octal(text).replace("\t", " ")
        if program is None or program in KERNEL_PROGRAMS:
            if syslog is None and text.startswith("kernel: "):
                prefix.end, program = 8, "kernel"
            elif syslog is None and " kernel: " in text and (found := DATELESS.match(text)):
                prefix.end, host, program = found.end(), found[1], "kernel"
            read_brackets(text, prefix)
            if syslog is None and prefix.monotonic is not None and (found := MONOTONIC_HOST.match(text, prefix.end)):
                syslog = split_host(text, prefix.end)
                host, program, pid = syslog.host, syslog.program, syslog.pid
                text, prefix.end = syslog.text, 0
        text = text[prefix.end :]
        from_kernel: bool | None = None
        if prefix.facility is not None and not (program == "kernel" and prefix.facility == 0):
            # Any program can choose a syslog facility; dmesg's comes from the kernel.
            from_kernel = prefix.facility == 0 if syslog is None else (None if prefix.facility == 0 else False)
        if program is not None and program not in KERNEL_PROGRAMS:
            from_kernel = False
        repeats = None
        if "repeated" in text and (found := _REPEATED.match(text)):
            repeats = int(found[1][:9])
            text = found[2] or text
            from_kernel = None
        words = text if text.isprintable() and len(text) <= LINE_BYTES else None
        record = LogRecord(
            words or "",
            number,
            self._times(prefix, None if syslog is None else syslog.time),
            prefix.monotonic,
            None,
            prefix.facility,
            prefix.level,
            prefix.caller,
            None if host is None else printable(host),
            None if program is None else printable(program),
            pid,
            from_kernel,
            torn,
            repeats,
        )
        if words is not None:
            return (record,)
        if "\n" not in text:
            return (replace(record, text=printable(text, LINE_BYTES)),)
        parts = message_lines(text)
        return tuple(
            replace(record, text=part, torn=torn and index == len(parts) - 1) for index, part in enumerate(parts)
        )
