"""Lines of ``trace_pipe`` and ``trace``: one event each, in the kernel's own text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from fragtui.text import printable

MAX_LINE = 4096
"""Bytes of a line; the kernel's are at most a page."""
# A task's name is padded to 16 bytes: kernel/trace/trace_output.c, ``%16s-%-7d``. It has at most 15, any but NUL,
# newlines included. The head that follows it is longer than that, so no name can forge one.
_EVENT = re.compile(
    rb"(?s:(.{16}))-(\d{1,10}) {0,8}(?:\([ \d-]{1,10}\) )? {0,8}\[\d{3,6}\] (?:\S{4,6} )? {0,8}(\d{1,12}\.\d{6}): "
    rb"(\w{1,64}): "
    rb"(?:page=[^ \n]{1,40} pfn=([^ \n]{1,20}) |zone_start=[^\n]{1,200}? zone_end=[^ \n]{1,20} )?([^\n]{0,1000}+)\n"
)
"""Page and frame numbers differ from line to line and are left out of the fields, so that most texts are known."""
_NO_PAGE = (b"0x0", b"0")
_LOST = re.compile(rb"CPU:\d{1,6} \[LOST (\d{1,18} )?EVENTS\]\n")


class TraceEvent(NamedTuple):
    """One event."""

    comm: str
    """The task's name; ``<...>`` if the kernel does not know it any more."""
    pid: int
    at: float
    """Seconds of the clock of the trace."""
    name: str
    fields: dict[str, str]
    """The printed values by name, without those of pages."""
    no_page: bool
    """Whether the event is about a page that does not exist: the request was denied."""


def parse_events(data: bytes) -> tuple[list[TraceEvent], int]:
    """Return the events of a text that begins with a line, and how many of its bytes are read.

    What is left may be the beginning of a line; at most `MAX_LINE` bytes. Lines of other kinds are skipped.
    """
    events: list[TraceEvent] = []
    place = 0
    for found in _EVENT.finditer(data):
        comm, pid, at, name, pfn, text = found.groups()
        events.append(TraceEvent(_comm(comm), int(pid), float(at), _name(name), _fields(text), pfn in _NO_PAGE))
        place = found.end()
    return events, max(place, len(data) - MAX_LINE)


def lost_events(data: bytes) -> int:
    """Return how many events the text says are lost, at least."""
    return sum(int(found[1] or 1) for found in _LOST.finditer(data))


def is_trace(data: bytes) -> bool:
    """Return whether a text is a saved ``trace`` file, or has a line of one at its start."""
    return data.startswith(b"# tracer: ") or _EVENT.match(data) is not None


@lru_cache(512)
def _comm(raw: bytes) -> str:
    return printable(raw.lstrip(b" ").decode("utf-8", "replace"), 32) or "?"


@lru_cache(64)
def _name(raw: bytes) -> str:
    return raw.decode()


@lru_cache(512)
def _fields(text: bytes) -> dict[str, str]:
    return dict(_pairs(text))


def _pairs(text: bytes) -> Iterator[tuple[str, str]]:
    for part in printable(text.decode("ascii", "replace"), MAX_LINE).split(" "):
        name, equals, value = part.partition("=")
        if equals:
            yield name, value.rstrip(",")
