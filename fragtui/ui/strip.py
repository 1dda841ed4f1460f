"""The line about the remedy under way, or about the last one."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.ui.cells import fit
from fragtui.ui.healing import Healing
from fragtui.ui.rows import Line, Rows, line


class Strip(Rows):
    """One line, hidden while there is nothing to say."""

    def __init__(self, healing: Healing) -> None:
        super().__init__(id="strip")
        self._healing = healing

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        said = self._healing.line
        return [line((" " + fit(said[0], width - 1), said[1]))] if said else []
