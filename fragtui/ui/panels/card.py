"""The incident card: the state, who was denied memory, which pods are stuck, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.render.card.card import LABEL_CELLS, Card, card
from fragtui.render.card.fitting import Spans as CardSpans
from fragtui.render.card.means import Means
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of
from fragtui.ui.widgets.framed import FramedPanel, Framing, Spans
from fragtui.ui.widgets.rows import Line, Span, line

_BORDERS = {"badge-bad": "bad", "badge-low": "warn", "badge-recovering": "focus", "badge-unknown": "unknown"}
"""The border's style by the badge's."""


class CardPanel(FramedPanel):
    """What is wrong here, readable in five seconds."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="card")
        self._session = session
        self._card: Card | None = None

    @property
    def border(self) -> str:
        """The border has the state's colour."""
        state = self._session.state
        if self._card is None or state is None:
            return "border"
        return "unknown" if state.partly_blind else _BORDERS.get(self._card.badge_role, "border")

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the four lines, in a frame if there is room for one, else alone."""
        state = self._session.state
        means = Means.NONE if self._session.disabled_reason else Means.KEYS
        keys = self._session.key_names
        self._card = card(state, width - 2 * self.inset, CLOCK.now(), means, keys) if state else None
        if self.framed:
            return super().build(width, height)
        return [line((" ", "text"), *row.spans) for row in self.body(width - 2, height)]

    def framing(self, width: int) -> Framing:
        """Return the question that the badge answers, since when, and what comes next."""
        if (shown := self._card) is None:
            return Framing(())
        since: Spans = ((shown.since, "muted"),) if shown.since else ()
        note: Spans = ((shown.outlook, "muted"),) if shown.outlook else ()
        keys = f"{self._session.key('order-down')} {self._session.key('order-up')}"
        return Framing(((shown.title, "title"),), since, note, ((keys, "key"), (" size", "muted")))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the four lines."""
        if (shown := self._card) is None:
            return []
        filled = shown.badge_role != "good"
        badge = f" {shown.badge} " if filled else f"✓ {shown.badge}"
        gap = " " * max(2 if filled else 1, LABEL_CELLS - cells_of(badge))
        first, *others = shown.lines
        role = shown.badge_role if filled else "badge-ok"
        rows = [line((badge, role), (gap, "text"), *self._styled(first.text))]
        rows += [line((f"{item.label:<{LABEL_CELLS}}", "title"), *self._styled(item.text)) for item in others]
        return rows

    def _styled(self, text: CardSpans) -> list[Span]:
        return [(span.text, "strong" if span.role == "name" else span.role) for span in text]
