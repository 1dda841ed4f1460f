"""A line of kubelet or runtime behind whatever a collector, a pager or a file format put before or around it."""

from __future__ import annotations

import re

from fragtui.logs.bounded_json import DECODER

_FORM = re.compile(
    r"(?P<klog>[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{3,9} +\d+ [\w.\-]+:\d+\] )"
    r"|(?:time=\\?\"{0,2}\d{4}-\d\d-\d\d[T ][^ =]{8,40}(?: ?[^ =]{1,8})? )?level=[a-z]+ msg="
    r'|\{\s?"(?:ts|level|msg|time|error|log|message|MESSAGE)"\s?:'
)
_SAYS = re.compile(r"fail|rror|unable|cannot|can't", re.IGNORECASE)
"""Words of an error: what follows them is part of it, as the runtime's line that CRI-O quotes."""
_MAX_BEFORE = 600


def embedded_in(text: str) -> tuple[str, str] | None:
    """Return the line that begins later in a text, without the escapes of its quotes, and what stands before it.

    None if there is none, or it stands at the beginning. Never raises.
    """
    found = _FORM.search(text, 1, _MAX_BEFORE)
    if found is None:
        return None
    start = found.start()
    before, quote = text[:start], text[start - 1]
    if found["klog"] is None and _SAYS.search(before):
        return None
    first = text.find('"', start)
    if before.count('"') % 2 and text.startswith('""', first) and text[first - 1] != "\\":
        return before, _csv_cell(text[start:])  # CSV doubles the quotes inside.
    if quote != '"':
        return (before, text[start:]) if quote in " :|]*\t>}" or not quote.isprintable() else None
    try:
        inside, _ = DECODER.raw_decode(text, start - 1)
    except (ValueError, RecursionError):
        return before, text[start:].replace('\\"', '"')  # It is cut.
    return (before, inside) if isinstance(inside, str) else None


def _csv_cell(text: str) -> str:
    """Return a CSV cell from behind its first quote on, to its end."""
    end = re.search(r'(?<!")(?:"")*"(?=,|\s*$)', text)
    return text[: end.end() - 1 if end else len(text)].replace('""', '"')
