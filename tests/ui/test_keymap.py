"""Other keys for commands: checked before the screen starts; screen, footer and help follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.ui.keys import (
    KEYS,
    REPLAY_KEYS,
    SAVE_MENU,
    WRITE_KEYS,
    KeyMap,
    KeyMapError,
    check_keymap,
    rebound,
    write_keys,
)
from fragtui.ui.pages.help_page import help_lines
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.screen import make_app, running, text_of, until

COMMANDS = sorted({key.command for key in (*KEYS, *REPLAY_KEYS, *SAVE_MENU)})


def test_without_a_map_nothing_changes() -> None:
    assert rebound(KEYS, {}) is KEYS
    check_keymap({})


@pytest.mark.parametrize(
    ("keymap", "command", "why"),
    [
        ({"compct": ["f5"]}, "compct", "expected one of abort, "),
        ({"compact": ["3"]}, "compact", "3 is a key of drop-caches, too"),
        ({"help": ["f5"], "zoom": ["f5"]}, "zoom", "f5 is a key of help, too"),
        ({"abort": ["c"]}, "abort", "c is a key of compact, too"),
        ({"compact": ["0"]}, "compact", "0 is a key of beginning, too"),
        ({"compact": ["ctrl+q"]}, "compact", "ctrl+q is a key of fragtui itself, too"),
        ({"save-picture": ["t"]}, "save-picture", "t is a key of save-report, too"),
        ({"record": ["q"]}, "record", "q is a key of fragtui itself, too"),
        ({"compact": ["hyper+x"]}, "compact", "expected a key such as C, +, f5, ctrl+g or shift+up, found hyper+x"),
        ({"compact": ["compact"]}, "compact", "expected a key"),
        ({"compact": ["é"]}, "compact", "expected a key"),
    ],
)
def test_a_map_that_does_not_work_names_its_entry(keymap: KeyMap, command: str, why: str) -> None:
    with pytest.raises(KeyMapError) as raised:
        check_keymap(keymap)
    assert raised.value.command == command
    assert str(raised.value).startswith(why)


def test_commands_may_swap_keys_and_characters_have_names() -> None:
    keymap = {"compact": ("N",), "compact-node": ("c",), "zoom": ("%", "f5", "ctrl+g")}
    check_keymap(keymap)
    keys = {key.command: key.keys for key in rebound(KEYS, keymap)}
    assert (keys["compact"], keys["compact-node"], keys["zoom"]) == ("N", "c", "percent_sign,f5,ctrl+g")
    assert write_keys(rebound(KEYS, {"compact": ("f5",)})) == WRITE_KEYS - {"c"} | {"f5"}


@given(st.dictionaries(st.sampled_from(COMMANDS), st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3)))
def test_no_map_raises_anything_but_its_error(keymap: dict[str, list[str]]) -> None:
    try:
        check_keymap(keymap)
    except KeyMapError as error:
        assert error.command in keymap


async def test_the_screen_takes_the_new_key_and_no_longer_the_old_one(tmp_path: Path) -> None:
    keymap = {"help": ("f5",), "zoom": ("v",), "drop-caches": ("f6",), "drop-page-cache": ("f7",)}
    app = make_app(HostTree.small(tmp_path, FRAGMENTED).root, order=6, keymap=keymap)
    async with running(app) as pilot:
        assert app.main.session.keycaps == {"?": "f5", "z": "v", "3": "f6", "1": "f7"}
        assert " f5 Help" in text_of(app)
        await pilot.press("question_mark", "z")
        await pilot.pause()
        assert app.screen is app.main
        await pilot.press("f5")
        await until(pilot, lambda: app.screen is not app.main)
        shown = ["".join(span[0] for span in row.spans) for row in help_lines(app.main.keys, 120)]
        assert any(row.split()[:1] == ["f5"] for row in shown)
        assert not any(row.split()[:1] == ["?"] for row in shown)
