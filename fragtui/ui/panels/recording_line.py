"""The line of a recording: position, length, incidents and remedies."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message

from fragtui.ui.session import RecordingPosition, Session
from fragtui.ui.widgets.cells import cells_of, fit_clauses
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line

_MIN_CELLS, _MAX_CELLS = 10, 60
_WIDE = 100
"""Cells of the line from which on the tape has a third of them: a narrow one needs them for a remedy's result."""


class RecordingLine(LinesWidget):
    """One line of a replay; the last remedy's result is on its right side."""

    ground = "line"

    class Clicked(Message):
        """A place on the tape was clicked: its share of the length, 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self, session: Session) -> None:
        super().__init__(id="recording-line")
        self._session = session
        self._tape = range(0)
        """The cells of the tape."""

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        if (recording := self._session.recording) is None:
            return []
        clock = f" {_clock(recording.share * recording.length)} of {_clock(recording.length)} "
        cells = max(_MIN_CELLS, min(_MAX_CELLS, width // (3 if width >= _WIDE else 4)))
        self._tape = range(len(clock), len(clock) + cells)
        room = max(0, width - len(clock) - cells - 2)
        key = self._session.key("next-event")
        legends = (f"✗ denied or killed   ▼ remedy   {key} goes to the next", f"✗ denied  ▼ remedy  {key} next", "")
        legend = next(words for words in legends if cells_of(words) <= room or not words)
        text, style = self._session.remedy_line or (legend if recording.marks else "", "muted")
        words = f"  {fit_clauses(text, room)}"
        return [line((clock, "text"), *_bar(recording, cells), (words, style))]

    def on_click(self, event: Click) -> None:
        """Go to the place under the mouse."""
        if event.x in self._tape:
            self.post_message(self.Clicked((event.x - self._tape.start) / max(1, len(self._tape) - 1)))


def _bar(recording: RecordingPosition, cells: int) -> list[Span]:
    place = min(cells - 1, int(recording.share * cells))
    bar: list[Span] = [("━", "bar") if cell < place else ("─", "grid") for cell in range(cells)]
    for share, is_remedy in recording.marks:
        bar[min(cells - 1, int(share * cells))] = ("▼", "key") if is_remedy else ("✗", "bad")
    bar[place] = ("●", "key")
    return bar


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
