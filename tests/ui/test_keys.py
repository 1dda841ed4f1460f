"""The table of keys: one meaning for each key, the same in bindings, help, footer and README."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from fragtui.ui.app import FragtuiApp
from fragtui.ui.keys import (
    FLEET_KEYS,
    KEYS,
    NODE_KEYS,
    REPLAY_KEYS,
    SAVE_MENU,
    UNUSED,
    Keys,
    with_menu,
    write_keys,
)
from fragtui.ui.pages.help_page import help_lines
from fragtui.ui.screens.live import LiveScreen
from fragtui.ui.screens.replay import ReplayScreen
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.screen import lines_of, make_app, running, texts_of

both = pytest.mark.parametrize("keys", [KEYS, REPLAY_KEYS], ids=["live", "replay"])


@pytest.mark.parametrize("keys", [KEYS, REPLAY_KEYS, FLEET_KEYS, NODE_KEYS], ids=["live", "replay", "fleet", "node"])
def test_each_key_and_each_command_is_there_once(keys: Keys) -> None:
    for counts in (
        Counter(name for key in keys for name in key.keys.split(",")),
        Counter(key.command for key in keys),
    ):
        assert max(counts.values()) == 1, counts.most_common(2)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", key.command) for key in keys), "a configuration names them"


@pytest.mark.parametrize("keys", [FLEET_KEYS, NODE_KEYS], ids=["fleet", "node"])
def test_a_key_of_a_fleet_has_the_command_of_the_live_screen_or_is_no_key_there(keys: Keys) -> None:
    live = {name: key.command for key in KEYS for name in key.keys.split(",")}
    assert all(live.get(name, key.command) == key.command for key in keys for name in key.keys.split(","))


def test_a_replay_never_gives_a_key_of_the_live_screen_another_remedy() -> None:
    live = {name: key.command for key in KEYS for name in key.keys.split(",")}
    unused = {key.command for key in UNUSED}
    for key in REPLAY_KEYS:
        for name in key.keys.split(","):
            assert live.get(name, key.command) in (key.command, *unused)


@both
def test_the_keys_that_engineers_expect_in_a_list_are_free_for_it(keys: Keys) -> None:
    commands = {name: key.command for key in keys for name in key.keys.split(",")}
    assert commands["g"] == commands["home"] == "top" and commands["G"] == commands["end"] == "bottom"
    assert (commands["pageup"], commands["pagedown"]) == ("page-up", "page-down")
    assert commands["plus"] == "faster" and commands["minus"] == "slower"
    assert "y" not in commands and "n" not in commands, "they answer questions"
    assert {"1", "2", "3", "c", "N", "K", "l", "R", "A"} == write_keys(KEYS)


async def test_without_room_the_footer_leaves_out_what_does_nothing_now_before_anything_else(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, (80, 24)) as pilot:
        footer = lines_of(app)[-1]
        assert "w Save" in footer and "q Quit" in footer
        assert "space Pause" not in footer, "saved files do not change"
        app.main.session.saved = False
        app.main.dashboard.show_keys()
        await pilot.pause()
        footer = lines_of(app)[-1]
        assert "w Save" in footer and "space Pause" in footer
        assert "Recovery" not in footer, "no remedy has run yet"


@both
def test_the_help_page_lists_every_key(keys: Keys) -> None:
    page = "\n".join(texts_of(help_lines(with_menu(keys, SAVE_MENU), 90)))
    for key in (*keys, *(key._replace(keys=f"w {key.keys}") for key in SAVE_MENU)):
        assert re.search(rf"^ +{re.escape(key.all_shown)} +{re.escape(key.help[:30])}", page, re.MULTILINE), key


def test_the_readme_lists_every_key() -> None:
    section = (REPOSITORY / "README.md").read_text().partition("## Keys")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([^`]+)`", section))
    assert {key.shown for key in (*KEYS, *REPLAY_KEYS, *FLEET_KEYS, *SAVE_MENU)} <= named


@pytest.mark.parametrize(("screen", "keys"), [(LiveScreen, KEYS), (ReplayScreen, REPLAY_KEYS)])
def test_every_key_has_an_action(screen: type[LiveScreen | ReplayScreen], keys: Keys) -> None:
    for key in keys:
        name = key.action.partition("(")[0]
        if screen is LiveScreen or key.keys not in write_keys(KEYS):  # A replay disables these.
            owner = FragtuiApp if name.startswith("app.") else screen
            assert hasattr(owner, f"action_{name.removeprefix('app.')}"), key
