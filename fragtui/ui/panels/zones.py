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
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

_WORDS = {
    Verdict.AVAILABLE: ("✓ ok", "good"),
    Verdict.RESERVED: ("◦ reserved", "bad"),
    Verdict.FRAGMENTED: ("✗ fragmented", "bad"),
    Verdict.SHORT: ("▽ short", "bad"),
    Verdict.UNKNOWN: ("? unknown", "unknown"),
}
_MANY = 10_000


class ZonesPanel(ListPanel[ZoneJudgement]):
    """A row a zone: free blocks of each order on a ground that says how far they are from running out."""

    SELECTS_ROWS = False

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
            spans.append((fit_right(f"▾{order}" if target else str(order), cell), "strong" if target else "muted"))
        return (*spans, (f" order ≥{session.order}" if tail > 3 else "", "strong"))

    def row(self, item: ZoneJudgement, width: int) -> tuple[Span, ...]:
        """Return a zone's cells and what a request of the target order gets there."""
        session = self._session
        label, cell, tail = self._widths
        selected = item.zone.key == session.chosen
        # The cells keep their grounds, which tell more than the selection's.
        name = "strong" if selected else "text" if item.serves_kernel else "muted"
        if selected and self.has_focus:
            name = "selected"
        spans: list[Span] = [(fit(_label(item), label - 1), name)]
        spans += [_cell(item, order, session.order, cell) for order in range(session.orders)]
        if item.serves_kernel:
            verdict = item.verdict(RequestKind.GFP_KERNEL, session.order)
            word, style = _WORDS[Verdict.UNKNOWN if _uncounted(item, verdict) else verdict]
        else:
            word, style = "– user only", "muted"
        rest = fit(word[1:] if tail > 3 else "", tail - 2)
        return (*spans, (f" {word[0]}", style), (rest, "text" if style == "good" else style))

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
