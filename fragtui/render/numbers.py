"""Numbers in sentences: as few digits as they are sure of, the unit always with them."""

from __future__ import annotations

_UNITS = "KMGTPE"
_SKEW_SECONDS = 60.0
"""Seconds by which times of different sources may differ."""


def short_bytes(size: int) -> str:
    """Return a size in bytes with a binary unit: whole, with one decimal from 1G to below 10G (``3.3G``, ``285M``)."""
    if size < 1024:
        return f"{size}B"
    value, unit = size / 1024, 0
    while value >= 1023.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    decimals = 1 if unit >= 2 and value < 9.95 and value != int(value) else 0
    return f"{value:.{decimals}f}{_UNITS[unit]}"


def one_digit(count: int) -> int:
    """Return a forecast rounded to one significant digit, or to 15, 150, 1,500: more would be false precision.

    Else 1,500 would be 2,000: a third more, and often more than there is memory for.
    """
    rounded = int(float(f"{count:.0e}"))
    halves = int(float(f"{2 * count:.0e}")) // 2
    return halves if str(abs(halves))[:2] == "15" else rounded


def rough(count: int) -> str:
    """Return a forecast in prose: ``900``, ``6,000``, ``100,000``."""
    return f"{one_digit(count):,}"


def prose_count(count: int) -> str:
    """Return a count in prose: exact below 10,000, then about: ``1255``, ``about 100,000``."""
    return str(count) if count < 10_000 else f"about {rough(count)}"


def span_words(seconds: float) -> str:
    """Return a time span in one unit: ``8 s``, ``40 min``, ``3 h``, ``2 d``."""
    seconds = max(0.0, seconds)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def ago_words(seconds: float | None) -> str:
    """Return how long ago something was, in one unit: None if unknown, below 0 by a clock that differs."""
    if seconds is None:
        return "at an unknown time"
    return f"{span_words(seconds)} ago" if seconds > -_SKEW_SECONDS else "after now (clocks differ)"


def share_words(thousandths: int) -> str:
    """Return a share with one decimal only where it tells it from all: ``99.9 %``, ``73 %``, ``<1 %``."""
    if 990 <= thousandths < 1000:
        return f"{thousandths / 10:.1f} %"
    return f"{thousandths / 10:.0f} %" if thousandths >= 10 or not thousandths else "<1 %"
