"""The heat rows: every zone of every NUMA node, one cell an order."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.node.indices import blocks_of
from fragtui.model.node.verdict import FEW_BLOCKS, ZoneJudgement
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit, fit_right
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, bar_tones, line

_WORDS = {
    Verdict.AVAILABLE: ("✓ ok", "good"),
    Verdict.RESERVED: ("◦ reserved", "bad"),
    Verdict.FRAGMENTED: ("✗ fragmented", "bad"),
    Verdict.SHORT: ("▽ short", "bad"),
    Verdict.UNKNOWN: ("? unknown", "unknown"),
}
_MANY = 10_000


class ZonesPanel(LinesWidget, can_focus=True):
    """A row a zone: free blocks of each order on a ground that says how far they are from running out."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="zones")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the heading with the orders, and as many zones around the chosen one as there is room for."""
        session = self._session
        judgement = session.judgement
        if session.snapshot is None or judgement is None:
            return [_heading(" Zones", width, self.has_focus)]
        if not judgement.zones:
            why = session.snapshot.why("buddyinfo") or "unknown"
            return [
                _heading(" Zones", width, self.has_focus),
                line((f" /proc/buddyinfo: {why}; no zone can be shown", "bad")),
            ]
        label = max(len(_label(zone)) for zone in judgement.zones) + 2
        orders = session.orders
        tail = 13 if width - label - orders * 5 >= 13 else 3
        cell = max(2, min(7, (width - label - tail) // orders))
        rows = [_header(session, label, cell, tail, width, self.has_focus)]
        first = _first_shown([zone.zone.key for zone in judgement.zones], session, height - 1)
        shown = judgement.zones[first : first + height - 1]
        return [*rows, *(_row(zone, session, label, cell, tail, self.has_focus) for zone in shown)]


def _heading(text: str, width: int, focused: bool) -> Line:
    return line((fit(text, width), "focus" if focused else "title"))


def _label(zone: ZoneJudgement) -> str:
    return f"N{zone.zone.node} {zone.zone.name}"


def _first_shown(keys: list[tuple[int, str]], session: Session, room: int) -> int:
    chosen = keys.index(session.chosen) if session.chosen in keys else 0
    return max(0, min(chosen - room // 2, len(keys) - room))


def _header(session: Session, label: int, cell: int, tail: int, width: int, focused: bool) -> Line:
    spans: list[Span] = [(" Zones", "focus" if focused else "title"), (" " * (label - 6), "title")]
    for order in range(session.orders):
        text = str(order)
        if order == session.order:
            spans.append((fit_right(f"▾{text}", cell), "strong"))
        else:
            spans.append((fit_right(text, cell), "muted"))
    used = label + cell * session.orders
    room = width - used
    word = f" order ≥{session.order}" if tail > 3 else ""
    spans.append((fit(word, room), "strong"))
    return line(*spans)


def _row(zone: ZoneJudgement, session: Session, label: int, cell: int, tail: int, focused: bool) -> Line:
    chosen = zone.zone.key == session.chosen
    name = "strong" if chosen else "text" if zone.serves_kernel else "muted"
    mark = "key"
    if chosen and focused:
        mark = name = "selected"
    spans: list[Span] = [("▸" if chosen else " ", mark), (fit(_label(zone), label - 1), name)]
    spans += [_cell(zone, order, session.order, cell) for order in range(session.orders)]
    if zone.serves_kernel:
        verdict = zone.verdict(RequestKind.GFP_KERNEL, session.order)
        word, style = _WORDS[Verdict.UNKNOWN if _uncounted(zone, verdict) else verdict]
    else:
        word, style = "– user only", "muted"
    spans += [
        (f" {word[0]}", style),
        (fit(word[1:] if tail > 3 else "", tail - 2), "text" if style == "good" else style),
    ]
    return line(*spans)


def _uncounted(zone: ZoneJudgement, verdict: Verdict) -> bool:
    """Return whether the blocks look free only because the lowmem reserve, which keeps them back, could not be read."""
    return verdict is Verdict.AVAILABLE and not zone.target


def _cell(zone: ZoneJudgement, order: int, target: int, width: int) -> Span:
    blocks = zone.zone.free_blocks
    if order >= len(blocks):
        return " " * width, "text"
    count = blocks[order]
    verdict = zone.verdict(RequestKind.GFP_KERNEL, order)
    uncounted = _uncounted(zone, verdict)
    style = "muted" if uncounted else _style(zone, verdict, order, target)
    if width < 5:
        return _shade(style, verdict, uncounted) * (width - 1) + " ", style
    return fit_right(_short(count) if count else bar_tones().zero, width - 1) + " ", style


def _style(zone: ZoneJudgement, verdict: Verdict, order: int, target: int) -> str:
    """Return a cell's role: red up to the size that was asked for, which stands out; larger ones are not needed."""
    if verdict is Verdict.AVAILABLE:
        if blocks_of(zone.zone.free_blocks, order) < FEW_BLOCKS:
            return "cell-few"
        return "cell-many" if zone.zone.free_blocks[order] >= _MANY else "cell-enough"
    if not zone.serves_kernel or order > target:
        return "muted"
    if order == target:
        return "cell-asked"
    return "muted" if verdict is Verdict.RESERVED else "cell-none"


def _shade(style: str, verdict: Verdict, uncounted: bool) -> str:
    """Return what stands for a count in a cell that is too narrow for it."""
    if uncounted:
        return "?"
    if verdict is Verdict.RESERVED:
        return "◦"
    return {"cell-few": "░", "cell-enough": "▒", "cell-many": "█"}.get(style, "·")


def _short(count: int) -> str:
    """Return a count in at most four cells."""
    if count < 10_000:
        return str(count)
    for unit in ("k", "M", "G"):
        count = round(count / 1000)
        if count < 1000:
            return f"{count}{unit}"
    return "lots"
