"""JSON from outside: every number is bounded and every fault is a ValueError."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

_MAX_DIGITS = 20
_MAX_REAL_LENGTH = 400


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _real(digits: str) -> float | None:
    value = float(digits) if len(digits) <= _MAX_REAL_LENGTH else None
    return value if value is not None and isfinite(value) else None


DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=lambda _: None)
"""Reads a number that has more than 20 digits, or that no float holds, and ``NaN`` and ``Infinity``, as null."""

WRAPPED_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=lambda _: None, strict=False)
"""Takes line breaks inside strings, too, see `unwrapped`."""


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text (bytes are UTF-8). Raises only ValueError, also if it is nested too deeply."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_text(value: object) -> str:
    """Return a value of `read_json` as JSON text; empty if it is nested too deeply."""
    try:
        return json.dumps(value)
    except RecursionError:
        return ""


def unwrapped(value: Any) -> Any:
    """Return a value of `WRAPPED_DECODER` with a space for each line break that a mail program put into a string."""
    if isinstance(value, str):
        return value.replace("\n", " ")
    if isinstance(value, dict):
        return {unwrapped(key): unwrapped(member) for key, member in value.items()}
    return [unwrapped(member) for member in value] if isinstance(value, list) else value
