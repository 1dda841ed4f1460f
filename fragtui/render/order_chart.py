"""The free blocks of every zone as a small text chart with a column for each order."""

from __future__ import annotations

from collections.abc import Callable

from fragtui.model.node.verdict import NodeJudgement, ZoneJudgement
from fragtui.model.node.watermark import Verdict
from fragtui.text import format_count

Paint = Callable[[str, Verdict | None], str]
"""Returns a text in the colour of a verdict, or in bold for None."""

_BARS = " ▁▂▃▄▅▆▇█"
_ASCII_BARS = " .:-=+*#@"
_MARKS = {
    Verdict.AVAILABLE: " ",
    Verdict.RESERVED: "r",
    Verdict.FRAGMENTED: "x",
    Verdict.SHORT: "s",
    Verdict.UNKNOWN: "?",
}
_COLOURS = {
    Verdict.AVAILABLE: "32",
    Verdict.RESERVED: "33",
    Verdict.FRAGMENTED: "31",
    Verdict.SHORT: "35",
    Verdict.UNKNOWN: "36",
}
LEGEND = "x fragmented, r reserved by the kernel, s out of memory; bars: share of the zone's free memory"


def painter(colour: bool) -> Paint:
    """Return the paint of a chart, with or without colour."""
    return _coloured if colour else _plain


def bars_for(encoding: str | None) -> str:
    """Return glyphs for the bars that an encoding has."""
    try:
        _BARS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _ASCII_BARS
    return _BARS


def chart(judgement: NodeJudgement, paint: Paint, bars: str = _BARS) -> list[str]:
    """Return the lines: the orders, then for each zone its free blocks, marked for GFP_KERNEL, and bars of bytes."""
    orders = max((len(zone.zone.free_blocks) for zone in judgement.zones), default=0)
    if not orders:
        return []
    head = "".join(f"{f'[{order}]' if order == judgement.order else order:>6} " for order in range(orders))
    lines = [f"{'free blocks, order':<19}{head}".rstrip()]
    marked = False
    for zone in judgement.zones:
        if not zone.serves_kernel:
            cells = "".join(f"{format_count(count):>6} " for count in zone.zone.free_blocks)
            lines.append(f"{_name(zone):<19}{cells}(not for kernel requests)")
            continue
        cells = ""
        for count, verdict in zip(zone.zone.free_blocks, zone.kernel, strict=True):
            marked |= verdict is not Verdict.AVAILABLE
            cells += paint(f"{format_count(count):>6}{_MARKS[verdict]}", verdict)
        lines.append(f"{_name(zone):<19}{cells}".rstrip())
        if any(zone.zone.free_blocks):
            lines.append(f"{'':<19}{_bars(zone, paint, bars)}".rstrip())
    return [*lines, LEGEND] if marked else lines


def _bars(zone: ZoneJudgement, paint: Paint, bars: str) -> str:
    pages = [count << order for order, count in enumerate(zone.zone.free_blocks)]
    total = sum(pages)
    cells = ""
    for share, verdict in zip(pages, zone.kernel, strict=True):
        # A share above zero is never drawn as zero.
        height = min(len(bars) - 1, max(1, round(share * (len(bars) - 1) / total))) if share else 0
        cells += paint(f"{bars[height] * 4:>6} ", verdict)
    return cells


def _name(zone: ZoneJudgement) -> str:
    return f"node {zone.zone.node} {zone.zone.name}"


def _plain(text: str, verdict: Verdict | None) -> str:
    return text


def _coloured(text: str, verdict: Verdict | None) -> str:
    return f"\x1b[{'1' if verdict is None else _COLOURS[verdict]}m{text}\x1b[0m"
