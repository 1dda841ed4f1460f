"""Lines of containerd, dockerd and CRI-O: logfmt (``time="…" level=error msg="…"``) or the same as one JSON object."""

from __future__ import annotations

import re

from fragtui.logs.bounded_json import json_text, read_json
from fragtui.logs.go_quoting import read_value

_KEY = re.compile(r"[A-Za-z_][\w.\-]*=")
_STARTS = ("time=", "level=", "msg=")
_MAX_PAIRS = 64


def parse_logfmt(text: str) -> dict[str, str] | None:
    """Return the fields of a logfmt or JSON log line, unescaped by one level, or None if it is neither.

    Never raises. The first of a repeated key wins; a value whose closing quote was cut off extends to the end.
    """
    text = text.lstrip()
    if text.startswith("{"):
        return _parse_json(text)
    if not text.startswith(_STARTS):
        return None
    fields: dict[str, str] = {}
    at = 0
    while at < len(text) and len(fields) < _MAX_PAIRS:
        match = _KEY.match(text, at)
        if match is None:
            space = text.find(" ", at)
            if space < 0:
                break
            at = space + 1
            continue
        value, at = read_value(text, match.end())
        fields.setdefault(match.group()[:-1], value)
        while at < len(text) and text[at] == " ":
            at += 1
    return fields if "msg" in fields or "error" in fields else None


def _parse_json(text: str) -> dict[str, str] | None:
    try:
        loaded = read_json(text)
    except ValueError:
        return None
    if not isinstance(loaded, dict) or not ("msg" in loaded or "message" in loaded or "@message" in loaded):
        return None
    fields = {str(key): value if isinstance(value, str) else json_text(value) for key, value in loaded.items()}
    for name, other in (("msg", "message"), ("msg", "@message"), ("level", "@level"), ("time", "@timestamp")):
        if other in fields:  # hclog, as of nomad, writes the ``@``.
            fields.setdefault(name, fields[other])
    return fields
