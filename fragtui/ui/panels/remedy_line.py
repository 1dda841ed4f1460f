"""The line about the remedy under way, or about the last one."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.rows import Line, Rows, line


class RemedyLine(Rows):
    """One line, hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__(id="strip")
        self.said: tuple[str, str] | None = None
        """The words and their style."""

    @property
    def has_line(self) -> bool:
        """Whether there is a line to show."""
        return self.said is not None

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        return [line((" " + fit(self.said[0], width - 1), self.said[1]))] if self.said else []
