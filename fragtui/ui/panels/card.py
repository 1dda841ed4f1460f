"""The incident card: the state, who was denied memory, which pods are stuck, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.render.card.card import LABEL_CELLS, card
from fragtui.render.card.fitting import Spans
from fragtui.render.card.means import Means
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line

CARD_ROWS = 4


class CardLines(LinesWidget):
    """What is wrong here, readable in five seconds."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="card")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the four lines; what holds since when and what comes next if there is room for more."""
        state = self._session.state
        if state is None:
            return []
        means = Means.NONE if self._session.disabled_reason else Means.KEYS
        shown = card(state, width - 2, CLOCK.now(), means)
        filled = shown.badge_role != "good"
        badge = f" {shown.badge} " if filled else f"✓ {shown.badge}"
        gap = " " * max(2 if filled else 1, LABEL_CELLS - cells_of(badge))
        first, *others = shown.lines
        rows = [
            line(
                (" ", "text"), (badge, shown.badge_role if filled else "badge-ok"), (gap, "text"), *_styled(first.text)
            )
        ]
        for item in others:
            label = f" {item.label:<{LABEL_CELLS}}"
            rows.append(line((label, "title"), *_styled(item.text)))
        more = " · ".join(filter(None, (shown.since, shown.outlook)))
        if height > CARD_ROWS and more:
            rows.append(line((f" {'':<{LABEL_CELLS}}", "text"), (more, "muted")))
        return rows


def _styled(text: Spans) -> list[Span]:
    return [(span.text, "strong" if span.role == "name" else span.role) for span in text]
