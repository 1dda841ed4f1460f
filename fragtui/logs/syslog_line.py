"""Lines of syslog files and of `journalctl`'s short formats: ``STAMP [HOST] PROGRAM[PID]: text``."""

from __future__ import annotations

import re

from fragtui.logs.dmesg_prefix import Prefix
from fragtui.logs.record import LogRecord
from fragtui.logs.timestamps import ISO, dated_time, iso_time, month_number, yearless_time
from fragtui.text import LINE_BYTES, bounded_int

_BSD = re.compile(
    r" ?(?:\S{2,4} )?"
    r"(\d{1,2}[月월]|[^\W\d_]{3,5}\.?) +(\d{1,2}) (?:(\d{4}) )?(\d\d:\d\d:\d\d)(?:[.,]\d+)?(?: (\d{4}))? "
)
_FULL = re.compile(r"[^\W\d_]{2,4}\.? (?=\d{4}-\d\d-\d\d )")
_ZONE_NAME = re.compile(r" ?[A-Z]{3,5}(?= )")
_UNIX = re.compile(r"(\d{9,10}\.\d{6}) (?=\S+ \S)")
_RFC5424 = re.compile(r"1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+) ?\ufeff?")
_LOGCAT = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d+ +(?:\S+ +)?\d+ +\d+ [VDIWEF] [^:]{0,24}: ")
_PROGRAM = re.compile(r"([^\s\[\]:(]+(?:\([^)\s]*\))?)(?:\[(\d{1,20})\])?:(?: |$)")
_STRUCTURED = re.compile(r"([^\s\[\]:(]+) (\d{1,20}|-) \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?")
"""What RFC 5424 has after the host: program, process, message type and data."""
_CRI = re.compile(r"(?:stdout|stderr) [FP] ")
_OWN_FORM = re.compile(r'[IWEF]\d{4} \d\d:\d\d:\d\d\.|time="?\d{4}-|level=[a-z]+ msg=|\{"')
"""What kubelet and runtimes write, without a syslog daemon: its first word is neither host nor program."""
_OWN_FIRST = frozenset("IWEFtl{")
_OCTAL = re.compile(r"#([0-3][0-7]{2})")
KERNEL_PROGRAMS = frozenset({"kernel", "vmunix", "klogd", "kern.warn", "kern.err", "kern.info", "kern.notice"})
# A kernel text may follow the host at once, and its first word then looks like a program: comm and colon.
_KERNEL_TEXT = re.compile(r"(?:vmalloc|page allocation|.{1,15} (?:invoked oom-killer)|.{1,15} cpuset=)")
_HEAD = re.compile(r"\S{1,15}: page allocation [fs]")
_KERNEL_WORDS = frozenset({
    "CPU", "Pid", "Mem-Info", "Mem-info", "Workqueue", "DMA", "DMA32", "Normal", "HighMem", "Movable", "RIP", "Code",
    "SLUB", "SLAB", "percpu", "cma", "HugeTLB", "INFO", "WARNING", "NVRM",
})  # fmt: skip
"""Words with a colon at the start of the kernel's own lines: no programs."""


_COMMON = re.compile(
    r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) ([A-Za-z][^\s\[\]:(]{0,99}) ([^\s\[\]:(]{1,99})(?:\[(\d{1,20})\])?: "
)
"""The start of most syslog lines; the full parser gives the same result more slowly."""
_SIMPLE = re.compile(r"(?:\[ *(\d{1,10})\.(\d{6})\](?:\[ *([TC]\d+)\])?+ ?+(?!\[)|(?!\[(?!<)|[<(]))([ -~]*)", re.ASCII)
"""The plain case after ``kernel: ``: an optional timestamp and caller, printable ASCII."""
MIN_STAMPS = 3
"""Stamps of the kernel in one line from which on it is a whole log, pasted without its newlines."""


class SyslogLine:
    """The parts of one syslog line; `text` still holds a kernel stamp if the daemon kept it."""

    __slots__ = ("host", "pid", "program", "text", "time", "yearless")

    def __init__(self, time: float | None, host: str | None, program: str | None, pid: int | None, text: str) -> None:
        self.time = time
        self.host = host
        self.program = program
        self.pid = pid
        self.text = text
        self.yearless = False
        """Whether the stamp has neither year nor zone: `time` is then a guess."""


class SameHead:
    """Reads a plain line of the kernel with the syslog head of the one before, as most lines of a report are."""

    __slots__ = ("_head", "_line")

    def __init__(self) -> None:
        self._head = b""
        self._line = SyslogLine(None, None, None, None, "")

    def forget(self) -> None:
        """Forget the head: the next line may have another one."""
        self._head = b""

    def remember(self, text: str, line: SyslogLine) -> None:
        """Remember the head of a line of the kernel, which was parsed from this text.

        An empty line may have lost the blank after it, which would be read as text of the next line.
        """
        head = text[: len(text) - len(line.text)]
        self._head = head.encode("utf-8", "surrogateescape") if head.endswith(" ") else b""
        self._line = line

    def read(self, line: bytes, number: int | None) -> LogRecord | None:
        """Return the record of a plain line with this head, None for any other line."""
        head = self._head
        if not head or not line.startswith(head) or len(line) > LINE_BYTES:
            return None
        if (found := _SIMPLE.fullmatch(line.decode("latin-1"), len(head))) is None:
            return None
        second, micro, caller, words = found.groups()
        if " repeated " in words or words[-1:] == "=":  # It may be a soft break of quoted-printable text.
            return None
        same = self._line
        return LogRecord(
            words,
            number,
            same.time,
            None if second is None else int(second) + int(micro) / 1e6,
            None,
            None,
            None,
            caller,
            same.host,
            "kernel",
            same.pid,
        )


def is_bare(text: str) -> bool:
    """Return whether a line of the kernel has nothing that a mail program, a web page or another daemon made of it."""
    return not (
        "<" in text
        or "&" in text
        or "\\" in text
        or "=" in text
        or "_4kB" in text
        or "repeated" in text
        or ("#" in text and _OCTAL.search(text) is not None)
        or text.count("] ") >= MIN_STAMPS
        or _has_kernel_words(text)
    )


def parse_common(line: str, now: float | None) -> SyslogLine | None:
    """Return the parts of a plain line of a program or of the kernel, or None if it needs the full parser."""
    if (
        not line.isprintable()
        or "#" in line
        or "&" in line
        or "repeated" in line
        or len(line) > LINE_BYTES
        or (found := _COMMON.match(line)) is None
    ):
        return None
    name, day, clock, host, program, pid = found.groups()
    month = month_number(name)
    if (
        month is None
        or (program in KERNEL_PROGRAMS and (program != "kernel" or pid is not None))
        or program in _KERNEL_WORDS
        or _has_kernel_words(line)
    ):
        return None
    time = None if now is None else yearless_time(month, int(day), clock, now)
    parsed = SyslogLine(time, host, program, int(pid) if pid else None, line[found.end() :])
    parsed.yearless = True
    return parsed


def unescape_octal(text: str) -> str:
    """Return text with rsyslog's ``#012`` escapes turned back into control characters; others stay as they are."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)) if int(found[1], 8) < 32 else found[0], text)


def parse_syslog(line: str, prefix: Prefix, now: float | None) -> SyslogLine | None:
    """Return the parts of a syslog line after its priority, or None if it has no known timestamp.

    `now` (epoch seconds) dates timestamps without a year; without it they have no time.
    """
    start = prefix.end
    if line.startswith("1 ", start) and (found := _RFC5424.match(line, start)):
        host, program, pid = (None if part == "-" else part for part in (found[2], found[3], found[4]))
        return SyslogLine(iso_time(found[1]), host, program, bounded_int(pid), line[found.end() :])
    time: float | None
    if found := _BSD.match(line, start):
        month, clock = month_number(found[1]), found[4]
        year = found[3] or found[5]
        time = None
        if month is not None and year:
            time = dated_time(int(year), month, int(found[2]), clock)
        elif month is not None and now is not None:
            time = yearless_time(month, int(found[2]), clock, now)
        parsed = _split(line, found.end(), time, now)
        parsed.yearless = not year
        return parsed
    if found := _FULL.match(line, start):
        start = found.end()
    if found := ISO.match(line, start):
        time = iso_time(found[0])
        end = found.end()
        # After an offset or dmesg's comma, what looks like a time zone is text: "CPU 0/KVM", "DMA free:".
        if found[8] is None and "," not in found[0] and (zone := _ZONE_NAME.match(line, end)):
            end = zone.end()
        if line[end : end + 1] not in {" ", ":"}:
            return None if end < len(line) else SyslogLine(time, None, None, None, "")
        end += 1
        if "," in found[0]:  # Only dmesg writes the comma, and dmesg names no host.
            return SyslogLine(time, None, None, None, line[end:])
        if cri := _CRI.match(line, end):
            return SyslogLine(time, None, None, None, line[cri.end() :])
        return _split(line, end, time, now)
    if found := _UNIX.match(line, start):
        return _split(line, found.end(), float(found[1]), now)
    if found := _LOGCAT.match(line, start):
        return SyslogLine(None, None, None, None, line[found.end() :])
    return None


def split_host(line: str, start: int) -> SyslogLine:
    """Return the parts of a line from its host on: `journalctl -o short-monotonic`."""
    return _split(line, start, None)


def _split(line: str, start: int, time: float | None, now: float | None = None) -> SyslogLine:
    while line.startswith(" ", start):
        start += 1
    if line[start : start + 1] in _OWN_FIRST and _OWN_FORM.match(line, start):
        return SyslogLine(time, None, None, None, line[start:])
    if (found := _PROGRAM.match(line, start)) and _is_program(line, found):
        return SyslogLine(time, None, found[1], int(found[2]) if found[2] else None, line[found.end() :])
    if _is_kernel_text(line, start) or line.startswith(("[", "(", '"'), start) or _HEAD.match(line, start):
        return SyslogLine(time, None, None, None, line[start:])
    if (nested := _nested(line, start, now)) is not None:
        return SyslogLine(
            time if nested.time is None else nested.time, nested.host, nested.program, nested.pid, nested.text
        )
    host, _, rest = line[start:].partition(" ")
    at = start + len(host) + 1
    if (found := _PROGRAM.match(line, at)) and _is_program(line, found):
        return SyslogLine(time, host, found[1], int(found[2]) if found[2] else None, line[found.end() :])
    # busybox: HOST FACILITY.LEVEL PROGRAM: text
    word, _, after = rest.partition(" ")
    if "." in word and (found := _PROGRAM.match(after)):
        return SyslogLine(time, host, found[1], int(found[2]) if found[2] else None, after[found.end() :])
    if found := _STRUCTURED.match(line, at):
        return SyslogLine(time, host, found[1], bounded_int(found[2]), line[found.end() :])
    if (nested := _nested(line, at, now)) is not None:
        nested.time, nested.host = time if nested.time is None else nested.time, nested.host or host
        return nested
    return SyslogLine(time, host, None, None, rest)


def _nested(line: str, at: int, now: float | None) -> SyslogLine | None:
    """Return the parts of a syslog line after the stamp, or stamp and host, of what collected it."""
    if not (_BSD.match(line, at) or ISO.match(line, at)):
        return None
    return parse_syslog(line, Prefix(end=at), now)


def _is_program(line: str, found: re.Match[str]) -> bool:
    return found[1] in KERNEL_PROGRAMS or not (found[1] in _KERNEL_WORDS or _is_kernel_text(line, found.end()))


def _is_kernel_text(line: str, at: int) -> bool:
    # The expression is slow if it fails.
    return _has_kernel_words(line) and _KERNEL_TEXT.match(line, at) is not None


def _has_kernel_words(line: str) -> bool:
    return "page allocation" in line or "vmalloc" in line or " cpuset=" in line or "invoked oom-killer" in line
