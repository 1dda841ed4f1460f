"""The line of a recording: where it is, how long it is, and where its incidents and remedies lie."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.player import Mark
from fragtui.ui.panels.remedy_line import RemedyLine
from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.rows import Line, Span, line

_LEAST, _MOST = 10, 60
_LEGEND = "✗ refused or killed   ▼ remedy   > goes to the next"


class RecordingLine(RemedyLine):
    """Always there; what a remedy brought stands to its right."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0.0
        """Seconds that the recording lasts."""
        self.share = 0.0
        """How much of it is over, 0 to 1."""
        self.marks: tuple[tuple[float, Mark], ...] = ()
        """Its incidents and remedies, with the share of the recording before them."""

    @property
    def has_line(self) -> bool:
        """Whether there is a line to show: always."""
        return True

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        clock = f" {_clock(self.share * self.length)} of {_clock(self.length)} "
        cells = max(_LEAST, min(_MOST, width // 3))
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
