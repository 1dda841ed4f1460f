"""The line of a recording: position, length, incidents and remedies."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.player import Mark
from fragtui.ui.panels.remedy_line import RemedyLine
from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.rows import Line, Span, line

_MIN_CELLS, _MAX_CELLS = 10, 60
_LEGEND = "✗ refused or killed   ▼ remedy   > goes to the next"


class RecordingLine(RemedyLine):
    """Always shown, with the result of a remedy to its right."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0.0
        """Length of the recording, seconds."""
        self.share = 0.0
        """The part that has been played, 0 to 1."""
        self.marks: tuple[tuple[float, Mark], ...] = ()
        """Its incidents and remedies, each with its position, 0 to 1."""

    @property
    def has_line(self) -> bool:
        """Always true."""
        return True

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        clock = f" {_clock(self.share * self.length)} of {_clock(self.length)} "
        cells = max(_MIN_CELLS, min(_MAX_CELLS, width // 3))
        said, style = self.said or ((_LEGEND, "dim") if self.marks else ("", "dim"))
        words = fit(f"  {said}", max(0, width - len(clock) - cells))
        return [line((clock, "text"), *self._bar(cells), (words, style))]

    def _bar(self, cells: int) -> list[Span]:
        here = min(cells - 1, int(self.share * cells))
        bar: list[Span] = [("━", "accent") if cell < here else ("─", "dim") for cell in range(cells)]
        for share, mark in self.marks:
            bar[min(cells - 1, int(share * cells))] = ("▼", "key") if mark.remedy else ("✗", "bad")
        bar[here] = ("●", "title")
        return bar


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
