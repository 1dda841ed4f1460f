"""The line above the footer: what fragtui reported last."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.text import counted
from fragtui.ui.notices import Notice
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit_spans
from fragtui.ui.widgets.incident_cells import time_of_day
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line


class MessageLine(LinesWidget):
    """One line, empty until there is something to report; a click opens all."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="message-line")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the newest notice with its time, and how many there are."""
        notices = self._session.notices
        if (newest := notices.newest) is None:
            return []
        right = ((f" {counted(len(notices.notices), 'message')} ", "dim"), ("M ", "key"))
        return [line(*fit_spans(notice_spans(newest), right, width))]

    async def on_click(self) -> None:
        """Open the page of all notices."""
        await self.screen.run_action("messages")


def notice_spans(notice: Notice) -> tuple[Span, ...]:
    """Return the time and the text of a notice."""
    times = f" ×{notice.count}" if notice.count > 1 else ""
    return ((f" {time_of_day(notice.time)}  ", "dim"), (notice.text + times, notice.style))
