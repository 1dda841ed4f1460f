"""The help page: every key by task, in two columns if there is room, the mouse and the signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.ui.keys import KEYS as LIVE_KEYS
from fragtui.ui.keys import REPLAY_KEYS as KEYS_OF_REPLAY
from fragtui.ui.keys import SAVE_MENU, with_menu
from fragtui.ui.pages.help_page import MIN_TWO_COLUMNS, help_lines
from fragtui.ui.widgets.cells import cells_of
from fragtui.ui.widgets.palette import colours_of
from tests.support.host_tree import HostTree
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, texts_of, until

KEYS, REPLAY_KEYS = with_menu(LIVE_KEYS, SAVE_MENU), with_menu(KEYS_OF_REPLAY, SAVE_MENU)


def texts(width: int, keys: tuple[object, ...] = KEYS) -> list[str]:
    return texts_of(help_lines(keys, width))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [56, 76, MIN_TWO_COLUMNS, 126])
@pytest.mark.parametrize("keys", [KEYS, REPLAY_KEYS], ids=["live", "replay"])
def test_every_key_is_there_once_and_fits(width: int, keys: tuple[object, ...]) -> None:
    rows = texts(width, keys)
    assert all(cells_of(row) <= width for row in rows)
    words = " ".join(" ".join(rows).split())
    for key in keys:
        assert f" {key.all_shown} " in f" {words} "  # type: ignore[attr-defined]
    shown = [text for row in help_lines(keys, width) for text, style in row.spans if style == "key"]  # type: ignore[arg-type]
    for key in {key.all_shown for key in keys}:  # type: ignore[attr-defined]
        assert shown.count(key) == sum(other.all_shown == key for other in keys)  # type: ignore[attr-defined]


def test_tasks_in_order() -> None:
    titles = [row for row in texts(76, REPLAY_KEYS) if row and not row.startswith(" ")]
    assert titles == ["Fix", "Look", "Save", "Replay", "Mouse", "Zones", "Signs"]
    assert [row for row in texts(76) if row and not row.startswith(" ")] == [*titles[:3], *titles[4:]]


def test_two_columns_from_a_hundred_cells_on() -> None:
    assert len(texts(MIN_TWO_COLUMNS)) < len(texts(MIN_TWO_COLUMNS - 1)) * 0.9
    first = next(row for row in help_lines(KEYS, MIN_TWO_COLUMNS) if row.spans)
    assert [style for _, style in first.spans].count("title") == 2, "the title of a task in each column"
    assert {style for row in help_lines(KEYS, 120) for _, style in row.spans} <= set(colours_of("dark"))


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_scrolls_to_its_end(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, size) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "Fix" in text_of(app))
        await pilot.press("end")
        await until(pilot, lambda: "fragmentation" in text_of(app))
        assert all(cells_of(row) <= size[0] for row in lines_of(app))


async def test_the_indices_have_the_names_of_their_columns(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, (120, 40)) as pilot:
        await until(pilot, lambda: "unusable" in text_of(app))
        head = next(row for row in lines_of(app) if "unusable" in row).split()
    for column in ("unusable", "frag"):
        assert column in head
        assert any(row.split()[:1] == [column] for row in texts(76)), column
