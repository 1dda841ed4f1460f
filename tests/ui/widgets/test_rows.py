"""Lines longer than their place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from fragtui.ui.widgets.rows import Line, LinesWidget, line


class Fixed(LinesWidget):
    """Shows given lines."""

    def __init__(self, *texts: str) -> None:
        super().__init__(id="fixed")
        self._texts = texts

    def build(self, width: int, height: int) -> Sequence[Line]:
        return [line((text[:3], "text"), (text[3:], "text")) for text in self._texts]


class Shown(App[None]):
    """One widget of such lines."""

    CSS = "Fixed { height: 1fr; }"

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self._texts = texts

    def compose(self) -> ComposeResult:
        yield Fixed(*self._texts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "text", "shown"),
    [
        (8, "abcdefgh", "abcdefgh"),
        (8, "abcdefghi", "abcdefg…"),
        (8, "abcdefgh   ", "abcdefgh"),
        (8, "abcde漢字x", "abcde漢…"),
        (8, "abcdef漢字x", "abcdef …"),
        (2, "abc", "a…"),
        (1, "abc", "a"),
    ],
)
async def test_a_cut_line_ends_with_an_ellipsis(width: int, text: str, shown: str) -> None:
    app = Shown(text)
    async with app.run_test(size=(width, 2)) as pilot:
        await pilot.pause()
        assert app.screen._compositor.render_strips()[0].text == shown
