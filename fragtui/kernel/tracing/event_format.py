"""``events/SYSTEM/EVENT/format``: the fields of a trace event on this kernel, and what its line prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_MAX_TEXT = 1 << 18
_NAME = re.compile(r"^name: (\w{1,64})$", re.MULTILINE)
_FIELD = re.compile(
    r"^\tfield:[^;\n]{0,200}?(\w{1,64})(?:\[[^\]\n]{0,40}\])?;\toffset:\d{1,6};\tsize:(\d{1,6});", re.MULTILINE
)
_PRINTED = re.compile(r"(\w{1,64})=(?:0x)?%")
_PRINT = 'print fmt: "'


class EventFormat(NamedTuple):
    """A trace event of one kernel."""

    name: str
    sizes: Mapping[str, int]
    """Bytes of each field; a filter may name them."""
    printed: frozenset[str]
    """The names in ``name=value`` of its line."""


def parse_format(text: str) -> EventFormat | None:
    """Return the format in the text of the file; None if it is none."""
    text = text[:_MAX_TEXT]
    name, start = _NAME.search(text), text.find(_PRINT)
    sizes = {field[1]: int(field[2]) for field in _FIELD.finditer(text)}
    if name is None or start < 0 or not sizes:
        return None
    printed = text[start + len(_PRINT) :].partition('"')[0]
    return EventFormat(name[1], sizes, frozenset(_PRINTED.findall(printed)))


def denied_filter(event: EventFormat) -> str | None:
    """Return the filter by which mm_page_alloc fires for denied requests only; None if no field shows them.

    A request without a page has the largest page frame number, which `-1` does not match: the field is unsigned
    (include/trace/events/kmem.h, 4.1 to 6.18). Before 4.1 the field is the page itself.
    """
    if (size := event.sizes.get("pfn")) in (4, 8):
        return f"pfn == {(1 << 8 * size) - 1:#x}"
    return "page == 0" if "page" in event.sizes else None
