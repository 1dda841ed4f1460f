"""The line about the running remedy, or about the last one."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit_clauses
from fragtui.ui.widgets.rows import Line, LinesWidget, line


class RemedyLine(LinesWidget):
    """One line, hidden while there is nothing to say."""

    ground = "line"

    def __init__(self, session: Session) -> None:
        super().__init__(id="remedy-line")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        if self._session.remedy_line is None:
            return []
        text, style = self._session.remedy_line
        return [line((" " + fit_clauses(text, width - 1), style))]
