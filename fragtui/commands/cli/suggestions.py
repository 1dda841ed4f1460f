"""What the user may have meant instead of an unknown word."""

from __future__ import annotations

from collections.abc import Iterable

_MAX_WORD = 64
"""Characters of a word that are compared: the time to compare grows with their square."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean WORD?`` with the nearest known word, or nothing if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415  # 6 ms of CPU, only after an error.

    # The dashes that all options begin with say nothing about which one is meant.
    names = {name.lstrip("-").lower(): name for name in known}
    near = get_close_matches(word.lstrip("-").lower()[:_MAX_WORD], names, 1, 0.6)
    return f" Did you mean {names[near[0]]}?" if near else ""
