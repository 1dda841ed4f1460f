"""The last line: the keys that are needed first, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click

from fragtui.ui.keys import Key, Keys
from fragtui.ui.widgets.cells import spans_width
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, line

_QUIT = Key("q", "app.quit", "Quit", "", "", footer=True)


class KeyFooter(LinesWidget):
    """One line. Textual's Footer is a widget for each key, which took a sixth of the time to the first bars."""

    ground = "line"

    def __init__(self, keys: Keys) -> None:
        super().__init__(id="keys")
        self._keys = tuple(key for key in keys if key.footer)
        self._ends: list[tuple[int, Key]] = []
        """Where each key on the line ends, in cells, for the mouse."""

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the line; where room is short, help and quit stay and the last ones before quit go."""
        shown = [*self._keys, _QUIT]
        while len(shown) > 2 and sum(spans_width(_spans(key, True)) for key in shown) > width:
            del shown[-2]
        spans: list[Span] = []
        self._ends = []
        for key in shown:
            spans += _spans(key, self.screen.check_action(key.action.partition("(")[0], ()) is not None)
            self._ends.append((spans_width(spans), key))
        return [line(*spans)]

    async def on_click(self, event: Click) -> None:
        """Do what the key under the mouse does."""
        key = next((key for end, key in self._ends if event.x < end), None)
        if key is not None:
            await self.screen.run_action(key.action)


def _spans(key: Key, can: bool) -> list[Span]:
    """Return a key and its word; one that can't be used now is grey, and says why when it is pressed."""
    return [(f" {key.shown}", "key" if can else "muted"), (f" {key.label} ", "text" if can else "muted")]
