"""The incident card: the state, who was denied memory, which pods are stuck, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.node.verdict import State
from fragtui.render.card.card import LABEL_CELLS, Card, card
from fragtui.render.card.fitting import Spans as CardSpans
from fragtui.render.card.means import Means
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of, fit, wrap
from fragtui.ui.widgets.framed import FramedPanel, Framing, Spans
from fragtui.ui.widgets.rows import Line, Span, line

_BORDERS = {"badge-bad": "bad", "badge-low": "warn", "badge-recovering": "focus", "badge-unknown": "unknown"}
"""The border's style by the badge's."""
_KEY_ROOM = 24
"""Cells that the lower border keeps for the key of before and after."""
_SAME_SECONDS = 5.0
"""Seconds between the start of a remedy and its mark, at most: a later remedy's cost is another one."""


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
        title: Spans = ((shown.title, "title"),)
        if (cost := self._cost(width)) is not None:
            return Framing(title, since, ((cost, "muted"),), self._session.hints(("recovery", "before/after")))
        note: Spans = ((shown.outlook, "muted"),) if shown.outlook else ()
        keys = f"{self._session.key('order-down')} {self._session.key('order-up')}"
        return Framing(title, since, note, ((keys, "key"), (" size", "muted")))

    def _cost(self, width: int) -> str | None:
        """Return what the remedy cost that the node recovers from; None if there is none, or its result is unknown."""
        session, state = self._session, self._session.state
        result, snapshot = session.remedy_result, session.snapshot
        if state is None or state.state is not State.RECOVERING or state.remedy is None or snapshot is None:
            return None
        if result is None or result.asked_at is None or abs(result.asked_at - state.remedy.at) > _SAME_SECONDS:
            return None
        # Seldom, and after a remedy only.
        from fragtui.render.remedy.cost_line import cost_line  # noqa: PLC0415

        before = session.baseline.snapshot if session.baseline else None
        return cost_line(result, before, snapshot, width - 2 * self.inset - _KEY_ROOM)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the four lines."""
        if (shown := self._card) is None:
            return self._unreached(width)
        filled = shown.badge_role != "good"
        badge = f" {shown.badge} " if filled else f"✓ {shown.badge}"
        gap = " " * max(2 if filled else 1, LABEL_CELLS - cells_of(badge))
        first, *others = shown.lines
        role = shown.badge_role if filled else "badge-ok"
        rows = [line((badge, role), (gap, "text"), *self._styled(first.text))]
        rows += [line((f"{item.label:<{LABEL_CELLS}}", "title"), *self._styled(item.text)) for item in others]
        return rows

    def _unreached(self, width: int) -> Sequence[Line]:
        """Return why there is no state of a remote node; nothing before the first try has ended."""
        if (unreached := self._session.unreached) is None:
            return []
        why, step = unreached
        badge = " UNKNOWN "
        indent = cells_of(badge) + 2
        first, *others = wrap(why, width - indent, 3)
        rows = [line((badge, "badge-unknown"), ("  ", "text"), (first, "strong"))]
        rows += [line((" " * indent, "text"), (other, "strong")) for other in others]
        return [*rows, line((f"{'Try':<{LABEL_CELLS}}", "title"), (fit(step, width - LABEL_CELLS), "text"))]

    def _styled(self, text: CardSpans) -> list[Span]:
        return [(span.text, "strong" if span.role == "name" else span.role) for span in text]
