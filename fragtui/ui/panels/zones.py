"""The heat rows: every zone of every NUMA node, one cell an order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import cast

from fragtui.model.node.indices import blocks_of
from fragtui.model.node.snapshot import ZoneKey
from fragtui.model.node.verdict import FEW_BLOCKS, ZoneJudgement
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit, fit_right
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.rows import Line, Span, line

_WORDS = {
    Verdict.AVAILABLE: ("✓ ok", "good"),
    Verdict.RESERVED: ("◦ reserved", "held"),
    Verdict.FRAGMENTED: ("✗ fragmented", "bad"),
    Verdict.SHORT: ("▽ short", "bad"),
    Verdict.UNKNOWN: ("? unknown", "warn"),
}
_SHADES = {"dim": " ?", "heat-none": " ·", "heat-held": " ◦", "heat-few": " ░", "heat-some": " ▒", "heat-many": " █"}


class ZonesPanel(ListPanel[ZoneJudgement]):
    """A row a zone: free blocks of each order on a ground that says how far they are from running out."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="zones")
        self._session = session
        self._widths = 0, 2, 3
        """The cells of a zone's name, of each order, and of the verdict."""

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the heading with the orders, and as many zones as there is room for."""
        if zones := self.items():
            label = max(len(_label(zone)) for zone in zones) + 2
            orders = self._session.orders
            tail = 13 if width - label - orders * 5 >= 13 else 3
            self._widths = label, max(2, min(7, (width - label - tail) // orders)), tail
        return super().build(width, height)

    def items(self) -> Sequence[ZoneJudgement]:
        """Return the zones."""
        return self._session.judgement.zones if self._session.judgement is not None else ()

    def key(self, item: ZoneJudgement) -> ZoneKey:
        """Return the zone's key."""
        return item.zone.key

    @property
    def selected_key(self) -> ZoneKey | None:
        """The zone whose bars are shown."""
        return self._session.chosen

    @selected_key.setter
    def selected_key(self, key: Hashable | None) -> None:
        self._session.chosen = cast("ZoneKey | None", key)

    @property
    def position(self) -> str:
        """Which zones are shown, if not all of them are; in brief beside columns that leave no room."""
        if len(self._shown) == len(self._items):
            return ""
        label, cell, _ = self._widths
        whole = super().position
        room = self.outer_size.width - label - cell * self._session.orders - 2
        return whole if len(whole) <= room else f"{self._shown.stop}/{len(self._items)}"

    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the heading with the orders."""
        session = self._session
        spans: list[Span] = [(" Zones", "title")]
        if not self.items():
            return tuple(spans)
        label, cell, tail = self._widths
        spans.append((" " * (label - 6), "title"))
        for order in range(session.orders):
            target = order == session.order
            spans.append((fit_right(f"▾{order}" if target else str(order), cell), "target" if target else "title"))
        return (*spans, (f" order ≥{session.order}" if tail > 3 else "", "title"))

    def row(self, item: ZoneJudgement, width: int) -> tuple[Span, ...]:
        """Return a zone's cells and what a request of the target order gets there."""
        session = self._session
        label, cell, tail = self._widths
        spans: list[Span] = [(fit(_label(item), label - 1), "text" if item.serves_kernel else "dim")]
        spans += [_cell(item, order, cell) for order in range(session.orders)]
        if item.serves_kernel:
            verdict = item.verdict(RequestKind.GFP_KERNEL, session.order)
            word, style = _WORDS[Verdict.UNKNOWN if _uncounted(item, verdict) else verdict]
        else:
            word, style = "– user only", "dim"
        return (*spans, (" " + fit(word if tail > 3 else word[0], tail - 1), style))

    def empty(self, width: int) -> Sequence[Line]:
        """Return why no zone can be shown."""
        if (snapshot := self._session.snapshot) is None:
            return ()
        return [line((f" /proc/buddyinfo: {snapshot.why('buddyinfo') or 'unknown'}; no zone can be shown", "bad"))]


def _label(zone: ZoneJudgement) -> str:
    return f"N{zone.zone.node} {zone.zone.name}"


def _uncounted(zone: ZoneJudgement, verdict: Verdict) -> bool:
    """Return whether the blocks look free only because the lowmem reserve, which keeps them back, could not be read."""
    return verdict is Verdict.AVAILABLE and not zone.target


def _cell(zone: ZoneJudgement, order: int, width: int) -> Span:
    blocks = zone.zone.free_blocks
    if order >= len(blocks):
        return " " * width, "dim"
    style = "dim" if _uncounted(zone, zone.verdict(RequestKind.GFP_KERNEL, order)) else _heat(zone, order)
    if width < 5:
        return _SHADES[style][-1] * (width - 1) + " ", style
    count = blocks[order]
    text = _short(count) if count else "·"
    if style == "heat-held" and count:
        text = f"({text})"
    return fit_right(text, width - 1) + " ", style


def _heat(zone: ZoneJudgement, order: int) -> str:
    verdict = zone.verdict(RequestKind.GFP_KERNEL, order)
    if verdict is Verdict.RESERVED:
        return "heat-held"
    if verdict is not Verdict.AVAILABLE:
        return "heat-none"
    blocks = blocks_of(zone.zone.free_blocks, order)
    if blocks < FEW_BLOCKS:
        return "heat-few"
    return "heat-some" if blocks < 16 * FEW_BLOCKS else "heat-many"


def _short(count: int) -> str:
    """Return a count in at most four cells."""
    if count < 10_000:
        return str(count)
    for unit in ("k", "M", "G"):
        count = round(count / 1000)
        if count < 1000:
            return f"{count}{unit}"
    return "lots"
