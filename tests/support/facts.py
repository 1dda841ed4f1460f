"""Facts of a report beside those that it should have."""

from __future__ import annotations

from typing import Any


def is_part(part: Any, whole: Any) -> bool:
    """Whether every fact of `part` is the same fact of `whole`."""
    if part is None or part == whole:
        return True
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(is_part(value, whole.get(key)) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(is_part(a, b) for a, b in zip(part, whole, strict=False))
    return False
