"""The last lines: the newest message if it has a row of its own, and the keys that are needed first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click

from fragtui.text import counted
from fragtui.ui.keys import Key, Keys
from fragtui.ui.screen_state import ScreenState
from fragtui.ui.widgets.cells import fit_spans, spans_width
from fragtui.ui.widgets.incident_cells import notice_spans
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line


class KeyFooter(LinesWidget):
    """One or two lines. Textual's Footer is a widget for each key, which took a sixth of the time to the first bars."""

    ground = "line"

    def __init__(self, session: ScreenState, keys: Keys) -> None:
        super().__init__(id="keys")
        self._session = session
        self._keys = tuple(sorted((key for key in keys if key.footer), key=lambda key: key.command == "quit"))
        self._ends: list[tuple[int, Key]] = []
        """Where each key on the line ends, in cells, for the mouse."""

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the newest message if it has a row, and the keys.

        Without room those go first that can't be used now, then the last ones before quit.
        """
        shown = [*self._keys]
        useful = {key: self._is_useful(key) for key in shown}
        while len(shown) > 2 and sum(spans_width(_spans(key, True)) for key in shown) > width:
            shown.remove(next((key for key in reversed(shown) if not useful[key]), shown[-2]))
        spans: list[Span] = []
        self._ends = []
        for key in shown:
            spans += _spans(key, useful[key])
            self._ends.append((spans_width(spans), key))
        return [*([self._message(width)] if self._session.notice_row else []), line(*spans)]

    def _is_useful(self, key: Key) -> bool:
        """Return whether a key does something now."""
        if not self._session.is_useful(key.command):
            return False
        return self.screen.check_action(key.action.partition("(")[0], ()) is not None

    def _message(self, width: int) -> Line:
        """Return the newest message with its time, and how many there are."""
        notices = self._session.notices
        if (newest := notices.newest) is None:
            return Line((), "screen")
        count = (f" {counted(len(notices.notices), 'message')} ", "muted")
        key = (f"{self._session.key('messages')} ", "key")
        return Line(fit_spans(notice_spans(newest), (count, key), width), "screen")

    async def on_click(self, event: Click) -> None:
        """Do what the key under the mouse does; a click on the message opens all of them."""
        if event.y < self._session.notice_row:
            await self.screen.run_action("messages")
            return
        key = next((key for end, key in self._ends if event.x < end), None)
        if key is not None:
            await self.screen.run_action(key.action)


def _spans(key: Key, can: bool) -> list[Span]:
    """Return a key and its word; one that can't be used now is grey, and says why when it is pressed."""
    return [(f" {key.shown}", "key" if can else "muted"), (f" {key.label} ", "text" if can else "muted")]
